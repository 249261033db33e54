/* SPDX-License-Identifier: MIT
 *
 * An upload programs a hundred thousand words: rows of words in one partition become one line, told when something else
 * happens to the flash, or the program ends.
 */
#include "events.h"

#include <string.h>

#include "led.h"

#define ROW_PAUSE_NS 1000000000u

void hf_events_init(struct hf_events *events, FILE *to, const struct hf_layout *layout)
{
	*events = (struct hf_events){ .to = to, .layout = layout };
}

struct hf_span hf_partition_span(const struct hf_layout *layout, enum hf_partition partition)
{
	struct hf_span span = { 0, 0 };
	switch (partition) {
	case HF_PARTITION_BOOT:
		return layout->boot;
	case HF_PARTITION_JOURNAL:
		span = layout->journal[0];
		if (layout->journal[1].addr < span.addr)
			span.addr = layout->journal[1].addr;
		span.size = layout->journal[0].size + layout->journal[1].size;
		return span;
	case HF_PARTITION_RECOVERY:
		return layout->recovery;
	case HF_PARTITION_SLOT_A:
		return layout->slot[0];
	case HF_PARTITION_SLOT_B:
		return layout->slot[1];
	case HF_PARTITION_DATA:
		return layout->data;
	case HF_PARTITION_ANY:
	case HF_PARTITION_COUNT:
		break;
	}
	return span;
}

enum hf_partition hf_partition_of(const struct hf_layout *layout, uint32_t addr)
{
	for (unsigned i = HF_PARTITION_ANY + 1; layout != NULL && i < HF_PARTITION_COUNT; i++) {
		struct hf_span span = hf_partition_span(layout, (enum hf_partition)i);
		if (addr >= span.addr && addr - span.addr < span.size)
			return (enum hf_partition)i;
	}
	return HF_PARTITION_ANY;
}

static void write_line(struct hf_events *events, uint64_t at_ns, const char *event, json_t *fields)
{
	json_t *line = json_pack("{s:I, s:s}", "t_ns", (json_int_t)at_ns, "event", event);
	if (fields != NULL)
		json_object_update(line, fields);
	json_dumpf(line, events->to, JSON_COMPACT | JSON_PRESERVE_ORDER);
	putc('\n', events->to);
	json_decref(line);
	json_decref(fields);
}

static void end_row(struct hf_events *events)
{
	if (events->row.in == HF_PARTITION_ANY)
		return;
	json_t *fields = json_pack("{s:s, s:I, s:I, s:I}", "partition", hf_partition_text(events->row.in), "addr",
				   (json_int_t)events->row.addr, "bytes", (json_int_t)events->row.bytes, "from_ns",
				   (json_int_t)events->row.from_ns);
	events->row.in = HF_PARTITION_ANY;
	write_line(events, events->row.to_ns, "program", fields);
}

void hf_events_tell(struct hf_events *events, uint64_t at_ns, const char *event, json_t *fields)
{
	if (events->to != NULL)
		write_line(events, at_ns, event, fields);
	else
		json_decref(fields);
}

bool hf_events_flush(struct hf_events *events)
{
	if (events->to == NULL)
		return true;
	end_row(events);
	return fflush(events->to) == 0 && ferror(events->to) == 0;
}

static void tell_flash(struct hf_events *events, const struct hf_twin_event *e)
{
	enum hf_partition in = hf_partition_of(events->layout, e->a);
	bool erase = e->b == UINT32_MAX;
	if (erase || in != events->row.in || e->at_ns > events->row.to_ns + ROW_PAUSE_NS)
		end_row(events);
	if (erase) {
		hf_events_tell(events, e->at_ns, "erase",
			       json_pack("{s:s, s:I}", "partition", hf_partition_text(in), "addr", (json_int_t)e->a));
		return;
	}
	if (events->row.in == HF_PARTITION_ANY) {
		events->row.in = in;
		events->row.addr = e->a;
		events->row.bytes = 0;
		events->row.from_ns = e->at_ns;
	}
	events->row.bytes += e->b;
	events->row.to_ns = e->at_ns;
}

static void tell_reset(struct hf_events *events, const struct hf_twin_event *e)
{
	static const char *const causes[] = { "power", "pin", "software", "watchdog", "lockup", "brown-out" };
	end_row(events);
	events->line_len = 0;
	events->skip = false;
	if (e->a == HF_TWIN_RESET_IWDG)
		hf_events_tell(events, e->at_ns, "watchdog", NULL);
	hf_events_tell(events, e->at_ns, "reset", json_pack("{s:s}", "cause", causes[e->a]));
}

static json_t *at_addr(const struct hf_twin_event *e, const char *second)
{
	return json_pack("{s:I, s:I}", "addr", (json_int_t)e->a, second, (json_int_t)e->b);
}

void hf_events_twin(struct hf_events *events, const struct hf_twin_event *e)
{
	if (events->to == NULL)
		return;
	switch (e->kind) {
	case HF_TWIN_EV_RESET:
		tell_reset(events, e);
		break;
	case HF_TWIN_EV_POWER:
		end_row(events);
		hf_events_tell(events, e->at_ns, "power", json_pack("{s:b}", "on", e->a != 0));
		break;
	case HF_TWIN_EV_FLASH:
		tell_flash(events, e);
		break;
	case HF_TWIN_EV_ENTER:
		hf_events_tell(events, e->at_ns, "start",
			       json_pack("{s:s, s:I}", "what", hf_partition_text(hf_partition_of(events->layout, e->b)),
					 "addr", (json_int_t)e->a));
		break;
	case HF_TWIN_EV_LED:
		hf_events_tell(events, e->at_ns, "led",
			       json_pack("{s:s, s:I, s:I}", "state", hf_led_text((enum hf_led_state)e->a), "period_ms",
					 (json_int_t)(e->b & 0xffffff), "flashes", (json_int_t)(e->b >> 24)));
		break;
	case HF_TWIN_EV_ROM:
		end_row(events);
		hf_events_tell(events, e->at_ns, "rom", json_pack("{s:b}", "on", e->a != 0));
		break;
	case HF_TWIN_EV_OPTIONS:
		hf_events_tell(events, e->at_ns, "options", json_pack("{s:I}", "optcr", (json_int_t)e->a));
		break;
	case HF_TWIN_EV_FLASH_ERROR:
		hf_events_tell(events, e->at_ns, "flash_error", at_addr(e, "flags"));
		break;
	case HF_TWIN_EV_MUST_NOT_STALL:
		hf_events_tell(events, e->at_ns, "stall_error", at_addr(e, "us"));
		break;
	case HF_TWIN_EV_FAULT:
		hf_events_tell(events, e->at_ns, "fault", at_addr(e, "cfsr"));
		break;
	case HF_TWIN_EV_LOCKUP:
		hf_events_tell(events, e->at_ns, "lockup", json_pack("{s:I}", "addr", (json_int_t)e->a));
		break;
	case HF_TWIN_EV_NATIVE:
		hf_events_tell(events, e->at_ns, "native_mismatch", json_pack("{s:I}", "addr", (json_int_t)e->a));
		break;
	case HF_TWIN_EV_LOG:
		hf_events_tell(events, e->at_ns, "misuse",
			       json_pack("{s:s, s:I}", "text", e->text, "addr", (json_int_t)e->a));
		break;
	case HF_TWIN_EV_CUT:
	case HF_TWIN_EV_STALL:
	case HF_TWIN_EV_PC:
	case HF_TWIN_EV_PIN:
		break;
	}
}

/* What was collected is told if it is a line of text; bytes of a device with another baud rate are not. */
static void end_line(struct hf_events *events, const char *port, uint64_t at_ns)
{
	unsigned len = events->line_len;
	events->line_len = 0;
	for (unsigned i = 0; i < len; i++)
		if ((uint8_t)events->line[i] < ' ' && events->line[i] != '\t')
			return;
	json_t *text = json_stringn(events->line, len);
	if (len != 0 && text != NULL)
		hf_events_tell(events, at_ns, "uart", json_pack("{s:s, s:O}", "port", port, "line", text));
	json_decref(text);
}

void hf_events_uart(struct hf_events *events, const char *port, uint8_t byte, uint64_t at_ns)
{
	if (events->to == NULL)
		return;
	if (byte == '\n') {
		end_line(events, port, at_ns);
		events->skip = false;
		return;
	}
	/* 06 09 begins a frame of the Simple Management Protocol's console framing, 04 14 continues it. */
	if (byte == 0x06 || byte == 0x04) {
		end_line(events, port, at_ns);
		events->skip = true;
	}
	if (!events->skip && byte != '\r' && events->line_len < HF_EVENTS_LINE)
		events->line[events->line_len++] = (char)byte;
}

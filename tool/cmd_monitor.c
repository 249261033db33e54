/* SPDX-License-Identifier: MIT
 *
 * `holdfast monitor`: the device's log, a line at a time with the time it began; on request the SMP packets between.
 */
#include <stdlib.h>
#include <string.h>

#include "cbor_diag.h"
#include "command.h"
#include "interrupt.h"
#include "port.h"

#define LINE_BYTES 512

struct monitor {
	struct hf_port port;
	bool smp, json;
	uint64_t begin_ms;
	struct hf_smp_decoder decoder;
	uint8_t packet[HF_SMP_CLIENT_PACKET];
	char line[LINE_BYTES];
	size_t len;
	uint64_t line_ms;
};

static double seconds(const struct monitor *m, uint64_t at_ms)
{
	return (double)(at_ms - m->begin_ms) / 1000;
}

static void print_time(const struct monitor *m, uint64_t at_ms)
{
	printf("%s%10.3f%s  ", hf_out_colour(stdout, HF_COLOUR_DIM), seconds(m, at_ms), hf_out_colour(stdout, HF_COLOUR_NONE));
}

static void end_line(struct monitor *m)
{
	if (m->len > 0 && m->json) {
		hf_out_event(json_pack("{s:s, s:I, s:s#}", "event", "line", "t_ms", (json_int_t)(m->line_ms - m->begin_ms), "text",
				   m->line, m->len));
	} else if (m->len > 0) {
		print_time(m, m->line_ms);
		printf("%.*s\n", (int)m->len, m->line);
	}
	m->len = 0;
	fflush(stdout);
}

static void take_text(struct monitor *m, uint8_t byte, uint64_t now_ms)
{
	if (byte == '\n' || m->len == sizeof(m->line))
		end_line(m);
	if (byte == '\n' || byte == '\r')
		return;
	if (m->len == 0)
		m->line_ms = now_ms;
	m->line[m->len++] = byte >= 0x20 && byte < 0x7f ? (char)byte : '?';
}

static void print_packet(const struct monitor *m, const struct hf_smp_header *h, struct hf_bytes body, uint64_t now_ms)
{
	static const char *const ops[] = {"read", "read answer", "write", "write answer"};
	enum hf_err err;

	print_time(m, now_ms);
	printf("SMP %s: group %u, id %u, sequence %u, %u bytes\n", h->op < 4 ? ops[h->op] : "unknown", h->group, h->id,
	       h->seq, h->len);
	err = hf_cbor_diag(body, 64, stdout);
	if (err)
		printf("            (%s)\n", hf_err_text(err));
}

static void take_packet(struct monitor *m, uint64_t now_ms)
{
	struct hf_bytes packet = {m->packet, m->decoder.len};
	struct hf_smp_header h;
	char hex[2 * HF_SMP_CLIENT_PACKET + 1];

	if (!m->smp || hf_smp_header_load(packet, &h) != HF_OK)
		return;
	packet.ptr += HF_SMP_HEADER_BYTES;
	packet.len -= HF_SMP_HEADER_BYTES;
	if (m->json)
		hf_out_event(json_pack("{s:s, s:I, s:i, s:i, s:i, s:i, s:s}", "event", "smp", "t_ms",
				   (json_int_t)(now_ms - m->begin_ms), "op", h.op, "group", h.group, "id", h.id, "sequence",
				   h.seq, "body", hf_out_hex(packet.ptr, packet.len, hex)));
	else
		print_packet(m, &h, packet, now_ms);
	fflush(stdout);
}

static void take(struct monitor *m, const uint8_t *data, size_t len)
{
	uint64_t now_ms = hf_serial_now_ms(&m->port.serial);

	for (size_t i = 0; i < len; i++) {
		switch (hf_smp_decode(&m->decoder, data[i])) {
		case HF_SMP_TEXT:
			take_text(m, data[i], now_ms);
			break;
		case HF_SMP_PACKET:
			take_packet(m, now_ms);
			break;
		default:
			break;
		}
	}
}

static enum hf_exit watch(struct monitor *m, uint32_t for_ms)
{
	const struct hf_serial *serial = &m->port.serial;
	uint8_t buf[512];
	enum hf_err err;
	size_t len;

	m->begin_ms = hf_serial_now_ms(serial);
	while (!hf_interrupted(NULL)) {
		uint64_t now_ms = hf_serial_now_ms(serial), left = UINT32_MAX;

		if (for_ms)
			left = m->begin_ms + for_ms > now_ms ? m->begin_ms + for_ms - now_ms : 0;
		if (left == 0)
			break;
		err = hf_serial_read(serial, buf, sizeof(buf), left < 1000 ? (uint32_t)left : 1000, &len);
		take(m, buf, len);
		if (err && err != HF_ERR_TIMEOUT) {
			end_line(m);
			hf_out_error("%s is gone: check the cable", m->port.name);
			return HF_EXIT_NO_DEVICE;
		}
	}
	end_line(m);
	return for_ms || !hf_interrupted(NULL) ? HF_EXIT_OK : HF_EXIT_INTERRUPTED;
}

static enum hf_exit run(struct monitor *m, uint32_t for_ms, const struct hf_usage *usage)
{
	enum hf_exit code;

	if (!hf_port_open(&m->port, usage, &code))
		return code;
	hf_smp_decode_begin(&m->decoder, m->packet, sizeof(m->packet));
	hf_interrupt_catch();
	code = watch(m, for_ms);
	hf_port_close(&m->port);
	return code;
}

enum hf_exit hf_command_monitor(int argc, char **argv)
{
	struct monitor m = {0};
	const char *duration = NULL;
	const struct hf_arg options[] = {
		HF_PORT_ARGS(m.port),
		{"for", 0, HF_ARG_TEXT, "TIME", "stop after so long (default: at Ctrl-C)", &duration, NULL},
		{"smp", 0, HF_ARG_FLAG, NULL, "SMP packets, too", &m.smp, NULL},
		{"json", 0, HF_ARG_FLAG, NULL, "as JSON, one event a line", &m.json, NULL},
	};
	const struct hf_usage usage = {
		.command = "monitor",
		.summary = "shows what a device says on its maintenance port",
		.synopsis = "--port PORT [options]",
		.example = "holdfast monitor --port /dev/ttyUSB0 --for 10s",
		.exits = "5 the port is not there, or gone, 7 interrupted",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
	};
	struct hf_args_rest rest;
	uint32_t for_ms = 0;
	enum hf_exit code;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	if (duration && (!hf_duration_parse(duration, &for_ms) || for_ms == 0))
		return hf_args_wrong(&usage, "--for wants a time as 10s, 500ms or 2m, not '%s'", duration);
	return run(&m, for_ms, &usage);
}

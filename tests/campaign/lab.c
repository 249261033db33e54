/* SPDX-License-Identifier: MIT */
#include "lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware.h"
#include "host_crypto.h"
#include "modbus_bus.h"
#include "smp_device.h"
#include "smp_upload.h"

#define START_NS   (90000 * LAB_MS)
#define LISTENS_NS (300 * LAB_MS)
#define LISTENS_BYTES 8u
#define SLICE_NS   (20 * LAB_MS) /* between moments that are told */

static void die(const char *what, const char *why)
{
	fprintf(stderr, "campaign: %s: %s\n", what, why);
	exit(1);
}

static void note_error(struct lab *r, const struct hf_twin_event *e)
{
	static const char *const names[] = {
		[HF_TWIN_EV_MUST_NOT_STALL] = "a handler stalled on flash",
		[HF_TWIN_EV_FAULT] = "a fault exception",
		[HF_TWIN_EV_LOCKUP] = "a lock-up",
		[HF_TWIN_EV_FLASH_ERROR] = "a flash error flag",
		[HF_TWIN_EV_NATIVE] = "native crypto disagrees",
	};

	r->errors++;
	snprintf(r->error, sizeof r->error, "%s at 0x%08x (0x%x)", names[e->kind], e->a, e->b);
}

void lab_error(struct lab *r, const char *why)
{
	if (r->errors++ == 0)
		snprintf(r->error, sizeof r->error, "%s", why);
}

static void enter(struct lab *r, uint32_t addr)
{
	unsigned before = r->entered;

	for (unsigned i = 0; i < HF_PLACES; i++)
		if (addr == hf_layout_place(&r->board.layout, i)->addr)
			r->entered = i;
	if (r->entered < HF_PLACES && r->entered != before && r->started)
		r->started(r->started_ctx);
	if (r->stop_on_enter && r->entered < HF_PLACES)
		hf_twin_stop(r->twin);
}

/* Was this the last word of a record that commits a segment? */
static bool commits(const struct lab *r, uint32_t addr)
{
	uint8_t type = 0;

	for (unsigned i = 0; i < 2; i++) {
		const struct hf_span *journal = &r->board.layout.journal[i];

		if (addr - journal->addr < journal->size && addr % HF_RECORD_BYTES == HF_RECORD_BYTES - HF_FLASH_WORD &&
		    hf_twin_peek(r->twin, addr + HF_FLASH_WORD - HF_RECORD_BYTES, &type, 1) == HF_OK)
			return type == HF_REC_SEGMENT;
	}
	return false;
}

static void operation(struct lab *r, uint32_t addr)
{
	if (r->stop_on_commit && commits(r, addr))
		r->committed = true;
	if (r->stop_on_flash || r->committed)
		hf_twin_stop(r->twin);
}

void lab_event(void *ctx, const struct hf_twin_event *e)
{
	struct lab *r = ctx;

	switch (e->kind) {
	case HF_TWIN_EV_RESET:
		r->reset_ns = e->at_ns;
		r->reset_cause = (uint8_t)e->a;
		r->heard = 0;
		r->was_reset = true;
		if (r->stop_on_reset)
			hf_twin_stop(r->twin);
		r->entered = HF_PLACES;
		break;
	case HF_TWIN_EV_ENTER:
		enter(r, e->b);
		break;
	case HF_TWIN_EV_FLASH:
		operation(r, e->a);
		break;
	case HF_TWIN_EV_MUST_NOT_STALL:
	case HF_TWIN_EV_FAULT:
	case HF_TWIN_EV_LOCKUP:
	case HF_TWIN_EV_FLASH_ERROR:
	case HF_TWIN_EV_NATIVE:
		note_error(r, e);
		break;
	default:
		break;
	}
}

/* ---- the maintenance line ---- */

static void on_byte(void *ctx, uint8_t byte, uint64_t at_ns)
{
	struct lab *r = ctx;

	(void)at_ns;
	r->in[r->in_end++ % sizeof r->in] = byte;
	r->heard += r->entered < HF_PLACES;
	if (r->waits)
		hf_twin_stop(r->twin);
}

static enum hf_err line_read(void *ctx, void *buf, size_t cap, uint32_t timeout_ms, size_t *len)
{
	struct lab *r = ctx;
	uint64_t until = hf_twin_now_ns(r->twin) + timeout_ms * LAB_MS;
	bool on;

	/* Until something comes, and a bit longer: it seldom comes alone. */
	while (r->in_begin == r->in_end && hf_twin_now_ns(r->twin) < until) {
		r->waits = true;
		on = lab_run(r, until - hf_twin_now_ns(r->twin));
		r->waits = false;
		if (!on || (r->in_begin != r->in_end && !lab_run(r, LAB_MS / 4)))
			return HF_ERR_IO;
	}
	for (*len = 0; *len < cap && r->in_begin != r->in_end; (*len)++)
		((uint8_t *)buf)[*len] = r->in[r->in_begin++ % sizeof r->in];
	return *len ? HF_OK : HF_ERR_TIMEOUT;
}

/* What is sent before firmware listens is lost, and asked again after a second: an age, for a campaign. It says something
 * as soon as it does. */
static void until_heard(struct lab *r)
{
	uint64_t until = hf_twin_now_ns(r->twin) + LISTENS_NS;

	while (r->heard < LISTENS_BYTES && r->entered < HF_PLACES && hf_twin_now_ns(r->twin) < until)
		if (!lab_run(r, LAB_MS))
			return;
}

/* The line takes 8 KiB ahead of the device; who has more waits, as a driver does. */
static enum hf_err line_write(void *ctx, const void *data, size_t len)
{
	struct lab *r = ctx;
	const uint8_t *p = data;

	until_heard(r);
	r->frames++;
	r->sent += len;
	if (r->meddle && !r->meddle(r->meddle_ctx, &p, &len))
		return HF_OK;
	while (len > 0) {
		size_t part = len < 1024 ? len : 1024;
		enum hf_err err = hf_twin_uart_send(r->twin, r->board.maintenance.usart, p, part);

		if (err == HF_ERR_FULL) {
			if (!lab_run(r, 10 * LAB_MS))
				return HF_ERR_IO;
			continue;
		}
		if (err)
			return err;
		p += part;
		len -= part;
	}
	if (r->moment)
		r->moment(r->moment_ctx, true);
	return HF_OK;
}

static enum hf_err line_set(void *ctx, const struct hf_serial_line *line)
{
	struct lab *r = ctx;
	const struct hf_twin_line far = { line->baud, line->data_bits, (uint8_t)line->parity, line->stop_bits };

	hf_twin_uart_line(r->twin, r->board.maintenance.usart, &far);
	return HF_OK;
}

static enum hf_err line_reopen(void *ctx)
{
	(void)ctx;
	return HF_ERR_IO;
}

static uint64_t line_now(void *ctx)
{
	return hf_twin_now_ns(((struct lab *)ctx)->twin) / LAB_MS;
}

static void line_sleep(void *ctx, uint32_t ms)
{
	bool on = lab_run(ctx, ms * LAB_MS);

	(void)on;
}

static const struct hf_serial_ops line_ops = {
	.read = line_read,
	.write = line_write,
	.set_line = line_set,
	.reopen = line_reopen,
	.now_ms = line_now,
	.sleep_ms = line_sleep,
};

/* ---- the laboratory ---- */

void lab_file_read(const char *path, struct hf_buffer *out)
{
	struct hf_diag diag;

	if (hf_file_read(path, 4u << 20, out, &diag))
		die(path, diag.text);
}

/* Firmware for a slot is linked somewhere in it, and lies where its package says. */
static int32_t moved(struct lab *r, const struct hf_buffer *elf)
{
	const struct hf_span *slot = r->board.layout.slot;
	struct hf_firmware firmware;
	struct hf_firmware_segment segment;
	struct hf_image image;
	uint32_t lowest = UINT32_MAX;

	if (hf_firmware_open(&firmware, elf->ptr, elf->len))
		die("an ELF", "is damaged");
	for (uint32_t i = 0; i < firmware.segments; i++)
		if (hf_firmware_segment(&firmware, i, &segment) && segment.load_addr < lowest)
			lowest = segment.load_addr;
	for (unsigned i = 0; i < HF_SLOTS; i++)
		if (lowest - slot[i].addr < slot[i].size && lab_slot(r, 0, &image))
			return (int32_t)(slot[i].addr + (image.image_addr - slot[0].addr) - lowest);
	return 0;
}

static void native(struct lab *r, const char *path)
{
	struct hf_buffer elf;
	enum hf_err err;

	lab_file_read(path, &elf);
	err = hf_twin_native_symbols(r->twin, elf.ptr, elf.len, moved(r, &elf));
	if (err)
		die(path, err == HF_ERR_NOT_FOUND ? "has none of the crypto functions" : hf_err_text(err));
	hf_buffer_free(&elf);
}

void lab_coverage(struct lab *r, const char *const elf[], const char *file)
{
	char name[32];

	r->coverage = file;
	for (unsigned i = 0; elf[i]; i++) {
		const char *base = strrchr(elf[i], '/') ? strrchr(elf[i], '/') + 1 : elf[i];
		struct hf_buffer content;

		snprintf(name, sizeof name, "%s", base);
		if (strstr(name, ".elf"))
			*strstr(name, ".elf") = '\0';
		lab_file_read(elf[i], &content);
		if (hf_twin_coverage(r->twin, name, content.ptr, content.len, moved(r, &content)))
			die(elf[i], "its branches cannot be watched");
		hf_buffer_free(&content);
	}
}

void lab_coverage_write(const struct lab *r)
{
	if (r->coverage && hf_twin_coverage_write(r->twin, r->coverage))
		die(r->coverage, "cannot be written");
}

void lab_open(struct lab *r, const char *board, const char *factory, const char *keyset, const char *const elf[],
	      bool quick)
{
	struct hf_rig_config config;
	struct hf_diag diag;
	size_t used;

	memset(r, 0, sizeof *r);
	if (hf_board_load(board, &r->board, &diag))
		die(board, diag.text);
	lab_file_read(factory, &r->factory);
	lab_file_read(keyset, &r->keyset_bytes);
	if (hf_keyset_parse(hf_buffer_bytes(&r->keyset_bytes), &r->keyset, &used))
		die(keyset, "is no keyset");
	hf_rig_config_default(&config, &r->board);
	if (quick) {
		config.twin.erase_16k_ns /= 50;
		config.twin.erase_64k_ns /= 50;
		config.twin.erase_128k_ns /= 50;
		config.twin.coarse = true;
	}
	if (hf_rig_open(&r->rig, &config, &diag))
		die("twin", diag.text);
	r->twin = hf_rig_twin(r->rig);
	if (hf_twin_load(r->twin, r->board.layout.sector[0].addr, r->factory.ptr, r->factory.len))
		die(factory, "does not fit the flash");
	hf_twin_on_event(r->twin, lab_event, r);
	hf_twin_must_not_stall_in_handlers(r->twin, true);
	for (unsigned i = 0; elf[i]; i++)
		native(r, elf[i]);
	hf_twin_native(r->twin, HF_TWIN_NATIVE_COMPARE, 2000);
	hf_twin_uart_attach(r->twin, r->board.maintenance.usart, on_byte, r);
	r->lsi_hz = config.twin.lsi_hz;
	r->patience_ms = LAB_PATIENCE_MS;
	r->serial = (struct hf_serial){ &line_ops, r };
	r->entered = HF_PLACES;
}

void lab_close(struct lab *r)
{
	hf_rig_close(r->rig);
	hf_buffer_free(&r->factory);
	hf_buffer_free(&r->keyset_bytes);
}

void lab_package_read(const struct lab *r, const char *path, struct lab_package *out)
{
	struct hf_envelope env;

	lab_file_read(path, &out->file);
	if (hf_envelope_parse(hf_buffer_bytes(&out->file), &env) ||
	    hf_envelope_authenticate(&env, &r->keyset, HF_ROLE_RELEASE, &hf_host_crypto, out->id))
		die(path, "is no package that this keyset trusts");
}

bool lab_run(struct lab *r, uint64_t ns)
{
	uint64_t until = hf_twin_now_ns(r->twin) + ns;

	for (;;) {
		uint64_t now = hf_twin_now_ns(r->twin), next = r->moment && until - now > SLICE_NS ? now + SLICE_NS : until;
		enum hf_twin_stop stop = hf_twin_run(r->twin, next);

		if (stop == HF_TWIN_BROKEN)
			die("twin", hf_twin_error(r->twin));
		if (stop == HF_TWIN_OFF)
			return false;
		if (stop == HF_TWIN_TIME && next == until)
			return true;
		if (r->stop_on_enter && r->entered < HF_PLACES)
			return true;
		if (r->stop_on_reset && r->was_reset)
			return true;
		if (r->waits && r->in_begin != r->in_end)
			return true;
		if (r->committed) {
			hf_twin_power_off(r->twin);
			return false;
		}
		if (r->moment)
			r->moment(r->moment_ctx, false);
	}
}

bool lab_until_reset(struct lab *r, uint64_t ns)
{
	bool on;

	r->was_reset = false;
	r->stop_on_reset = true;
	on = lab_run(r, ns);
	r->stop_on_reset = false;
	return on && r->was_reset;
}

void lab_print_log(const struct lab *r)
{
	unsigned begin = r->in_end > 2000 ? r->in_end - 2000 : 0;

	for (unsigned i = begin; i < r->in_end; i++) {
		char c = (char)r->in[i % sizeof r->in];

		if (i == begin || c == '\n')
			fputs("\n#   ", stdout);
		if (c >= ' ')
			putchar(c);
	}
	putchar('\n');
}

static void ask_witness(struct lab *r, bool on)
{
	const char *wrong = r->witness ? r->witness(r->witness_ctx, on) : NULL;

	if (!wrong)
		return;
	r->errors++;
	snprintf(r->error, sizeof r->error, "%s", wrong);
}

bool lab_start(struct lab *r)
{
	if (!hf_twin_is_on(r->twin))
		ask_witness(r, false);
	r->entered = HF_PLACES;
	r->in_begin = r->in_end;
	hf_twin_power_on(r->twin);
	r->stop_on_enter = true;
	if (!lab_run(r, START_NS))
		r->entered = HF_PLACES;
	r->stop_on_enter = false;
	if (r->entered < HF_PLACES)
		ask_witness(r, true);
	return r->entered < HF_PLACES;
}

static enum hf_err peek(void *ctx, uint32_t addr, void *buf, size_t len)
{
	return hf_twin_peek(((struct lab *)ctx)->twin, addr, buf, len);
}

static enum hf_err drop_program(void *ctx, uint32_t addr, const void *data, size_t len)
{
	(void)ctx;
	(void)addr;
	(void)data;
	(void)len;
	return HF_OK;
}

static enum hf_err refuse_erase(void *ctx, uint32_t addr)
{
	(void)ctx;
	(void)addr;
	return HF_ERR_FLASH_LOCKED;
}

struct hf_flash lab_flash(struct lab *r)
{
	return (struct hf_flash){ r, peek, drop_program, refuse_erase };
}

bool lab_slot(struct lab *r, unsigned slot, struct hf_image *image)
{
	static const uint8_t any_device[16];
	static struct hf_slot_work work;
	struct hf_flash flash = lab_flash(r);
	struct hf_slot_env env = { &flash, &r->board.layout, &hf_host_crypto, &r->keyset, any_device };

	return hf_slot_verify(&env, slot, &work, image) == HF_OK;
}

void lab_state(struct lab *r, struct hf_state *state)
{
	struct hf_flash flash = lab_flash(r);
	struct hf_journal j;
	bool blank;

	if (hf_state_load(&j, &flash, &r->board.layout, state, &blank))
		hf_state_init(state);
}

static char why[192];

const char *lab_upload(struct lab *r, const struct lab_package *p)
{
	struct hf_smp_client *client = &r->client;
	struct hf_smp_parameters parameters;
	struct hf_smp_answer answer;
	struct hf_smp_upload upload = { .file = hf_buffer_bytes(&p->file), .patience_ms = r->patience_ms };
	enum hf_err err;

	hf_smp_client_init(client, &r->serial);
	err = hf_smp_get_parameters(client, r->patience_ms, &parameters, &answer);
	if (err) {
		snprintf(why, sizeof why, "no answer: %s", hf_err_text(err));
		return why;
	}
	hf_smp_set_framing(client, HF_SMP_FRAMING_BINARY); /* understood always; answered as the line was set */
	upload.packet_bytes = parameters.buf_size;
	upload.window = parameters.buf_count;
	err = hf_smp_upload(client, &upload);
	if (!err)
		return NULL;
	snprintf(why, sizeof why, "upload: %s: %s", hf_err_text(err), upload.refusal.reason);
	return why;
}

const char *lab_activate(struct lab *r, const struct lab_package *p)
{
	struct hf_smp_client *client = &r->client;
	struct hf_smp_answer answer;
	enum hf_err err;

	hf_smp_client_init(client, &r->serial);
	err = hf_smp_test_image(client, r->patience_ms, p->id, &answer);

	if (!err)
		err = answer.refusal;
	if (!err)
		return lab_reset(r);
	snprintf(why, sizeof why, "activation: %s", hf_err_text(err));
	return why;
}

const char *lab_upgrade(struct lab *r, const struct lab_package *p)
{
	const char *no = lab_upload(r, p);

	return no ? no : lab_activate(r, p);
}

const char *lab_reset(struct lab *r)
{
	struct hf_smp_answer answer;
	enum hf_err err = hf_smp_reset(&r->client, r->patience_ms, &answer);

	if (!err)
		err = answer.refusal;
	r->entered = HF_PLACES;
	if (!err)
		return NULL;
	snprintf(why, sizeof why, "reset: %s", hf_err_text(err));
	return why;
}

struct hf_modbus_bench *lab_modbus(struct lab *r)
{
	return hf_modbus_bus_bench(hf_twin_machine(r->twin));
}

bool lab_entered(struct lab *r, uint64_t ns)
{
	bool on;

	r->stop_on_enter = true;
	on = r->entered < HF_PLACES || lab_run(r, ns);
	r->stop_on_enter = false;
	return on && r->entered < HF_PLACES;
}

static uint64_t operations(struct lab *r)
{
	struct hf_twin_counts counts;

	hf_twin_counts(r->twin, &counts);
	return counts.flash_ops;
}

static bool is_confirmed(struct lab *r, const uint8_t id[HF_SHA256_BYTES])
{
	const struct hf_slot_journal *s;
	struct hf_state state;

	if (r->entered >= HF_SLOTS)
		return false;
	lab_state(r, &state);
	s = &state.slot[r->entered];
	return s->state == HF_SLOT_CONFIRMED && s->copies >= 2 && state.current == r->entered && memcmp(s->id, id, HF_ID_BYTES) == 0;
}

/* The journal is read when it may have changed, and once nothing changes any more. */
bool lab_confirmed(struct lab *r, const uint8_t id[HF_SHA256_BYTES], uint64_t ns)
{
	uint64_t limit = r->patience_ms < LAB_PATIENCE_MS ? 2 * r->patience_ms * LAB_MS : ns;
	uint64_t until = hf_twin_now_ns(r->twin) + (ns < limit ? ns : limit), before = UINT64_MAX;
	unsigned entered = HF_PLACES;

	while (hf_twin_now_ns(r->twin) < until) {
		bool changed = operations(r) != before || r->entered != entered;

		before = operations(r);
		entered = r->entered;
		if (changed && is_confirmed(r, id))
			return true;
		if (!lab_run(r, 5 * LAB_MS))
			return false;
	}
	return false;
}

/* SPDX-License-Identifier: MIT */
#include "probe.h"

#include <stdlib.h>

#include "firmware.h"

static uint8_t elf[1 << 20];
static size_t elf_len;

static void read_elf(void)
{
	const char *path = getenv("HF_TWIN_FW");
	FILE *f = fopen(path ? path : "fw.elf", "rb");

	assert_non_null(f);
	elf_len = fread(elf, 1, sizeof(elf), f);
	fclose(f);
}

size_t probe_elf(void *buf, size_t cap)
{
	assert_true(elf_len <= cap);
	memcpy(buf, elf, elf_len);
	return elf_len;
}

uint32_t probe_symbol(const char *name)
{
	struct hf_firmware firmware;
	uint32_t addr;

	assert_int_equal(hf_firmware_open(&firmware, elf, elf_len), HF_OK);
	assert_int_equal(hf_firmware_symbol(&firmware, name, &addr), HF_OK);
	return addr;
}

static void on_event(void *ctx, const struct hf_twin_event *event)
{
	struct probe *probe = ctx;

	if (probe->events < PROBE_EVENTS) {
		struct hf_twin_event *e = &probe->event[probe->events];

		*e = *event;
		snprintf(probe->text[probe->events], sizeof(probe->text[0]), "%s", event->text ? event->text : "");
		e->text = probe->text[probe->events++];
	}
	if (event->kind == HF_TWIN_EV_PC) {
		probe->done = true;
		hf_twin_stop(probe->twin);
	}
}

void probe_open(struct probe *probe, const struct hf_twin_config *config)
{
	struct hf_twin_config usual;

	if (!elf_len)
		read_elf();
	hf_twin_config_default(&usual);
	usual.erase_16k_ns /= 50;
	usual.erase_64k_ns /= 50;
	usual.erase_128k_ns /= 50;
	memset(probe, 0, sizeof(*probe));
	assert_int_equal(hf_twin_open(&probe->twin, NULL, config ? config : &usual), HF_OK);
	hf_twin_on_event(probe->twin, on_event, probe);
	assert_int_equal(hf_twin_load_elf(probe->twin, elf, elf_len, 0, NULL), HF_OK);
	assert_int_equal(hf_twin_watch_pc(probe->twin, probe_symbol("fw_done")), HF_OK);
}

void probe_close(struct probe *probe)
{
	hf_twin_close(probe->twin);
}

void probe_select(struct probe *probe, enum probe_program program, const uint32_t *arguments, unsigned count)
{
	uint32_t words[8];

	memset(words, 0xff, sizeof(words));
	words[0] = program;
	assert_true(count < 8);
	if (count)
		memcpy(words + 1, arguments, count * 4);
	assert_int_equal(hf_twin_load(probe->twin, FW_ARGS, words, sizeof(words)), HF_OK);
}

bool probe_run(struct probe *probe, uint64_t limit_ns)
{
	probe->done = false;
	hf_twin_power_on(probe->twin);
	while (!probe->done) {
		enum hf_twin_stop stop = hf_twin_run(probe->twin, limit_ns);

		assert_int_not_equal(stop, HF_TWIN_BROKEN);
		if (stop == HF_TWIN_TIME || stop == HF_TWIN_OFF)
			return false;
	}
	return true;
}

void probe_run_to(struct probe *probe, uint64_t at_ns)
{
	enum hf_twin_stop stop;

	do {
		stop = hf_twin_run(probe->twin, at_ns);
	} while (stop == HF_TWIN_STOPPED);
	assert_int_equal(stop, HF_TWIN_TIME);
}

void probe_ask(struct probe *probe, enum probe_program program, const uint32_t *arguments, unsigned count)
{
	probe_select(probe, program, arguments, count);
	assert_true(probe_run(probe, hf_twin_now_ns(probe->twin) + 20 * S));
}

uint32_t probe_word(struct probe *probe, uint32_t addr)
{
	uint32_t word;

	assert_int_equal(hf_twin_peek(probe->twin, addr, &word, 4), HF_OK);
	return word;
}

unsigned probe_answers(struct probe *probe)
{
	return probe_word(probe, FW_ANSWERS);
}

uint32_t probe_answer(struct probe *probe, unsigned n)
{
	assert_true(n < probe_answers(probe));
	return probe_word(probe, FW_ANSWERS + 4 + 4 * n);
}

unsigned probe_count(const struct probe *probe, enum hf_twin_event_kind kind)
{
	unsigned count = 0;

	for (unsigned i = 0; i < probe->events; i++)
		count += probe->event[i].kind == kind;
	return count;
}

const struct hf_twin_event *probe_event(const struct probe *probe, enum hf_twin_event_kind kind, unsigned n)
{
	for (unsigned i = 0; i < probe->events; i++)
		if (probe->event[i].kind == kind && n-- == 0)
			return &probe->event[i];
	fail_msg("no such event: kind %d", (int)kind);
	return NULL;
}

struct hf_twin_counts probe_counts(const struct probe *probe)
{
	struct hf_twin_counts counts;

	hf_twin_counts(probe->twin, &counts);
	return counts;
}

/* SPDX-License-Identifier: MIT */
#include "health_show.h"

#include <stdio.h>

#include "out.h"
#include "version.h"

#define SUPPLY_MIN_MV 2700u /* flash is written by the word from here on */

static const struct {
	uint32_t bit;
	const char *name, *key;
} ways[] = {
	{HF_WAY_PIN, "pin", "pin"},
	{HF_WAY_RESETS, "three resets", "resets"},
	{HF_WAY_LINE, "serial line", "line"},
	{HF_WAY_REQUEST, "request", "request"},
}, tests[] = {
	{HF_TEST_WORK, "its work", "work"},
	{HF_TEST_JOURNAL, "the journal", "journal"},
	{HF_TEST_HEAD, "its slot's head", "head"},
	{HF_TEST_RAM, "RAM", "ram"},
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void print_ways(const struct hf_smp_health *h)
{
	const char *before = "";

	printf("  recovery    by ");
	for (size_t i = 0; i < COUNT(ways); i++) {
		if (!(h->ways & ways[i].bit))
			continue;
		printf("%s%s", before, ways[i].name);
		before = ", ";
	}
	printf("%s%s\n", before[0] ? "" : "nothing: no recovery is there that starts", h->pin_held ? "; the pin is held now" : "");
}

static void print_test(const struct hf_smp_health *h)
{
	const char *before = "";

	printf("  self-test   %s", !h->test_done ? "not decided yet" : h->test_failed ? "fails: " : "passed");
	for (size_t i = 0; i < COUNT(tests) && h->test_done; i++) {
		if (!(h->test_failed & tests[i].bit))
			continue;
		printf("%s%s", before, tests[i].name);
		before = ", ";
	}
	printf("\n");
}

static void print_supply(const struct hf_smp_health *h)
{
	if (!h->supply_known)
		return;
	printf("  supply      %u.%02u V at the chip", h->supply_mv / 1000, h->supply_mv % 1000 / 10);
	if (h->temperature_known)
		printf(", %.1f C", h->temperature_dc / 10.0);
	printf("%s\n", h->supply_mv < SUPPLY_MIN_MV ? "; below 2.70 V flash cannot be written: check the power supply" : "");
}

void hf_health_print(const struct hf_smp_health *h)
{
	print_supply(h);
	printf("  light       %s\n", hf_smp_led_text(h->led));
	if (h->work_known) {
		print_test(h);
		printf("  work        %u polls answered, %u not, %u late; longest gap %u ms, answers after %u.%u ms\n", h->good,
		       h->bad_polls, h->late, h->gap_ms, h->answer_us / 1000, h->answer_us % 1000 / 100);
	}
	printf("  flash       %u erase%s since the start", h->erases, h->erases == 1 ? "" : "s");
	if (h->erases)
		printf(", slowest %u ms", h->slowest_ms);
	printf("%s%s\n", h->worn ? "; wears out: " : "", h->worn ? hf_err_text(h->worn) : "");
	print_ways(h);
	if (h->overrun || h->framing || h->noise)
		printf("  received    %u characters lost, %u of a wrong frame, %u with noise\n", h->overrun, h->framing, h->noise);
	if (!h->pll)
		printf("  clock       16 MHz only: the PLL does not lock\n");
}

static json_t *json_work(const struct hf_smp_health *h)
{
	if (!h->work_known)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "good", (json_int_t)h->good, "bad", (json_int_t)h->bad_polls, "late",
			 (json_int_t)h->late, "gap_ms", (json_int_t)h->gap_ms, "answer_us", (json_int_t)h->answer_us);
}

json_t *hf_health_json(const struct hf_smp_health *h)
{
	json_t *all = json_pack("{s:I}", "up_ms", (json_int_t)h->up_ms), *open = json_array(), *failed = json_array();

	for (size_t i = 0; i < COUNT(ways); i++)
		if (h->ways & ways[i].bit)
			json_array_append_new(open, json_string(ways[i].key));
	for (size_t i = 0; i < COUNT(tests); i++)
		if (h->test_failed & tests[i].bit)
			json_array_append_new(failed, json_string(tests[i].key));
	json_object_set_new(all, "supply_mv", h->supply_known ? json_integer(h->supply_mv) : json_null());
	json_object_set_new(all, "temperature_c", h->temperature_known ? json_real(h->temperature_dc / 10.0) : json_null());
	json_object_set_new(all, "pll", json_boolean(h->pll));
	json_object_set_new(all, "led", json_string(hf_smp_led_text(h->led)));
	json_object_set_new(all, "pin_held", json_boolean(h->pin_held));
	json_object_set_new(all, "ways", open);
	json_object_set_new(all, "flash", json_pack("{s:I, s:I, s:i, s:I}", "erases", (json_int_t)h->erases, "slowest_ms",
						    (json_int_t)h->slowest_ms, "worn", (int)h->worn, "bad", (json_int_t)h->bad));
	json_object_set_new(all, "test", json_pack("{s:b, s:o}", "done", h->test_done, "failed", failed));
	json_object_set_new(all, "work", json_work(h));
	json_object_set_new(all, "rx", json_pack("{s:I, s:I, s:I}", "overrun", (json_int_t)h->overrun, "framing",
						 (json_int_t)h->framing, "noise", (json_int_t)h->noise));
	return all;
}

enum hf_err hf_health_verify(struct hf_smp_client *client, uint32_t patience_ms, struct hf_smp_place place[HF_PLACES],
			     struct hf_smp_answer *answer)
{
	for (unsigned i = 0; i < HF_PLACES; i++) {
		enum hf_err err = hf_smp_verify_place(client, patience_ms, i, &place[i], answer);

		place[i].place = i;
		if (err || (answer->refusal && answer->refusal != HF_ERR_NOT_FOUND))
			return err;
		if (answer->refusal)
			place[i].verdict = HF_ERR_NOT_FOUND;
		answer->refusal = HF_OK;
	}
	return HF_OK;
}

static const char *place_text(unsigned place)
{
	return place == HF_PLACE_A ? "slot A" : place == HF_PLACE_B ? "slot B" : "recovery";
}

void hf_health_print_places(const struct hf_smp_place place[HF_PLACES])
{
	for (unsigned i = 0; i < HF_PLACES; i++) {
		const struct hf_smp_place *p = &place[i];
		char version[HF_VERSION_TEXT_BYTES];

		if (p->verdict == HF_OK)
			printf("  verified    %s: %s%s would start\n", place_text(i), p->component ? "recovery " : "",
			       hf_version_format(p->version, p->versions, version));
		else if (p->verdict == HF_ERR_NOT_FOUND)
			printf("  verified    %s: empty\n", place_text(i));
		else
			printf("  verified    %s: would not start: %s\n", place_text(i), hf_err_text(p->verdict));
	}
}

json_t *hf_health_json_places(const struct hf_smp_place place[HF_PLACES])
{
	json_t *all = json_array();

	for (unsigned i = 0; i < HF_PLACES; i++) {
		const struct hf_smp_place *p = &place[i];
		char version[HF_VERSION_TEXT_BYTES], hash[2 * sizeof(p->hash) + 1];
		json_t *one = json_pack("{s:s, s:i}", "place", place_text(i), "verdict", (int)p->verdict);

		if (p->verdict == HF_OK) {
			json_object_set_new(one, "component", json_string(p->component ? "recovery" : "app"));
			json_object_set_new(one, "version", json_string(hf_version_format(p->version, p->versions, version)));
			json_object_set_new(one, "digest", json_string(hf_out_hex(p->hash, sizeof(p->hash), hash)));
		}
		json_array_append_new(all, one);
	}
	return all;
}

/* SPDX-License-Identifier: MIT
 *
 * `holdfast image`: the images in a device's slots, one SMP request each.
 */
#include <string.h>

#include "command.h"
#include "upkeep.h"

#define HASH_BYTES 32

static json_t *json_image(const struct hf_smp_image *image)
{
	char hash[2 * sizeof(image->hash) + 1];

	return json_pack("{s:I, s:s, s:s, s:b, s:b, s:b, s:b}", "slot", (json_int_t)image->slot, "version",
			 image->version, "hash", hf_out_hex(image->hash, image->hash_len, hash), "bootable",
			 image->bootable, "pending", image->pending, "confirmed", image->confirmed, "active",
			 image->active);
}

static void put_json(const struct hf_smp_images *images)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < images->count; i++)
		json_array_append_new(list, json_image(&images->image[i]));
	hf_out_json(json_pack("{s:o}", "images", list));
}

static void print(const struct hf_smp_images *images)
{
	for (unsigned i = 0; i < images->count; i++) {
		const struct hf_smp_image *image = &images->image[i];
		char hash[2 * sizeof(image->hash) + 1];

		hf_out_hex(image->hash, image->hash_len, hash);
		printf("slot %c  %-12s %s%s%s%s%s\n", 'A' + (int)image->slot, image->version, hash,
		       image->active ? "  runs" : "", image->confirmed ? "  confirmed" : "",
		       image->pending ? "  starts at the next reset" : "", image->bootable ? "" : "  not bootable");
	}
	if (images->count == 0)
		printf("there are no images\n");
}

static enum hf_exit list(struct hf_upkeep *u)
{
	struct hf_smp_images images;
	struct hf_smp_answer answer;
	enum hf_exit code = hf_upkeep_answer(u, hf_smp_get_images(&u->client, u->port.patience_ms, &images, &answer), &answer,
					   "listing its images");

	if (code == HF_EXIT_OK && u->json)
		put_json(&images);
	else if (code == HF_EXIT_OK)
		print(&images);
	return code;
}

/* A hash by its first digits; it has to fit one image. */
static bool find_hash(const struct hf_smp_images *images, const char *digits, uint8_t hash[HASH_BYTES])
{
	unsigned found = 0;

	for (unsigned i = 0; i < images->count; i++) {
		const struct hf_smp_image *image = &images->image[i];
		char text[2 * sizeof(image->hash) + 1];

		hf_out_hex(image->hash, image->hash_len, text);
		if (image->hash_len != HASH_BYTES || strncmp(text, digits, strlen(digits)) != 0)
			continue;
		memcpy(hash, image->hash, HASH_BYTES);
		found++;
	}
	return found == 1;
}

static bool runs(const struct hf_smp_images *images, const uint8_t hash[HASH_BYTES])
{
	for (unsigned i = 0; i < images->count; i++) {
		const struct hf_smp_image *image = &images->image[i];

		if (image->active && image->hash_len == HASH_BYTES && memcmp(image->hash, hash, HASH_BYTES) == 0)
			return true;
	}
	return false;
}

static enum hf_exit test(struct hf_upkeep *u, const char *digits)
{
	struct hf_smp_images images;
	struct hf_smp_answer answer;
	uint8_t hash[HASH_BYTES];
	enum hf_exit code = hf_upkeep_answer(u, hf_smp_get_images(&u->client, u->port.patience_ms, &images, &answer), &answer,
					   "listing its images");

	if (code != HF_EXIT_OK)
		return code;
	if (!find_hash(&images, digits, hash)) {
		hf_out_error("the device has not exactly one image whose hash begins with '%s'; `holdfast image list` shows "
			     "them", digits);
		return HF_EXIT_DEVICE;
	}
	if (runs(&images, hash)) {
		hf_out_error("the image that begins with '%s' runs already: there is nothing to try", digits);
		return HF_EXIT_DEVICE;
	}
	return hf_upkeep_answer(u, hf_smp_test_image(&u->client, u->port.patience_ms, hash, &answer), &answer, "activating the image");
}

static enum hf_exit run(struct hf_upkeep *u, const struct hf_args_rest *rest)
{
	struct hf_smp_answer answer;
	const char *verb = rest->item[0];

	if (strcmp(verb, "list") == 0)
		return list(u);
	if (strcmp(verb, "test") == 0)
		return test(u, rest->item[1]);
	if (strcmp(verb, "confirm") == 0)
		return hf_upkeep_answer(u, hf_smp_confirm_image(&u->client, u->port.patience_ms, &answer), &answer,
				      "confirming the firmware that runs");
	if (strcmp(verb, "erase") == 0)
		return hf_upkeep_answer(u, hf_smp_erase_image(&u->client, u->port.patience_ms, &answer), &answer,
				      "erasing the slot that does not run");
	return hf_upkeep_answer(u, hf_smp_reset(&u->client, u->port.patience_ms, &answer), &answer, "resetting");
}

static const char *done_text(const char *verb)
{
	static const struct {
		const char *verb, *text;
	} done[] = {
		{"test", "it starts at the next reset, on trial: `holdfast image reset`\n"},
		{"confirm", "what runs is confirmed\n"},
		{"erase", "the slot that does not run is erased\n"},
		{"reset", "the device resets\n"},
	};

	for (size_t i = 0; i < sizeof(done) / sizeof(done[0]); i++) {
		if (strcmp(verb, done[i].verb) == 0)
			return done[i].text;
	}
	return "";
}

static bool known_verb(const struct hf_args_rest *rest)
{
	static const char *const verbs[] = {"list", "confirm", "erase", "reset"};

	if (strcmp(rest->item[0], "test") == 0)
		return rest->count == 2 && strlen(rest->item[1]) >= 4;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(rest->item[0], verbs[i]) == 0)
			return rest->count == 1;
	}
	return false;
}

enum hf_exit hf_command_image(int argc, char **argv)
{
	struct hf_upkeep u = {0};
	const struct hf_arg options[] = {
		HF_PORT_ARGS(u.port),
		HF_SITE_ARGS(u.site),
		{"json", 0, HF_ARG_FLAG, NULL, "the list as JSON", &u.json, NULL},
	};
	const struct hf_usage usage = {
		.command = "image",
		.summary = "lists the images of a device; tries, confirms, erases one",
		.synopsis = "list | test HASH | confirm | erase | reset  [--port PORT | --device ID] [options]",
		.details = "test starts the image at the next reset; HASH may be its first digits. confirm confirms what runs. "
			   "erase empties the slot that does not run. `holdfast burn` does all that is needed by itself.",
		.example = "holdfast image list --port /dev/ttyUSB0",
		.exits = "6 the device refuses, 7 interrupted, " HF_PORT_EXITS,
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
		.rest_min = 1,
		.rest_max = 2,
	};
	struct hf_args_rest rest;
	enum hf_exit code;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	if (strcmp(rest.item[0], "test") == 0 && rest.count == 2 && strlen(rest.item[1]) < 4)
		return hf_args_wrong(&usage, "HASH wants 4 digits or more, not '%s'", rest.item[1]);
	if (strcmp(rest.item[0], "test") == 0 && rest.count < 2)
		return hf_args_wrong(&usage, "test wants the HASH of an image; `holdfast image list` shows them");
	if (!known_verb(&rest) && rest.count == 2)
		return hf_args_wrong(&usage, "'%s %s' is none of list, test HASH, confirm, erase, reset", rest.item[0],
				     rest.item[1]);
	if (!known_verb(&rest))
		return hf_args_wrong(&usage, "'%s' is none of list, test HASH, confirm, erase, reset",
				     rest.item[0]);
	if (hf_upkeep_begin(&u, &usage, strcmp(rest.item[0], "list") != 0, &code))
		code = run(&u, &rest);
	if (code == HF_EXIT_OK && !u.json)
		printf("%s", done_text(rest.item[0]));
	hf_upkeep_end(&u);
	return code;
}

/* SPDX-License-Identifier: MIT
 *
 * `holdfast image`: the images in a device's slots.
 */
#include <string.h>

#include "command.h"
#include "file.h"
#include "interrupt.h"
#include "port.h"
#include "progress.h"
#include "slot.h"
#include "smp_maintain.h"

#define HASH_BYTES 32

struct choices {
	bool json, recovery;
	const char *to;
};

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

static enum hf_exit list(struct hf_port *port, struct hf_smp_client *client, bool json)
{
	struct hf_smp_images images;
	struct hf_smp_answer answer;
	enum hf_exit code = hf_port_answer(hf_smp_get_images(client, port->patience_ms, &images, &answer), &answer,
					   "listing its images");

	if (code == HF_EXIT_OK && json)
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

static enum hf_exit test(struct hf_port *port, struct hf_smp_client *client, const char *digits)
{
	struct hf_smp_images images;
	struct hf_smp_answer answer;
	uint8_t hash[HASH_BYTES];
	enum hf_exit code = hf_port_answer(hf_smp_get_images(client, port->patience_ms, &images, &answer), &answer,
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
	return hf_port_answer(hf_smp_test_image(client, port->patience_ms, hash, &answer), &answer, "activating the image");
}

static int place_of(const char *name)
{
	if (strlen(name) == 1 && (name[0] | 0x20) >= 'a' && (name[0] | 0x20) < 'a' + HF_SLOTS)
		return (name[0] | 0x20) - 'a';
	return strcmp(name, "recovery") == 0 ? HF_PLACE_RECOVERY : -1;
}

/* The device says where a place ends by answering with nothing. */
static enum hf_exit read_place(struct hf_port *port, struct hf_smp_client *client, const char *name, const char *to)
{
	static uint8_t content[1u << 20];
	struct hf_progress progress;
	struct hf_smp_answer answer;
	struct hf_diag diag;
	size_t done = 0, len;
	enum hf_exit code;
	enum hf_err err;

	hf_progress_begin(&progress, "reading", 0, port->board_known ? port->board.layout.slot[0].size : 0,
			  hf_serial_now_ms(&port->serial) * 1000000, !port->board_known);
	do {
		err = hf_smp_read_place(client, port->patience_ms, (unsigned)place_of(name), (uint32_t)done, content + done,
					sizeof(content) - done, &len, &answer);
		if (!err && !answer.refusal)
			done += len;
		hf_progress_update(&progress, done, hf_serial_now_ms(&port->serial) * 1000000);
	} while (!err && !answer.refusal && len > 0 && done < sizeof(content));
	hf_progress_end(&progress, hf_serial_now_ms(&port->serial) * 1000000);
	code = hf_port_answer(err, &answer, "reading the image back");
	if (code != HF_EXIT_OK)
		return code;
	err = hf_file_write(to, (struct hf_bytes){content, done}, 0, &diag);
	if (err)
		return hf_out_fail(err, &diag);
	printf("%zu bytes are in %s; `holdfast inspect %s` says what they are\n", done, to, to);
	return HF_EXIT_OK;
}

static enum hf_exit run(struct hf_port *port, struct hf_smp_client *client, const struct hf_args_rest *rest,
			const struct choices *choices)
{
	struct hf_smp_answer answer;
	const char *verb = rest->item[0];

	if (strcmp(verb, "list") == 0)
		return list(port, client, choices->json);
	if (strcmp(verb, "test") == 0)
		return test(port, client, rest->item[1]);
	if (strcmp(verb, "confirm") == 0)
		return hf_port_answer(hf_smp_confirm_image(client, port->patience_ms, &answer), &answer,
				      "confirming the firmware that runs");
	if (strcmp(verb, "erase") == 0)
		return hf_port_answer(hf_smp_erase_image(client, port->patience_ms, &answer), &answer,
				      "erasing the slot that does not run");
	if (strcmp(verb, "rollback") == 0)
		return hf_port_answer(hf_smp_roll_back(client, port->patience_ms, &answer), &answer, "rolling back");
	if (strcmp(verb, "read") == 0)
		return read_place(port, client, rest->item[1], choices->to);
	if (choices->recovery)
		return hf_port_answer(hf_smp_enter_recovery(client, port->patience_ms, &answer), &answer,
				      "resetting into recovery");
	return hf_port_answer(hf_smp_reset(client, port->patience_ms, &answer), &answer, "resetting");
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
		{"rollback", "the firmware before starts at the next reset: `holdfast image reset`\n"},
	};

	for (size_t i = 0; i < sizeof(done) / sizeof(done[0]); i++) {
		if (strcmp(verb, done[i].verb) == 0)
			return done[i].text;
	}
	return "";
}

static bool known_verb(const struct hf_args_rest *rest)
{
	static const char *const verbs[] = {"list", "confirm", "erase", "reset", "rollback"};

	if (strcmp(rest->item[0], "test") == 0)
		return rest->count == 2 && strlen(rest->item[1]) >= 4;
	if (strcmp(rest->item[0], "read") == 0)
		return rest->count == 2 && place_of(rest->item[1]) >= 0;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(rest->item[0], verbs[i]) == 0)
			return rest->count == 1;
	}
	return false;
}

enum hf_exit hf_command_image(int argc, char **argv)
{
	struct hf_port port = {0};
	struct choices choices = {0};
	const struct hf_arg options[] = {
		HF_PORT_ARGS(port),
		{"out", 'o', HF_ARG_TEXT, "FILE", "where read writes to", &choices.to, NULL},
		{"recovery", 0, HF_ARG_FLAG, NULL, "reset: into recovery", &choices.recovery, NULL},
		{"json", 0, HF_ARG_FLAG, NULL, "the list as JSON", &choices.json, NULL},
	};
	const struct hf_usage usage = {
		.command = "image",
		.summary = "lists the images of a device; tries, confirms, erases, reads one",
		.synopsis = "list | test HASH | confirm | rollback | erase | reset [--recovery] | read A|B|recovery --out FILE  --port PORT [options]",
		.details = "test starts the image at the next reset; HASH may be its first digits. confirm confirms what runs. "
			   "rollback lets the older confirmed firmware start at the next reset, on trial. erase empties the slot that does not "
			   "run. read copies a place as it lies in flash, where the board file allows it. `holdfast burn` does all "
			   "that an upgrade needs by itself.",
		.example = "holdfast image list --port /dev/ttyUSB0",
		.exits = "5 no device answers, 6 the device refuses",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
		.rest_min = 1,
		.rest_max = 2,
	};
	struct hf_smp_client client;
	struct hf_smp_status status;
	struct hf_args_rest rest;
	enum hf_exit code;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	if (strcmp(rest.item[0], "test") == 0 && rest.count == 2 && strlen(rest.item[1]) < 4)
		return hf_args_wrong(&usage, "HASH wants 4 digits or more, not '%s'", rest.item[1]);
	if (strcmp(rest.item[0], "test") == 0 && rest.count < 2)
		return hf_args_wrong(&usage, "test wants the HASH of an image; `holdfast image list` shows them");
	if (strcmp(rest.item[0], "read") == 0 && (!known_verb(&rest) || !choices.to))
		return hf_args_wrong(&usage, "read wants A, B or recovery, and --out FILE");
	if (choices.recovery && strcmp(rest.item[0], "reset") != 0)
		return hf_args_wrong(&usage, "--recovery is for reset");
	if (!known_verb(&rest) && rest.count == 2)
		return hf_args_wrong(&usage, "'%s %s' is none of list, test HASH, confirm, rollback, erase, reset, read PLACE", rest.item[0],
				     rest.item[1]);
	if (!known_verb(&rest))
		return hf_args_wrong(&usage, "'%s' is none of list, test HASH, confirm, rollback, erase, reset, read PLACE",
				     rest.item[0]);
	if (!hf_port_open(&port, &usage, &code))
		return code;
	hf_smp_client_init(&client, &port.serial);
	client.stop = hf_interrupted;
	hf_interrupt_catch();
	if (hf_port_find(&port, &client, &status, &code))
		code = run(&port, &client, &rest, &choices);
	if (code == HF_EXIT_OK && !choices.json)
		printf("%s", done_text(rest.item[0]));
	hf_port_close(&port);
	return code;
}

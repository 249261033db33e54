/* SPDX-License-Identifier: MIT
 *
 * `holdfast-twin run`: puts a rig together as the options say, lets it run, and keeps its flash.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "file.h"
#include "options.h"
#include "rig.h"
#include "server.h"

#define LOAD_MAX    (64u << 20) /* an ELF with its debug information */
#define FAULTS_MAX  65536u

struct run {
	struct hf_run_options options;
	struct hf_board board;
	struct hf_rig *rig;
	FILE *events;
	const volatile bool *stop;
	struct hf_diag diag;
};

/* ---- loading ---- */

static bool is_elf(const struct hf_buffer *content)
{
	return content->len >= 4 && memcmp(content->ptr, "\177ELF", 4) == 0;
}

static enum hf_err load_content(struct run *run, const char *name, const struct hf_buffer *content, const char *at)
{
	struct hf_twin *twin = hf_rig_twin(run->rig);
	uint32_t addr;
	enum hf_err err;
	if (is_elf(content)) {
		if (at != NULL) {
			hf_diag_set(&run->diag, "%s is an ELF and has its own addresses: leave '@%s' away", name, at);
			return HF_ERR_RANGE;
		}
		err = hf_twin_load_elf(twin, content->ptr, content->len, 0, NULL);
		if (err != HF_OK)
			hf_diag_set(&run->diag, "%s is no ELF for this chip's flash: %s", name, hf_err_text(err));
		return err;
	}
	if (at == NULL || !hf_args_u32(at, &addr)) {
		hf_diag_set(&run->diag, "%s is no ELF and needs an address: --load %s@0x08020000", name, name);
		return HF_ERR_RANGE;
	}
	err = hf_twin_load(twin, addr, content->ptr, content->len);
	if (err != HF_OK)
		hf_diag_set(&run->diag, "%s: %zu bytes at 0x%08x do not fit into the flash", name, content->len, addr);
	return err;
}

static enum hf_err load(struct run *run, const char *what)
{
	char name[512];
	const char *at = strrchr(what, '@');
	size_t len = at != NULL ? (size_t)(at - what) : strlen(what);
	struct hf_buffer content;
	if (len >= sizeof(name)) {
		hf_diag_set(&run->diag, "a file's name in --load has more than %zu characters", sizeof(name) - 1);
		return HF_ERR_RANGE;
	}
	memcpy(name, what, len);
	name[len] = 0;
	enum hf_err err = hf_file_read(name, LOAD_MAX, &content, &run->diag);
	if (err != HF_OK)
		return err;
	err = load_content(run, name, &content, at != NULL ? at + 1 : NULL);
	hf_buffer_free(&content);
	return err;
}

static enum hf_err load_flash(struct run *run)
{
	const char *path = run->options.flash;
	FILE *there = path != NULL ? fopen(path, "rb") : NULL;
	enum hf_err err = HF_OK;
	if (there != NULL) {
		fclose(there);
		err = hf_rig_flash_load(run->rig, path, &run->diag);
	} else if (path != NULL && errno != ENOENT) {
		hf_diag_set(&run->diag, "%s cannot be read: %s", path, strerror(errno));
		err = HF_ERR_IO;
	}
	for (unsigned i = 0; err == HF_OK && i < run->options.load.count; i++)
		err = load(run, run->options.load.item[i]);
	return err;
}

static enum hf_err load_options(struct run *run)
{
	const char *path = run->options.options;
	if (path == NULL || (access(path, F_OK) != 0 && errno == ENOENT))
		return HF_OK;
	return hf_rig_system_load(run->rig, path, &run->diag);
}

/* What is kept; the first error counts. */
static enum hf_err save(struct run *run, struct hf_diag *diag)
{
	const struct hf_run_options *o = &run->options;
	enum hf_err err = o->flash != NULL ? hf_rig_flash_save(run->rig, o->flash, diag) : HF_OK;
	if (err == HF_OK && o->options != NULL)
		err = hf_rig_system_save(run->rig, o->options, diag);
	return err;
}

/* ---- faults ---- */

static enum hf_err take_script(struct run *run, const char *name, const char *text)
{
	char answer[HF_RIG_ANSWER];
	struct hf_command command;
	unsigned line = 1;
	enum hf_err err;
	while ((err = hf_script_next(&text, &line, &command, &run->diag)) == HF_OK) {
		err = hf_rig_command(run->rig, &command, answer, &run->diag);
		if (err != HF_OK) {
			hf_diag_prefix(&run->diag, "line %u: ", line);
			break;
		}
	}
	if (err == HF_ERR_NOT_FOUND)
		return HF_OK;
	hf_diag_prefix(&run->diag, "%s: ", name);
	return err;
}

static enum hf_err take_faults(struct run *run)
{
	const struct hf_run_options *o = &run->options;
	enum hf_err err = HF_OK;
	for (unsigned i = 0; err == HF_OK && i < o->fault.count; i++)
		err = take_script(run, "--fault", o->fault.item[i]);
	if (err != HF_OK || o->faults == NULL)
		return err;
	struct hf_buffer content;
	err = hf_file_read(o->faults, FAULTS_MAX, &content, &run->diag);
	if (err != HF_OK)
		return err;
	err = take_script(run, o->faults, (const char *)content.ptr);
	hf_buffer_free(&content);
	return err;
}

/* ---- running ---- */

static void say_ready(struct run *run, const struct hf_server *server)
{
	const struct hf_run_options *o = &run->options;
	const char *socket = o->lockstep != NULL ? o->lockstep : o->control;
	json_t *fields = json_object();
	if (socket != NULL)
		json_object_set_new(fields, "socket", json_string(socket));
	if (hf_server_pty(server) != NULL)
		json_object_set_new(fields, "pty", json_string(hf_server_pty(server)));
	hf_events_tell(hf_rig_events(run->rig), 0, "ready", fields);
	(void)hf_events_flush(hf_rig_events(run->rig));
	if (run->events == stdout || o->json)
		return;
	if (o->lockstep != NULL)
		printf("lockstep: %s\n", o->lockstep);
	if (hf_server_pty(server) != NULL)
		printf("pty: %s\n", hf_server_pty(server));
	fflush(stdout);
}

static enum hf_err serve(struct run *run)
{
	const struct hf_run_options *o = &run->options;
	const struct hf_server_config config = {
		.rig = run->rig,
		.socket = o->lockstep != NULL ? o->lockstep : o->control,
		.pty = o->pty,
		.until_ns = o->until_ns,
		.stop = run->stop,
	};
	struct hf_server *server;
	enum hf_err err = hf_server_open(&server, &config, &run->diag);
	if (err != HF_OK)
		return err;
	say_ready(run, server);
	err = hf_server_run(server, &run->diag);
	hf_server_close(server);
	return err;
}

#define SLICE_NS 50000000u

static enum hf_err run_alone(struct run *run)
{
	uint64_t until = run->options.until_ns;
	for (uint64_t now = 0; now < until && !*run->stop; now = hf_rig_now_ns(run->rig)) {
		uint64_t slice = (now / SLICE_NS + 1) * SLICE_NS;
		if (hf_rig_run(run->rig, slice < until ? slice : until) == HF_RIG_BROKEN) {
			hf_diag_set(&run->diag, "the twin failed: %s", hf_twin_error(hf_rig_twin(run->rig)));
			return HF_ERR_IO;
		}
	}
	return HF_OK;
}

/* Errors of the firmware that a chip would have passed over in silence. */
static void warn_of_trouble(const json_t *status)
{
	static const char *const names[] = { "stall_errors", "faults", "misuse" };
	const json_t *trouble = json_object_get(status, "trouble");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		long long n = (long long)json_integer_value(json_object_get(trouble, names[i]));
		if (n > 0)
			hf_out_warning("%s: %lld; --events tells where", names[i], n);
	}
}

static void say_end(struct run *run)
{
	json_t *status = hf_rig_status(run->rig);
	(void)hf_events_flush(hf_rig_events(run->rig));
	hf_events_tell(hf_rig_events(run->rig), hf_rig_now_ns(run->rig), "end", json_pack("{s:O}", "status", status));
	if (run->options.json && run->events != stdout) {
		hf_out_json(status);
		return;
	}
	if (run->events != stdout)
		printf("%.3f s of virtual time: %lld resets, %lld flash operations, running %s, light %s, longest time "
		       "between two Modbus readings %.1f ms\n",
		       (double)hf_rig_now_ns(run->rig) / 1e9,
		       (long long)json_integer_value(json_object_get(status, "resets")),
		       (long long)json_integer_value(json_object_get(status, "flash_ops")),
		       json_string_value(json_object_get(status, "running")),
		       json_string_value(json_object_get(json_object_get(status, "led"), "state")),
		       (double)json_integer_value(json_object_get(json_object_get(status, "modbus"), "gap_ns")) / 1e6);
	warn_of_trouble(status);
	json_decref(status);
}

static enum hf_err open_rig(struct run *run)
{
	const struct hf_run_options *o = &run->options;
	struct hf_rig_config config;
	hf_rig_config_default(&config, &run->board);
	config.events = run->events;
	if (o->uid != NULL)
		memcpy(config.twin.unique_id, o->unique_id, sizeof(o->unique_id));
	if (o->lsi_given)
		config.twin.lsi_hz = o->lsi_hz;
	if (o->optcr_given)
		config.twin.optcr = o->optcr;
	config.twin.hsi_pll_fails = o->no_pll;
	if (o->seed != 0)
		config.twin.seed = o->seed;
	if (o->slaves_given)
		config.slaves = (uint8_t)o->slaves;
	return hf_rig_open(&run->rig, &config, &run->diag);
}

static enum hf_err run_rig(struct run *run)
{
	const struct hf_run_options *o = &run->options;
	enum hf_err err = load_flash(run);
	if (err == HF_OK)
		err = load_options(run);
	if (err == HF_OK)
		err = take_faults(run);
	if (err != HF_OK)
		return err;
	if (o->boot0)
		hf_twin_boot0(hf_rig_twin(run->rig), true);
	if (!o->off)
		hf_twin_power_on(hf_rig_twin(run->rig));
	err = o->lockstep != NULL || o->pty ? serve(run) : run_alone(run);
	if (err == HF_OK)
		say_end(run);
	struct hf_diag diag;
	enum hf_err saved = save(run, &diag);
	if (err == HF_OK && saved != HF_OK)
		run->diag = diag;
	return err != HF_OK ? err : saved;
}

static enum hf_err open_events(struct run *run)
{
	const char *path = run->options.events;
	if (path == NULL)
		return HF_OK;
	run->events = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
	if (run->events != NULL)
		setvbuf(run->events, NULL, _IOLBF, 0); /* whoever looks on sees a line when it has happened */
	if (run->events != NULL)
		return HF_OK;
	hf_diag_set(&run->diag, "%s cannot be written: %s", path, strerror(errno));
	return HF_ERR_IO;
}

static enum hf_err close_events(struct run *run)
{
	bool failed = run->events != NULL && ferror(run->events) != 0;
	if (run->events != NULL && run->events != stdout)
		failed |= fclose(run->events) != 0;
	if (failed)
		hf_diag_set(&run->diag, "the events could not be written: %s", strerror(errno));
	return failed ? HF_ERR_IO : HF_OK;
}

enum hf_exit hf_twin_command_run(int argc, char **argv, const volatile bool *stop)
{
	static struct run run; /* a board and its sentences: too large for a small stack */
	enum hf_exit exit_code;
	run = (struct run){ .stop = stop };
	if (!hf_run_options(argc, argv, &run.options, &exit_code))
		return exit_code;
	enum hf_err err = hf_board_load(run.options.board, &run.board, &run.diag);
	if (err == HF_OK)
		err = open_events(&run);
	if (err != HF_OK)
		return hf_out_fail(err, &run.diag);
	err = open_rig(&run);
	if (err == HF_OK) {
		err = run_rig(&run);
		hf_rig_close(run.rig);
	}
	enum hf_err closed = close_events(&run);
	err = err != HF_OK ? err : closed;
	if (err != HF_OK)
		return hf_out_fail(err, &run.diag);
	if (!hf_out_flush())
		return HF_EXIT_INTERNAL;
	return *stop ? HF_EXIT_INTERRUPTED : HF_EXIT_OK;
}

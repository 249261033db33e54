/* SPDX-License-Identifier: MIT */
#include "monitor.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cbor_diag.h"
#include "watch.h"

#define SLICE_MS  200u /* how soon an interrupt is noticed */
#define RETRY_MS  500u /* between two looks for a port that is not there */
#define NAME      24
#define DESPAIR_MS 10000u /* before the rates are gone through once more */
#define PERCENT   10u  /* people are told an upload's progress in such steps */

struct monitor {
	const struct hf_monitor_options *o;
	pthread_mutex_t lock; /* of what follows, and of both outputs */
	FILE *log;
	bool log_failed;
	int name_width;
};

struct listener {
	struct monitor *m;
	unsigned number;
	char name[NAME];
	const char *port;
	pthread_t thread;
	struct hf_serial serial;
	unsigned rate, tried;       /* rates in a row at which nothing made sense */
	uint64_t despair_ms;        /* until then the rate stays */
	uint64_t begin_ms, real_ms; /* by the seam's clock, by the wall's */
	uint64_t end_ms;            /* since the begin */
	struct hf_watch watch;
	unsigned told_percent;
	enum hf_exit code;
};

static uint64_t real_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

const char *hf_monitor_name(const struct hf_monitor_options *o, unsigned port, char *text, size_t room)
{
	bool labelled = o->label && o->label[port];
	const char *name = labelled ? o->label[port] : o->port[port], *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
	size_t len = strlen(base);

	for (unsigned i = 0; i < o->ports && !labelled; i++) {
		const char *other = strrchr(o->port[i], '/');

		if (i != port && slash && other && strcmp(other, slash) == 0)
			len = strlen(base = name);
	}
	if (len > 5 && strcmp(base + len - 5, ".sock") == 0)
		len -= 5;
	if (len >= room) { /* the end tells more */
		base += len - (room - 1);
		len = room - 1;
	}
	snprintf(text, room, "%.*s", (int)len, base);
	return text;
}

/* ---- what is written; the lock is held ---- */

static void log_fails(struct monitor *m)
{
	if (!m->log_failed)
		hf_out_error("%s cannot be written: %s; listening goes on without it", m->o->log, strerror(errno));
	m->log_failed = true;
}

static void to_log(struct monitor *m, const char *text)
{
	if (m->log && !m->log_failed && (fputs(text, m->log) == EOF || fflush(m->log) != 0))
		log_fails(m);
}

static void write_event(struct monitor *m, json_t *event)
{
	char *text = m->log ? json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(10)) : NULL;

	if (text) {
		to_log(m, text);
		to_log(m, "\n");
	}
	free(text);
	hf_out_event(event);
}

static enum hf_colour colour_of(const struct listener *l)
{
	static const enum hf_colour colours[] = {HF_COLOUR_CYAN, HF_COLOUR_MAGENTA, HF_COLOUR_BLUE, HF_COLOUR_GREEN,
						 HF_COLOUR_YELLOW, HF_COLOUR_RED};

	return colours[l->number % (sizeof(colours) / sizeof(colours[0]))];
}

static enum hf_colour stage_colour(enum hf_log_stage stage)
{
	switch (stage) {
	case HF_LOG_RUNNING:
	case HF_LOG_CONFIRMED:
		return HF_COLOUR_GREEN;
	case HF_LOG_TRIAL:
	case HF_LOG_UPLOADING:
	case HF_LOG_WRITTEN:
		return HF_COLOUR_YELLOW;
	case HF_LOG_DEGRADED:
	case HF_LOG_ROLLED_BACK:
	case HF_LOG_RECOVERY:
	case HF_LOG_ROM:
		return HF_COLOUR_RED;
	default:
		return HF_COLOUR_DIM;
	}
}

static const char *stage_column(const struct listener *l, char text[32])
{
	const struct hf_device_log *log = &l->watch.log;

	if (log->stage == HF_LOG_UNKNOWN)
		text[0] = 0;
	else if (log->stage == HF_LOG_UPLOADING)
		snprintf(text, 32, "%s %u%%", hf_log_stage_text(log->stage), log->percent);
	else
		snprintf(text, 32, "%s", hf_log_stage_text(log->stage));
	return text;
}

/* One line for people: time, device, stage, text. */
static void write_line(struct listener *l, uint64_t t_ms, const char *text)
{
	struct monitor *m = l->m;
	const char *plain = hf_out_colour(stdout, HF_COLOUR_NONE), *stage_begin;
	int width = m->o->ports > 1 ? m->name_width : 0;
	char stage[32], line[HF_WATCH_LINE + 128];

	stage_column(l, stage);
	stage_begin = hf_out_colour(stdout, stage_colour(l->watch.log.stage));
	printf("%s%10.3f%s  ", hf_out_colour(stdout, HF_COLOUR_DIM), (double)t_ms / 1000, plain);
	if (width)
		printf("%s%-*s%s  ", hf_out_colour(stdout, colour_of(l)), width, l->name, plain);
	printf("%s%-14s%s %s\n", stage_begin, stage, plain, text);
	fflush(stdout);
	snprintf(line, sizeof(line), "%10.3f  %-*s  %-14s %s\n", (double)t_ms / 1000, m->name_width, l->name, stage, text);
	to_log(m, line);
}

/* Something about the port itself: no line of the device. */
static void tell(struct listener *l, uint64_t t_ms, json_t *event, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void tell(struct listener *l, uint64_t t_ms, json_t *event, const char *format, ...)
{
	char text[HF_WATCH_LINE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	pthread_mutex_lock(&l->m->lock);
	if (l->m->o->json) {
		json_object_set_new(event, "text", json_string(text));
		write_event(l->m, event);
	} else {
		json_decref(event);
		write_line(l, t_ms, text);
	}
	pthread_mutex_unlock(&l->m->lock);
}

static json_t *event_of(const struct listener *l, const char *event, uint64_t t_ms)
{
	json_t *all = json_pack("{s:s, s:I, s:s}", "event", event, "t_ms", (json_int_t)t_ms, "port", l->port);

	if (l->m->o->label && l->m->o->label[l->number])
		json_object_set_new(all, "device", json_string(l->m->o->label[l->number]));
	return all;
}

/* ---- what the ear hears ---- */

static uint64_t since(const struct listener *l, uint64_t at_ms)
{
	return at_ms > l->begin_ms ? at_ms - l->begin_ms : 0;
}

static void on_line(void *ctx, const char *text, uint64_t at_ms)
{
	struct listener *l = ctx;
	json_t *event;

	if (!hf_watch_garbled(&l->watch))
		l->tried = 0;
	pthread_mutex_lock(&l->m->lock);
	if (l->m->o->json) {
		event = event_of(l, "line", since(l, at_ms));
		json_object_set_new(event, "stage", json_string(hf_log_stage_text(l->watch.log.stage)));
		json_object_set_new(event, "text", json_string(text));
		write_event(l->m, event);
	} else {
		write_line(l, since(l, at_ms), text);
	}
	pthread_mutex_unlock(&l->m->lock);
}

static json_t *stage_event(const struct listener *l, uint64_t at_ms)
{
	const struct hf_device_log *log = &l->watch.log;
	json_t *event = event_of(l, "stage", since(l, at_ms));

	json_object_set_new(event, "stage", json_string(hf_log_stage_text(log->stage)));
	if (log->version[0])
		json_object_set_new(event, "version", json_string(log->version));
	if (log->slot)
		json_object_set_new(event, "slot", json_stringn(&log->slot, 1));
	if (log->stage == HF_LOG_UPLOADING)
		json_object_set_new(event, "percent", json_integer((json_int_t)log->percent));
	if (log->stage == HF_LOG_BOOT || log->stage == HF_LOG_RECOVERY)
		json_object_set_new(event, "cause", json_string(log->cause));
	if (log->stage == HF_LOG_RECOVERY)
		json_object_set_new(event, "reason", json_string(log->reason));
	return event;
}

/* People see a stage beside each line; only an upload goes on without lines. */
static void on_stage(void *ctx, uint64_t at_ms)
{
	struct listener *l = ctx;
	const struct hf_device_log *log = &l->watch.log;
	char text[HF_LOG_TEXT_BYTES + 48];

	pthread_mutex_lock(&l->m->lock);
	if (l->m->o->json) {
		write_event(l->m, stage_event(l, at_ms));
	} else if (log->stage == HF_LOG_UPLOADING && log->percent / PERCENT > l->told_percent / PERCENT) {
		snprintf(text, sizeof(text), "(%u %% of %s are there)", log->percent, log->version);
		write_line(l, since(l, at_ms), text);
	}
	l->told_percent = log->stage == HF_LOG_UPLOADING ? log->percent : 0;
	pthread_mutex_unlock(&l->m->lock);
}

static void print_packet(struct listener *l, const struct hf_smp_header *h, struct hf_bytes body, uint64_t at_ms)
{
	static const char *const ops[] = {"read", "read answer", "write", "write answer"};
	char text[128];
	enum hf_err err;

	snprintf(text, sizeof(text), "SMP %s: group %u, id %u, sequence %u, %u bytes", h->op < 4 ? ops[h->op] : "unknown",
		 h->group, h->id, h->seq, h->len);
	write_line(l, since(l, at_ms), text);
	err = hf_cbor_diag(body, 64, stdout);
	if (err)
		printf("            (%s)\n", hf_err_text(err));
	fflush(stdout);
}

static void on_packet(void *ctx, const struct hf_smp_header *h, struct hf_bytes body, uint64_t at_ms)
{
	struct listener *l = ctx;
	char hex[2 * HF_WATCH_PACKET + 1];
	json_t *event;

	if (!l->m->o->smp)
		return;
	pthread_mutex_lock(&l->m->lock);
	if (l->m->o->json) {
		event = event_of(l, "smp", since(l, at_ms));
		json_object_update_new(event, json_pack("{s:i, s:i, s:i, s:i, s:s}", "op", h->op, "group", h->group, "id", h->id, "sequence",
							h->seq, "body", hf_out_hex(body.ptr, body.len, hex)));
		write_event(l->m, event);
	} else {
		print_packet(l, h, body, at_ms);
	}
	pthread_mutex_unlock(&l->m->lock);
}

/* ---- a port ---- */

static bool stopped(const struct listener *l)
{
	return l->m->o->stop && l->m->o->stop(l->m->o->ctx);
}

static bool real_time_is_over(const struct listener *l)
{
	return l->m->o->for_ms && real_now_ms() - l->real_ms >= l->m->o->for_ms;
}

static enum hf_exit exit_of_open(enum hf_err err)
{
	return err == HF_ERR_RANGE ? HF_EXIT_USAGE : err == HF_ERR_BUSY ? HF_EXIT_BUSY : HF_EXIT_NO_DEVICE;
}

static void sleep_real(uint32_t ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&time, NULL);
}

/* False: it is not there, and not waited for any longer. */
static bool open_port(struct listener *l)
{
	const struct hf_monitor_options *o = l->m->o;
	struct hf_serial_line line = HF_SERIAL_8N1(o->rate[0]);
	struct hf_diag diag;
	bool told = false;
	enum hf_err err;

	l->real_ms = real_now_ms();
	while ((err = hf_serial_open(l->port, &line, &l->serial, &diag)) != HF_OK) {
		if (!o->wait || err == HF_ERR_RANGE) {
			pthread_mutex_lock(&l->m->lock);
			hf_out_error("%s", diag.text);
			pthread_mutex_unlock(&l->m->lock);
			l->code = exit_of_open(err);
			return false;
		}
		if (!told)
			tell(l, 0, event_of(l, "gone", 0), "%s is not there yet, waiting for it: %s", l->port, diag.text);
		told = true;
		if (stopped(l) || real_time_is_over(l))
			return false;
		sleep_real(RETRY_MS);
	}
	l->begin_ms = hf_serial_now_ms(&l->serial);
	if (told) {
		uint64_t waited = real_now_ms() - l->real_ms;

		l->begin_ms = l->begin_ms > waited ? l->begin_ms - waited : 0;
		tell(l, waited, event_of(l, "back", waited), "%s is there", l->port);
	}
	return true;
}

static uint64_t left_ms(const struct listener *l)
{
	uint64_t until = l->begin_ms + l->m->o->for_ms, now_ms = hf_serial_now_ms(&l->serial);

	return !l->m->o->for_ms ? UINT64_MAX : until > now_ms ? until - now_ms : 0;
}

/* The line is gone. False: and stays so. */
static bool come_back(struct listener *l)
{
	uint64_t gone_ms = hf_serial_now_ms(&l->serial), t_ms = since(l, gone_ms);

	hf_watch_flush(&l->watch);
	l->code = HF_EXIT_PORT_GONE;
	if (!l->m->o->wait) {
		tell(l, t_ms, event_of(l, "gone", t_ms), "%s is gone: check cable and adapter (--wait waits for it)", l->port);
		return false;
	}
	tell(l, t_ms, event_of(l, "gone", t_ms), "%s is gone, waiting for it: check cable and adapter", l->port);
	do {
		if (stopped(l) || left_ms(l) == 0)
			return false;
		hf_serial_sleep_ms(&l->serial, RETRY_MS);
	} while (hf_serial_reopen(&l->serial) != HF_OK);
	t_ms = since(l, hf_serial_now_ms(&l->serial));
	tell(l, t_ms, event_of(l, "back", t_ms), "%s is back after %.1f s", l->port, (double)(t_ms - since(l, gone_ms)) / 1000);
	hf_watch_new_rate(&l->watch);
	l->code = HF_EXIT_OK;
	return true;
}

/* Nothing makes sense at this rate: the next one, or a rest once all were tried. */
static void next_rate(struct listener *l)
{
	const struct hf_monitor_options *o = l->m->o;
	uint64_t now_ms = hf_serial_now_ms(&l->serial), t_ms = since(l, now_ms);
	uint32_t was = o->rate[l->rate];
	struct hf_serial_line line;
	json_t *event = event_of(l, "rate", t_ms);

	l->rate = (l->rate + 1) % o->rates;
	line = HF_SERIAL_8N1(o->rate[l->rate]);
	json_object_set_new(event, "baud", json_integer((json_int_t)line.baud));
	if (o->rates > 1)
		(void)!hf_serial_set_line(&l->serial, &line);
	hf_watch_new_rate(&l->watch);
	if (++l->tried < o->rates) {
		tell(l, t_ms, event, "what comes at %u baud makes no sense, listening at %u baud", was, line.baud);
		return;
	}
	l->tried = 0;
	l->despair_ms = now_ms + DESPAIR_MS;
	tell(l, t_ms, event, "what comes makes no sense, not at %u baud either: another rate (--baud RATE)? a bad cable, no ground?",
	     was);
}

static void listen_on(struct listener *l)
{
	uint8_t buf[512];

	for (;;) {
		uint64_t left = left_ms(l);
		enum hf_err err;
		size_t len;

		if (left == 0 || stopped(l))
			break;
		err = hf_serial_read(&l->serial, buf, sizeof(buf), left < SLICE_MS ? (uint32_t)left : SLICE_MS, &len);
		hf_watch_take(&l->watch, (struct hf_bytes){buf, len}, hf_serial_now_ms(&l->serial));
		if (err && err != HF_ERR_TIMEOUT && !come_back(l))
			break;
		if (hf_watch_garbled(&l->watch) && hf_serial_now_ms(&l->serial) >= l->despair_ms)
			next_rate(l);
	}
	hf_watch_flush(&l->watch);
	l->end_ms = since(l, hf_serial_now_ms(&l->serial));
}

static void *run(void *ctx)
{
	struct listener *l = ctx;

	if (!open_port(l))
		return NULL;
	listen_on(l);
	hf_serial_close(&l->serial);
	return NULL;
}

/* ---- all of them ---- */

static bool open_log(struct monitor *m)
{
	time_t now = time(NULL);
	struct tm day;
	char line[96];

	if (!m->o->log)
		return true;
	m->log = fopen(m->o->log, "a");
	if (!m->log) {
		hf_out_error("%s cannot be written: %s", m->o->log, strerror(errno));
		return false;
	}
	if (!m->o->json && localtime_r(&now, &day) && strftime(line, sizeof(line), "# listening since %F %T %z\n", &day))
		to_log(m, line);
	return true;
}

static void close_log(struct monitor *m)
{
	if (m->log && fclose(m->log) != 0)
		log_fails(m);
}

/* Devices may be silent for hours: so that it is plain what is waited for. */
static void announce(const struct monitor *m, const struct listener *all)
{
	fprintf(stderr, "holdfast: listening to ");
	for (unsigned i = 0; i < m->o->ports; i++)
		fprintf(stderr, "%s%s", i ? ", " : "", all[i].name);
	fprintf(stderr, " at %u baud; Ctrl-C ends it\n", m->o->rate[0]);
}

static void start(struct monitor *m, struct listener *all)
{
	const struct hf_monitor_options *o = m->o;

	for (unsigned i = 0; i < o->ports; i++) {
		struct listener *l = &all[i];

		*l = (struct listener){.m = m, .number = i, .port = o->port[i]};
		hf_monitor_name(o, i, l->name, sizeof(l->name));
		if ((int)strlen(l->name) > m->name_width)
			m->name_width = (int)strlen(l->name);
		hf_watch_begin(&l->watch, &(struct hf_watch_events){on_line, on_stage, on_packet, l});
	}
	if (!o->for_ms && !o->json)
		announce(m, all);
	for (unsigned i = 1; i < o->ports; i++) {
		if (pthread_create(&all[i].thread, NULL, run, &all[i]) != 0) {
			hf_out_error("%s is not listened to: no more threads", all[i].port);
			all[i].code = HF_EXIT_INTERNAL;
			all[i].thread = pthread_self();
		}
	}
	run(&all[0]); /* in this thread: with one port, there is no other */
	for (unsigned i = 1; i < o->ports; i++) {
		if (!pthread_equal(all[i].thread, pthread_self()))
			pthread_join(all[i].thread, NULL);
	}
}

static enum hf_exit judge(const struct monitor *m, const struct listener *all)
{
	enum hf_exit code = HF_EXIT_OK;

	for (unsigned i = 0; i < m->o->ports && code == HF_EXIT_OK; i++)
		code = all[i].code;
	if (code == HF_EXIT_OK && m->log_failed)
		code = HF_EXIT_DISK;
	if (code == HF_EXIT_OK && !m->o->for_ms && m->o->stop && m->o->stop(m->o->ctx))
		code = HF_EXIT_INTERRUPTED;
	return code;
}

static void write_result(const struct monitor *m, const struct listener *all, enum hf_exit code)
{
	uint64_t t_ms = 0;

	for (unsigned i = 0; i < m->o->ports; i++)
		t_ms = all[i].end_ms > t_ms ? all[i].end_ms : t_ms;
	hf_out_event(json_pack("{s:s, s:I, s:i, s:s}", "event", "result", "t_ms", (json_int_t)t_ms, "exit", (int)code, "outcome",
			       hf_exit_text(code)));
}

enum hf_exit hf_monitor(const struct hf_monitor_options *o)
{
	struct listener *all = calloc(o->ports, sizeof(*all));
	struct monitor m = {.o = o};
	enum hf_exit code = HF_EXIT_DISK;

	if (!all) {
		hf_out_error("out of memory");
		return HF_EXIT_INTERNAL;
	}
	pthread_mutex_init(&m.lock, NULL);
	if (open_log(&m)) {
		start(&m, all);
		close_log(&m);
		code = judge(&m, all);
	}
	if (o->json)
		write_result(&m, all, code);
	pthread_mutex_destroy(&m.lock);
	free(all);
	return code;
}

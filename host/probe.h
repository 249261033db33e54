/* SPDX-License-Identifier: MIT
 *
 * What is at a line's other end, asked so that nothing there changes: a greeting of one byte for the chip's ROM loader, one
 * read request at each rate for everything else, and otherwise ears. About a second where nothing answers.
 *
 * The loader is greeted first: it takes its rate from the first byte that it hears, and with any other one it would be deaf
 * until its next reset.
 */
#ifndef HF_PROBE_H
#define HF_PROBE_H

#include "an3155.h"
#include "serial.h"
#include "smp_device.h"

enum hf_peer {
	HF_PEER_NOTHING,  /* nothing came back at any rate */
	HF_PEER_FIRMWARE, /* a Holdfast that runs firmware from a slot */
	HF_PEER_RECOVERY, /* a Holdfast in its recovery */
	HF_PEER_SMP,      /* another device that speaks SMP (mcumgr) */
	HF_PEER_ROM,      /* the chip's own loader */
	HF_PEER_TEXT,     /* somebody writes text, and answers nothing */
	HF_PEER_GARBAGE,  /* bytes that make no sense at any rate: a rate that was not tried, or a bad line */
	HF_PEER_ECHO,     /* our own bytes come back, and nothing else */
	HF_PEER_GONE,     /* the port vanished meanwhile */
	HF_PEERS
};

struct hf_probe_how {
	const uint32_t *rate; /* to try, in this order; NULL: 921600 and 115200 */
	unsigned rates;
	uint32_t answer_ms;   /* for each request; 0: 300 */
	bool no_rom;          /* do not look for the chip's loader */
	bool brief;           /* leave out the images' versions and the loader's unique id */
	bool (*stop)(void *ctx); /* NULL: never */
	void *ctx;
};

#define HF_PROBE_TEXT 80

struct hf_probe {
	enum hf_peer peer;
	uint32_t rate;  /* at which it answers; of text: at which it can be read; 0: none of that */
	bool other_rate; /* not one of those that were to be tried: the user has to name it (--baud) */
	bool echo;      /* our own bytes come back besides: a half-duplex adapter */
	uint32_t probe_ms; /* how long it took */

	struct hf_smp_status status; /* FIRMWARE, RECOVERY */
	struct hf_smp_images images; /* FIRMWARE, RECOVERY, SMP; count 0 where the device does not tell */
	bool identified;             /* device_id is known */
	uint8_t device_id[16];

	uint16_t chip_id;            /* ROM */
	bool closed;                 /* ROM: readout protection; the unique id cannot be had */

	char text[HF_PROBE_TEXT];    /* of what was heard, the last whole line, printable; "": none */
};

/* Asks. The line's settings are left as they were last tried: where somebody answers, as he does (`rate`, 8N1; ROM: 8E1).
 * HF_OK, whatever the peer is; HF_ERR_BUSY: `stop` said so. */
HF_MUST_USE enum hf_err hf_probe(const struct hf_serial *serial, const struct hf_probe_how *how, struct hf_probe *out);

bool hf_probe_is_holdfast(const struct hf_probe *p);

const char *hf_peer_text(enum hf_peer peer); /* "firmware", "recovery", "smp", "rom", "text", "garbage", "echo", "nothing", "gone" */

/* A sentence about a peer that is no Holdfast device: what that is, and what to do; and about a device that answers at a rate
 * which nobody named. "" for any other device. Returns text. */
const char *hf_probe_advice(const struct hf_probe *p, char *text, size_t room);

#endif

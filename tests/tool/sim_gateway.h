/* SPDX-License-Identifier: MIT
 *
 * A gateway at the end of a simulated serial line: boot, engine and SMP server are core's own, the flash takes its time and
 * may lose power. What the CPU would do besides is a few lines: start, wait a while, confirm.
 */
#ifndef HF_TESTS_SIM_GATEWAY_H
#define HF_TESTS_SIM_GATEWAY_H

#include "device.h"
#include "sim.h"
#include "smp_server.h"

struct gateway {
	struct sim line;
	struct device device;
	struct hf_smp_server server;
	struct hf_smp_link link;
	bool fast;                  /* it knows `line` from its next start on: 115200 baud at first, 921600 too */
	void (*health)(struct hf_health *h); /* what it tells of itself, from its next start on; NULL: it cannot */
	bool readback;              /* its board lets images be read, the same */
	struct hf_smp_store store;
	uint64_t confirm_us;        /* when the firmware that runs confirms itself; SIM_NEVER: it does not, or has */
	uint64_t self_test_us;      /* what it takes for that after a start */
	const struct package *mute; /* this firmware never confirms itself, but answers */
	unsigned deaf_to_resets;    /* so many reset requests are answered and forgotten */
	bool restart_after_activation; /* power fails once, before the answer to an activation leaves */
	const struct package *dead; /* this one is not heard of again, and stays (its watchdog was forgotten) */

	/* Power fails at this operation of each session, so many times. */
	unsigned long cut_every;
	unsigned cuts_left;
	unsigned cuts;              /* so far */
	unsigned starts;
};

/* `runs` is what it left the factory with. */
void gateway_open(struct gateway *g, const struct maker *maker, const struct package *runs, uint32_t seed);
void gateway_close(struct gateway *g);

/* It knows this package's firmware, and may start it. */
void gateway_know(struct gateway *g, const struct package *p);

/* Power on. */
void gateway_start(struct gateway *g);

#endif

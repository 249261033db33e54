/* SPDX-License-Identifier: MIT
 *
 * A serial line with a device at its other end, in one process and in virtual time: bytes take their time, may be lost,
 * damaged and repeated, the cable may be pulled, and the device answers when it is done and not before. While it works,
 * what arrives waits in a buffer of limited size. With `link` it knows both framings and several rates, as a Holdfast does.
 */
#ifndef HF_TESTS_SIM_H
#define HF_TESTS_SIM_H

#include "serial.h"
#include "frame.h"
#include "smp.h"
#include "smp_link.h"

#define SIM_QUEUE 262144u
#define SIM_NEVER UINT64_MAX

struct sim_byte {
	uint64_t at_us;
	uint8_t byte;
};

struct sim_queue {
	struct sim_byte *item; /* SIM_QUEUE of them, a ring */
	unsigned first, count;
	uint64_t free_us; /* when the line can take the next byte */
	uint64_t rest_ns; /* and so much later */
};

struct sim {
	/* Set by the test after sim_init. */
	uint32_t baud;
	uint32_t wrong_below;      /* the device's rate: at lower ones no byte arrives whole; 0: any rate will do */
	uint32_t rx_bytes;         /* the device's receive buffer */
	uint32_t packet_bytes;     /* the longest packet that it takes */
	uint32_t drop_ppm, flip_ppm, repeat_ppm; /* a byte, each way */
	uint32_t noisy_from;     /* the rate from which on bytes suffer so; 0: all */
	struct hf_smp_link *link; /* begun; NULL: console framing only, at any rate */
	uint64_t cable_off_us, cable_on_us;      /* bytes in between are lost */
	bool cable_is_usb;                       /* ... and the port disappears */
	/* Serves a packet. Returns the answer's length; *cost_us is how long it took. */
	size_t (*serve)(void *ctx, const struct hf_smp_decoder *packet, bool oversize, uint8_t *out, size_t cap,
			uint64_t *cost_us);
	/* Called once an answer has been put onto the line, which is free again at to_host.free_us; NULL: nothing. */
	void (*answered)(void *ctx);
	void *ctx;

	/* To be read. */
	struct hf_serial serial;
	uint64_t now_us;
	uint64_t device_us; /* within serve: when the packet was complete */
	uint64_t bytes_to_device;
	uint32_t binary_packets; /* that the device took */
	uint32_t overflows;
	uint32_t reopens;

	/* Private. */
	uint32_t random;
	struct sim_queue to_device, to_host;
	uint8_t *rx;
	uint32_t rx_count;
	uint64_t busy_us, deaf_us;
	struct hf_smp_decoder decoder;
	struct hf_frame_decoder frames;
	uint64_t heard_us;
	uint8_t packet[4096], answer[4096];
	bool lost;
};

/* 115200 baud, a buffer of 8 KiB, no faults. */
void sim_init(struct sim *sim, uint32_t seed);
void sim_free(struct sim *sim);

/* The device loses power and has it again: what it was receiving and sending is gone; it is deaf for boot_us. */
void sim_restart(struct sim *sim, uint64_t boot_us);

/* The device resets itself after what it has to send is out; it is deaf for boot_us. */
void sim_reset(struct sim *sim, uint64_t boot_us);

/* Bytes that the device sends of its own accord, now. */
void sim_say(struct sim *sim, const char *text);
void sim_say_later(struct sim *sim, const char *text, uint64_t after_us);

/* Lets time pass. */
void sim_advance(struct sim *sim, uint64_t until_us);

uint32_t sim_random(struct sim *sim);

#endif

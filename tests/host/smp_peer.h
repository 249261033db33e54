/* SPDX-License-Identifier: MIT
 *
 * A device for the tests of the SMP client: the real server over an engine that is played here and that keeps what it gets,
 * a 16 KiB segment at a time, at the end of a simulated line.
 */
#ifndef HF_TESTS_SMP_PEER_H
#define HF_TESTS_SMP_PEER_H

#include "sim.h"
#include "smp_device.h"
#include "smp_server.h"
#include "smp_upload.h"

#define FILE_BYTES 100000u
#define HEAD_BYTES 3000u /* of the file, wanted again after each restart */
#define SEGMENT    16384u

extern struct peer_device {
	uint8_t kept[FILE_BYTES];
	uint32_t committed;      /* survives a restart */
	uint32_t cost_us;        /* of each packet */
	uint32_t erase_us;       /* before each segment */
	uint32_t restart_at;     /* the device restarts when it gets to this offset; 0: never */
	unsigned restarts_left;
	uint32_t refuse_at;      /* `refusal` for the packet with this offset */
	unsigned refusals_left;
	enum hf_err refusal;
	struct hf_blackbox found;  /* what the black box finds */
	bool no_black_box;         /* the device refuses to tell */
	unsigned requests_ignored; /* so many packets get no answer at all */
	unsigned answers_left;   /* so many, then none any more; 0: for ever */
	bool forgets_line;       /* a restart ends in firmware that knows neither `line` nor binary frames */
	const char *says;        /* after a restart */
	enum hf_err verdict;     /* of verifying any place */
	uint32_t has;            /* bit n: segment n lies in the other slot; it takes erase_us to take it from there */
	bool stubborn;           /* never wants anything but 0 */
	uint64_t owed_us;
	uint64_t work_us;
} device;

extern struct hf_update update;
extern struct hf_smp_server server;
extern struct sim sim;
extern struct hf_smp_client client;
extern struct hf_smp_answer answer;
extern uint8_t file[FILE_BYTES];

/* Fixtures: 921600 baud, console framing, packets of 1 KiB, four of them under way. */
int setup(void **state);
int teardown(void **state);

struct hf_smp_upload uploading(void);
void assert_complete(const struct hf_smp_upload *u);

#endif

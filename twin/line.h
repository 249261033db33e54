/* SPDX-License-Identifier: MIT
 *
 * One direction of an asynchronous serial line, bit by bit in virtual time.
 *
 * A sender puts frames on the wire with its own bit time, a receiver samples the wire with its own: a wrong baud rate,
 * parity or a flipped bit therefore becomes the same garbage, framing and noise errors as on a bench, and nothing
 * decides "too far off" by a threshold. The receiver is the F4's (RM0090, 30.3.3): a falling edge starts a frame, each
 * bit is the majority of three samples at 8, 9 and 10 sixteenths, three unequal ones are noise.
 *
 * Nothing here owns time. The caller asks for the next instant at which something happens, and lets the wire catch up
 * with `now` before anything that the wire depends on is changed.
 */
#ifndef HF_TWIN_LINE_H
#define HF_TWIN_LINE_H

#include <stdbool.h>
#include <stdint.h>

#define HF_LINE_NEVER UINT64_MAX
#define HF_LINE_EDGES 4

struct hf_line_format {
	uint64_t bit_ps;       /* picoseconds a bit */
	uint8_t data_bits;     /* 5 to 9, parity not counted */
	char parity;           /* 'N', 'E' or 'O' */
	uint8_t stop_halves;   /* stop bits times two: 1 to 4 */
};

/* What a receiver makes of a frame. */
struct hf_line_char {
	uint64_t t_ns;         /* when its stop bit was sampled */
	uint16_t data;
	bool framing_error;
	bool parity_error;
	bool noise;
};

struct hf_line {
	/* The sender's frame. */
	uint64_t start_ps;     /* of the frame that is on the wire, or of the last one */
	uint64_t end_ps;
	uint64_t send_bit_ps;
	uint32_t frame;        /* levels, first bit lowest */
	uint8_t frame_bits;
	uint8_t next_edge;     /* bits that the receiver has seen begin */
	bool sending;
	bool sent_low;         /* level that the sender drives now */
	/* What happens to it on the way. */
	bool cut;              /* the receiver sees an idle line */
	bool break_on;         /* the sender holds the line low */
	uint32_t error_rate;   /* probability of a flipped bit, times 2^32 */
	uint64_t random;
	/* The receiver. */
	struct hf_line_format rx;
	bool listening;
	bool level;            /* as the receiver sees it: idle is high */
	bool receiving;
	uint64_t rx_start_ps;
	uint8_t sample;        /* samples taken of the frame, three a bit */
	uint8_t ones;          /* of the bit that is being sampled */
	uint16_t shift;
	bool noisy;
	/* What an eye at the receiver's end has seen since hf_line_measure(): a falling edge and those after it. */
	bool measuring;
	uint8_t edges;
	uint64_t edge_ps[HF_LINE_EDGES];
};

/* An idle line between two ends of the same format, which loses and flips nothing. */
void hf_line_init(struct hf_line *line, const struct hf_line_format *format, uint64_t seed);

/* "115200 8N1" for baud, data bits, parity, stop bits. */
struct hf_line_format hf_line_format_of(uint32_t baud, uint8_t data_bits, char parity, uint8_t stop_bits);

/* How long a frame of this format lasts, stop bits included. */
uint64_t hf_line_frame_ns(const struct hf_line_format *format);

/* Begins a frame at now_ns. The line is not sending (hf_line_busy), and has caught up with now_ns. */
void hf_line_send(struct hf_line *line, uint64_t now_ns, const struct hf_line_format *format, uint16_t data);

/* Changes the frame that hf_line_send() just began: `flipped` bits (start bit lowest) are inverted, or all are idle; bits
 * last ppm millionths longer (more than -1000000); it begins delay_ns later. */
struct hf_line_damage {
	uint32_t flipped;
	bool lost;
	int32_t ppm;
	uint64_t delay_ns;
};
void hf_line_damage(struct hf_line *line, const struct hf_line_damage *damage);

/* splitmix64 */
uint64_t hf_line_random(uint64_t *state);

/* The end of the frame on the wire is after now_ns. */
bool hf_line_busy(const struct hf_line *line, uint64_t now_ns);

/* Lets the wire catch up, up to the first character that the receiver completes at or before now_ns: true, and call
 * again; false: it has caught up, *out is unchanged. */
bool hf_line_advance(struct hf_line *line, uint64_t now_ns, struct hf_line_char *out);

/* The next instant at which the sender's frame ends or the receiver completes a character; HF_LINE_NEVER when the line
 * is idle. */
uint64_t hf_line_next(const struct hf_line *line);

/* The receiver's settings; a frame that it is in the middle of is lost. The wire has caught up with now. */
void hf_line_listen(struct hf_line *line, bool on, const struct hf_line_format *format);

/* The receiver's clock runs differently from here on; a frame goes on. */
void hf_line_retime(struct hf_line *line, uint64_t bit_ps);

/* Notes the next edges at the receiver's end, the first being a falling one. The wire has caught up with now. */
void hf_line_measure(struct hf_line *line, bool on);

/* Pulls the plug or puts it in; holds the line low or lets it go. The wire has caught up with now_ns. */
void hf_line_cut(struct hf_line *line, uint64_t now_ns, bool cut);
void hf_line_break(struct hf_line *line, uint64_t now_ns, bool on);

/* The frame on the wire ends at once and the line idles (the sender lost its power or its driver). */
void hf_line_abort(struct hf_line *line, uint64_t now_ns);

/* Flips bits from here on with this probability, 0 to 1. */
void hf_line_noise(struct hf_line *line, double bit_error_rate);

#endif

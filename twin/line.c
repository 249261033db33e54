/* SPDX-License-Identifier: MIT
 *
 * Invariant: the receiver has seen every edge of the frame up to `next_edge`, and has taken every sample up to the last
 * call. Samples are taken lazily, when the level changes or time is asked for, so that a byte costs the twin one event
 * and not ten. Times inside a frame are picoseconds: at 921600 baud a nanosecond is a thousandth of a bit, and ten
 * rounded bits would drift visibly.
 */
#include "line.h"

#define PS_PER_NS        1000u
#define SAMPLES_PER_BIT  3u
#define FIRST_TICK       8u  /* of 16 */

uint64_t hf_line_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

struct hf_line_format hf_line_format_of(uint32_t baud, uint8_t data_bits, char parity, uint8_t stop_bits)
{
	return (struct hf_line_format){
		.bit_ps = baud != 0 ? (1000000000000u + baud / 2) / baud : 1000000000000u,
		.data_bits = data_bits,
		.parity = parity,
		.stop_halves = (uint8_t)(2 * stop_bits),
	};
}

static unsigned payload_bits(const struct hf_line_format *format)
{
	return format->data_bits + (format->parity != 'N');
}

static uint64_t frame_ps(const struct hf_line_format *format)
{
	return format->bit_ps * (1 + payload_bits(format)) + format->bit_ps * format->stop_halves / 2;
}

uint64_t hf_line_frame_ns(const struct hf_line_format *format)
{
	return (frame_ps(format) + PS_PER_NS / 2) / PS_PER_NS;
}

void hf_line_init(struct hf_line *line, const struct hf_line_format *format, uint64_t seed)
{
	*line = (struct hf_line){ .rx = *format, .level = true, .random = seed };
}

/* The samples of a received frame: start, payload, one stop bit. */
static unsigned samples_of_frame(const struct hf_line *line)
{
	return SAMPLES_PER_BIT * (2 + payload_bits(&line->rx));
}

/* Of sixteen a bit, from the start bit's edge. */
static uint64_t ticks_of(unsigned sample)
{
	return 16u * (sample / SAMPLES_PER_BIT) + FIRST_TICK + sample % SAMPLES_PER_BIT;
}

static uint64_t sample_ps(const struct hf_line *line, unsigned sample)
{
	return line->rx_start_ps + line->rx.bit_ps * ticks_of(sample) / 16;
}

static void complete(struct hf_line *line, bool stop, uint64_t at_ps, struct hf_line_char *out)
{
	unsigned bits = payload_bits(&line->rx);
	bool odd = false;
	for (unsigned i = 0; i < bits; i++)
		odd ^= line->shift >> i & 1;
	*out = (struct hf_line_char){
		.t_ns = (at_ps + PS_PER_NS - 1) / PS_PER_NS,
		.data = line->shift,
		.framing_error = !stop,
		.parity_error = line->rx.parity != 'N' && odd != (line->rx.parity == 'O'),
		.noise = line->noisy,
	};
	line->receiving = false;
}

/* Takes the samples before until_ps at the level of now. True when that completed a character. */
static bool take_samples(struct hf_line *line, uint64_t until_ps, struct hf_line_char *out)
{
	unsigned total = samples_of_frame(line);
	while (line->receiving && sample_ps(line, line->sample) <= until_ps) {
		uint64_t at = sample_ps(line, line->sample);
		unsigned bit = line->sample / SAMPLES_PER_BIT;
		line->ones += line->level;
		line->sample++;
		if (line->sample % SAMPLES_PER_BIT != 0)
			continue;
		bool value = line->ones >= 2;
		line->noisy |= line->ones == 1 || line->ones == 2;
		line->ones = 0;
		if (bit == 0 && value) {
			line->receiving = false; /* a spike, not a start bit */
		} else if (line->sample == total) {
			complete(line, value, at, out);
			return true;
		} else if (bit > 0) {
			line->shift |= (uint16_t)(value << (bit - 1));
		}
	}
	return false;
}

/* The level that reaches the receiver changes, or not. */
static void see_level(struct hf_line *line, uint64_t at_ps)
{
	bool level = line->cut || !(line->sent_low || line->break_on);
	if (line->measuring && level != line->level && line->edges < HF_LINE_EDGES && (line->edges > 0 || !level))
		line->edge_ps[line->edges++] = at_ps;
	if (line->level && !level && line->listening && !line->receiving) {
		line->receiving = true;
		line->rx_start_ps = at_ps;
		line->sample = 0;
		line->ones = 0;
		line->shift = 0;
		line->noisy = false;
	}
	line->level = level;
}

static uint64_t edge_ps(const struct hf_line *line)
{
	if (!line->sending)
		return HF_LINE_NEVER;
	if (line->next_edge >= line->frame_bits)
		return line->end_ps;
	return line->start_ps + line->send_bit_ps * line->next_edge;
}

/* The next edge of the frame passes, or its end. */
static void pass_edge(struct hf_line *line)
{
	uint64_t at = edge_ps(line);
	if (line->next_edge < line->frame_bits) {
		line->sent_low = !(line->frame >> line->next_edge & 1);
		line->next_edge++;
	} else {
		line->sending = false;
		line->sent_low = false;
	}
	see_level(line, at);
}

void hf_line_send(struct hf_line *line, uint64_t now_ns, const struct hf_line_format *format, uint16_t data)
{
	unsigned bits = format->data_bits;
	uint32_t payload = data & ((1u << bits) - 1);
	if (format->parity != 'N') {
		bool odd = format->parity == 'O';
		for (unsigned i = 0; i < format->data_bits; i++)
			odd ^= payload >> i & 1;
		payload |= (uint32_t)odd << bits;
		bits++;
	}
	line->frame = payload << 1 | 1u << (bits + 1);
	line->frame_bits = (uint8_t)(bits + 2);
	if (line->error_rate != 0)
		for (unsigned i = 0; i < line->frame_bits; i++)
			line->frame ^= (uint32_t)((uint32_t)hf_line_random(&line->random) < line->error_rate) << i;
	line->start_ps = now_ns * PS_PER_NS;
	line->end_ps = line->start_ps + frame_ps(format);
	line->send_bit_ps = format->bit_ps;
	line->next_edge = 0;
	line->sending = true;
}

void hf_line_damage(struct hf_line *line, const struct hf_line_damage *damage)
{
	uint64_t duration = line->end_ps - line->start_ps;

	line->frame = damage->lost ? UINT32_MAX : line->frame ^ damage->flipped;
	line->start_ps += damage->delay_ns * PS_PER_NS;
	line->send_bit_ps = line->send_bit_ps * (uint64_t)(1000000 + damage->ppm) / 1000000;
	line->end_ps = line->start_ps + duration * (uint64_t)(1000000 + damage->ppm) / 1000000;
}

bool hf_line_busy(const struct hf_line *line, uint64_t now_ns)
{
	return line->sending && (line->end_ps + PS_PER_NS - 1) / PS_PER_NS > now_ns;
}

/* ---- frames that need no look at each bit ---- */

static uint64_t completion_ps(const struct hf_line *line)
{
	return line->start_ps + line->rx.bit_ps * ticks_of(SAMPLES_PER_BIT * line->frame_bits - 1) / 16;
}

/* The frame has not begun for the receiver, who waits for it, and each of his samples will lie in the bit that it belongs
 * to: that is so for all bits when it is for the first and the last one, since the clocks drift apart evenly. */
static bool in_step(const struct hf_line *line)
{
	uint64_t tx = line->send_bit_ps, rx = line->rx.bit_ps, last = line->frame_bits - 1u;

	return line->sending && line->next_edge == 0 && line->listening && !line->receiving && line->level &&
	       !line->cut && !line->break_on && !line->measuring && !(line->frame & 1) &&
	       line->frame_bits == 2 + payload_bits(&line->rx) && rx * 10 / 16 < tx &&
	       rx * (16 * last + 10) / 16 < tx * (last + 1) && rx * (16 * last + 8) / 16 > tx * last &&
	       completion_ps(line) < line->end_ps;
}

static void take_frame(struct hf_line *line, struct hf_line_char *out)
{
	unsigned bits = payload_bits(&line->rx);
	bool stop = line->frame >> (bits + 1) & 1;

	line->next_edge = line->frame_bits;
	line->sent_low = !stop;
	line->level = stop;
	line->rx_start_ps = line->start_ps;
	line->sample = (uint8_t)samples_of_frame(line);
	line->ones = 0;
	line->noisy = false;
	line->shift = (uint16_t)(line->frame >> 1 & ((1u << bits) - 1));
	complete(line, stop, completion_ps(line), out);
}

bool hf_line_advance(struct hf_line *line, uint64_t now_ns, struct hf_line_char *out)
{
	uint64_t now_ps = now_ns * PS_PER_NS;
	if (in_step(line) && completion_ps(line) <= now_ps) {
		take_frame(line, out);
		return true;
	}
	while (edge_ps(line) <= now_ps) {
		if (take_samples(line, edge_ps(line) - 1, out))
			return true;
		pass_edge(line);
	}
	return take_samples(line, now_ps, out);
}

uint64_t hf_line_next(const struct hf_line *line)
{
	if (in_step(line))
		return (completion_ps(line) + PS_PER_NS - 1) / PS_PER_NS;
	struct hf_line ahead = *line;
	struct hf_line_char unused;
	while (ahead.sending) {
		if (take_samples(&ahead, edge_ps(&ahead) - 1, &unused))
			return unused.t_ns;
		pass_edge(&ahead);
		if (!ahead.sending)
			return (ahead.end_ps + PS_PER_NS - 1) / PS_PER_NS;
	}
	if (!ahead.receiving)
		return HF_LINE_NEVER;
	return (sample_ps(&ahead, samples_of_frame(&ahead) - 1) + PS_PER_NS - 1) / PS_PER_NS;
}

void hf_line_listen(struct hf_line *line, bool on, const struct hf_line_format *format)
{
	line->listening = on;
	line->rx = *format;
	line->receiving = false;
}

/* The bits that were sampled stay where they were; the next sample is taken where the new clock puts it. */
void hf_line_retime(struct hf_line *line, uint64_t bit_ps)
{
	uint64_t ticks = ticks_of(line->sample);
	if (line->receiving)
		line->rx_start_ps += line->rx.bit_ps * ticks / 16 - bit_ps * ticks / 16;
	line->rx.bit_ps = bit_ps;
}

void hf_line_measure(struct hf_line *line, bool on)
{
	line->measuring = on;
	line->edges = 0;
}

void hf_line_cut(struct hf_line *line, uint64_t now_ns, bool cut)
{
	line->cut = cut;
	see_level(line, now_ns * PS_PER_NS);
}

void hf_line_break(struct hf_line *line, uint64_t now_ns, bool on)
{
	line->break_on = on;
	see_level(line, now_ns * PS_PER_NS);
}

void hf_line_abort(struct hf_line *line, uint64_t now_ns)
{
	line->sending = false;
	line->sent_low = false;
	see_level(line, now_ns * PS_PER_NS);
}

void hf_line_noise(struct hf_line *line, double bit_error_rate)
{
	double scaled = bit_error_rate * 4294967296.0;
	line->error_rate = scaled >= 4294967295.0 ? UINT32_MAX : scaled <= 0 ? 0 : (uint32_t)scaled;
}

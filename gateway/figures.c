/* SPDX-License-Identifier: MIT */
#include "figures.h"

#include "live.h"
#include "setup.h"

#include "port/stm32f407/adc.h"
#include "port/stm32f407/flash_f4.h"
#include "port/stm32f407/systick.h"

#define MEASURE_MS 10000u

static void measure(struct hf_figures *f)
{
	f->measured = true;
	f->measured_ms = hf_systick_ms();
	hf_adc_measure(&f->supply_mv, &f->temperature_dc);
}

void hf_figures_turn(struct hf_figures *f, uint32_t now_ms)
{
	if (!f->measured || now_ms - f->measured_ms >= MEASURE_MS)
		measure(f);
}

static void tell_work(const struct hf_modbus_master *m, struct hf_health *h)
{
	h->works = true;
	h->good = m->good;
	h->bad = m->bad;
	h->late = m->late;
	h->gap_ms = m->longest_ms;
	h->answer_us = m->good ? (uint32_t)((uint64_t)m->answers_ms * 1000u / m->good) : 0;
}

void hf_figures_tell(struct hf_figures *f, struct hf_health *h)
{
	const struct hf_usart_stream *line = &hf_live.maintenance;

	measure(f);
	h->up_ms = hf_systick_ms() - f->duty->started_ms;
	h->supply_mv = f->supply_mv;
	h->temperature_dc = f->temperature_dc;
	h->led = (uint8_t)hf_live.stage;
	h->ways = HF_WAY_PIN | HF_WAY_RESETS | HF_WAY_LINE | HF_WAY_REQUEST;
	h->pll = f->clock->pll;
	h->pin_held = hf_setup_pin_held();
	hf_flash_f4_erases(&h->erases, &h->slowest_ms);
	h->test_done = f->duty->judged;
	h->test_failed = f->duty->healthy ? 0 : hf_selftest_failed(&f->duty->test);
	tell_work(&hf_live.master, h);
	h->overrun = line->overruns;
	h->framing = line->framing;
	h->noise = line->errors - line->framing;
}

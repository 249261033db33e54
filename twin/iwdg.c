/* SPDX-License-Identifier: MIT
 *
 * The independent watchdog, on the LSI of this individual board (17 to 47 kHz). Nothing but a reset stops it.
 *
 * The registers cross into the LSI's domain: PR and RLR show their new value, and SR says that they are not yet there,
 * for five LSI cycles. A reload takes whatever RLR holds then.
 */
#include "internal.h"

enum {
	KR = 0x00, PR = 0x04, RLR = 0x08, SR = 0x0c,
	KEY_WRITE = 0x5555, KEY_RELOAD = 0xaaaa, KEY_START = 0xcccc,
	SR_PVU = 1, SR_RVU = 2,
	UPDATE_CYCLES = 5,
	OPTCR_WDG_SW = 1 << 5,
};
enum event { EVENT_BITE, EVENT_PR, EVENT_RLR };

struct iwdg {
	bool open, running;
	uint32_t pr, rlr, sr;
	uint32_t lsi_hz; /* that what is scheduled was reckoned with */
};

static uint64_t lsi_ns(const struct hf_machine *machine, uint64_t ticks)
{
	return ticks * 1000000000u / machine->st.lsi_hz;
}

static void reload(struct hf_dev *dev)
{
	const struct iwdg *iwdg = dev->state;
	uint64_t ticks = ((uint64_t)iwdg->rlr + 1) << (2 + (iwdg->pr > 6 ? 6 : iwdg->pr));

	if (iwdg->running)
		hf_machine_schedule(dev, EVENT_BITE, hf_machine_now_ns(dev->machine) + lsi_ns(dev->machine, ticks));
}

static void start(struct hf_dev *dev)
{
	struct iwdg *iwdg = dev->state;

	if (!iwdg->running) {
		iwdg->running = true;
		hf_rcc_force_lsi(dev->machine, true);
	}
	reload(dev);
}

static void update(struct hf_dev *dev, uint32_t *reg, uint32_t value, uint32_t flag, unsigned event)
{
	struct iwdg *iwdg = dev->state;

	if (!iwdg->open || iwdg->sr & flag)
		return;
	*reg = value;
	iwdg->sr |= flag;
	hf_machine_schedule(dev, event, hf_machine_now_ns(dev->machine) + lsi_ns(dev->machine, UPDATE_CYCLES));
}

static uint32_t iwdg_read(struct hf_dev *dev, uint32_t offset, unsigned size)
{
	const struct iwdg *iwdg = dev->state;

	(void)size;
	return offset == PR ? iwdg->pr : offset == RLR ? iwdg->rlr : offset == SR ? iwdg->sr : 0;
}

static void iwdg_write(struct hf_dev *dev, uint32_t offset, unsigned size, uint32_t value)
{
	struct iwdg *iwdg = dev->state;

	(void)size;
	if (offset == PR)
		update(dev, &iwdg->pr, value & 7, SR_PVU, EVENT_PR);
	if (offset == RLR)
		update(dev, &iwdg->rlr, value & 0xfff, SR_RVU, EVENT_RLR);
	if (offset != KR)
		return;
	iwdg->open = (value & 0xffff) == KEY_WRITE;
	if ((value & 0xffff) == KEY_RELOAD)
		reload(dev);
	if ((value & 0xffff) == KEY_START)
		start(dev);
}

static void iwdg_due(struct hf_dev *dev, unsigned event)
{
	struct iwdg *iwdg = dev->state;

	if (event == EVENT_PR)
		iwdg->sr &= ~(uint32_t)SR_PVU;
	if (event == EVENT_RLR)
		iwdg->sr &= ~(uint32_t)SR_RVU;
	if (event == EVENT_BITE)
		hf_run_request_reset(dev->machine, HF_TWIN_RESET_IWDG);
}

static void iwdg_reset(struct hf_dev *dev, bool power_on)
{
	struct iwdg *iwdg = dev->state;

	(void)power_on;
	*iwdg = (struct iwdg){ .rlr = 0xfff, .lsi_hz = dev->machine->st.lsi_hz };
	if (!(hf_flash_options(dev->machine) & OPTCR_WDG_SW))
		start(dev); /* the option bytes want it from the reset on */
}

/* The counter goes on from where it is, at the new rate. */
static void iwdg_clock_changed(struct hf_dev *dev)
{
	uint64_t now = hf_machine_now_ns(dev->machine);
	struct iwdg *iwdg = dev->state;
	uint32_t hz = dev->machine->st.lsi_hz;

	for (unsigned e = EVENT_BITE; e <= EVENT_RLR && hz != iwdg->lsi_hz; e++) {
		uint64_t at = hf_machine_due_ns(dev, e);

		if (at != HF_NEVER && at > now)
			hf_machine_schedule(dev, e, now + (at - now) * iwdg->lsi_hz / hz);
	}
	iwdg->lsi_hz = hz;
}

static const struct hf_dev_ops ops = {
	.name = "iwdg",
	.state_bytes = sizeof(struct iwdg),
	.read = iwdg_read,
	.write = iwdg_write,
	.reset = iwdg_reset,
	.due = iwdg_due,
	.clock_changed = iwdg_clock_changed,
};

void hf_iwdg_add(struct hf_machine *machine)
{
	hf_machine_add(machine, &ops, 0x40003000, 0x400);
}

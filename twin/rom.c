/* SPDX-License-Identifier: MIT
 *
 * Coming, finding the host's rate, taking turns, going. The loader polls, so it does one thing at a time: while it works
 * or sends, the host's bytes pile up in the USART, which holds one.
 */
#include "rom_internal.h"

#include "bytes.h"
#include "internal.h"
#include "usart.h"

enum {
	ROM_SIZE = 0x7800,
	ENTRY = SYSMEM_ADDR + 0x200,
	READY_NS = 85000000, /* from the reset to the first byte that is heard; the chip looks for a crystal meanwhile */

	SR = 0x00, DR = 0x04, BRR = 0x08, CR1 = 0x0c, CR2 = 0x10, CR3 = 0x14,
	SR_RXNE = 1 << 5, SR_TC = 1 << 6, SR_TXE = 1 << 7,
	CR1_8E1 = 1 << 13 | 1 << 12 | 1 << 10 | 1 << 3 | 1 << 2, /* UE M PCE TE RE */
	RCC_CR = 0x40023800, RCC_CFGR = 0x40023808,
	RCC_AHB1RSTR = 0x40023810, RCC_APB1RSTR = 0x40023820, RCC_APB2RSTR = 0x40023824,
	RCC_AHB1ENR = 0x40023830, RCC_APB1ENR = 0x40023840, RCC_APB2ENR = 0x40023844,
	PORTS_ABC = 7, USART1_BIT = 1 << 4, USART3_BIT = 1 << 18,
	CR_PLLON = 1 << 24, CFGR_SWS_AND_PRESCALERS = 0xfcfc,
};

static const struct port {
	uint8_t unit;
	enum hf_clock clock;
	uint32_t base;
} ports[] = {
	{ 1, HF_CLOCK_PCLK2, 0x40011000 },
	{ 3, HF_CLOCK_PCLK1, 0x40004800 },
};

#define PORTS (sizeof(ports) / sizeof(ports[0]))

/* The pins that are switched to their USARTs: PA9, PA10, PB10, PB11, PC10, PC11. */
static const struct {
	uint8_t port, pin;
} pins[] = { { 0, 9 }, { 0, 10 }, { 1, 10 }, { 1, 11 }, { 2, 10 }, { 2, 11 } };

static void change(struct hf_machine *machine, uint32_t addr, uint32_t clear, uint32_t set)
{
	hf_rom_put(machine, addr, (hf_rom_get(machine, addr) & ~clear) | set);
}

static uint32_t base_of(const struct rom *rom)
{
	return rom->unit == ports[0].unit ? ports[0].base : ports[1].base;
}

/* ---- the line ---- */

/* From the start bit to bit 7 of 0x7F are eight bits of time, from one falling edge to the next. */
static bool measure(struct hf_dev *dev, const struct port *port)
{
	struct hf_machine *machine = dev->machine;
	struct rom *rom = dev->state;
	uint64_t edge_ps[HF_LINE_EDGES], ticks, divider;

	if (hf_usart_measured(machine, port->unit, edge_ps) < HF_LINE_EDGES)
		return false;
	ticks = (edge_ps[2] - edge_ps[0]) * (hf_machine_clock_hz(machine, port->clock) / 1000) / 1000000000u;
	divider = (ticks + 4) / 8;
	divider = divider < 16 ? 16 : divider > 0xffff ? 0xffff : divider;
	rom->unit = port->unit;
	hf_rom_put(machine, port->base + CR2, 0);
	hf_rom_put(machine, port->base + CR3, 0);
	hf_rom_put(machine, port->base + BRR, (uint32_t)divider);
	hf_rom_put(machine, port->base + CR1, CR1_8E1);
	for (unsigned i = 0; i < PORTS; i++)
		hf_usart_measure(machine, ports[i].unit, false);
	hf_rom_greet(rom);
	return true;
}

static bool find_host(struct hf_dev *dev)
{
	for (unsigned i = 0; i < PORTS; i++)
		if (measure(dev, &ports[i]))
			return true;
	return false;
}

/* False: something has still to be sent. */
static bool flush(struct hf_dev *dev)
{
	struct rom *rom = dev->state;
	uint32_t base = base_of(rom);

	while (rom->out_at < rom->out_len) {
		if (!(hf_rom_get(dev->machine, base + SR) & SR_TXE))
			return false;
		hf_rom_put(dev->machine, base + DR, rom->out[rom->out_at++]);
	}
	rom->out_at = rom->out_len = 0;
	return true;
}

/* ---- coming and going ---- */

static void stop_listening(struct hf_dev *dev)
{
	struct rom *rom = dev->state;

	if (rom->active)
		for (unsigned i = 0; i < PORTS; i++)
			hf_usart_measure(dev->machine, ports[i].unit, false);
	rom->active = false;
}

/* The registers that the loader has used are as after a reset. */
static void give_back(struct hf_machine *machine)
{
	change(machine, RCC_AHB1RSTR, 0, PORTS_ABC);
	change(machine, RCC_APB1RSTR, 0, USART3_BIT);
	change(machine, RCC_APB2RSTR, 0, USART1_BIT);
	change(machine, RCC_AHB1RSTR, PORTS_ABC, 0);
	change(machine, RCC_APB1RSTR, USART3_BIT, 0);
	change(machine, RCC_APB2RSTR, USART1_BIT, 0);
	change(machine, RCC_AHB1ENR, PORTS_ABC, 0);
	change(machine, RCC_APB1ENR, USART3_BIT, 0);
	change(machine, RCC_APB2ENR, USART1_BIT, 0);
}

static void go(struct hf_dev *dev)
{
	struct hf_machine *machine = dev->machine;
	const struct rom *rom = dev->state;
	uint8_t vectors[8];

	hf_rom_read(machine, rom->addr, vectors, sizeof(vectors));
	stop_listening(dev);
	give_back(machine);
	hf_machine_event(machine, HF_TWIN_EV_ROM, 0, load_le32(vectors + 4), NULL);
	machine->st.reset_cause = HF_TWIN_RESET_SOFTWARE; /* no registers full of noise */
	hf_cpu_reset(machine, load_le32(vectors), load_le32(vectors + 4));
	if (!(vectors[4] & 1))
		hf_nvic_fault(machine, EXC_USAGE_FAULT, 1u << 17, machine->st.pc);
	hf_machine_look(machine);
}

static void leave(struct hf_dev *dev)
{
	struct rom *rom = dev->state;

	if (rom->end == ROM_GO)
		go(dev);
	else
		hf_run_request_reset(dev->machine, HF_TWIN_RESET_SOFTWARE);
	rom->end = ROM_STAY;
}

/* The work's next step. False: it goes on later. */
static bool work(struct hf_dev *dev)
{
	struct rom *rom = dev->state;
	enum rom_progress progress = hf_rom_work(dev);

	if (progress == ROM_WAITS)
		return false;
	if (progress == ROM_DONE && rom->work_next != ROM_IDLE) {
		hf_rom_begin(rom, (enum rom_work)rom->work_next, 1);
		rom->work_next = ROM_IDLE;
		return true;
	}
	rom->work = rom->work_next = ROM_IDLE;
	if (progress == ROM_FAILED)
		rom->end = ROM_STAY;
	hf_rom_answer(rom, progress == ROM_DONE ? ROM_ACK : ROM_NACK);
	return true;
}

/* Everything that can be done now. Ends, for each turn sends, works or takes a byte. */
static void look(struct hf_dev *dev)
{
	struct hf_machine *machine = dev->machine;
	struct rom *rom = dev->state;

	while (rom->active && !machine->cut_now && !machine->reset_requested) {
		uint32_t sr;

		if (rom->unit == 0 ? !find_host(dev) : !flush(dev))
			return;
		if (rom->work != ROM_IDLE) {
			if (!work(dev))
				return;
			continue;
		}
		sr = hf_rom_get(machine, base_of(rom) + SR);
		if (rom->out_len == 0 && rom->end != ROM_STAY) {
			if (!(sr & SR_TC))
				return;
			leave(dev);
		} else if (rom->out_len == 0) {
			if (!(sr & SR_RXNE))
				return;
			hf_rom_take(dev, (uint8_t)hf_rom_get(machine, base_of(rom) + DR));
		}
	}
}

static void begin_listening(struct hf_dev *dev)
{
	struct hf_machine *machine = dev->machine;

	change(machine, RCC_AHB1ENR, 0, PORTS_ABC);
	change(machine, RCC_APB1ENR, 0, USART3_BIT);
	change(machine, RCC_APB2ENR, 0, USART1_BIT);
	for (unsigned i = 0; i < sizeof(pins) / sizeof(pins[0]); i++) {
		uint32_t gpio = 0x40020000 + 0x400u * pins[i].port, pin = pins[i].pin;

		change(machine, gpio + 0x24, 15u << 4 * (pin - 8), 7u << 4 * (pin - 8));
		change(machine, gpio, 3u << 2 * pin, 2u << 2 * pin);
		change(machine, gpio + 0x0c, 3u << 2 * pin, 1u << 2 * pin);
	}
	for (unsigned i = 0; i < PORTS; i++) {
		hf_rom_put(machine, ports[i].base + CR1, 0);
		hf_usart_measure(machine, ports[i].unit, true);
	}
}

bool hf_rom_at(uint32_t pc)
{
	return pc - SYSMEM_ADDR < ROM_SIZE;
}

static struct hf_dev *rom_dev(struct hf_machine *machine)
{
	return machine->rom_dev;
}

bool hf_rom_active(struct hf_machine *machine)
{
	return ((const struct rom *)rom_dev(machine)->state)->active;
}

bool hf_rom_boots(struct hf_machine *machine)
{
	return ((const struct rom *)rom_dev(machine)->state)->boot0 && hf_flash_protection(machine) != 2;
}

/* The loader takes the chip for just reset: it does not look at clocks and interrupts that are set otherwise. */
static void complain(struct hf_machine *machine)
{
	const uint32_t *enabled = machine->st.nvic.enabled;

	if (hf_rom_get(machine, RCC_CR) & CR_PLLON || hf_rom_get(machine, RCC_CFGR) & CFGR_SWS_AND_PRESCALERS)
		hf_machine_log(machine, RCC_CFGR, 0, "the ROM loader was entered with clocks that are not a reset's");
	if (enabled[0] | enabled[1] | enabled[2] || machine->st.nvic.systick_ctrl & 1)
		hf_machine_log(machine, 0, 0, "the ROM loader was entered with interrupts enabled");
}

void hf_rom_enter(struct hf_machine *machine)
{
	struct hf_dev *dev = rom_dev(machine);
	struct rom *rom = dev->state;

	if (hf_flash_protection(machine) == 2) {
		hf_nvic_fault(machine, EXC_BUS_FAULT, 1u << 8, machine->st.pc);
		return;
	}
	rom->active = true;
	rom->unit = 0;
	rom->out_at = rom->out_len = 0;
	rom->work = rom->work_next = ROM_IDLE;
	rom->end = ROM_STAY;
	machine->st.asleep = false;
	complain(machine);
	hf_machine_event(machine, HF_TWIN_EV_ROM, 1, 0, NULL);
	hf_machine_schedule(dev, ROM_EVENT_READY, hf_machine_now_ns(machine) + READY_NS);
}

void hf_twin_boot0(struct hf_twin *twin, bool high)
{
	((struct rom *)rom_dev(&twin->machine)->state)->boot0 = high;
}

bool hf_twin_in_rom(const struct hf_twin *twin)
{
	return ((const struct rom *)twin->machine.rom_dev->state)->active;
}

uint32_t hf_twin_optcr(const struct hf_twin *twin)
{
	return hf_flash_options(&twin->machine);
}

void hf_twin_system_get(const struct hf_twin *twin, uint8_t bytes[HF_TWIN_SYSTEM_SIZE])
{
	memcpy(bytes, twin->machine.sysmem + (HF_TWIN_OPTIONS_ADDR - SYSMEM_ADDR), HF_TWIN_OPTIONS_SIZE);
	memcpy(bytes + HF_TWIN_OPTIONS_SIZE, ((const struct rom *)twin->machine.rom_dev->state)->otp, HF_ROM_OTP_SIZE);
}

void hf_twin_system_set(struct hf_twin *twin, const uint8_t bytes[HF_TWIN_SYSTEM_SIZE])
{
	hf_flash_options_set(&twin->machine, hf_rom_optcr(bytes));
	memcpy(((struct rom *)twin->machine.rom_dev->state)->otp, bytes + HF_TWIN_OPTIONS_SIZE, HF_ROM_OTP_SIZE);
	hf_rom_show_otp(twin->machine.rom_dev);
}

/* ---- the model ---- */

static void rom_due(struct hf_dev *dev, unsigned event)
{
	if (event == ROM_EVENT_READY)
		begin_listening(dev);
	else
		look(dev);
}

static void on_usart(struct hf_dev *dev)
{
	if (((const struct rom *)dev->state)->active)
		hf_machine_schedule(dev, ROM_EVENT_LOOK, hf_machine_now_ns(dev->machine));
}

static void rom_power_off(struct hf_dev *dev)
{
	hf_rom_tear_otp(dev);
	stop_listening(dev);
}

static void rom_reset(struct hf_dev *dev, bool power_on)
{
	(void)power_on;
	rom_power_off(dev);
}

static const struct hf_dev_ops ops = {
	.name = "rom",
	.state_bytes = sizeof(struct rom),
	.reset = rom_reset,
	.due = rom_due,
	.power_off = rom_power_off,
	.restored = hf_rom_show_otp,
};

void hf_rom_add(struct hf_machine *machine)
{
	static const uint8_t loop[] = { 0xfe, 0xe7 }; /* never executed: the core stops before */
	struct hf_dev *dev = hf_machine_add(machine, &ops, 0, 0);

	machine->rom_dev = dev;
	memset(((struct rom *)dev->state)->otp, 0xff, HF_ROM_OTP_SIZE);
	hf_rom_show_otp(dev);
	store_le32(machine->sysmem, HF_ROM_USER_RAM - 0x2c0);
	store_le32(machine->sysmem + 4, ENTRY | 1);
	memcpy(machine->sysmem + (ENTRY - SYSMEM_ADDR), loop, sizeof(loop));
	for (unsigned i = 0; i < PORTS; i++)
		hf_usart_watch(machine, ports[i].unit, on_usart, dev);
}

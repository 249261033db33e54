/* SPDX-License-Identifier: MIT
 *
 * The rules of a board: what its keys are, and which values can be true together. The values themselves are read in
 * conf.c. Nothing is guessed, and no key has a default: what may be absent is absent then.
 */
#include "board.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "file.h"
#include "uuid.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define KIB          1024u

struct reader {
	struct hf_conf conf;
	struct hf_board *board;
};

static const char *const partition_names[HF_PARTITIONS] = {
	[HF_PART_BOOT] = "boot",     [HF_PART_JOURNAL] = "journal", [HF_PART_RECOVERY] = "recovery",
	[HF_PART_SLOT_A] = "slot_a", [HF_PART_SLOT_B] = "slot_b",   [HF_PART_DATA] = "data",
};
static const char *const access_names[] = {"open", "local", "signed"};
static const char *const erase_names[] = {"needed", "slot"};
static const char *const interface_names[] = {"swd", "jtag"};
static const char *const checksum_names[] = {"crc32"};

const char *hf_board_partition_name(enum hf_board_partition_id id)
{
	return partition_names[id];
}

const char *hf_board_access_name(enum hf_access access)
{
	return access_names[access];
}

const char *hf_board_erase_name(enum hf_board_erase erase)
{
	return erase_names[erase];
}

static bool get_pin(const struct reader *r, config_setting_t *group, const char *key, struct hf_pin *out)
{
	config_setting_t *item;
	const char *text;
	char *end;
	unsigned long pin;

	if (!hf_conf_get(&r->conf, group, key, &item))
		return false;
	text = config_setting_get_string(item);
	if (!text || text[0] != 'P' || text[1] < 'A' || text[1] > 'I' || !isdigit((unsigned char)text[2]))
		return hf_conf_bad(&r->conf, item, "'%s' has to be a pin like \"PA9\"", key);
	pin = strtoul(text + 2, &end, 10);
	if (*end || pin > 15 || strlen(text) > 4)
		return hf_conf_bad(&r->conf, item, "'%s' has to be a pin like \"PA9\"; a port has the pins 0 to 15",
				   key);
	out->port = (uint8_t)(text[1] - 'A');
	out->pin = (uint8_t)pin;
	return true;
}

/* ---- memory ---- */

static bool get_ram(const struct reader *r, config_setting_t *root, const char *key, uint32_t addr, uint32_t max_kib,
		    struct hf_span *out)
{
	static const char *const keys[] = {"addr", "kib"};
	config_setting_t *group;
	uint32_t kib;

	if (!hf_conf_get_group(&r->conf, root, key, keys, COUNT(keys), &group) ||
	    !hf_conf_get_number(&r->conf, group, "addr", 0, INT32_MAX, &out->addr) ||
	    !hf_conf_get_number(&r->conf, group, "kib", 1, 1024, &kib))
		return false;
	if (out->addr != addr || kib > max_kib)
		return hf_conf_bad(&r->conf, group,
				   "'%s' is %u KiB at 0x%08x; a %s has %u KiB there at most, at 0x%08x", key, kib,
				   out->addr, r->board->chip->name, max_kib, addr);
	out->size = kib * KIB;
	return true;
}

static bool add_sectors(const struct reader *r, config_setting_t *row)
{
	static const char *const keys[] = {"count", "kib"};
	struct hf_layout *layout = &r->board->layout;
	uint32_t count, kib;

	if (!config_setting_is_group(row))
		return hf_conf_bad(&r->conf, row,
				   "'sectors' has to be a list of groups: ( { count = 4; kib = 16; }, ... )");
	if (!hf_conf_known_keys(&r->conf, row, keys, COUNT(keys)) ||
	    !hf_conf_get_number(&r->conf, row, "count", 1, HF_MAX_SECTORS, &count) ||
	    !hf_conf_get_number(&r->conf, row, "kib", 1, 1024, &kib))
		return false;
	if (layout->sectors + count > HF_MAX_SECTORS)
		return hf_conf_bad(&r->conf, row, "there are more than %u flash sectors", HF_MAX_SECTORS);
	for (; count; count--) {
		layout->sector[layout->sectors++] =
			(struct hf_span){r->board->flash.addr + r->board->flash.size, kib * KIB};
		r->board->flash.size += kib * KIB;
	}
	return true;
}

static bool get_flash(const struct reader *r, config_setting_t *root)
{
	static const char *const keys[] = {"addr", "sectors"};
	const struct hf_chip *chip = r->board->chip;
	struct hf_board *board = r->board;
	config_setting_t *group, *list;

	if (!hf_conf_get_group(&r->conf, root, "flash", keys, COUNT(keys), &group) ||
	    !hf_conf_get_number(&r->conf, group, "addr", chip->flash_addr, chip->flash_addr, &board->flash.addr) ||
	    !hf_conf_get(&r->conf, group, "sectors", &list))
		return false;
	if (!config_setting_is_list(list))
		return hf_conf_bad(&r->conf, list,
				   "'sectors' has to be a list of groups: ( { count = 4; kib = 16; }, ... )");
	for (int i = 0; i < config_setting_length(list); i++) {
		if (!add_sectors(r, config_setting_get_elem(list, (unsigned)i)))
			return false;
	}
	if (board->flash.size != chip->flash_kib * KIB)
		return hf_conf_bad(&r->conf, list, "the sectors are %u KiB together; a %s has %u KiB of flash",
				   board->flash.size / KIB, chip->name, chip->flash_kib);
	return true;
}

/* ---- partitions ---- */

struct hf_span hf_board_span(const struct hf_board *board, struct hf_board_partition partition)
{
	struct hf_span span = {0};

	if (partition.first > partition.last)
		return span;
	span.addr = board->layout.sector[partition.first].addr;
	for (unsigned i = partition.first; i <= partition.last; i++)
		span.size += board->layout.sector[i].size;
	return span;
}

/* Who owns each sector, by name. */
struct owners {
	const char *sector[HF_MAX_SECTORS];
};

static bool get_partition(const struct reader *r, config_setting_t *item, const char *key, struct owners *owners,
			  struct hf_board_partition *out)
{
	unsigned sectors = r->board->layout.sectors;
	uint32_t first, last;

	if (!config_setting_is_array(item) || config_setting_length(item) != 2)
		return hf_conf_bad(&r->conf, item, "'%s' has to be its first and last sector: [2, 3]", key);
	if (!hf_conf_number(&r->conf, config_setting_get_elem(item, 0), key, 0, sectors - 1, &first) ||
	    !hf_conf_number(&r->conf, config_setting_get_elem(item, 1), key, 0, sectors - 1, &last))
		return false;
	if (first > last)
		return hf_conf_bad(&r->conf, item, "'%s' begins with sector %u behind its last one, %u", key, first,
				   last);
	for (uint32_t i = first; i <= last; i++) {
		if (owners->sector[i])
			return hf_conf_bad(&r->conf, item, "'%s' overlaps '%s': both have sector %u", key,
					   owners->sector[i], i);
		owners->sector[i] = key;
	}
	out->first = (uint8_t)first;
	out->last = (uint8_t)last;
	return true;
}

static bool get_unused(const struct reader *r, config_setting_t *group, struct owners *owners)
{
	config_setting_t *list = config_setting_get_member(group, "unused");

	if (!list)
		return true;
	if (!config_setting_is_list(list) || config_setting_length(list) > HF_BOARD_UNUSED)
		return hf_conf_bad(&r->conf, list,
				   "'unused' has to be a list of at most %u pairs: ( [4, 4], [10, 11] )",
				   HF_BOARD_UNUSED);
	for (int i = 0; i < config_setting_length(list); i++) {
		if (!get_partition(r, config_setting_get_elem(list, (unsigned)i), "unused", owners,
				   &r->board->unused[r->board->unuseds++]))
			return false;
	}
	return true;
}

static bool check_partitions(const struct reader *r, config_setting_t *group, const struct owners *owners)
{
	const struct hf_board_partition *part = r->board->partition;
	struct hf_layout *layout = &r->board->layout;

	for (unsigned i = 0; i < layout->sectors; i++) {
		if (!owners->sector[i])
			return hf_conf_bad(
				&r->conf, group,
				"sector %u belongs to no partition; give it to one, or list it in 'unused'", i);
	}
	if (part[HF_PART_BOOT].first != 0)
		return hf_conf_bad(&r->conf, config_setting_get_member(group, "boot"),
				   "'boot' has to begin with sector 0, where the chip starts");
	if (part[HF_PART_JOURNAL].last - part[HF_PART_JOURNAL].first != 1 ||
	    layout->sector[part[HF_PART_JOURNAL].first].size != layout->sector[part[HF_PART_JOURNAL].last].size)
		return hf_conf_bad(&r->conf, config_setting_get_member(group, "journal"),
				   "'journal' has to be two sectors of equal size");
	if (layout->slot[0].size != layout->slot[1].size)
		return hf_conf_bad(
			&r->conf, config_setting_get_member(group, "slot_b"),
			"'slot_b' has %u KiB and 'slot_a' %u; one image has to fit both, so make them equal",
			layout->slot[1].size / KIB, layout->slot[0].size / KIB);
	return true;
}

static void fill_layout(struct hf_board *board)
{
	const struct hf_board_partition *part = board->partition;
	struct hf_layout *layout = &board->layout;

	layout->boot = hf_board_span(board, part[HF_PART_BOOT]);
	layout->keyset.size = HF_BOARD_KEYSET_BYTES;
	layout->keyset.addr = layout->boot.addr + layout->boot.size - HF_BOARD_KEYSET_BYTES;
	layout->journal[0] = layout->sector[part[HF_PART_JOURNAL].first];
	layout->journal[1] = layout->sector[part[HF_PART_JOURNAL].last];
	layout->recovery = hf_board_span(board, part[HF_PART_RECOVERY]);
	layout->slot[0] = hf_board_span(board, part[HF_PART_SLOT_A]);
	layout->slot[1] = hf_board_span(board, part[HF_PART_SLOT_B]);
	layout->data = hf_board_span(board, part[HF_PART_DATA]);
	layout->ram[0] = board->ram;
	layout->ram[1] = board->ccm;
}

static bool get_partitions(const struct reader *r, config_setting_t *root)
{
	static const char *const keys[] = {"boot", "journal", "recovery", "slot_a", "slot_b", "data", "unused"};
	static const bool optional[HF_PARTITIONS] = {[HF_PART_RECOVERY] = true, [HF_PART_DATA] = true};
	struct owners owners = {0};
	config_setting_t *group, *item;
	uint32_t kib, room;

	if (!hf_conf_get_group(&r->conf, root, "partitions", keys, COUNT(keys), &group))
		return false;
	for (unsigned i = 0; i < HF_PARTITIONS; i++) {
		r->board->partition[i] = (struct hf_board_partition){1, 0};
		if (optional[i] && !config_setting_get_member(group, keys[i]))
			continue;
		if (!hf_conf_get(&r->conf, group, keys[i], &item) ||
		    !get_partition(r, item, keys[i], &owners, &r->board->partition[i]))
			return false;
	}
	if (!get_unused(r, group, &owners))
		return false;
	fill_layout(r->board);
	if (!check_partitions(r, group, &owners) || !hf_conf_get(&r->conf, root, "boot_limit_kib", &item) ||
	    !hf_conf_number(&r->conf, item, "boot_limit_kib", 1, 1024, &kib))
		return false;
	room = r->board->layout.boot.size - HF_BOARD_KEYSET_BYTES;
	r->board->boot_limit = kib * KIB;
	if (r->board->boot_limit > room)
		return hf_conf_bad(
			&r->conf, item,
			"boot may take %u KiB, but its partition has %u KiB besides the keyset; give it more "
			"sectors or lower 'boot_limit_kib'",
			kib, room / KIB);
	return true;
}

/* ---- peripherals ---- */

static bool check_baud(const struct reader *r, const config_setting_t *item, unsigned usart, uint32_t baud)
{
	uint32_t clock = hf_chip_usart_clock(usart, r->board->sysclk_hz);
	uint32_t divider = (clock + baud / 2) / baud;
	double error;

	if (divider < 16)
		return hf_conf_bad(&r->conf, item,
				   "%u baud is too fast for USART%u with a clock of %u Hz: %u is the limit", baud,
				   usart, clock, clock / 16);
	error = 100.0 * ((double)clock / divider / baud - 1.0);
	if (divider > 65535 || error > 2.0 || error < -2.0)
		return hf_conf_bad(
			&r->conf, item,
			"%u baud cannot be made from USART%u's clock of %u Hz: the nearest rate is %.1f %% off", baud,
			usart, clock, error);
	return true;
}

static bool get_bauds(const struct reader *r, config_setting_t *group, struct hf_board_uart *uart)
{
	config_setting_t *array;

	if (!hf_conf_get(&r->conf, group, "baud", &array))
		return false;
	if (!config_setting_is_array(array) || config_setting_length(array) < 1 ||
	    config_setting_length(array) > HF_BOARD_BAUDS)
		return hf_conf_bad(&r->conf, array, "'baud' has to be a list of 1 to %u rates: [921600, 115200]",
				   HF_BOARD_BAUDS);
	uart->bauds = (uint8_t)config_setting_length(array);
	for (unsigned i = 0; i < uart->bauds; i++) {
		if (!hf_conf_number(&r->conf, config_setting_get_elem(array, i), "baud", 1200,
				    r->board->chip->baud_max, &uart->baud[i]) ||
		    !check_baud(r, array, uart->usart, uart->baud[i]))
			return false;
	}
	return true;
}

static bool usart_pin(const struct reader *r, config_setting_t *group, const char *key, enum hf_signal signal,
		      struct hf_board_uart *uart, struct hf_pin *pin)
{
	if (!get_pin(r, group, key, pin))
		return false;
	uart->af = hf_chip_usart_af(uart->usart, signal, *pin);
	return uart->af || hf_conf_bad(&r->conf, config_setting_get_member(group, key),
				       "P%c%u cannot be the %s of USART%u on a %s", 'A' + pin->port, pin->pin, key,
				       uart->usart, r->board->chip->name);
}

static bool get_uart(const struct reader *r, config_setting_t *root, const char *key, struct hf_board_uart *uart)
{
	static const char *const keys[] = {"usart", "tx", "rx", "de", "baud"};
	config_setting_t *group;
	uint32_t usart;

	if (!hf_conf_get_group(&r->conf, root, key, keys, COUNT(keys), &group) ||
	    !hf_conf_get_number(&r->conf, group, "usart", 1, 6, &usart))
		return false;
	uart->usart = (uint8_t)usart;
	uart->has_de = config_setting_get_member(group, "de") != NULL;
	return usart_pin(r, group, "tx", HF_SIGNAL_TX, uart, &uart->tx) &&
	       usart_pin(r, group, "rx", HF_SIGNAL_RX, uart, &uart->rx) &&
	       (!uart->has_de || get_pin(r, group, "de", &uart->de)) && get_bauds(r, group, uart);
}

static bool get_led(const struct reader *r, config_setting_t *root)
{
	static const char *const keys[] = {"pin", "timer", "active_low"};
	struct hf_board_led *led = &r->board->led;
	config_setting_t *group;
	uint32_t timer;

	if (!hf_conf_get_group(&r->conf, root, "led", keys, COUNT(keys), &group) ||
	    !get_pin(r, group, "pin", &led->pin) || !hf_conf_get_number(&r->conf, group, "timer", 1, 14, &timer) ||
	    !hf_conf_get_bool(&r->conf, group, "active_low", &led->active_low))
		return false;
	led->timer = (uint8_t)timer;
	led->channel = hf_chip_timer_channel(timer, led->pin, &led->af);
	return led->channel || hf_conf_bad(&r->conf, group, "no channel of timer %u reaches P%c%u on a %s", timer,
					   'A' + led->pin.port, led->pin.pin, r->board->chip->name);
}

static bool get_recovery_pin(const struct reader *r, config_setting_t *root)
{
	static const char *const keys[] = {"pin", "active_low"};
	config_setting_t *group;

	return hf_conf_get_group(&r->conf, root, "recovery", keys, COUNT(keys), &group) &&
	       get_pin(r, group, "pin", &r->board->recovery_pin.pin) &&
	       hf_conf_get_bool(&r->conf, group, "active_low", &r->board->recovery_pin.active_low);
}

/* A pin with two functions is how a boot pin stops working: each may have one only. */
static bool check_pins(const struct reader *r, config_setting_t *root)
{
	const struct hf_board *b = r->board;
	const struct {
		const char *group, *what;
		bool used;
		struct hf_pin pin;
	} rows[] = {
		{"maintenance", "maintenance.tx", true, b->maintenance.tx},
		{"maintenance", "maintenance.rx", true, b->maintenance.rx},
		{"maintenance", "maintenance.de", b->maintenance.has_de, b->maintenance.de},
		{"modbus", "modbus.tx", true, b->modbus.tx},
		{"modbus", "modbus.rx", true, b->modbus.rx},
		{"modbus", "modbus.de", b->modbus.has_de, b->modbus.de},
		{"led", "led.pin", true, b->led.pin},
		{"recovery", "recovery.pin", true, b->recovery_pin.pin},
	};

	if (b->maintenance.usart == b->modbus.usart)
		return hf_conf_bad(&r->conf, config_setting_get_member(root, "modbus"),
				   "'maintenance' and 'modbus' both use USART%u", b->modbus.usart);
	for (size_t i = 1; i < COUNT(rows); i++) {
		for (size_t k = 0; k < i; k++) {
			if (rows[i].used && rows[k].used && rows[i].pin.port == rows[k].pin.port &&
			    rows[i].pin.pin == rows[k].pin.pin)
				return hf_conf_bad(&r->conf, config_setting_get_member(root, rows[i].group),
						   "P%c%u is used twice: as %s and as %s", 'A' + rows[i].pin.port,
						   rows[i].pin.pin, rows[k].what, rows[i].what);
		}
	}
	return true;
}

/* ---- the whole ---- */

static bool get_identity(const struct reader *r, config_setting_t *root)
{
	struct hf_board *board = r->board;
	char chip[HF_BOARD_NAME_BYTES];
	uint32_t format;

	if (!hf_conf_get_number(&r->conf, root, "format", HF_BOARD_FORMAT, HF_BOARD_FORMAT, &format) ||
	    !hf_conf_get_text(&r->conf, root, "name", " ._+-", board->name, sizeof(board->name)) ||
	    !hf_conf_get_text(&r->conf, root, "vendor", ".-", board->vendor_domain, sizeof(board->vendor_domain)) ||
	    !hf_conf_get_text(&r->conf, root, "class", "._-", board->class_name, sizeof(board->class_name)) ||
	    !hf_conf_get_text(&r->conf, root, "chip", "-", chip, sizeof(chip)))
		return false;
	if (!strchr(board->vendor_domain, '.'))
		return hf_conf_bad(&r->conf, config_setting_get_member(root, "vendor"),
				   "'vendor' has to be a domain, like \"%s.example\"", board->vendor_domain);
	board->chip = hf_chip_find(chip);
	if (!board->chip)
		return hf_conf_bad(&r->conf, config_setting_get_member(root, "chip"),
				   "the chip '%s' is not known; known are %s", chip, hf_chip_names());
	board->layout.name = board->class_name;
	hf_uuid_v5(hf_uuid_namespace_dns, board->vendor_domain, board->layout.vendor_id);
	hf_uuid_v5(board->layout.vendor_id, board->class_name, board->layout.class_id);
	return hf_conf_get_number(&r->conf, root, "sysclk_hz", 1000000, board->chip->sysclk_max_hz,
				  &board->sysclk_hz);
}

static bool get_access(const struct reader *r, config_setting_t *root)
{
	static const char *const keys[] = {"gateway", "recovery", "readback"};
	config_setting_t *group;
	unsigned gateway, recovery;

	if (!hf_conf_get_group(&r->conf, root, "access", keys, COUNT(keys), &group) ||
	    !hf_conf_get_choice(&r->conf, group, "gateway", access_names, COUNT(access_names), &gateway) ||
	    !hf_conf_get_choice(&r->conf, group, "recovery", access_names, COUNT(access_names), &recovery) ||
	    !hf_conf_get_bool(&r->conf, group, "readback", &r->board->readback))
		return false;
	r->board->gateway_access = (enum hf_access)gateway;
	r->board->recovery_access = (enum hf_access)recovery;
	return true;
}

static bool get_burn(const struct reader *r, config_setting_t *root)
{
	static const char *const keys[] = {"interface", "khz", "checksum", "erase"};
	struct hf_board *board = r->board;
	unsigned interface, checksum, erase;
	config_setting_t *group;

	if (!hf_conf_get_group(&r->conf, root, "burn", keys, COUNT(keys), &group) ||
	    !hf_conf_get_choice(&r->conf, group, "interface", interface_names, COUNT(interface_names), &interface) ||
	    !hf_conf_get_number(&r->conf, group, "khz", 1, 50000, &board->interface_khz) ||
	    !hf_conf_get_choice(&r->conf, group, "checksum", checksum_names, COUNT(checksum_names), &checksum) ||
	    !hf_conf_get_choice(&r->conf, group, "erase", erase_names, COUNT(erase_names), &erase))
		return false;
	snprintf(board->interface, sizeof(board->interface), "%s", interface_names[interface]);
	snprintf(board->checksum, sizeof(board->checksum), "%s", checksum_names[checksum]);
	board->erase = (enum hf_board_erase)erase;
	return true;
}

static bool get_protect(const struct reader *r, config_setting_t *root)
{
	static const char *const keys[] = {"rdp", "bor", "boot"};
	struct hf_board_protect *protect = &r->board->protect;
	config_setting_t *group;
	uint32_t rdp, bor;

	if (!hf_conf_get_group(&r->conf, root, "protect", keys, COUNT(keys), &group) ||
	    !hf_conf_get_number(&r->conf, group, "rdp", 0, 2, &rdp) ||
	    !hf_conf_get_number(&r->conf, group, "bor", 0, 3, &bor) ||
	    !hf_conf_get_bool(&r->conf, group, "boot", &protect->boot))
		return false;
	if (rdp == 2)
		return hf_conf_bad(&r->conf, config_setting_get_member(group, "rdp"),
				   "'rdp' is 0 or 1 here; level 2 closes debug port and ROM loader for ever, and is asked for "
				   "with a switch of `holdfast factory` only");
	protect->rdp = (uint8_t)rdp;
	protect->bor = (uint8_t)bor;
	return true;
}

static bool get_board(const struct reader *r, config_setting_t *root)
{
	static const char *const keys[] = {
		"format",     "name",           "vendor",      "class",  "chip", "sysclk_hz", "flash",  "ram",  "ccm",
		"partitions", "boot_limit_kib", "maintenance", "modbus", "led",  "recovery",  "access", "burn",
		"protect",
	};
	struct hf_board *board = r->board;

	if (!hf_conf_known_keys(&r->conf, root, keys, COUNT(keys)) || !get_identity(r, root) || !get_flash(r, root) ||
	    !get_ram(r, root, "ram", 0x20000000, board->chip->ram_kib, &board->ram))
		return false;
	if (config_setting_get_member(root, "ccm") &&
	    !get_ram(r, root, "ccm", 0x10000000, board->chip->ccm_kib, &board->ccm))
		return false;
	return get_partitions(r, root) && get_uart(r, root, "maintenance", &board->maintenance) &&
	       get_uart(r, root, "modbus", &board->modbus) && get_led(r, root) && get_recovery_pin(r, root) &&
	       check_pins(r, root) && get_access(r, root) && get_burn(r, root) && get_protect(r, root);
}

enum hf_err hf_board_parse(const char *text, const char *file, struct hf_board *out, struct hf_diag *diag)
{
	const struct reader r = {{file, diag}, out};
	config_setting_t *root, *inside;
	config_t config;
	enum hf_err err = hf_conf_parse(text, file, "a board file", &config, diag);

	*out = (struct hf_board){0};
	if (!err) {
		root = config_root_setting(&config);
		inside = config_setting_get_member(root, "board");
		if (!get_board(&r, inside && config_setting_is_group(inside) ? inside : root))
			err = HF_ERR_RANGE;
	}
	config_destroy(&config);
	return err;
}

bool hf_board_read(const struct hf_conf *conf, config_setting_t *group, struct hf_board *out)
{
	const struct reader r = {*conf, out};

	*out = (struct hf_board){0};
	return get_board(&r, group);
}

enum hf_err hf_board_load(const char *path, struct hf_board *out, struct hf_diag *diag)
{
	struct hf_buffer text;
	enum hf_err err = hf_conf_load(path, HF_BOARD_FILE_MAX, "a board file", &text, diag);

	if (!err)
		err = hf_board_parse((const char *)text.ptr, path, out, diag);
	hf_buffer_free(&text);
	return err;
}

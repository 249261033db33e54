/* SPDX-License-Identifier: MIT */
#include "check_rig.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#define IMAGE_BYTES 40000u

static const struct hf_layout layout = {
	.name = "gw-test",
	.vendor_id = {1},
	.class_id = {2},
	.sectors = 7,
	.sector = {{0x08000000, 16384}, {0x08004000, 16384}, {0x08008000, 65536}, {0x08018000, 16384},
		   {0x0801c000, 65536}, {0x0802c000, 16384}, {0x08030000, 65536}},
	.journal = {{0x08000000, 16384}, {0x08004000, 16384}},
	.slot = {{0x08008000, 81920}, {0x0801c000, 81920}},
	.recovery = {0x08030000, 65536},
	.ram = {{0x20000000, 131072}},
};
static const uint32_t rates[] = {115200, 921600};

struct gateway gateway;
struct maker maker;
struct package v0, v1, v2, recovery;
struct hf_health health;
char dir[TMP_NAME_BYTES];
struct hf_smp_client client;
struct hf_smp_rate rate;
struct hf_smp_status status;
struct hf_row rows[RIG_ROWS];
unsigned row_count;

int rig_group_setup(void **state)
{
	(void)state;
	maker_open(&maker, &layout);
	maker_pack(&maker, 0, 1, IMAGE_BYTES, &v0);
	maker_pack(&maker, 1, 1, IMAGE_BYTES, &v1);
	maker_pack(&maker, 2, 1, IMAGE_BYTES, &v2);
	maker_pack_recovery(&maker, 3, 1, 20000, &recovery);
	return 0;
}

int rig_group_teardown(void **state)
{
	struct package *all[] = {&v0, &v1, &v2, &recovery};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		hf_buffer_free(&all[i]->file);
	return 0;
}

static void tell_health(struct hf_health *h)
{
	*h = health;
	h->up_ms = (uint32_t)(gateway.line.now_us / 1000);
	if (h->framing)
		health.framing++;
	if (h->works)
		h->good += (uint32_t)(gateway.line.now_us / 100000);
}

int rig_setup(void **state)
{
	(void)state;
	gateway_open(&gateway, &maker, &v0, 1);
	gateway_know(&gateway, &v1);
	gateway_know(&gateway, &recovery);
	memset(gateway.device.flash.mem, 0xff, gateway.device.flash.size);
	device_install_factory_recovery(&gateway.device, &recovery);
	device_install_factory(&gateway.device, &v0);
	health = (struct hf_health){
		.supply_mv = 3300, .temperature_dc = 312, .led = 1, .pll = true, .ways = 15, .test_done = true, .works = true, .good = 50,
		.gap_ms = 120, .answer_us = 9000,
	};
	gateway.health = tell_health;
	gateway.readback = gateway.fast = true;
	gateway.self_test_us = 0;
	gateway.line.rx_bytes = 16384;
	gateway_start(&gateway);
	gateway.line.baud = 115200;
	if (!mkdtemp(tmp_name(dir, "check-XXXXXX")))
		fail_msg("no directory");
	setenv("XDG_DATA_HOME", dir, 1);
	hf_smp_client_init(&client, &gateway.line.serial);
	rate = (struct hf_smp_rate){.baud = rates, .bauds = 2};
	row_count = 0;
	return 0;
}

static int drop(const char *path, const struct stat *info, int flag, struct FTW *at)
{
	(void)info;
	(void)flag;
	(void)at;
	return remove(path);
}

int rig_teardown(void **state)
{
	(void)state;
	gateway_close(&gateway);
	nftw(dir, drop, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

const char *rig_file(const char *name)
{
	static char paths[8][2 * TMP_NAME_BYTES];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

void rig_write(const char *name, const struct package *p)
{
	assert_int_equal(hf_file_write(rig_file(name), hf_buffer_bytes(&p->file), 0, NULL), HF_OK);
}

void rig_connect(void)
{
	struct hf_smp_answer answer;

	assert_int_equal(hf_smp_rate_find(&client, &rate, 20000), HF_OK);
	assert_int_equal(hf_smp_get_status(&client, 5000, &status, &answer), HF_OK);
	assert_int_equal(answer.refusal, HF_OK);
}

void rig_on_row(void *ctx, const struct hf_row *row)
{
	(void)ctx;
	assert_true(row_count < RIG_ROWS);
	rows[row_count++] = *row;
	if (getenv("HF_ROWS"))
		printf("# %s %s: %s\n", hf_row_state_text(row->state), row->name, row->text);
}

const struct hf_row *rig_row(const char *name)
{
	for (unsigned i = 0; i < row_count; i++) {
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	}
	fail_msg("there is no row '%s'", name);
	return NULL;
}

void assert_row(const char *name, enum hf_row_state state, const char *says)
{
	const struct hf_row *row = rig_row(name);

	if (row->state != state || !strstr(row->text, says))
		fail_msg("row '%s': %s: %s; not %s: %s", name, hf_row_state_text(row->state), row->text, hf_row_state_text(state), says);
	if (state == HF_ROW_FAILED)
		assert_true(strlen(row->next) > 10);
}

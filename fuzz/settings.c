/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS_MAX 512

struct all {
	config_setting_t *at[SETTINGS_MAX];
	unsigned count;
};

static void collect(struct all *all, config_setting_t *s)
{
	if (all->count == SETTINGS_MAX)
		return;
	all->at[all->count++] = s;
	for (int i = 0; config_setting_is_aggregate(s) && i < config_setting_length(s); i++)
		collect(all, config_setting_get_elem(s, (unsigned)i));
}

/* Includes would lead elsewhere. */
static bool parse(config_t *config, struct hf_bytes in)
{
	char *text = malloc(in.len + 1);
	bool good;

	must(text != NULL);
	memcpy(text, in.ptr, in.len);
	text[in.len] = 0;
	config_init(config);
	good = strlen(text) == in.len && !strstr(text, "@include") && config_read_string(config, text);
	free(text);
	if (!good)
		config_destroy(config);
	return good;
}

static size_t write_to(config_t *config, uint8_t *out, size_t max)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	must(f != NULL);
	config_write(config, f);
	fclose(f);
	if (len > max)
		len = 0;
	memcpy(out, text, len);
	free(text);
	return len;
}

/* Copies a value into `to`, under this name (NULL: an element of a list or an array). */
static void copy_to(config_setting_t *to, const char *name, const config_setting_t *from, unsigned depth)
{
	config_setting_t *made = depth > 8 ? NULL : config_setting_add(to, name, config_setting_type(from));

	if (!made)
		return;
	switch (config_setting_type(from)) {
	case CONFIG_TYPE_INT:
		config_setting_set_int(made, config_setting_get_int(from));
		config_setting_set_format(made, config_setting_get_format(from));
		break;
	case CONFIG_TYPE_INT64:
		config_setting_set_int64(made, config_setting_get_int64(from));
		break;
	case CONFIG_TYPE_FLOAT:
		config_setting_set_float(made, config_setting_get_float(from));
		break;
	case CONFIG_TYPE_STRING:
		config_setting_set_string(made, config_setting_get_string(from));
		break;
	case CONFIG_TYPE_BOOL:
		config_setting_set_bool(made, config_setting_get_bool(from));
		break;
	default:
		for (int i = 0; i < config_setting_length(from); i++) {
			const config_setting_t *child = config_setting_get_elem(from, (unsigned)i);

			copy_to(made, config_setting_name(child), child, depth + 1);
		}
	}
}

static void change_string(struct chance *c, config_setting_t *s, const char *const *texts)
{
	char text[64] = "";
	unsigned count = 0;

	while (texts[count])
		count++;
	if (count && !chance_one_in(c, 3)) {
		config_setting_set_string(s, texts[chance_below(c, count)]);
		return;
	}
	snprintf(text, sizeof(text) - 1, "%s", config_setting_get_string(s));
	text[chance_below(c, (uint32_t)strlen(text) + 1)] = (char)(0x20 + chance_below(c, 0x5f));
	config_setting_set_string(s, text);
}

static void remove_one(config_setting_t *s)
{
	config_setting_t *parent = config_setting_parent(s);

	if (parent)
		config_setting_remove_elem(parent, (unsigned)config_setting_index(s));
}

static void add_number(struct chance *c, config_setting_t *s)
{
	config_setting_t *made = config_setting_add(s, NULL, CONFIG_TYPE_INT);

	if (made)
		config_setting_set_int(made, (int)chance_number(c, 115200));
}

/* False: the collected settings do not all exist any more. */
static bool change(struct chance *c, const struct all *all, const char *const *texts)
{
	config_setting_t *s = all->at[chance_below(c, all->count)], *other = all->at[chance_below(c, all->count)];

	if (chance_one_in(c, 12)) {
		remove_one(s);
		return false;
	}
	if (chance_one_in(c, 12) && config_setting_is_aggregate(other) && !config_setting_is_root(s)) {
		const char *name = config_setting_is_group(other) ? config_setting_name(s) : NULL;

		if (name || !config_setting_is_group(other))
			copy_to(other, name, s, 0);
		return false;
	}
	switch (config_setting_type(s)) {
	case CONFIG_TYPE_INT:
		config_setting_set_int(s, (int)chance_number(c, (uint64_t)config_setting_get_int(s)));
		break;
	case CONFIG_TYPE_BOOL:
		config_setting_set_bool(s, !config_setting_get_bool(s));
		break;
	case CONFIG_TYPE_STRING:
		change_string(c, s, texts);
		break;
	case CONFIG_TYPE_ARRAY:
		add_number(c, s);
		return false;
	}
	return true;
}

size_t settings_mutate_input(uint8_t *data, size_t len, size_t max, unsigned seed, const char *const *texts)
{
	unsigned changes;
	struct all all;
	struct chance c;
	config_t config;

	chance_begin(&c, seed);
	if (chance_one_in(&c, 3) || !parse(&config, (struct hf_bytes){data, len}))
		return LLVMFuzzerMutate(data, len, max);
	changes = 1 + chance_below(&c, 4);
	do {
		all.count = 0;
		collect(&all, config_root_setting(&config));
		while (changes > 0 && all.count > 0) {
			changes--;
			if (!change(&c, &all, texts))
				break;
		}
	} while (changes > 0 && all.count > 0);
	size_t made = write_to(&config, data, max);
	config_destroy(&config);
	return made ? made : len;
}

size_t settings_cross_inputs(struct hf_bytes one, struct hf_bytes other, uint8_t *out, size_t max, unsigned seed)
{
	config_setting_t *from, *to;
	config_t config, second;
	struct chance c;
	size_t len;

	chance_begin(&c, seed);
	if (!parse(&config, one))
		return 0;
	if (!parse(&second, other)) {
		config_destroy(&config);
		return 0;
	}
	to = config_root_setting(&config);
	from = config_root_setting(&second);
	if (config_setting_length(from) > 0) {
		from = config_setting_get_elem(from, chance_below(&c, (uint32_t)config_setting_length(from)));
		(void)config_setting_remove(to, config_setting_name(from));
		copy_to(to, config_setting_name(from), from, 0);
	}
	len = write_to(&config, out, max);
	config_destroy(&config);
	config_destroy(&second);
	return len;
}

char *settings_again(const char *text)
{
	size_t room = 4 * strlen(text) + 65536;
	char *out = NULL;
	config_t config;

	if (!parse(&config, (struct hf_bytes){(const uint8_t *)text, strlen(text)}))
		return NULL;
	out = malloc(room);
	must(out != NULL);
	out[write_to(&config, (uint8_t *)out, room - 1)] = 0;
	config_destroy(&config);
	return out;
}

/* SPDX-License-Identifier: MIT */
#include "conf.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

bool hf_conf_bad(const struct hf_conf *c, const config_setting_t *at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	hf_diag_vset(c->diag, format, args);
	va_end(args);
	hf_diag_prefix(c->diag, "%s:%u: ", c->file, at ? config_setting_source_line(at) : 1u);
	return false;
}

static bool refuse_includes(const char *text, const char *file, const char *what, struct hf_diag *diag)
{
	unsigned line = 1;

	for (const char *at = text; *at; line++) {
		at += strspn(at, " \t\r\f\v");
		if (strncmp(at, "@include", 8) == 0) {
			hf_diag_set(diag, "%s:%u: %s is one file: @include is not allowed", file, line, what);
			return false;
		}
		at += strcspn(at, "\n");
		if (*at)
			at++;
	}
	return true;
}

enum hf_err hf_conf_parse(const char *text, const char *file, const char *what, config_t *config, struct hf_diag *diag)
{
	config_init(config);
	if (!refuse_includes(text, file, what, diag))
		return HF_ERR_RANGE;
	if (config_read_string(config, text) == CONFIG_TRUE)
		return HF_OK;
	hf_diag_set(diag, "%s:%d: %s", file, config_error_line(config), config_error_text(config));
	return HF_ERR_ENCODING;
}

enum hf_err hf_conf_load(const char *path, size_t limit, const char *what, struct hf_buffer *text, struct hf_diag *diag)
{
	enum hf_err err = hf_file_read(path, limit, text, diag);

	if (err || strlen((const char *)text->ptr) == text->len)
		return err;
	hf_diag_set(diag, "%s: %s is text, and this one holds zero bytes", path, what);
	hf_buffer_free(text);
	return HF_ERR_ENCODING;
}

static const char *name_of(const config_setting_t *setting)
{
	const char *name = config_setting_name(setting);

	return name ? name : "the file";
}

bool hf_conf_known_keys(const struct hf_conf *c, config_setting_t *group, const char *const *keys, size_t count)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *item = config_setting_get_elem(group, (unsigned)i);
		size_t k = 0;

		while (k < count && strcmp(keys[k], config_setting_name(item)) != 0)
			k++;
		if (k == count)
			return hf_conf_bad(c, item, "unknown key '%s' in %s; remove it or correct its spelling",
					   config_setting_name(item), name_of(group));
	}
	return true;
}

bool hf_conf_get(const struct hf_conf *c, config_setting_t *group, const char *key, config_setting_t **out)
{
	const char *text;

	*out = config_setting_get_member(group, key);
	text = *out ? config_setting_get_string(*out) : NULL;
	if (text && strcmp(text, HF_CONF_FILL_IN) == 0)
		return hf_conf_bad(c, *out, "'%s' has still to be filled in", key);
	return *out || hf_conf_bad(c, config_setting_is_root(group) ? NULL : group, "'%s' is missing in %s", key,
				   name_of(group));
}

bool hf_conf_get_group(const struct hf_conf *c, config_setting_t *group, const char *key, const char *const *keys,
		       size_t count, config_setting_t **out)
{
	if (!hf_conf_get(c, group, key, out))
		return false;
	if (!config_setting_is_group(*out))
		return hf_conf_bad(c, *out, "'%s' has to be a group: %s = { ... };", key, key);
	return hf_conf_known_keys(c, *out, keys, count);
}

bool hf_conf_number(const struct hf_conf *c, const config_setting_t *item, const char *key, uint32_t min,
		    uint32_t max, uint32_t *out)
{
	int type = config_setting_type(item);
	long long value;

	if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
		return hf_conf_bad(c, item, "'%s' has to be a whole number", key);
	value = config_setting_get_int64(item);
	if (min == max && value != (long long)min)
		return hf_conf_bad(c, item, "'%s' is %lld (0x%llx), but has to be %u (0x%x)", key, value, value, min, min);
	if (value < (long long)min || value > (long long)max)
		return hf_conf_bad(c, item, "'%s' is %lld, but has to be between %u and %u", key, value, min, max);
	*out = (uint32_t)value;
	return true;
}

bool hf_conf_get_number(const struct hf_conf *c, config_setting_t *group, const char *key, uint32_t min, uint32_t max,
			uint32_t *out)
{
	config_setting_t *item;

	return hf_conf_get(c, group, key, &item) && hf_conf_number(c, item, key, min, max, out);
}

bool hf_conf_get_bool(const struct hf_conf *c, config_setting_t *group, const char *key, bool *out)
{
	config_setting_t *item;

	if (!hf_conf_get(c, group, key, &item))
		return false;
	if (config_setting_type(item) != CONFIG_TYPE_BOOL)
		return hf_conf_bad(c, item, "'%s' has to be true or false", key);
	*out = config_setting_get_bool(item);
	return true;
}

bool hf_conf_get_text(const struct hf_conf *c, config_setting_t *group, const char *key, const char *more, char *out,
		      size_t room)
{
	config_setting_t *item;
	const char *text;

	if (!hf_conf_get(c, group, key, &item))
		return false;
	text = config_setting_get_string(item);
	if (!text || !text[0])
		return hf_conf_bad(c, item, "'%s' has to be a text in quotes, and not an empty one", key);
	if (strlen(text) >= room)
		return hf_conf_bad(c, item, "'%s' has %zu characters; at most %zu are allowed", key, strlen(text),
				   room - 1);
	for (const char *at = text; *at; at++) {
		if (!(isalnum((unsigned char)*at) && (unsigned char)*at < 128) && !strchr(more, *at))
			return hf_conf_bad(c, item,
					   "'%s' holds a character that is not a letter, a digit or one of \"%s\"",
					   key, more);
	}
	snprintf(out, room, "%s", text);
	return true;
}

bool hf_conf_get_choice(const struct hf_conf *c, config_setting_t *group, const char *key, const char *const *choices,
			size_t count, unsigned *out)
{
	char list[128] = "";
	config_setting_t *item;
	const char *text;

	if (!hf_conf_get(c, group, key, &item))
		return false;
	text = config_setting_get_string(item);
	for (size_t i = 0; i < count; i++) {
		if (text && strcmp(text, choices[i]) == 0) {
			*out = (unsigned)i;
			return true;
		}
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s\"%s\"", i ? " or " : "", choices[i]);
	}
	return hf_conf_bad(c, item, "'%s' has to be %s", key, list);
}

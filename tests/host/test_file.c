/* SPDX-License-Identifier: MIT
 *
 * Files are read within their limit, and written whole or not at all: a full disk (a file size limit stands for it)
 * leaves the old content and no debris.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <cmocka.h>

#include "file.h"
#include "scratch.h"

static struct hf_bytes text_bytes(const char *text)
{
	return (struct hf_bytes){(const uint8_t *)text, strlen(text)};
}

static void assert_content(const char *path, const char *want)
{
	struct hf_buffer file;
	struct hf_diag diag;

	assert_int_equal(hf_file_read(path, 1000, &file, &diag), HF_OK);
	assert_int_equal(file.len, strlen(want));
	assert_string_equal((const char *)file.ptr, want);
	hf_buffer_free(&file);
}

static void file_is_written_and_replaced(void **state)
{
	struct hf_diag diag;

	(void)state;
	assert_int_equal(hf_file_write(scratch("a"), text_bytes("one"), 0, &diag), HF_OK);
	assert_content(scratch("a"), "one");
	assert_int_equal(hf_file_write(scratch("a"), text_bytes("two"), 0, &diag), HF_OK);
	assert_content(scratch("a"), "two");
	assert_int_equal(hf_file_write(scratch("a"), text_bytes(""), 0, &diag), HF_OK);
	assert_content(scratch("a"), "");
	assert_int_equal(scratch_count(), 1);
}

static void file_that_exists_is_not_replaced_when_it_has_to_be_new(void **state)
{
	struct hf_diag diag;

	(void)state;
	assert_int_equal(hf_file_write(scratch("a"), text_bytes("one"), HF_FILE_NEW, &diag), HF_OK);
	assert_int_equal(hf_file_write(scratch("a"), text_bytes("two"), HF_FILE_NEW, &diag), HF_ERR_DENIED);
	assert_non_null(strstr(diag.text, "exists already"));
	assert_content(scratch("a"), "one");
	assert_int_equal(scratch_count(), 1);
}

static void private_file_can_be_read_by_its_owner_alone(void **state)
{
	struct hf_diag diag;
	struct stat info;
	mode_t before = umask(0);

	(void)state;
	assert_int_equal(hf_file_write(scratch("a"), text_bytes("x"), HF_FILE_PRIVATE, &diag), HF_OK);
	umask(before);
	assert_int_equal(stat(scratch("a"), &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
}

static void full_disk_leaves_the_old_file(void **state)
{
	static uint8_t large[100000];
	struct rlimit limit, before;
	struct hf_diag diag;

	(void)state;
	assert_int_equal(hf_file_write(scratch("a"), text_bytes("old"), 0, &diag), HF_OK);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 4096;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	enum hf_err err = hf_file_write(scratch("a"), (struct hf_bytes){large, sizeof(large)}, 0, &diag);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(err, HF_ERR_IO);
	assert_non_null(strstr(diag.text, "cannot write"));
	assert_content(scratch("a"), "old");
	assert_int_equal(scratch_count(), 1);
}

static void device_that_is_full_is_an_error(void **state)
{
	struct hf_diag diag;

	(void)state;
	if (access("/dev/full", W_OK) != 0)
		skip();
	assert_int_equal(hf_file_write("/dev/full", text_bytes("x"), 0, &diag), HF_ERR_IO);
	assert_non_null(strstr(diag.text, "No space left"));
	assert_int_equal(hf_file_write("/dev/null", text_bytes("x"), 0, &diag), HF_OK);
}

static void directory_that_is_missing_is_named(void **state)
{
	struct hf_diag diag;

	(void)state;
	assert_int_equal(hf_file_write(scratch("no/such/file"), text_bytes("x"), 0, &diag), HF_ERR_IO);
	assert_non_null(strstr(diag.text, "no/such/file: cannot create"));
	assert_int_equal(hf_file_write(scratch_dir, text_bytes("x"), 0, &diag), HF_ERR_IO);
}

static void file_beyond_its_limit_is_refused(void **state)
{
	struct hf_buffer file;
	struct hf_diag diag;

	(void)state;
	assert_int_equal(hf_file_write(scratch("a"), text_bytes("12345"), 0, &diag), HF_OK);
	assert_int_equal(hf_file_read(scratch("a"), 4, &file, &diag), HF_ERR_TOO_LARGE);
	assert_null(file.ptr);
	assert_int_equal(hf_file_read(scratch("a"), 5, &file, &diag), HF_OK);
	hf_buffer_free(&file);
	assert_int_equal(hf_file_read("/dev/zero", 1 << 20, &file, &diag), HF_ERR_TOO_LARGE);
	assert_int_equal(hf_file_read(scratch("b"), 4, &file, &diag), HF_ERR_IO);
	assert_non_null(strstr(diag.text, "b: cannot open: No such file"));
}

static void large_file_survives_the_round_trip(void **state)
{
	size_t len = 3000001;
	uint8_t *data = malloc(len);
	struct hf_buffer file;
	struct hf_diag diag;

	(void)state;
	assert_non_null(data);
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(i * 31 >> 3);
	assert_int_equal(hf_file_write(scratch("a"), (struct hf_bytes){data, len}, 0, &diag), HF_OK);
	assert_int_equal(hf_file_read(scratch("a"), len, &file, &diag), HF_OK);
	assert_int_equal(file.len, len);
	assert_memory_equal(file.ptr, data, len);
	assert_int_equal(file.ptr[len], 0);
	hf_buffer_free(&file);
	free(data);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_begin, scratch_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(file_is_written_and_replaced),
		TEST(file_that_exists_is_not_replaced_when_it_has_to_be_new),
		TEST(private_file_can_be_read_by_its_owner_alone),
		TEST(full_disk_leaves_the_old_file),
		TEST(device_that_is_full_is_an_error),
		TEST(directory_that_is_missing_is_named),
		TEST(file_beyond_its_limit_is_refused),
		TEST(large_file_survives_the_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

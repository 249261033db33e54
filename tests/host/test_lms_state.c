/* SPDX-License-Identifier: MIT
 *
 * No one-time key signs twice: whatever the signer is killed at, whatever a power cut takes, whichever call fails, with
 * several processes at once. Every signature that leaves a process is verified, and its number is looked up among those
 * that have left before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "disk.h"
#include "host_crypto.h"
#include "lms_state.h"
#include "scratch.h"
#include "signer.h"

#define CALLS_MAX 80 /* of one signature, at most */

static struct hf_lms_key key;
static char elsewhere[TMP_NAME_BYTES], witness_path[TMP_NAME_BYTES + 16], key_path[600], state_path[620];
static bool used[HF_LMS_LEAVES];
static char warning[1024];

static int make_key(void **state)
{
	uint8_t seed[HF_LMS_SEED_BYTES] = "a seed of thirty-two bytes, here";

	(void)state;
	return hf_lms_key_derive(&key, seed, NULL, NULL) ? -1 : 0;
}

static int forget_key(void **state)
{
	(void)state;
	hf_lms_key_wipe(&key);
	return 0;
}

static void put_key(const char *witness)
{
	struct hf_diag diag;

	memset(used, 0, sizeof(used));
	warning[0] = 0;
	snprintf(key_path, sizeof(key_path), "%s/k.pem", scratch_dir);
	snprintf(state_path, sizeof(state_path), "%s.state", key_path);
	assert_int_equal(hf_key_write_lms(key_path, &key, HF_ROLE_RELEASE, NULL, false, &diag), HF_OK);
	assert_int_equal(hf_file_write(scratch("k.pem.leaves"), (struct hf_bytes){key.leaf[0], HF_LMS_NODES_BYTES}, 0, &diag),
			 HF_OK);
	assert_int_equal(hf_lms_state_create(state_path, key.public_key + HF_LMS_PUBLIC_ID, witness, &diag), HF_OK);
}

static int begin(void **state)
{
	if (scratch_begin(state) || !mkdtemp(tmp_name(elsewhere, "hf-test-XXXXXX")))
		return -1;
	snprintf(witness_path, sizeof(witness_path), "%s/w", elsewhere);
	return 0;
}

static int end(void **state)
{
	char command[2 * TMP_NAME_BYTES + 16];

	snprintf(command, sizeof(command), "rm -rf '%s'", elsewhere);
	return scratch_end(state) || system(command) ? -1 : 0;
}

static void note_warning(void *ctx, const char *sentence)
{
	(void)ctx;
	snprintf(warning, sizeof(warning), "%s", sentence);
}

static struct hf_signer *open_signer(const char *witness, bool no_witness)
{
	const struct hf_signer_options options = {.witness = witness, .no_witness = no_witness, .warn = note_warning};
	struct hf_signer *signer;
	struct hf_diag diag;

	assert_int_equal(hf_signer_open(key_path, &options, &signer, &diag), HF_OK);
	return signer;
}

static const struct hf_bytes text = {(const uint8_t *)"a manifest", 10};

/* A signature that somebody has seen. */
static uint32_t seen(const uint8_t signature[HF_LMS_SIGNATURE_BYTES])
{
	uint32_t number = load_be32(signature + HF_LMS_SIG_LEAF);

	assert_int_equal(hf_host_crypto.verify(HF_ALG_HSS_LMS, (struct hf_bytes){key.public_key, HF_LMS_PUBLIC_BYTES}, text,
					       (struct hf_bytes){signature, HF_LMS_SIGNATURE_BYTES}),
			 HF_OK);
	assert_true(number < HF_LMS_LEAVES);
	assert_false(used[number]);
	used[number] = true;
	return number;
}

static enum hf_err sign_with(const char *witness, bool no_witness, struct hf_diag *diag)
{
	struct hf_signer *signer = open_signer(witness, no_witness);
	uint8_t signature[HF_LMS_SIGNATURE_BYTES];
	enum hf_err err = hf_signer_sign(signer, text, signature, diag);

	hf_signer_close(signer);
	if (!err)
		seen(signature);
	return err;
}

static enum hf_err sign(void)
{
	struct hf_diag diag;

	return sign_with(NULL, false, &diag);
}

/* A child signs `times` times, and its disk ends so. Returns its exit status. */
static int sign_in_child(enum disk_end how, unsigned nth, unsigned times)
{
	uint8_t signature[HF_LMS_SIGNATURE_BYTES];
	struct hf_signer *signer = open_signer(NULL, false);
	int pipes[2], status;
	pid_t child;

	assert_int_equal(pipe(pipes), 0);
	child = fork();
	if (child == 0) {
		struct hf_diag diag;

		disk_arm(how, nth);
		while (times-- > 0) {
			if (hf_signer_sign(signer, text, signature, &diag) != HF_OK)
				_exit(1);
			if (syscall(SYS_write, pipes[1], signature, sizeof(signature)) != sizeof(signature))
				_exit(2);
		}
		_exit(0);
	}
	hf_signer_close(signer);
	close(pipes[1]);
	for (size_t got = 0;;) {
		ssize_t n = read(pipes[0], signature + got, sizeof(signature) - got);

		if (n <= 0)
			break;
		got += (size_t)n;
		if (got == sizeof(signature)) {
			seen(signature);
			got = 0;
		}
	}
	close(pipes[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Ends the child at each of its calls in turn, and signs once more after each. */
static void end_at_each_call(enum disk_end how, int status)
{
	unsigned nth = 0, ended = 0;
	int got;

	do {
		nth++;
		assert_true(nth < CALLS_MAX);
		got = sign_in_child(how, nth, 1);
		ended += got == status;
		assert_int_equal(sign(), HF_OK);
	} while (got == status || (how == DISK_ERROR && nth < 20));
	assert_int_equal(got, 0);
	assert_true(ended >= 8);
}

static void numbers_count_up(void **state)
{
	struct hf_lms_state now;
	struct hf_diag diag;

	(void)state;
	put_key(NULL);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(sign(), HF_OK);
	assert_true(used[0] && used[1] && used[2]);
	assert_int_equal(hf_lms_state_read(state_path, &now, &diag), HF_OK);
	assert_int_equal(now.next, 3);
	assert_non_null(strstr(warning, "no witness"));
}

static void signer_killed_at_any_call_repeats_nothing(void **state)
{
	(void)state;
	put_key(NULL);
	end_at_each_call(DISK_KILL_BEFORE, DISK_DEAD);
	end_at_each_call(DISK_KILL_AFTER, DISK_DEAD);
}

static void signer_with_witness_killed_at_any_call_repeats_nothing(void **state)
{
	(void)state;
	put_key(witness_path);
	end_at_each_call(DISK_KILL_BEFORE, DISK_DEAD);
	end_at_each_call(DISK_KILL_AFTER, DISK_DEAD);
}

static void power_cut_at_any_call_repeats_nothing(void **state)
{
	(void)state;
	put_key(NULL);
	end_at_each_call(DISK_CUT_BEFORE, DISK_DEAD);
	end_at_each_call(DISK_CUT_AFTER, DISK_DEAD);
	end_at_each_call(DISK_CUT_KEPT, DISK_DEAD);
}

static void power_cut_with_witness_repeats_nothing(void **state)
{
	(void)state;
	put_key(witness_path);
	end_at_each_call(DISK_CUT_BEFORE, DISK_DEAD);
	end_at_each_call(DISK_CUT_AFTER, DISK_DEAD);
	end_at_each_call(DISK_CUT_KEPT, DISK_DEAD);
}

static void failing_call_repeats_nothing(void **state)
{
	(void)state;
	put_key(witness_path);
	end_at_each_call(DISK_ERROR, 1);
}

static void several_processes_share_the_numbers(void **state)
{
	uint8_t signature[HF_LMS_SIGNATURE_BYTES];
	struct hf_signer *signer;
	int pipes[2], status;
	unsigned count = 0;

	(void)state;
	put_key(witness_path);
	signer = open_signer(NULL, false);
	assert_int_equal(pipe(pipes), 0);
	for (unsigned i = 0; i < 5; i++) {
		if (fork() != 0)
			continue;
		for (unsigned k = 0; k < 8; k++) {
			struct hf_diag diag;

			if (hf_signer_sign(signer, text, signature, &diag) ||
			    syscall(SYS_write, pipes[1], signature, sizeof(signature)) != sizeof(signature))
				_exit(1);
		}
		_exit(0);
	}
	close(pipes[1]);
	while (read(pipes[0], signature, sizeof(signature)) == sizeof(signature)) { /* less than PIPE_BUF: never mixed */
		seen(signature);
		count++;
	}
	for (unsigned i = 0; i < 5; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(count, 40);
	close(pipes[0]);
	hf_signer_close(signer);
}

static void copy_file(const char *from, const char *to)
{
	struct hf_buffer file;
	struct hf_diag diag;

	assert_int_equal(hf_file_read(from, 65536, &file, &diag), HF_OK);
	assert_int_equal(hf_file_write(to, hf_buffer_bytes(&file), 0, &diag), HF_OK);
	hf_buffer_free(&file);
}

static void old_copy_of_the_state_is_caught_by_the_witness(void **state)
{
	struct hf_lms_state now;
	struct hf_diag diag;

	(void)state;
	put_key(witness_path);
	assert_int_equal(sign(), HF_OK);
	assert_string_equal(warning, "");
	copy_file(state_path, scratch("backup"));
	assert_int_equal(sign(), HF_OK);
	copy_file(scratch("backup"), state_path);
	assert_int_equal(sign_with(NULL, false, &diag), HF_ERR_DENIED);
	assert_non_null(strstr(diag.text, "this state is an old copy"));
	assert_non_null(strstr(diag.text, "--skip-to 2"));

	/* What the sentence says helps; less than that does not. */
	assert_int_equal(hf_lms_state_mend(state_path, key.public_key + HF_LMS_PUBLIC_ID, NULL, 1, &now, &diag), HF_ERR_DENIED);
	assert_int_equal(hf_lms_state_mend(state_path, key.public_key + HF_LMS_PUBLIC_ID, NULL, 2, &now, &diag), HF_OK);
	assert_int_equal(sign(), HF_OK);
	assert_true(used[2]);
}

static void another_witness_does_not_hide_what_the_first_has_seen(void **state)
{
	struct hf_lms_state now;
	struct hf_diag diag;
	char other[TMP_NAME_BYTES + 16];

	(void)state;
	put_key(witness_path);
	assert_int_equal(sign(), HF_OK);
	copy_file(state_path, scratch("backup"));
	snprintf(other, sizeof(other), "%s/other", elsewhere);
	copy_file(witness_path, other);
	assert_int_equal(sign(), HF_OK);
	copy_file(scratch("backup"), state_path);
	assert_int_equal(sign_with(other, false, &diag), HF_ERR_DENIED);
	assert_int_equal(hf_lms_state_mend(state_path, key.public_key + HF_LMS_PUBLIC_ID, other, 0, &now, &diag), HF_ERR_DENIED);
	assert_int_equal(hf_lms_state_mend(state_path, key.public_key + HF_LMS_PUBLIC_ID, other, 2, &now, &diag), HF_OK);
	assert_int_equal(sign(), HF_OK);
}

static void missing_witness_stops_unless_told_otherwise(void **state)
{
	struct hf_diag diag;

	(void)state;
	put_key(witness_path);
	assert_int_equal(sign(), HF_OK);
	assert_int_equal(unlink(witness_path), 0);
	assert_int_equal(sign_with(NULL, false, &diag), HF_ERR_DENIED);
	assert_non_null(strstr(diag.text, "witness is not there"));
	assert_int_equal(sign_with(NULL, true, &diag), HF_OK);
	assert_non_null(strstr(warning, "nothing here can know that"));
	assert_int_equal(sign_with(NULL, false, &diag), HF_ERR_DENIED);
}

static void witness_beside_the_state_or_of_another_key_is_refused(void **state)
{
	struct hf_lms_state now;
	uint8_t other[HF_LMS_ID_BYTES] = {1};
	struct hf_diag diag;

	(void)state;
	put_key(NULL);
	assert_int_equal(hf_lms_state_mend(state_path, key.public_key + HF_LMS_PUBLIC_ID, scratch("w"), 0, &now, &diag),
			 HF_ERR_DENIED);
	assert_non_null(strstr(diag.text, "keep it elsewhere"));
	assert_int_equal(hf_lms_state_create(scratch("other.state"), other, witness_path, &diag), HF_OK);
	assert_int_equal(hf_lms_state_mend(state_path, key.public_key + HF_LMS_PUBLIC_ID, witness_path, 0, &now, &diag),
			 HF_ERR_KEY);
	assert_int_equal(sign_with(witness_path, false, &diag), HF_ERR_DENIED);
	assert_non_null(strstr(diag.text, "another key"));
}

static void witness_can_be_attached_later(void **state)
{
	struct hf_lms_state now;
	struct hf_diag diag;
	uint32_t next;

	(void)state;
	put_key(NULL);
	assert_int_equal(sign(), HF_OK);
	assert_int_equal(hf_lms_state_mend(state_path, key.public_key + HF_LMS_PUBLIC_ID, witness_path, 0, &now, &diag), HF_OK);
	assert_int_equal(hf_lms_witness_read(witness_path, key.public_key + HF_LMS_PUBLIC_ID, &next, &diag), HF_OK);
	assert_int_equal(next, 1);
	warning[0] = 0;
	assert_int_equal(sign(), HF_OK);
	assert_string_equal(warning, "");
	assert_int_equal(hf_lms_witness_read(witness_path, key.public_key + HF_LMS_PUBLIC_ID, &next, &diag), HF_OK);
	assert_int_equal(next, 2);
}

static void missing_or_damaged_state_signs_nothing(void **state)
{
	struct hf_lms_state now;
	struct hf_buffer file;
	struct hf_diag diag;

	(void)state;
	put_key(NULL);
	assert_int_equal(sign(), HF_OK);
	assert_int_equal(hf_file_read(state_path, 4096, &file, &diag), HF_OK);
	for (size_t i = 0; i < file.len; i++) {
		file.ptr[i] ^= 1;
		assert_int_equal(hf_file_write(state_path, hf_buffer_bytes(&file), 0, &diag), HF_OK);
		assert_int_equal(hf_lms_state_read(state_path, &now, &diag), HF_ERR_ENCODING);
		file.ptr[i] ^= 1;
		assert_int_equal(hf_file_write(state_path, (struct hf_bytes){file.ptr, i}, 0, &diag), HF_OK);
		assert_int_equal(hf_lms_state_read(state_path, &now, &diag), HF_ERR_ENCODING);
	}
	hf_buffer_free(&file);
	assert_int_equal(sign_with(NULL, false, &diag), HF_ERR_ENCODING);
	assert_int_equal(unlink(state_path), 0);
	assert_int_equal(sign_with(NULL, false, &diag), HF_ERR_NOT_FOUND);
	assert_non_null(strstr(diag.text, "nobody knows which one-time keys are used"));
	assert_int_equal(hf_lms_state_create(state_path, key.public_key + HF_LMS_PUBLIC_ID, NULL, &diag), HF_OK);
	assert_int_equal(hf_lms_state_create(state_path, key.public_key + HF_LMS_PUBLIC_ID, NULL, &diag), HF_ERR_DENIED);
}

static void end_of_the_key_is_announced_and_final(void **state)
{
	struct hf_lms_state now;
	struct hf_diag diag;

	(void)state;
	put_key(witness_path);
	assert_int_equal(hf_lms_state_mend(state_path, key.public_key + HF_LMS_PUBLIC_ID, NULL, HF_LMS_LEAVES - 65, &now, &diag),
			 HF_OK);
	assert_int_equal(sign(), HF_OK);
	assert_string_equal(warning, "");
	assert_int_equal(sign(), HF_OK);
	assert_non_null(strstr(warning, "63 signatures are left"));
	assert_int_equal(hf_lms_state_mend(state_path, key.public_key + HF_LMS_PUBLIC_ID, NULL, HF_LMS_LEAVES - 1, &now, &diag),
			 HF_OK);
	assert_int_equal(sign(), HF_OK);
	assert_non_null(strstr(warning, ": 0 signatures are left"));
	assert_int_equal(sign_with(NULL, false, &diag), HF_ERR_FULL);
	assert_non_null(strstr(diag.text, "all 1024 one-time keys are used"));
	assert_int_equal(hf_lms_state_mend(state_path, key.public_key + HF_LMS_PUBLIC_ID, NULL, HF_LMS_LEAVES + 1, &now, &diag),
			 HF_ERR_DENIED);
}

static void leaves_are_made_again_where_they_are_damaged(void **state)
{
	uint8_t junk[HF_LMS_NODES_BYTES] = {1};
	struct hf_buffer file;
	struct hf_diag diag;

	(void)state;
	put_key(NULL);
	assert_int_equal(hf_file_write(scratch("k.pem.leaves"), (struct hf_bytes){junk, sizeof(junk)}, 0, &diag), HF_OK);
	assert_int_equal(sign(), HF_OK);
	assert_int_equal(hf_file_read(scratch("k.pem.leaves"), 65536, &file, &diag), HF_OK);
	assert_memory_equal(file.ptr, key.leaf[0], HF_LMS_NODES_BYTES);
	hf_buffer_free(&file);
}

static void encrypted_key_opens_with_its_password_only(void **state)
{
	struct hf_lms_key back;
	struct hf_diag diag;

	(void)state;
	assert_int_equal(hf_key_write_lms(scratch("e.pem"), &key, HF_ROLE_ROOT, "correct horse", false, &diag), HF_OK);
	assert_int_equal(hf_key_read_lms(scratch("e.pem"), NULL, &back, &diag), HF_ERR_DENIED);
	assert_int_equal(hf_key_read_lms(scratch("e.pem"), "wrong", &back, &diag), HF_ERR_DENIED);
	assert_int_equal(hf_key_read_lms(scratch("e.pem"), "correct horse", &back, &diag), HF_OK);
	assert_memory_equal(back.seed, key.seed, sizeof(key.seed));
	assert_memory_equal(back.public_key, key.public_key, sizeof(key.public_key));
	assert_int_equal(hf_key_file_role(scratch("e.pem")), HF_ROLE_ROOT);
}

static void public_half_survives_its_file(void **state)
{
	const struct hf_public_key out = hf_key_public_of(key.public_key, HF_ALG_HSS_LMS, HF_ROLE_RELEASE);
	struct hf_public_key back;
	struct hf_diag diag;

	(void)state;
	assert_int_equal(hf_key_write_public(scratch("k.pub.pem"), &out, false, &diag), HF_OK);
	assert_int_equal(hf_key_read_any_public(scratch("k.pub.pem"), &back, &diag), HF_OK);
	assert_memory_equal(&back, &out, sizeof(out));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(numbers_count_up),
		TEST(signer_killed_at_any_call_repeats_nothing),
		TEST(signer_with_witness_killed_at_any_call_repeats_nothing),
		TEST(power_cut_at_any_call_repeats_nothing),
		TEST(power_cut_with_witness_repeats_nothing),
		TEST(failing_call_repeats_nothing),
		TEST(several_processes_share_the_numbers),
		TEST(old_copy_of_the_state_is_caught_by_the_witness),
		TEST(another_witness_does_not_hide_what_the_first_has_seen),
		TEST(missing_witness_stops_unless_told_otherwise),
		TEST(witness_beside_the_state_or_of_another_key_is_refused),
		TEST(witness_can_be_attached_later),
		TEST(missing_or_damaged_state_signs_nothing),
		TEST(end_of_the_key_is_announced_and_final),
		TEST(leaves_are_made_again_where_they_are_damaged),
		TEST(encrypted_key_opens_with_its_password_only),
		TEST(public_half_survives_its_file),
	};

	return cmocka_run_group_tests(tests, make_key, forget_key);
}

/* SPDX-License-Identifier: MIT
 *
 * Jobs: any text is a job that keeps its promises, or refused with a sentence that names the file; and without the signer's key
 * none is ever taken.
 */
#include <stdlib.h>
#include <string.h>

#include "job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
const char *__lsan_default_suppressions(void);

/* libconfig 1.5 keeps the buffer of a string that is not terminated. The tool reads one job and ends. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so";
}

static void check(const struct hf_job *job)
{
	if (!job->name[0] || job->quota == 0 || job->limit_s == 0 || job->burn.count > HF_JOB_OPTIONS || job->factory.count > HF_JOB_OPTIONS)
		abort();
	if (job->operation != HF_JOB_FACTORY && !job->file[HF_JOB_PACKAGE].known)
		abort();
	if (job->has_serials && (job->range.last < job->range.first || job->range.last - job->range.first >= HF_SERIALS_MAX ||
				 !job->range.prefix[0] || job->range.digits < 1 || job->range.digits > 9))
		abort();
}

/* Parsing changes the text. */
static enum hf_err parse(const uint8_t *data, size_t len, const struct hf_job_keys *keys, struct hf_job *job, struct hf_diag *diag)
{
	char *text = malloc(len + 1);
	enum hf_err err;

	memcpy(text, data, len);
	text[len] = 0;
	err = hf_job_parse(text, len, "d/f", keys, job, diag);
	free(text);
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct hf_job_keys stranger = {.count = 1, .key[0] = {.alg = HF_ALG_ESP256, .len = 65, .bytes = {4}}};
	static struct hf_job job;
	struct hf_diag diag = {""};

	if (parse(data, len, NULL, &job, &diag) == HF_OK)
		check(&job);
	else if (strncmp(diag.text, "d/f:", 4) != 0)
		abort();
	if (parse(data, len, &stranger, &job, &diag) == HF_OK)
		abort();
	return 0;
}

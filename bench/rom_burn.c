/* SPDX-License-Identifier: MIT
 *
 * The twin's clock stands while no client waits, so the time between two requests of "control" is stm32flash's alone.
 */
#include "rom_burn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bytes.h"
#include "file.h"
#include "lockstep.h"

#define FLASH_ADDR 0x08000000u
#define FLASH_SIZE 0x00100000u

struct bench {
	const struct rom_burn *burn;
	struct hf_diag *diag;
	char dir[64], sock[96], image[96], dump[96];
	pid_t twin;
	int control;
	uint64_t now_ns;
};

/* ---- the twin ---- */

static pid_t start(const char *const argv[], const char *preload, const char *output)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0 || (preload && setenv("LD_PRELOAD", preload, 1) != 0))
		_exit(126);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

static bool receive(int fd, uint8_t *to, size_t len)
{
	while (len > 0) {
		ssize_t n = recv(fd, to, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		to += n;
		len -= (size_t)n;
	}
	return true;
}

/* Sets now_ns; the answer's text is of no interest unless it is a refusal. */
static bool ask(struct bench *b, char op, const char *text)
{
	uint8_t header[HF_LOCKSTEP_HEADER];
	static char answer[HF_LOCKSTEP_PAYLOAD_MAX + 1];
	size_t len = strlen(text);

	hf_lockstep_request(header, op, 0, (uint32_t)len);
	if (send(b->control, header, sizeof(header), MSG_NOSIGNAL) != (ssize_t)sizeof(header) ||
	    send(b->control, text, len, MSG_NOSIGNAL) != (ssize_t)len || !receive(b->control, header, sizeof(header)) ||
	    load_le32(header + 9) >= sizeof(answer) ||
	    !receive(b->control, (uint8_t *)answer, load_le32(header + 9))) {
		hf_diag_set(b->diag, "the twin went away");
		return false;
	}
	answer[load_le32(header + 9)] = 0;
	b->now_ns = load_le64(header + 1);
	if (header[0] != 0)
		hf_diag_set(b->diag, "the twin refuses '%s': %s", text, answer);
	return header[0] == 0;
}

static bool dial(struct bench *b)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };

	strcpy(where.sun_path, b->sock);
	b->control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	for (unsigned i = 0; b->control >= 0 && i < 200; i++) {
		if (connect(b->control, (struct sockaddr *)&where, sizeof(where)) == 0)
			return ask(b, 'H', "control");
		usleep(50000);
	}
	hf_diag_set(b->diag, "%s does not come up", b->burn->twin);
	return false;
}

static bool start_twin(struct bench *b)
{
	const char *const argv[] = { b->burn->twin, "run", "--board", b->burn->board, "--boot0", "--lockstep", b->sock,
				     NULL };
	char log[96], latency[32];

	snprintf(log, sizeof(log), "%s/log", b->dir);
	snprintf(latency, sizeof(latency), "latency %ums", b->burn->latency_ms);
	b->twin = start(argv, NULL, log);
	return b->twin > 0 && dial(b) && ask(b, 'X', latency);
}

static void clean_up(struct bench *b)
{
	static const char *const files[] = { "s", "log", "image", "dump", "out" };
	char path[128];

	if (b->control >= 0)
		close(b->control);
	if (b->twin > 0) {
		kill(b->twin, SIGTERM);
		waitpid(b->twin, NULL, 0);
	}
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", b->dir, files[i]);
		unlink(path);
	}
	rmdir(b->dir);
}

/* ---- stm32flash: ends with 0 after some failures as well, so that what counts is the flash ---- */

static bool run(struct bench *b, const char *options, uint64_t *took_ns)
{
	char command[256], out[96], shim[PATH_MAX];
	const char *argv[16] = { "stm32flash" };
	unsigned argc = 1;
	int status = 0;
	uint64_t begin;

	snprintf(command, sizeof(command), "-b %u %s -S 0x%08x:%u lockstep:%s", b->burn->baud, options, b->burn->addr,
		 b->burn->size, b->sock);
	for (char *word = strtok(command, " "); word && argc < 15; word = strtok(NULL, " "))
		argv[argc++] = word;
	snprintf(out, sizeof(out), "%s/out", b->dir);
	if (!realpath(b->burn->shim, shim)) {
		hf_diag_set(b->diag, "%s is not there", b->burn->shim);
		return false;
	}
	if (!ask(b, 'X', "reset") || !ask(b, 'X', "advance 200ms"))
		return false;
	begin = b->now_ns;
	pid_t pid = start(argv, shim, out);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
			hf_diag_set(b->diag, "stm32flash is not installed");
		else
			hf_diag_set(b->diag, "stm32flash failed with status %d", status);
		return false;
	}
	if (!ask(b, 'N', ""))
		return false;
	*took_ns = b->now_ns - begin;
	return true;
}

static bool run_on_image(struct bench *b, const char *options, uint64_t *took_ns)
{
	char text[160];

	snprintf(text, sizeof(text), "-w %s %s", b->image, options);
	return run(b, text, took_ns);
}

/* ---- the image ---- */

static bool make_image(struct bench *b)
{
	uint8_t *bytes = malloc(b->burn->size);
	uint64_t x = 1;
	enum hf_err err;

	for (uint32_t i = 0; bytes && i < b->burn->size; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		bytes[i] = (uint8_t)(x >> 56);
	}
	err = bytes ? hf_file_write(b->image, (struct hf_bytes){ bytes, b->burn->size }, 0, b->diag) : HF_ERR_IO;
	free(bytes);
	return err == HF_OK;
}

static bool flash_holds_image(struct bench *b, bool wanted)
{
	char command[160];
	struct hf_buffer image, dump;
	bool same = !wanted;

	snprintf(command, sizeof(command), "flash dump %s", b->dump);
	if (!ask(b, 'X', command) || hf_file_read(b->image, FLASH_SIZE, &image, b->diag) != HF_OK)
		return false;
	if (hf_file_read(b->dump, FLASH_SIZE, &dump, b->diag) == HF_OK) {
		const uint8_t *flash = dump.ptr;

		same = dump.len == FLASH_SIZE &&
		       memcmp(flash + (b->burn->addr - FLASH_ADDR), image.ptr, image.len) == 0;
		hf_buffer_free(&dump);
		if (same != wanted)
			hf_diag_set(b->diag, "stm32flash did not %s the flash", wanted ? "write" : "erase");
	}
	hf_buffer_free(&image);
	return same == wanted;
}

bool rom_burn(const struct rom_burn *burn, struct rom_burn_times *times, struct hf_diag *diag)
{
	const char *tmp = getenv("TMPDIR");
	struct bench b = { .burn = burn, .diag = diag, .control = -1 };
	bool good;

	snprintf(b.dir, sizeof(b.dir), "%.40s/hf-rom-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(b.dir)) {
		hf_diag_set(diag, "no directory can be made at %s: %s", b.dir, strerror(errno));
		return false;
	}
	snprintf(b.sock, sizeof(b.sock), "%s/s", b.dir);
	snprintf(b.image, sizeof(b.image), "%s/image", b.dir);
	snprintf(b.dump, sizeof(b.dump), "%s/dump", b.dir);
	good = make_image(&b) && start_twin(&b) && run_on_image(&b, "-v", &times->whole_ns) &&
	       flash_holds_image(&b, true) && run(&b, "-o", &times->erase_ns) && flash_holds_image(&b, false) &&
	       run_on_image(&b, "-e 0", &times->write_ns) && flash_holds_image(&b, true);
	clean_up(&b);
	return good;
}

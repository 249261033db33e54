/* SPDX-License-Identifier: MIT
 *
 * On QEMU's netduinoplus2 (STM32F405), a process each time.
 */
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/tmp.h"
#include "image_fixture.h"
#include "run_flash.h"

#define TIMEOUT_MS 10000

static void read_line(int fd, char *line, size_t cap)
{
	struct pollfd readable = {.fd = fd, .events = POLLIN};
	size_t len = 0;

	while (len + 1 < cap && poll(&readable, 1, TIMEOUT_MS) == 1) {
		if (read(fd, line + len, 1) != 1 || line[len] == '\n')
			break;
		len++;
	}
	line[len] = 0;
}

static pid_t start_qemu(const char *path, int *out)
{
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		execlp("qemu-system-arm", "qemu-system-arm", "-M", "netduinoplus2", "-display", "none", "-monitor",
		       "none", "-serial", "stdio", "-kernel", path, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	*out = fds[0];
	return pid;
}

void run_flash(const uint8_t flash[FLASH_BYTES], char *line, size_t cap)
{
	char path[TMP_NAME_BYTES];
	int file = mkstemp(tmp_name(path, "hf-flash-XXXXXX")), out;
	pid_t pid;

	assert_true(file >= 0);
	assert_int_equal(write(file, flash, FLASH_BYTES), FLASH_BYTES);
	close(file);
	pid = start_qemu(path, &out);
	read_line(out, line, cap);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(out);
	unlink(path);
}

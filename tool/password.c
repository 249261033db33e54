/* SPDX-License-Identifier: MIT */
#include "password.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "file.h"

void hf_password_wipe(struct hf_password *password)
{
	OPENSSL_cleanse(password, sizeof(*password));
}

enum hf_err hf_password_read(const char *path, struct hf_password *out, struct hf_diag *diag)
{
	struct hf_buffer file;
	enum hf_err err = hf_file_read(path, 65536, &file, diag);
	size_t len;

	if (err)
		return err;
	len = strcspn((const char *)file.ptr, "\r\n");
	if (len == 0 || len >= sizeof(out->text)) {
		hf_diag_set(diag, "%s: the first line has to be a password of 1 to %zu characters", path,
			    sizeof(out->text) - 1);
		err = HF_ERR_RANGE;
	} else {
		memcpy(out->text, file.ptr, len);
		out->text[len] = 0;
	}
	OPENSSL_cleanse(file.ptr, file.len);
	hf_buffer_free(&file);
	return err;
}

/* One line from the terminal, which is reset in any case. */
static bool ask_once(int tty, const char *prompt, struct hf_password *out)
{
	struct termios before, quiet;
	size_t len = 0;
	char c = 0;

	if (tcgetattr(tty, &before) != 0 || dprintf(tty, "%s", prompt) < 0)
		return false;
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(tty, TCSAFLUSH, &quiet);
	while (len < sizeof(out->text) - 1 && read(tty, &c, 1) == 1 && c != '\n')
		out->text[len++] = c;
	out->text[len] = 0;
	tcsetattr(tty, TCSAFLUSH, &before);
	(void)dprintf(tty, "\n");
	return len > 0 && c == '\n';
}

enum hf_err hf_password_ask(const char *prompt, bool confirm, struct hf_password *out, struct hf_diag *diag)
{
	struct hf_password again = {""};
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	enum hf_err err = HF_OK;

	if (tty < 0) {
		hf_diag_set(diag, "there is no terminal to ask for the password; use --password-file");
		return HF_ERR_DENIED;
	}
	if (!ask_once(tty, prompt, out)) {
		hf_diag_set(diag, "no password was given");
		err = HF_ERR_DENIED;
	} else if (confirm && (!ask_once(tty, "again: ", &again) || strcmp(out->text, again.text) != 0)) {
		hf_diag_set(diag, "the two passwords differ");
		err = HF_ERR_DENIED;
	}
	close(tty);
	hf_password_wipe(&again);
	return err;
}

/* SPDX-License-Identifier: MIT
 *
 * A command in the middle of an option's message ends the message without its being told: the peer has lost its place, and
 * half a message must not be taken for a whole one.
 */
#include "telnet.h"

enum { IN_DATA, IN_COMMAND, IN_VERB, IN_MESSAGE, IN_MESSAGE_COMMAND };

static enum hf_telnet_event begin_command(struct hf_telnet *t, uint8_t byte)
{
	t->state = IN_DATA;
	if (byte == HF_TELNET_IAC) {
		t->byte = byte;
		return HF_TELNET_DATA;
	}
	if (byte >= HF_TELNET_WILL && byte <= HF_TELNET_DONT) {
		t->verb = byte;
		t->state = IN_VERB;
	}
	if (byte == HF_TELNET_SB) {
		t->len = 0;
		t->too_long = false;
		t->state = IN_MESSAGE;
	}
	return HF_TELNET_NOTHING;
}

static void append(struct hf_telnet *t, uint8_t byte)
{
	if (t->len < sizeof(t->message))
		t->message[t->len++] = byte;
	else
		t->too_long = true;
	t->state = IN_MESSAGE;
}

enum hf_telnet_event hf_telnet_take(struct hf_telnet *t, uint8_t byte)
{
	switch (t->state) {
	case IN_COMMAND:
		return begin_command(t, byte);
	case IN_VERB:
		t->option = byte;
		t->state = IN_DATA;
		return HF_TELNET_NEGOTIATE;
	case IN_MESSAGE:
		if (byte == HF_TELNET_IAC)
			t->state = IN_MESSAGE_COMMAND;
		else
			append(t, byte);
		return HF_TELNET_NOTHING;
	case IN_MESSAGE_COMMAND:
		if (byte == HF_TELNET_IAC) {
			append(t, byte);
			return HF_TELNET_NOTHING;
		}
		if (byte != HF_TELNET_SE)
			return begin_command(t, byte);
		t->state = IN_DATA;
		return t->len > 0 && !t->too_long ? HF_TELNET_OPTION : HF_TELNET_NOTHING;
	default:
		if (byte == HF_TELNET_IAC) {
			t->state = IN_COMMAND;
			return HF_TELNET_NOTHING;
		}
		t->byte = byte;
		return HF_TELNET_DATA;
	}
}

size_t hf_telnet_escape(const uint8_t *data, size_t len, uint8_t *to)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		to[n++] = data[i];
		if (data[i] == HF_TELNET_IAC)
			to[n++] = HF_TELNET_IAC;
	}
	return n;
}

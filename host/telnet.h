/* SPDX-License-Identifier: MIT
 *
 * Telnet's framing (RFC 854, 855), byte by byte: what is data, what a negotiation, what an option's own message. It keeps no
 * state of options; serial_rfc2217.c does.
 */
#ifndef HF_TELNET_H
#define HF_TELNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HF_TELNET_SE = 240, HF_TELNET_SB = 250, HF_TELNET_WILL, HF_TELNET_WONT, HF_TELNET_DO, HF_TELNET_DONT, HF_TELNET_IAC };

#define HF_TELNET_MESSAGE 64u /* an option's messages that are longer are passed over */

enum hf_telnet_event {
	HF_TELNET_NOTHING,
	HF_TELNET_DATA,      /* byte */
	HF_TELNET_NEGOTIATE, /* verb (WILL, WONT, DO, DONT) and option */
	HF_TELNET_OPTION,    /* message: the option's number, then what it has to say */
};

struct hf_telnet {
	/* To be read after an event. */
	uint8_t byte, verb, option;
	uint8_t message[HF_TELNET_MESSAGE];
	size_t len;

	/* Private; zero at first. */
	uint8_t state;
	bool too_long;
};

enum hf_telnet_event hf_telnet_take(struct hf_telnet *t, uint8_t byte);

/* Data as it has to be sent: `to` has room for twice as much. Returns how much that is. */
size_t hf_telnet_escape(const uint8_t *data, size_t len, uint8_t *to);

#endif

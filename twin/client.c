/* SPDX-License-Identifier: MIT
 *
 * Everything of a connection that does not depend on the rig. A peer that closes is served to the end of what it sent,
 * but not waited for.
 */
#include "client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct hf_client *hf_client_new(int fd)
{
	struct hf_client *client = calloc(1, sizeof(*client));
	if (client == NULL)
		return NULL;
	client->fd = fd;
	hf_adapter_init(&client->adapter);
	return client;
}

void hf_client_free(struct hf_client *client)
{
	close(client->fd);
	free(client->out);
	free(client->write);
	free(client);
}

void hf_client_receive(struct hf_client *client)
{
	while (!client->ended && client->in_len < HF_CLIENT_IN) {
		ssize_t n = recv(client->fd, client->in + client->in_len, HF_CLIENT_IN - client->in_len, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n <= 0)
			client->ended = true;
		else
			client->in_len += (size_t)n;
	}
}

void hf_client_send(struct hf_client *client)
{
	size_t done = 0;
	while (done < client->out_len) {
		ssize_t n = send(client->fd, client->out + done, client->out_len - done, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n <= 0) {
			client->ended = true;
			done = client->out_len;
			break;
		}
		done += (size_t)n;
	}
	client->out_len -= done;
	if (done > 0)
		memmove(client->out, client->out + done, client->out_len);
}

static bool make_room(struct hf_client *client, size_t len)
{
	size_t cap = client->out_cap != 0 ? client->out_cap : 4096;
	while (cap - client->out_len < len && cap <= HF_CLIENT_OUT)
		cap *= 2;
	if (cap > HF_CLIENT_OUT)
		return false;
	if (cap == client->out_cap)
		return true;
	uint8_t *out = realloc(client->out, cap);
	if (out == NULL)
		return false;
	client->out = out;
	client->out_cap = cap;
	return true;
}

void hf_client_answer(struct hf_client *client, uint8_t status, uint64_t now_ns, const void *payload, size_t len)
{
	if (!make_room(client, HF_LOCKSTEP_HEADER + len)) {
		client->ended = true; /* it asks and does not read */
		return;
	}
	hf_lockstep_answer(client->out + client->out_len, status, now_ns, (uint32_t)len);
	client->out_len += HF_LOCKSTEP_HEADER;
	if (len > 0)
		memcpy(client->out + client->out_len, payload, len);
	client->out_len += len;
}

void hf_client_refuse(struct hf_client *client, uint64_t now_ns, const char *sentence)
{
	hf_client_answer(client, 1, now_ns, sentence, strlen(sentence));
}

void hf_client_done(struct hf_client *client, size_t used)
{
	client->in_len -= used;
	memmove(client->in, client->in + used, client->in_len);
}

bool hf_client_request(struct hf_client *client, uint64_t now_ns, struct hf_lockstep_request *request, size_t *used)
{
	struct hf_diag diag;
	for (;;) {
		struct hf_bytes in = { client->in, client->in_len };
		enum hf_err err = hf_lockstep_parse(in, request, used, &diag);
		if (err == HF_OK)
			return true;
		if (err == HF_ERR_TRUNCATED)
			return false;
		hf_client_refuse(client, now_ns, diag.text);
		if (*used == 0) {
			client->ended = true;
			client->in_len = 0;
			return false;
		}
		hf_client_done(client, *used);
	}
}

void hf_client_hear(struct hf_client *client, uint8_t byte)
{
	client->uart[(client->uart_head + client->uart_len) % HF_CLIENT_UART] = byte;
	if (client->uart_len < HF_CLIENT_UART) {
		client->uart_len++;
		return;
	}
	client->uart_head = (client->uart_head + 1) % HF_CLIENT_UART;
	client->uart_lost++;
}

void hf_client_answer_read(struct hf_client *client, uint64_t now_ns)
{
	size_t len = client->uart_len < client->read_max ? client->uart_len : client->read_max;
	uint8_t *bytes = malloc(len + 1);
	if (bytes == NULL) {
		hf_client_refuse(client, now_ns, "there is no memory for the answer");
		return;
	}
	for (size_t i = 0; i < len; i++)
		bytes[i] = client->uart[(client->uart_head + i) % HF_CLIENT_UART];
	client->uart_head = (client->uart_head + len) % HF_CLIENT_UART;
	client->uart_len -= len;
	hf_client_answer(client, 0, now_ns, bytes, len);
	free(bytes);
}

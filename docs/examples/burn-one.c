/* SPDX-License-Identifier: MIT
 *
 * Lists the serial ports, burns a package onto the device at one of them, and prints how far it is.
 *
 *   cc burn-one.c $(pkg-config --cflags --libs holdfast) -o burn-one
 *   ./burn-one gateway-1.1.0.suit /dev/ttyUSB0
 */
#include <inttypes.h>

#include <holdfast/holdfast.h>

static void list_ports(void)
{
	struct hf_ports ports;
	struct hf_diag diag;
	char what[HF_PORTS_TEXT];

	if (hf_ports_list("/", &ports, &diag) != HF_OK) {
		fprintf(stderr, "%s\n", diag.text);
		return;
	}
	for (size_t i = 0; i < ports.count; i++)
		printf("%s: %s\n", ports.item[i].path, hf_ports_what(&ports.item[i], what, sizeof(what)));
	hf_ports_free(&ports);
}

/* Called in the thread that called hf_burn; what it is given is borrowed. */
static void on_event(void *ctx, const struct hf_burn_event *event)
{
	(void)ctx;
	if (event->text)
		printf("%8" PRIu64 " ms  %s\n", event->now_ms, event->text);
	else if (event->stage == HF_BURN_UPLOAD && event->total)
		printf("%8" PRIu64 " ms  %u of %u bytes\n", event->now_ms, (unsigned)event->off, (unsigned)event->total);
}

static int burn(const struct hf_buffer *package, const char *port)
{
	static const uint32_t rates[] = {921600, 115200};
	const struct hf_serial_line line = HF_SERIAL_8N1(115200);
	const struct hf_burn_options options = {
		.package = hf_buffer_bytes(package),
		.baud = rates,
		.bauds = sizeof(rates) / sizeof(rates[0]),
		.offered_rates = true,
		.event = on_event,
	};
	static struct hf_burn_result result;
	struct hf_serial serial;
	struct hf_diag diag;
	enum hf_burn_outcome outcome;

	if (hf_serial_open(port, &line, &serial, &diag) != HF_OK) {
		fprintf(stderr, "%s\n", diag.text);
		return 1;
	}
	outcome = hf_burn(&serial, &options, &result);
	hf_serial_close(&serial);
	printf("%s%s%s\n", hf_burn_outcome_text(outcome), result.diag.text[0] ? ": " : "", result.diag.text);
	return outcome == HF_BURN_CONFIRMED || outcome == HF_BURN_ALREADY ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct hf_buffer package;
	struct hf_diag diag;
	int code;

	if (argc != 3) {
		fprintf(stderr, "usage: %s PACKAGE PORT\n", argv[0]);
		list_ports();
		return 2;
	}
	list_ports();
	if (hf_file_read(argv[1], HF_PACKAGE_FILE_MAX, &package, &diag) != HF_OK) {
		fprintf(stderr, "%s\n", diag.text);
		return 1;
	}
	code = burn(&package, argv[2]);
	hf_buffer_free(&package);
	return code;
}

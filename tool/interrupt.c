/* SPDX-License-Identifier: MIT */
#include "interrupt.h"

#include <signal.h>
#include <string.h>

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

void hf_interrupt_catch(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = on_signal;
	action.sa_flags = (int)SA_RESETHAND;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool hf_interrupted(void *unused)
{
	(void)unused;
	return interrupted != 0;
}

static volatile sig_atomic_t counted;

static void on_counted(int number)
{
	(void)number;
	if (counted < 100)
		counted++;
}

void hf_interrupt_count(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = on_counted;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL); /* its terminal is closed */
}

unsigned hf_interrupt_counted(void)
{
	return (unsigned)counted;
}

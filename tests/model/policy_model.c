/* SPDX-License-Identifier: MIT
 *
 * The policy over all that can happen, to a stated depth: policy_model [DEPTH [STATES]].
 */
#include <stdio.h>
#include <stdlib.h>

#include "search.h"

static struct world factory(void)
{
	struct world w = { .blank = true, .mode = MODE_OFF };

	w.head[0] = w.content[0] = FIRST;
	w.head[HF_PLACE_RECOVERY] = w.content[HF_PLACE_RECOVERY] = RECOVERY_1;
	return w;
}

/* Nothing but a recovery. */
static struct world empty(void)
{
	struct world w = { .blank = true, .mode = MODE_OFF };

	w.head[HF_PLACE_RECOVERY] = w.content[HF_PLACE_RECOVERY] = RECOVERY_1;
	return w;
}

/* In the field: 1.1 confirmed beside the factory's 1.0. */
static struct world upgraded(void)
{
	struct world w = factory();

	w.blank = false;
	w.head[0] = w.content[0] = OLDER;
	w.head[1] = w.content[1] = FIRST;
	for (unsigned i = 0; i < HF_SLOTS; i++) {
		uint8_t id[HF_ID_BYTES];
		struct hf_record r;

		for (unsigned k = 0; k < HF_ID_BYTES; k++)
			id[k] = w.head[i];
		r = hf_state_image_record(HF_REC_CONFIRMED, i, HF_COMPONENT_APP, image_sequence((enum image)w.head[i]), id, 0);
		hf_state_apply(&w.state, &r);
		hf_state_apply(&w.state, &r);
		w.proven[i] = w.head[i];
	}
	return w;
}

int main(int argc, char **argv)
{
	unsigned depth = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 4;
	unsigned long max = argc > 2 ? strtoul(argv[2], NULL, 10) : 4000000;
	struct world from[] = { factory(), empty(), upgraded() };
	struct found found;

	printf("1..1\n");
	search(from, sizeof from / sizeof from[0], depth, max, &found);
	printf("# %lu states, all that %u events lead to%s; %lu events played, %lu of them on ways out\n", found.states, found.depth,
	       found.whole ? ", and there are no others" : "", found.steps, found.escapes);
	printf("%sok 1 - the policy keeps every rule%s%s\n", found.broken ? "not " : "", found.broken ? ": " : "",
	       found.broken ? found.broken : "");
	return found.broken != NULL;
}

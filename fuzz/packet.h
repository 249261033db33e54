/* SPDX-License-Identifier: MIT
 *
 * SMP packets as mutators make and change them: headers of commands that exist, bodies that are maps with the protocol's
 * keys, lengths right, most times.
 */
#ifndef HF_FUZZ_PACKET_H
#define HF_FUZZ_PACKET_H

#include "tree.h"

#define PACKET_HEADER 8u

/* Pairs of requests' and answers' maps. */
extern const struct tree_words packet_requests, packet_answers;

/* A body of a few of these pairs. Returns its length. */
size_t packet_make_body(struct chance *c, const struct tree_words *words, uint8_t *out, size_t max);
size_t packet_change_body(struct chance *c, const struct tree_words *words, uint8_t *body, size_t len, size_t max);

/* A request; max is at least 64. */
size_t packet_make(struct chance *c, uint8_t *out, size_t max);
size_t packet_change(struct chance *c, uint8_t *packet, size_t len, size_t max);

#endif

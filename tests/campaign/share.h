/* SPDX-License-Identifier: MIT
 *
 * What cases share: a set of states from which everything is known to end well. It lives in memory that all workers see, and
 * only ever grows; keys are 64 bits, so that among ten million of them two that are wrongly taken for one are as likely as
 * 1 in 400,000.
 */
#ifndef HF_CAMPAIGN_SHARE_H
#define HF_CAMPAIGN_SHARE_H

#include <stdbool.h>
#include <stdint.h>

struct share;

struct share *share_open(void); /* NULL: no memory */
void share_clear(struct share *s);
bool share_has(const struct share *s, uint64_t key);
void share_put(struct share *s, uint64_t key); /* forgotten where the set is full */

#endif

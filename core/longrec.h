/* SPDX-License-Identifier: MIT
 *
 * Content of several slots in the journal: the keyset, the configuration.
 *
 * Parts (0x40) and an end (0x41), each an ordinary record with all its disciplines. Data of both: u8 kind, u8 number; a
 * part's: u8 index, 23 bytes of content (the last one's rest is 0); an end's: u16 length, u32 CRC-32 of the content. A
 * content counts once an end stands, and its parts are there: from whichever copy, so that bad slots in both of them do
 * not add up. The highest number of a kind is the newest one; length 0 says that there is none any more.
 *
 * What a power loss leaves: the content before, or the new one. Everything is written twice, the copies of each record at
 * least HF_TWIN_DISTANCE slots apart.
 */
#ifndef HF_LONGREC_H
#define HF_LONGREC_H

#include "bytes.h"
#include "journal.h"

#define HF_REC_PART 0x40
#define HF_REC_END  0x41

enum hf_longrec_kind { HF_LONGREC_KEYSET = 1, HF_LONGREC_CONFIGURATION = 2 };
#define HF_LONGREC_KINDS 2

#define HF_CONFIGURATION_MAX 2048u
#define HF_LONGREC_PART      23u /* bytes of content in a slot */
#define HF_LONGREC_NUMBERS   255u

/* Slots that one copy takes. */
#define HF_LONGREC_SLOTS(len) (((len) + HF_LONGREC_PART - 1) / HF_LONGREC_PART + 1)

struct hf_longrec {
	uint8_t kind;    /* enum hf_longrec_kind */
	uint8_t number;
	uint16_t len;    /* bytes of content, at least 1 */
	uint32_t crc;
	uint16_t cursor; /* private: where in the journal the next part is looked for */
};

/* Finds the newest content of the kind, and checks all of it. HF_ERR_NOT_FOUND: there is none (*out is unspecified, and
 * may be handed to nothing); other errors are the flash's. */
HF_MUST_USE enum hf_err hf_longrec_find(struct hf_journal *j, enum hf_longrec_kind kind, struct hf_longrec *out);

/* Reads [off, off + len) of what was found, as long as nothing was appended or taken over since. HF_ERR_RANGE,
 * HF_ERR_NOT_FOUND (memory has failed since). */
HF_MUST_USE enum hf_err hf_longrec_read(struct hf_journal *j, struct hf_longrec *rec, uint32_t off, void *buf, size_t len);

/* A content that replaces the one of its kind; len 0: removes it. Borrowed. */
struct hf_longrec_new {
	enum hf_longrec_kind kind;
	struct hf_bytes content;
};

/* Is the newest content this one already (len 0: is there none), and in how many copies (2 are wanted)? */
HF_MUST_USE enum hf_err hf_longrec_holds(struct hf_journal *j, const struct hf_longrec_new *content, bool *same,
					 unsigned *copies);

/* Appends a content, twice. HF_ERR_FULL where less than `spare` slots would be left afterwards, or no number is left: a
 * take-over is needed; nothing was appended then, unless bad memory took the room. */
HF_MUST_USE enum hf_err hf_longrec_append(struct hf_journal *j, const struct hf_longrec_new *content, unsigned spare);

/* For take-overs: appends one copy of everything that `from` holds, with `replace` (NULL: nothing) in place of what it
 * replaces. spare 0: all of it, or HF_ERR_FULL; else, but for `replace`, only what leaves that
 * many slots. */
HF_MUST_USE enum hf_err hf_longrec_carry(struct hf_journal *from, struct hf_journal *to,
					 const struct hf_longrec_new *replace, unsigned spare);

#endif

/* SPDX-License-Identifier: MIT
 *
 * Where the model meets the code that it checks. Forced into boot/choose.c and core/update*.c when they are compiled for the
 * model: what reads or writes flash, signatures and the journal's slots is the model's (world.c), every decision is theirs.
 */
#ifndef HF_MODEL_SEAMS_H
#define HF_MODEL_SEAMS_H

#define hf_envelope_authenticate model_envelope_authenticate
#define hf_envelope_parse        model_envelope_parse
#define hf_image_from_params     model_image_from_params
#define hf_journal_append        model_journal_append
#define hf_journal_append_twice  model_journal_append_twice
#define hf_journal_free          model_journal_free
#define hf_keyset_accept         model_keyset_accept
#define hf_keyset_file_parse     model_keyset_file_parse
#define hf_manifest_parse        model_manifest_parse
#define hf_payload_parse         model_payload_parse
#define hf_reloc_apply           model_reloc_apply
#define hf_reloc_open            model_reloc_open
#define hf_slot_check_vectors    model_slot_check_vectors
#define hf_slot_read_head        model_slot_read_head
#define hf_slot_verify           model_slot_verify
#define hf_state_load            model_state_load
#define hf_state_store           model_state_store
#define hf_state_take_over       model_state_take_over
#define hf_suit_run              model_suit_run
#define hf_trust_load            model_trust_load

#endif

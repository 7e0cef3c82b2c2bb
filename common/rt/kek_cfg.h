/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file kek_cfg.h
 *  The KEKs of a daemon's configuration, in their order: "kek ID file PATH", "credential NAME" of systemd, "pkcs11 ...", which stays in a
 *  token. The lines are read with the file, the keys only when they are asked for. One of a process, on its main thread. */
#pragma once

#include "common/base/err.h"
#include "common/crypto/seal.h"

/*! The commands in a node; after vty_init(). */
void kek_cfg_init(int node);
struct vty;
/*! As they were typed, for the node's own writer. */
void kek_cfg_write(struct vty *vty);

/*! \param[out] ids of those that are configured, the first seals; SEAL_KEKS_MAX octets \returns how many */
size_t kek_cfg_ids(uint8_t *ids);

/*! Read them, and log in to the tokens of those that are in one.
 *  \param[out] keks SEAL_KEKS_MAX entries, all zero before; the caller calls kek_cfg_free() in any case
 *  \param[out] n how many; 0 on error \returns 0; -errno and a reason with its line */
int kek_cfg_read(struct seal_kek *keks, size_t *n, struct err *err);
/*! The words that stand for people in the log, made with the one that seals. \returns 0; -EIO and a reason */
int kek_cfg_pseudonyms(const struct seal_kek *first, struct err *err);
/*! Log out, and wipe. */
void kek_cfg_free(struct seal_kek *keks);

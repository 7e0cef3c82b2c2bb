/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file state_file.h
 *  Small files of a device that must survive a crash whole: written beside, synced, renamed; mode 0600. */
#pragma once

#include <stddef.h>
#include "common/base/err.h"

/*! \returns 0; -errno, the old file is untouched */
int state_file_write(const char *path, const void *text, size_t len, struct err *err);

/*! The same without waiting for the disk: whole after any end of this process, after a loss of power old, new or empty until
 *  state_file_sync() has been called. \returns 0; -errno, the old file is untouched */
int state_file_replace(const char *path, const void *text, size_t len, struct err *err);

/*! Wait until what state_file_replace() wrote is on the disk. \returns 0; -errno */
int state_file_sync(const char *path, struct err *err);

/*! \param[out] text malloc'ed, NUL-terminated; the caller wipes and frees it
 *  \returns 0; -ENOENT; -EFBIG over 64 KiB; -errno */
int state_file_read(const char *path, char **text, size_t *len, struct err *err);

/*! Take PATH.lock for this process. \returns descriptor; -EBUSY another process has it; -errno */
int state_file_lock(const char *path, struct err *err);

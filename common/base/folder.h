/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file folder.h
 *  Who may change what is in a folder. Where others may, a name can be a link that leads elsewhere, an older copy, or a file of
 *  theirs in the place of ours. */
#pragma once

#define FOLDER_OURS "a folder that only its owner may write, as with mode 0700"

/*! Only its owner, who is us or root, and our own group? As root any owner will do: it is the daemon's, and root only looks.
 *  \returns NULL: yes, or there is no such folder (who opens it tells that); else who may write there, in words, static */
const char *folder_open_to(const char *path);

/*! The same for the folder that a file is in. */
const char *folder_of_open_to(const char *file);

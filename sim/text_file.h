/* text_file.h -- Writing a whole text where the user says. */
#ifndef SIM_TEXT_FILE_H
#define SIM_TEXT_FILE_H

#include <stdbool.h>

#include <glib.h>

/* Replaces a regular file atomically, by renaming, so that a full disk leaves the old one; into anything else (a device, a pipe) the text is
 * written.  False with an error. */
bool text_file_write(const char *path, const char *text, gsize length, GError **error);

#endif

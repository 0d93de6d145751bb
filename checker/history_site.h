/* history_site.h -- What a site of an atomic commit says, in a history written by hand: the words after `site N`. */
#ifndef CHECKER_HISTORY_SITE_H
#define CHECKER_HISTORY_SITE_H

#include "checker/history_words.h"
#include "protocol/observation.h"

/* Reads to the end of the line.  `at_ns` changes where the line says when; false: the site's process ended instead. */
bool history_site_read(struct words *words, int64_t site, struct observation *observation, int64_t *at_ns);

#endif

/* signature.h -- When two violations are the same one: the guarantee, and the shape of its explanation.
 *
 * The shape is the sentence that the explanation begins with, without its numbers, paths and texts: what went wrong, not to whom.
 *   ephemeral-lifetime: An ephemeral znode of session # is seen after that session was closed.
 */
#ifndef CHECKER_SIGNATURE_H
#define CHECKER_SIGNATURE_H

#include <glib.h>

#include "sim/record.h"

/* Of a verdict, in a new string. */
char *signature_of(const struct record *record, const struct verdict_row *verdict);

/* The verdict about a guarantee if it is violated; of any guarantee, the first, if the name is NULL; NULL without one. */
const struct verdict_row *violation_of(const struct record *record, const char *guarantee);

/* Whether some verdict of the record is a violation with that signature. */
bool has_signature(const struct record *record, const char *signature);

#endif

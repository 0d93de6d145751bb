/* path.h -- What a znode's path may look like, and its parts.
 *
 * A valid path is "/", or components each preceded by "/", none of them empty, "." or "..".  Forbidden characters:
 * U+0000 to U+001F, U+007F to U+009F, U+D800 to U+F8FF, U+FFF0 to U+FFFF (as 3-octet UTF-8; a supplementary character
 * is, on Java's wire, two surrogates and so forbidden too: its 4-octet form is refused here).  Octets that are not
 * UTF-8 are forbidden.
 *
 * Who checks what (zookeeper-protocol.md 2.1; PathUtils.java, PrepRequestProcessor.java): create and delete only ask
 * for a "/" and no NUL before they look the parent up, and create validates fully afterwards; setData, setACL and check
 * validate fully; reads do not check (exists: no NUL).
 */
#ifndef PROTOCOL_TREE_PATH_H
#define PROTOCOL_TREE_PATH_H

#include "protocol/base/types.h"

#define PATH_ZOOKEEPER "/zookeeper"
#define PATH_QUOTA "/zookeeper/quota"
#define PATH_CONFIG "/zookeeper/config"

/* Room for what a sequential create appends: ten digits, or a sign and ten digits after 2^31-1 creates. */
#define PATH_SUFFIX_MAX 11

/* Fully valid.  A null or empty path is not. */
bool path_is_valid(struct bytes path);

/* As a sequential create is validated: the path with a digit behind it ("/t/" is fine). */
bool path_is_valid_sequential(struct bytes path);

/* The weak check: contains "/" and no NUL. */
bool path_is_splittable(struct bytes path);

bool path_has_nul(struct bytes path);

/* "/", "/zookeeper" and its two: never deleted. */
bool path_is_special(struct bytes path);

/* What stands before the last "/" ("" for a child of the root, which tree_find takes for the root), and behind it.
 * The path must contain a "/". */
struct bytes path_parent(struct bytes path);
struct bytes path_name(struct bytes path);

/* The same, but the root as "/": what watch events say. */
struct bytes path_parent_shown(struct bytes path);

/* Writes the suffix for the parent's raw cversion ("%010d") and returns its length, 10 or 11. */
size_t path_write_suffix(char suffix[PATH_SUFFIX_MAX], int32_t parent_cversion);

/* Byte-wise, a prefix first: <0, 0, >0.  The order of every list of paths or names that can be observed. */
int path_compare(struct bytes a, struct bytes b);

/* `path` is `ancestor` or below it. */
bool path_is_within(struct bytes path, struct bytes ancestor);

#endif

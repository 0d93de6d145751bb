/* access.h -- Access control lists: who may do what to a znode, and which lists may be set.
 *
 * An entry allows the bits `perms` to whoever matches its id:
 *   world:anyone       everybody
 *   ip:ADDR[/BITS]     whoever connects from there; IPv4 only, as in 3.8
 *   digest:USER:HASH   whoever said digest "USER:PASSWORD", HASH = base64(SHA-1("USER:PASSWORD"))
 *   auth:...           only in a request: stands for the digest ids of the client that sets the list
 * A check for several bits passes with any of them.  The id {super, ""} passes every check: it comes with the password whose digest is the
 * setting superDigest.
 * Upstream: ZooKeeperServer.java (checkACL), PrepRequestProcessor.java (fixupACL), DigestAuthenticationProvider.java,
 * IPAuthenticationProvider.java.
 */
#ifndef PROTOCOL_PIPELINE_ACCESS_H
#define PROTOCOL_PIPELINE_ACCESS_H

#include "protocol/base/arena.h"
#include "protocol/wire/jute.h"

/* Whether one of `ids` is allowed one of the bits `perms`.  An empty list allows everything. */
bool access_permits(struct acl_list acl, int32_t perms, struct id_list ids);

/* What a list in a request becomes: duplicates go, `auth` is replaced.  ZOK, ZINVALIDACL, or ZMARSHALLINGERROR for an id that is null.
 * `fixed` is `asked` itself (acl_list_is_same) or else in the arena, for the caller to free. */
int32_t access_fix(struct arena *arena, struct acl_list asked, struct id_list ids, struct acl_list *fixed);

static inline bool acl_list_is_same(struct acl_list a, struct acl_list b)
{
    return a.encoded.data == b.encoded.data;
}

/* Frees what access_fix() made, if it made something. */
void access_free(struct arena *arena, struct acl_list asked, struct acl_list fixed);

/* The list as it is shown to those who may not administer it: digests become "x". */
void access_write_masked(struct jute_writer *writer, struct acl_list acl);

/* The part of a digest id before its first colon, all of it without one. */
struct bytes access_user(struct bytes id);

/* Writes the id that "user:password" proves: user ":" hash.  Room for the user and 29 octets. */
void access_write_digest_id(struct jute_writer *writer, struct bytes user_and_password);

#endif

#include <string.h>

#include "protocol/base/sha1.h"
#include "protocol/pipeline/access.h"
#include "protocol/wire/op.h"
#include "tests/test.h"

#include <stdlib.h>

#define ARENA_OCTETS (1U << 20)

static void check_sha1(const char *message, const char *hex)
{
    uint8_t digest[SHA1_LENGTH];
    char text[2 * SHA1_LENGTH + 1];
    sha1(bytes_of(message), digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    }
    CHECK_TEXT(text, hex);
}

/* FIPS 180 and RFC 3174. */
static void sha1_vectors(void)
{
    check_sha1("", "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    check_sha1("abc", "a9993e364706816aba3e25717850c26c9cd0d89d");
    check_sha1("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    check_sha1("0123456701234567012345670123456701234567012345670123456701234567",
               "e0c094e867ef46c350ef54a7f59dd60bed92ae83");
    char *million = malloc(1000001);
    memset(million, 'a', 1000000);
    million[1000000] = '\0';
    check_sha1(million, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    free(million);
}

/* RFC 4648. */
static void base64_vectors(void)
{
    static const char *const vectors[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < ARRAY_LENGTH(vectors); i++) {
        char text[16];
        text[base64_write((const uint8_t *)vectors[i][0], strlen(vectors[i][0]), text)] = '\0';
        CHECK_TEXT(text, vectors[i][1]);
    }
}

static void digest_ids(void)
{
    static const char *const vectors[][2] = {{"super:test", "super:D/InIHSb7yEEbrWz8b9l71RjZJU="},
                                             {"bob:pw", "bob:ikIaKsbtGweaHnb/jKn7OHqbunM="}};
    for (size_t i = 0; i < ARRAY_LENGTH(vectors); i++) {
        uint8_t octets[64];
        struct jute_writer writer = jute_writer_of(octets, sizeof octets);
        access_write_digest_id(&writer, bytes_of(vectors[i][0]));
        CHECK_OCTETS(octets, writer.used, vectors[i][1], strlen(vectors[i][1]));
    }
}

/* ---- lists ---- */

struct entry {
    int32_t perms;
    const char *scheme, *id; /* NULL: null */
};

static struct bytes text_or_null(const char *text)
{
    return text == NULL ? bytes_null() : bytes_of(text);
}

static struct acl_list list_of(uint8_t *octets, const struct entry *entries, size_t count)
{
    struct jute_writer writer = jute_writer_of(octets, 1024);
    jute_write_int32(&writer, (int32_t)count);
    for (size_t i = 0; i < count; i++) {
        struct zk_id id = {text_or_null(entries[i].scheme), text_or_null(entries[i].id)};
        jute_write_acl(&writer, (struct zk_acl){entries[i].perms, id});
    }
    return (struct acl_list){jute_written(&writer, 0)};
}

static struct id_list ids_of(uint8_t *octets, const struct entry *entries, size_t count)
{
    struct jute_writer writer = jute_writer_of(octets, 1024);
    for (size_t i = 0; i < count; i++) {
        jute_write_id(&writer, (struct zk_id){bytes_of(entries[i].scheme), bytes_of(entries[i].id)});
    }
    return (struct id_list){(int32_t)count, jute_written(&writer, 0)};
}

/* One id of a client against one entry. */
static bool permits(const char *client_scheme, const char *client_id, struct entry entry)
{
    uint8_t list[1024], ids[1024];
    struct entry client = {0, client_scheme, client_id};
    return access_permits(list_of(list, &entry, 1), ACL_READ | ACL_ADMIN, ids_of(ids, &client, 1));
}

static void checks(void)
{
    CHECK(permits("ip", "127.0.0.1", (struct entry){ACL_READ, "world", "anyone"}));
    CHECK(permits("ip", "127.0.0.1", (struct entry){ACL_ADMIN, "world", "anyone"}));
    CHECK(!permits("ip", "127.0.0.1", (struct entry){ACL_WRITE, "world", "anyone"}));
    CHECK(permits("digest", "a:x", (struct entry){ACL_ALL, "digest", "a:x"}));
    CHECK(!permits("digest", "a:y", (struct entry){ACL_ALL, "digest", "a:x"}));
    CHECK(!permits("ip", "a:x", (struct entry){ACL_ALL, "digest", "a:x"}));
    CHECK(permits("super", "", (struct entry){ACL_ALL, "digest", "a:x"}));
    CHECK(permits("super", "", (struct entry){0, "world", "anyone"}));
    CHECK(!permits("sasl", "me", (struct entry){ACL_ALL, "sasl", "me"}));
    CHECK(permits("ip", "10.1.2.3", (struct entry){ACL_ALL, "ip", "10.1.2.3"}));
    CHECK(permits("ip", "10.1.2.3", (struct entry){ACL_ALL, "ip", "10.1.2.77/24"}));
    CHECK(permits("ip", "10.1.2.3", (struct entry){ACL_ALL, "ip", "0.0.0.0/0"}));
    CHECK(permits("ip", "10.1.2.3", (struct entry){ACL_ALL, "ip", "10.1.3.0/23"}));
    CHECK(!permits("ip", "10.1.2.3", (struct entry){ACL_ALL, "ip", "10.1.3.0/24"}));
    CHECK(!permits("ip", "0:0:0:0:0:0:0:1", (struct entry){ACL_ALL, "ip", "0.0.0.0/0"}));
    CHECK(access_permits(acl_list_null(), ACL_ALL, id_list_null()));
}

static int32_t fixed(const struct entry *asked, size_t asked_count, const struct entry *want, size_t want_count)
{
    static const struct entry client[] = {{0, "ip", "127.0.0.1"}, {0, "digest", "a:x"}, {0, "digest", "b:y"}};
    uint8_t list[1024], ids[1024], wanted[1024];
    struct arena *arena = arena_create(aligned_alloc(16, ARENA_OCTETS), ARENA_OCTETS);
    struct acl_list asked_list = list_of(list, asked, asked_count), result;
    int32_t error = access_fix(arena, asked_list, ids_of(ids, client, ARRAY_LENGTH(client)), &result);
    if (error == ZOK) {
        struct acl_list want_list = list_of(wanted, want, want_count);
        CHECK_OCTETS(result.encoded.data, bytes_size(result.encoded), want_list.encoded.data,
                     bytes_size(want_list.encoded));
    }
    access_free(arena, asked_list, result);
    free(arena);
    return error;
}

static int32_t fixed_one(const char *scheme, const char *id)
{
    struct entry entry = {ACL_ALL, scheme, id};
    return fixed(&entry, 1, &entry, 1);
}

static void fixing(void)
{
    static const struct entry asked[] = {{1, "world", "anyone"},
                                         {1, "world", "anyone"},
                                         {2, "auth", "whatever"},
                                         {3, "world", "anyone"},
                                         {2, "auth", "whatever"}};
    static const struct entry want[] = {
        {1, "world", "anyone"}, {2, "digest", "a:x"}, {2, "digest", "b:y"}, {3, "world", "anyone"}};
    CHECK_INT(fixed(asked, ARRAY_LENGTH(asked), want, ARRAY_LENGTH(want)), ZOK);
    CHECK_INT(fixed(asked, 0, want, 0), ZINVALIDACL);
    CHECK_INT(fixed_one("world", "anyone"), ZOK);
    CHECK_INT(fixed_one("world", "someone"), ZINVALIDACL);
    CHECK_INT(fixed_one("world", NULL), ZMARSHALLINGERROR);
    CHECK_INT(fixed_one(NULL, "anyone"), ZINVALIDACL);
    CHECK_INT(fixed_one("nobody", NULL), ZINVALIDACL);
}

static void valid_ids(void)
{
    static const char *const good_digests[] = {"a:b", ":b", "a:b:", "a:b::"};
    static const char *const bad_digests[] = {"", ":", "a", "a:", "a:b:c", "::b"};
    static const char *const good_addresses[] = {"1.2.3.4", "0.0.0.0/0", "255.255.255.255/32", "+1.02.-0.4/+8"};
    static const char *const bad_addresses[] = {"",         "1.2.3",      "1.2.3.4.5", "1.2.3.256",
                                                "1.2.3.-1", "1.2.3.4/33", "1.2.3.4/",  "1.2.3.4/8/8",
                                                "1.2..4",   "a.b.c.d",    "::1",       "1.2.3.4 "};
    for (size_t i = 0; i < ARRAY_LENGTH(good_digests); i++) {
        CHECK_INT(fixed_one("digest", good_digests[i]), ZOK);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(bad_digests); i++) {
        CHECK_INT(fixed_one("digest", bad_digests[i]), ZINVALIDACL);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(good_addresses); i++) {
        CHECK_INT(fixed_one("ip", good_addresses[i]), ZOK);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(bad_addresses); i++) {
        CHECK_INT(fixed_one("ip", bad_addresses[i]), ZINVALIDACL);
    }
}

static const struct test_case cases[] = {
    {"SHA-1 gives the published digests", sha1_vectors},
    {"base64 gives the published texts", base64_vectors},
    {"a user and password make the id Apache makes of them", digest_ids},
    {"an entry permits whom it names and nobody else", checks},
    {"a list loses its duplicates, and auth becomes the client's own ids", fixing},
    {"ids are valid as Apache's providers say", valid_ids},
    {NULL, NULL},
};

const struct test_suite test_suite_access = {"access", cases};

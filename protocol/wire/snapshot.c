#include "protocol/wire/snapshot.h"

#include "protocol/wire/checksum.h"

#define SNAPSHOT_MAGIC 0x5a4b534e
#define SNAPSHOT_VERSION 2
#define SNAPSHOT_DB_ID INT64_C(-1)
#define SEAL_LENGTH 13

static const uint8_t slash[] = {0, 0, 0, 1, '/'};
static const char trailer[] = "BenWasHere";

/* ---- writing ---- */

/* Every element ends with this: it brings the checksum up to what was written since `mark`. */
static void add_up(struct snapshot_writer *snapshot, const struct jute_writer *writer, size_t mark)
{
    if (snapshot->form == SNAPSHOT_FILE && !writer->failed) {
        snapshot->checksum = adler32_add(snapshot->checksum, writer->start + mark, writer->used - mark);
    }
}

static void write_seal(struct snapshot_writer *snapshot, struct jute_writer *writer)
{
    size_t mark = writer->used;
    jute_write_int64(writer, snapshot->checksum);
    jute_write_raw(writer, (struct bytes){slash, sizeof slash});
    add_up(snapshot, writer, mark);
}

static void write_count(struct snapshot_writer *snapshot, struct jute_writer *writer, int32_t count)
{
    size_t mark = writer->used;
    jute_write_int32(writer, count);
    add_up(snapshot, writer, mark);
}

void snapshot_begin(struct snapshot_writer *snapshot, struct jute_writer *writer, enum snapshot_form form)
{
    *snapshot = (struct snapshot_writer){form, ADLER32_START};
    if (form == SNAPSHOT_FILE) {
        size_t mark = writer->used;
        jute_write_int32(writer, SNAPSHOT_MAGIC);
        jute_write_int32(writer, SNAPSHOT_VERSION);
        jute_write_int64(writer, SNAPSHOT_DB_ID);
        add_up(snapshot, writer, mark);
    }
}

void snapshot_write_session_count(struct snapshot_writer *snapshot, struct jute_writer *writer, int32_t count)
{
    write_count(snapshot, writer, count);
}

void snapshot_write_session(struct snapshot_writer *snapshot, struct jute_writer *writer,
                            const struct snapshot_session *session)
{
    size_t mark = writer->used;
    jute_write_int64(writer, session->session);
    jute_write_int32(writer, session->timeout_ms);
    add_up(snapshot, writer, mark);
}

void snapshot_write_acl_count(struct snapshot_writer *snapshot, struct jute_writer *writer, int32_t count)
{
    write_count(snapshot, writer, count);
}

void snapshot_write_acl(struct snapshot_writer *snapshot, struct jute_writer *writer, const struct snapshot_acl *acl)
{
    size_t mark = writer->used;
    jute_write_int64(writer, acl->id);
    jute_write_acl_list(writer, acl->acl);
    add_up(snapshot, writer, mark);
}

static void write_stat(struct jute_writer *writer, const struct stat_persisted *stat)
{
    jute_write_int64(writer, stat->czxid);
    jute_write_int64(writer, stat->mzxid);
    jute_write_int64(writer, stat->ctime_ms);
    jute_write_int64(writer, stat->mtime_ms);
    jute_write_int32(writer, stat->version);
    jute_write_int32(writer, stat->cversion);
    jute_write_int32(writer, stat->aversion);
    jute_write_int64(writer, stat->ephemeral_owner);
    jute_write_int64(writer, stat->pzxid);
}

void snapshot_write_node(struct snapshot_writer *snapshot, struct jute_writer *writer, const struct snapshot_node *node)
{
    size_t mark = writer->used;
    jute_write_bytes(writer, node->path);
    jute_write_bytes(writer, node->data);
    jute_write_int64(writer, node->acl_id);
    write_stat(writer, &node->stat);
    add_up(snapshot, writer, mark);
}

void snapshot_write_end(struct snapshot_writer *snapshot, struct jute_writer *writer)
{
    size_t mark = writer->used;
    jute_write_raw(writer, (struct bytes){slash, sizeof slash});
    add_up(snapshot, writer, mark);
    if (snapshot->form == SNAPSHOT_FILE) {
        write_seal(snapshot, writer);
    } else {
        jute_write_bytes(writer, bytes_of(trailer));
    }
}

void snapshot_write_digest(struct snapshot_writer *snapshot, struct jute_writer *writer,
                           const struct snapshot_digest *digest)
{
    size_t mark = writer->used;
    jute_write_int64(writer, digest->zxid);
    jute_write_int32(writer, digest->version);
    jute_write_int64(writer, digest->digest);
    add_up(snapshot, writer, mark);
    write_seal(snapshot, writer);
}

void snapshot_write_last_zxid(struct snapshot_writer *snapshot, struct jute_writer *writer, zxid_t last_processed)
{
    size_t mark = writer->used;
    jute_write_int64(writer, last_processed);
    add_up(snapshot, writer, mark);
    write_seal(snapshot, writer);
}

/* ---- reading ---- */

struct snapshot_reader snapshot_reader_of(enum snapshot_form form, int32_t length_max)
{
    return (struct snapshot_reader){
        .form = form,
        .phase = form == SNAPSHOT_FILE ? SNAPSHOT_AT_HEADER : SNAPSHOT_AT_SESSION_COUNT,
        .length_max = length_max,
        .checksum = ADLER32_START,
    };
}

static void read_header(struct jute_reader *reader)
{
    bool magic = jute_read_int32(reader) == SNAPSHOT_MAGIC;
    bool version = jute_read_int32(reader) == SNAPSHOT_VERSION;
    jute_read_int64(reader);
    if (!reader->failed && (!magic || !version)) {
        jute_fail(reader, true);
    }
}

static int32_t read_count(struct jute_reader *reader)
{
    int32_t count = jute_read_int32(reader);
    if (count < 0) {
        jute_fail(reader, true);
    }
    return count;
}

/* Every octet from the start of this element to the seal counts; those before are in snapshot->checksum. */
static void read_seal(const struct snapshot_reader *snapshot, struct jute_reader *reader, const uint8_t *start)
{
    const uint8_t *seal = jute_take(reader, SEAL_LENGTH);
    if (seal == NULL) {
        return;
    }
    uint32_t checksum = adler32_add(snapshot->checksum, start, (size_t)(seal - start));
    if (jute_load64(seal) != checksum || memcmp(seal + 8, slash, sizeof slash) != 0) {
        jute_fail(reader, true);
    }
}

static void read_stat(struct jute_reader *reader, struct stat_persisted *stat)
{
    stat->czxid = jute_read_int64(reader);
    stat->mzxid = jute_read_int64(reader);
    stat->ctime_ms = jute_read_int64(reader);
    stat->mtime_ms = jute_read_int64(reader);
    stat->version = jute_read_int32(reader);
    stat->cversion = jute_read_int32(reader);
    stat->aversion = jute_read_int32(reader);
    stat->ephemeral_owner = jute_read_int64(reader);
    stat->pzxid = jute_read_int64(reader);
}

static void read_trailer(struct jute_reader *reader)
{
    struct bytes text = jute_read_bytes(reader);
    if (!reader->failed && !bytes_equal(text, bytes_of(trailer))) {
        jute_fail(reader, true);
    }
}

/* A node, or the path "/" that no node has and that ends them. */
static void read_node_or_end(const struct snapshot_reader *snapshot, struct jute_reader *reader,
                             struct snapshot_element *element)
{
    const uint8_t *start = reader->at;
    struct snapshot_node *node = &element->node;
    element->kind = SNAPSHOT_NODE;
    node->path = jute_read_bytes(reader);
    if (bytes_equal(node->path, bytes_of("/"))) {
        element->kind = SNAPSHOT_END;
        if (snapshot->form == SNAPSHOT_FILE) {
            read_seal(snapshot, reader, start);
        } else {
            read_trailer(reader);
        }
        return;
    }
    node->data = jute_read_bytes(reader);
    node->acl_id = jute_read_int64(reader);
    read_stat(reader, &node->stat);
    if (!reader->failed && bytes_is_null(node->path)) {
        jute_fail(reader, true);
    }
}

static void read_last_zxid(const struct snapshot_reader *snapshot, struct jute_reader *reader,
                           struct snapshot_element *element)
{
    const uint8_t *start = reader->at;
    element->kind = SNAPSHOT_LAST_ZXID;
    element->last_zxid = jute_read_int64(reader);
    read_seal(snapshot, reader, start);
}

/* Both parts are optional and untagged: what is sealed after 8 octets is the last zxid, all else a digest. */
static void read_digest_or_last_zxid(const struct snapshot_reader *snapshot, struct jute_reader *reader,
                                     struct snapshot_element *element)
{
    struct jute_reader attempt = *reader;
    read_last_zxid(snapshot, &attempt, element);
    if (!attempt.failed || !attempt.malformed) {
        *reader = attempt;
        return;
    }
    const uint8_t *start = reader->at;
    element->kind = SNAPSHOT_DIGEST;
    element->digest.zxid = jute_read_int64(reader);
    element->digest.version = jute_read_int32(reader);
    element->digest.digest = jute_read_int64(reader);
    read_seal(snapshot, reader, start);
}

static void read_element(const struct snapshot_reader *snapshot, struct jute_reader *reader,
                         struct snapshot_element *element)
{
    switch (snapshot->phase) {
    case SNAPSHOT_AT_HEADER:
        element->kind = SNAPSHOT_HEADER;
        read_header(reader);
        return;
    case SNAPSHOT_AT_SESSION_COUNT:
        element->kind = SNAPSHOT_SESSION_COUNT;
        element->count = read_count(reader);
        return;
    case SNAPSHOT_AT_SESSIONS:
        element->kind = SNAPSHOT_SESSION;
        element->session.session = jute_read_int64(reader);
        element->session.timeout_ms = jute_read_int32(reader);
        return;
    case SNAPSHOT_AT_ACL_COUNT:
        element->kind = SNAPSHOT_ACL_COUNT;
        element->count = read_count(reader);
        return;
    case SNAPSHOT_AT_ACLS:
        element->kind = SNAPSHOT_ACL;
        element->acl.id = jute_read_int64(reader);
        element->acl.acl = jute_read_acl_list(reader);
        return;
    case SNAPSHOT_AT_NODES:
        read_node_or_end(snapshot, reader, element);
        return;
    case SNAPSHOT_AT_DIGEST:
        read_digest_or_last_zxid(snapshot, reader, element);
        return;
    case SNAPSHOT_AT_LAST_ZXID:
        read_last_zxid(snapshot, reader, element);
        return;
    case SNAPSHOT_DONE:
        break;
    }
    jute_fail(reader, true);
}

/* After the last session or ACL comes what follows them; before it, the next. */
static enum snapshot_phase phase_of_list(const struct snapshot_reader *snapshot, enum snapshot_phase list,
                                         enum snapshot_phase next)
{
    return snapshot->remaining > 0 ? list : next;
}

static void move_on(struct snapshot_reader *snapshot, const struct snapshot_element *element)
{
    switch (element->kind) {
    case SNAPSHOT_HEADER:
        snapshot->phase = SNAPSHOT_AT_SESSION_COUNT;
        return;
    case SNAPSHOT_SESSION_COUNT:
        snapshot->remaining = element->count;
        snapshot->phase = phase_of_list(snapshot, SNAPSHOT_AT_SESSIONS, SNAPSHOT_AT_ACL_COUNT);
        return;
    case SNAPSHOT_SESSION:
        snapshot->remaining--;
        snapshot->phase = phase_of_list(snapshot, SNAPSHOT_AT_SESSIONS, SNAPSHOT_AT_ACL_COUNT);
        return;
    case SNAPSHOT_ACL_COUNT:
        snapshot->remaining = element->count;
        snapshot->phase = phase_of_list(snapshot, SNAPSHOT_AT_ACLS, SNAPSHOT_AT_NODES);
        return;
    case SNAPSHOT_ACL:
        snapshot->remaining--;
        snapshot->phase = phase_of_list(snapshot, SNAPSHOT_AT_ACLS, SNAPSHOT_AT_NODES);
        return;
    case SNAPSHOT_NODE:
        return;
    case SNAPSHOT_END:
        snapshot->phase = snapshot->form == SNAPSHOT_FILE ? SNAPSHOT_AT_DIGEST : SNAPSHOT_DONE;
        return;
    case SNAPSHOT_DIGEST:
        snapshot->phase = SNAPSHOT_AT_LAST_ZXID;
        return;
    case SNAPSHOT_LAST_ZXID:
        snapshot->phase = SNAPSHOT_DONE;
        return;
    }
}

enum decode_status snapshot_next(struct snapshot_reader *snapshot, const uint8_t *octets, size_t available,
                                 struct snapshot_element *element, size_t *consumed)
{
    if (available == 0) {
        return DECODE_INCOMPLETE;
    }
    struct jute_reader reader = jute_reader_of(octets, available);
    reader.length_max = snapshot->length_max;
    read_element(snapshot, &reader, element);
    if (reader.failed) {
        bool endless = available > 2 * (size_t)snapshot->length_max + 1024;
        return reader.malformed || endless ? DECODE_BAD : DECODE_INCOMPLETE;
    }
    *consumed = (size_t)(reader.at - octets);
    if (snapshot->form == SNAPSHOT_FILE) {
        snapshot->checksum = adler32_add(snapshot->checksum, octets, *consumed);
    }
    move_on(snapshot, element);
    return DECODE_COMPLETE;
}

bool snapshot_looks_valid(const uint8_t *file, size_t length)
{
    return length >= 10 && memcmp(file + length - sizeof slash, slash, sizeof slash) == 0;
}

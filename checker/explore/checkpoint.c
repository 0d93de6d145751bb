#include "checker/explore/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checker/explore/octets.h"
#include "protocol/base/ensure.h"

#define PIECE ((size_t)1 << 20)
#define VERSION_OCTETS 128U

static const char magic[16] = "zksim region 1\n";

/* The head of the file; then struct shared, then the committed octets of every area in their order. */
struct header {
    char magic[16];
    char version[VERSION_OCTETS];
    uint64_t executable; /* a digest of the program's file */
    uint64_t function;   /* where checkpoint_write() is */
    uint64_t region;     /* where the region lay */
    uint64_t area_octets[SHARED_AREAS_MAX];
    uint64_t area_digest[SHARED_AREAS_MAX];
    uint64_t shared_digest;
    uint64_t digest; /* of everything above */
};

struct writing {
    int file;
    char *error;
    size_t octets;
};

static bool fail(char *error, size_t octets, const char *format, ...) __attribute__((format(printf, 3, 4)));

static bool fail(char *error, size_t octets, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, octets, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- who we are -------------------------------------------------------------------------------------------------- */

static uint64_t address_of_code(void)
{
    bool (*function)(struct shared *, const char *, const char *, char *, size_t) = checkpoint_write;
    uint64_t address = 0;
    memcpy(&address, &function, sizeof function);
    return address;
}

/* 0 if it cannot be read. */
static uint64_t digest_of_executable(void)
{
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return 0;
    }
    uint8_t *piece = malloc(PIECE);
    uint64_t digest = HASH_START;
    ssize_t got = 0;
    while (piece != NULL && (got = read(file, piece, PIECE)) > 0) {
        digest = hash_mix(digest, octets_hash(piece, (size_t)got));
    }
    bool ok = piece != NULL && got == 0;
    free(piece);
    close(file);
    return ok ? digest : 0;
}

static uint64_t digest_of_header(const struct header *header)
{
    return octets_hash(header, offsetof(struct header, digest));
}

static bool prepare_header(struct header *header, uint64_t region, const char *version, char *error, size_t octets)
{
    memset(header, 0, sizeof *header);
    memcpy(header->magic, magic, sizeof magic);
    snprintf(header->version, sizeof header->version, "%s", version);
    header->executable = digest_of_executable();
    header->function = address_of_code();
    header->region = region;
    return header->executable != 0 || fail(error, octets, "the program cannot read its own file");
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static bool write_all(int file, const void *from, uint64_t length)
{
    const uint8_t *data = from;
    while (length > 0) {
        ssize_t written = write(file, data, length < PIECE ? length : PIECE);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            errno = written == 0 ? ENOSPC : errno;
            return false;
        }
        data += written;
        length -= (uint64_t)written;
    }
    return true;
}

static bool write_area(int file, const struct shared_area *area, uint64_t length, uint64_t *digest)
{
    *digest = HASH_START;
    for (uint64_t at = 0; at < length; at += PIECE) {
        uint64_t piece = length - at < PIECE ? length - at : PIECE;
        *digest = hash_mix(*digest, octets_hash(area->base + at, piece));
        if (!write_all(file, area->base + at, piece)) {
            return false;
        }
    }
    return true;
}

static bool write_region(int file, struct shared *shared, struct header *header)
{
    if (lseek(file, sizeof *header, SEEK_SET) < 0 || !write_all(file, shared, sizeof *shared)) {
        return false;
    }
    header->shared_digest = octets_hash(shared, sizeof *shared);
    for (uint32_t i = 0; i < shared->area_count; i++) {
        header->area_octets[i] = atomic_load(&shared->areas[i].committed);
        if (!write_area(file, &shared->areas[i], header->area_octets[i], &header->area_digest[i])) {
            return false;
        }
    }
    header->digest = digest_of_header(header);
    return lseek(file, 0, SEEK_SET) == 0 && write_all(file, header, sizeof *header) && fsync(file) == 0;
}

static bool sync_folder_of(const char *path)
{
    char *copy = strdup(path);
    int folder = copy == NULL ? -1 : open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    bool ok = folder >= 0 && fsync(folder) == 0;
    if (folder >= 0) {
        close(folder);
    }
    return ok;
}

bool checkpoint_write(struct shared *shared, const char *path, const char *version, char *error, size_t octets)
{
    struct header header;
    if (!prepare_header(&header, (uint64_t)(uintptr_t)shared, version, error, octets)) {
        return false;
    }
    size_t room = strlen(path) + sizeof ".XXXXXX";
    char *temporary = malloc(room);
    ensure(temporary != NULL);
    snprintf(temporary, room, "%s.XXXXXX", path);
    int file = mkstemp(temporary);
    bool ok = file >= 0;
    if (ok) {
        ok = write_region(file, shared, &header);
        int why = errno;
        ok = close(file) == 0 && ok && rename(temporary, path) == 0;
        errno = why != 0 && !ok ? why : errno;
        if (!ok) {
            unlink(temporary);
        }
    }
    ok = ok && sync_folder_of(path);
    if (!ok) {
        fail(error, octets, "checkpoint %s cannot be written: %s; an older one is as it was", path, strerror(errno));
    }
    free(temporary);
    return ok;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static bool read_all(int file, void *into, uint64_t length)
{
    uint8_t *data = into;
    while (length > 0) {
        ssize_t got = read(file, data, length < PIECE ? length : PIECE);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        data += got;
        length -= (uint64_t)got;
    }
    return true;
}

/* The header of a file that this program can use and that has all its octets. */
static bool read_header(int file, struct header *header, const char *version, char *error, size_t octets)
{
    struct header ours;
    struct stat status;
    if (!read_all(file, header, sizeof *header) || memcmp(header->magic, magic, sizeof magic) != 0) {
        return fail(error, octets, "not a checkpoint");
    }
    if (header->digest != digest_of_header(header)) {
        return fail(error, octets, "damaged header");
    }
    if (!prepare_header(&ours, header->region, version, error, octets)) {
        return false;
    }
    if (ours.executable != header->executable) {
        return fail(error, octets, "written by another program (%s; this is %s): only the same file can go on",
                    header->version, version);
    }
    if (ours.function != header->function) {
        return fail(error, octets, "the program lies at another address: it must be linked with -no-pie");
    }
    uint64_t whole = sizeof *header + sizeof(struct shared);
    for (uint32_t i = 0; i < SHARED_AREAS_MAX; i++) {
        whole += header->area_octets[i];
    }
    if (fstat(file, &status) != 0 || (uint64_t)status.st_size != whole) {
        return fail(error, octets, "truncated: %" PRIu64 " octets of %" PRIu64,
                    fstat(file, &status) == 0 ? (uint64_t)status.st_size : 0, whole);
    }
    return true;
}

/* Takes over what does not belong to this run's mapping. */
static bool adopt(struct shared *shared, const struct shared *old, char *error, size_t octets)
{
    shared->root = old->root;
    shared->reserved = old->reserved;
    atomic_store(&shared->heap_next, atomic_load(&old->heap_next));
    atomic_store(&shared->exhausted, atomic_load(&old->exhausted));
    shared->area_count = old->area_count;
    shared->table_count = old->table_count;
    memcpy(shared->tables, old->tables, sizeof shared->tables);
    shared->kept_count = old->kept_count;
    memcpy(shared->kept, old->kept, sizeof shared->kept);
    for (uint32_t i = 0; i < old->area_count; i++) {
        struct shared_area *area = &shared->areas[i];
        area->base = old->areas[i].base;
        area->reserved = old->areas[i].reserved;
        area->spills = old->areas[i].spills;
        if (!shared_map_area(shared, area)) {
            return fail(error, octets, "a spill file cannot be made: %s", strerror(errno));
        }
    }
    return true;
}

static bool read_area(int file, struct shared *shared, struct shared_area *area, uint64_t length, uint64_t *digest)
{
    *digest = HASH_START;
    if (!shared_commit(shared, area, length)) {
        return false;
    }
    /* Growing ahead may have committed more than the file holds. */
    for (uint64_t at = 0; at < length; at += PIECE) {
        uint64_t piece = length - at < PIECE ? length - at : PIECE;
        if (!read_all(file, area->base + at, piece)) {
            return false;
        }
        *digest = hash_mix(*digest, octets_hash(area->base + at, piece));
    }
    return true;
}

static bool read_region(int file, const struct header *header, struct shared *shared, char *error, size_t octets)
{
    struct shared *old = malloc(sizeof *old);
    ensure(old != NULL);
    bool ok = read_all(file, old, sizeof *old);
    if (!ok || octets_hash(old, sizeof *old) != header->shared_digest) {
        free(old);
        return fail(error, octets, "damaged: the description of the region does not match its digest");
    }
    ok = adopt(shared, old, error, octets);
    free(old);
    for (uint32_t i = 0; ok && i < shared->area_count; i++) {
        uint64_t digest;
        if (!read_area(file, shared, &shared->areas[i], header->area_octets[i], &digest)) {
            return fail(error, octets, "its %" PRIu64 " octets do not fit: the limit is %" PRIu64,
                        header->area_octets[i] + shared_used(shared), shared->limit);
        }
        if (digest != header->area_digest[i]) {
            return fail(error, octets, "damaged: area %" PRIu32 " does not match its digest", i);
        }
    }
    if (ok) {
        shared_set_limit(shared, shared->limit);
    }
    return ok;
}

struct shared *checkpoint_read(const char *path, const char *version, const struct shared_options *options, char *error,
                               size_t octets)
{
    struct header header;
    struct shared *shared = NULL;
    char reason[512] = "";
    int file = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = file >= 0 || fail(reason, sizeof reason, "%s", strerror(errno));
    ok = ok && read_header(file, &header, version, reason, sizeof reason);
    if (ok) {
        shared = shared_new_at(header.region, options, reason, sizeof reason);
        ok = shared != NULL && read_region(file, &header, shared, reason, sizeof reason);
    }
    if (!ok) {
        if (shared != NULL) {
            shared_free(shared);
            shared = NULL;
        }
        snprintf(error, octets, "checkpoint %s refused: %s", path, reason);
    }
    if (file >= 0) {
        close(file);
    }
    return shared;
}

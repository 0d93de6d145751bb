#include "protocol/server/config_files.h"

#include <string.h>

#include "protocol/base/hash.h"
#include "protocol/server/activation.h"
#include "protocol/server/membership.h"
#include "protocol/server/server_state.h"

/* ---- loading ---- */

/* Unless it is too long when nothing is left out. */
static void use(struct server *server, struct verifier *verifier, const struct membership *membership)
{
    char octets[MEMBERSHIP_TEXT_MAX];
    struct text_builder text = text_of(octets, sizeof octets);
    membership_write(membership, &text);
    if (!text.truncated) {
        activation_set(server, verifier, membership, text_octets(&text));
    }
}

static bool read_file(const struct disk_file *file, struct membership *membership)
{
    struct bytes text = {file->octets, (int32_t)file->length};
    return file->length < MEMBERSHIP_TEXT_MAX && membership_read(membership, text);
}

/* Files that cannot be read are passed over: Apache refuses to start with the one, and takes no notice of the other. */
void config_files_load(struct server *server, struct disk_image image)
{
    struct membership membership;
    for (size_t i = 0; i < image.count; i++) {
        const struct disk_file *file = &image.files[i];
        if (file->name.kind == FILE_CONFIG && file->name.zxid > server->verifier.version &&
            read_file(file, &membership)) {
            membership.version = file->name.zxid;
            use(server, &server->verifier, &membership);
            use(server, &server->last_seen, &membership);
        } else if (file->name.kind == FILE_NEXT_CONFIG) {
            server->config_files.next_exists = true;
            if (read_file(file, &membership) && membership.version > server->verifier.version) {
                use(server, &server->last_seen, &membership);
            }
        }
    }
}

/* ---- saving ---- */

static void save(struct server *server, struct file_name file, struct bytes text, enum disk_op op)
{
    struct jute_writer writer = outputs_write(server->out);
    jute_write_raw(&writer, text);
    struct bytes octets = outputs_keep(server->out, &writer);
    server_disk_begin(server, op);
    outputs_save(server->out, file, octets, op);
}

static struct bytes take_line(struct bytes *rest)
{
    struct bytes line = {rest->data, 0};
    while (line.length < rest->length && line.data[line.length] != '\n') {
        line.length++;
    }
    int32_t taken = line.length < rest->length ? line.length + 1 : line.length;
    *rest = (struct bytes){rest->data + taken, rest->length - taken};
    return line;
}

static bool is_before(struct bytes a, struct bytes b)
{
    size_t common = bytes_size(a) < bytes_size(b) ? bytes_size(a) : bytes_size(b);
    int order = memcmp(a.data, b.data, common);
    return order != 0 ? order < 0 : a.length < b.length;
}

static bool is_version(struct bytes line)
{
    static const char version[] = "version=";
    return bytes_size(line) >= sizeof version - 1 && memcmp(line.data, version, sizeof version - 1) == 0;
}

/* The lines in the order of their characters, as QuorumPeerConfig.writeDynamicConfig writes them: groups, servers, version, weights. */
static void add_sorted(struct text_builder *text, struct bytes config, bool with_version)
{
    struct bytes last = bytes_null();
    for (;;) {
        struct bytes least = bytes_null(), rest = config;
        while (rest.length > 0) {
            struct bytes line = take_line(&rest);
            bool is_behind = bytes_is_null(last) || is_before(last, line);
            bool is_wanted = line.length > 0 && (with_version || !is_version(line));
            least = is_wanted && is_behind && (bytes_is_null(least) || is_before(line, least)) ? line : least;
        }
        if (bytes_is_null(least)) {
            return;
        }
        text_add(text, bytes_is_null(last) ? "" : "\n");
        text_add_octets(text, least);
        last = least;
    }
}

void config_files_save(struct server *server)
{
    char octets[MEMBERSHIP_TEXT_MAX];
    struct text_builder text = text_of(octets, sizeof octets);
    server->config_files.waits = server_disk_is_busy(server, DISK_OP_CONFIG);
    if (server->config_files.waits) {
        return;
    }
    add_sorted(&text, server->verifier.text, false);
    save(server, (struct file_name){FILE_CONFIG, server->verifier.version}, text_octets(&text), DISK_OP_CONFIG);
}

/* Nothing is proposed any more, and what is in force is safe. */
static void drop_next(struct server *server)
{
    bool busy = server_disk_is_busy(server, DISK_OP_CONFIG) || server_disk_is_busy(server, DISK_OP_NEXT_CONFIG);
    if (server->config_files.next_exists && !busy && !server_is_reconfiguring(server)) {
        server->config_files.next_exists = false;
        outputs_delete(server->out, (struct file_name){FILE_NEXT_CONFIG, 0});
    }
}

void config_files_save_next(struct server *server)
{
    server->config_files.next_waits = server_disk_is_busy(server, DISK_OP_NEXT_CONFIG);
    if (server->config_files.next_waits) {
        return;
    }
    if (!server_is_reconfiguring(server)) {
        drop_next(server);
        return;
    }
    char octets[MEMBERSHIP_TEXT_MAX];
    struct text_builder text = text_of(octets, sizeof octets);
    server->config_files.next_exists = true;
    add_sorted(&text, server->last_seen.text, true);
    save(server, (struct file_name){FILE_NEXT_CONFIG, 0}, text_octets(&text), DISK_OP_NEXT_CONFIG);
}

void config_files_saved(struct server *server)
{
    if (server->config_files.waits) {
        config_files_save(server);
    }
    drop_next(server);
}

void config_files_next_saved(struct server *server)
{
    if (server->config_files.next_waits) {
        config_files_save_next(server);
    } else {
        drop_next(server);
    }
    if (server_is_leading(server)) {
        leader_config_saved(server);
    } else if (server_is_learning(server)) {
        learner_config_saved(server);
    }
}

uint64_t config_files_digest(const struct config_files *files)
{
    return (uint64_t)files->next_exists << 2 | (uint64_t)files->waits << 1 | files->next_waits;
}

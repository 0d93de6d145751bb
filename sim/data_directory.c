#include "sim/data_directory.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <glib/gstdio.h>

#include "sim/text_file.h"

G_DEFINE_QUARK(zksim - data - directory - error, data_directory_error)

#define VERSION_FOLDER "version-2"
#define CONFIG_PREFIX "zoo.cfg.dynamic."
#define FOLDER_MODE 0755

static bool refuse(GError **error, enum data_directory_error code, const char *path, const char *what)
{
    g_set_error(error, DATA_DIRECTORY_ERROR, (gint)code, "%s: %s", path, what);
    return false;
}

/* ---- names ------------------------------------------------------------------------------------------------------------- */

static char *text_of_name(struct file_name name)
{
    switch (name.kind) {
    case FILE_LOG:
        return g_strdup_printf("log.%" PRIx64, (uint64_t)name.zxid);
    case FILE_SNAPSHOT:
        return g_strdup_printf("snapshot.%" PRIx64, (uint64_t)name.zxid);
    case FILE_ACCEPTED_EPOCH:
        return g_strdup("acceptedEpoch");
    case FILE_CURRENT_EPOCH:
        return g_strdup("currentEpoch");
    case FILE_CONFIG:
        return g_strdup_printf(CONFIG_PREFIX "%" PRIx64, (uint64_t)name.zxid);
    case FILE_NEXT_CONFIG:
        return g_strdup(CONFIG_PREFIX "next");
    case FILE_COMMIT_LOG:
        break;
    }
    return NULL;
}

/* False for what is no file of a data directory: a digest file, a lock, a compressed or half-written snapshot. */
static bool name_of_text(const char *text, struct file_name *name)
{
    static const struct {
        const char *prefix;
        enum file_kind kind;
    } numbered[] = {{"log.", FILE_LOG}, {"snapshot.", FILE_SNAPSHOT}, {CONFIG_PREFIX, FILE_CONFIG}};
    if (strcmp(text, CONFIG_PREFIX "next") == 0) {
        *name = (struct file_name){FILE_NEXT_CONFIG, 0};
        return true;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(numbered); i++) {
        guint64 zxid = 0;
        if (g_str_has_prefix(text, numbered[i].prefix)) {
            *name = (struct file_name){numbered[i].kind, 0};
            bool is_number =
                g_ascii_string_to_unsigned(text + strlen(numbered[i].prefix), 16, 0, INT64_MAX, &zxid, NULL);
            name->zxid = (zxid_t)zxid;
            return is_number;
        }
    }
    if (strcmp(text, "acceptedEpoch") == 0 || strcmp(text, "currentEpoch") == 0) {
        *name = (struct file_name){*text == 'a' ? FILE_ACCEPTED_EPOCH : FILE_CURRENT_EPOCH, 0};
        return true;
    }
    return false;
}

/* ---- loading ------------------------------------------------------------------------------------------------------------ */

static gsize length_without_padding(const char *octets, gsize length)
{
    while (length > 0 && octets[length - 1] == 0) {
        length--;
    }
    return length;
}

static bool load_file(const char *path, struct file_name name, struct disk *disk, GError **error)
{
    char *octets = NULL;
    gsize length = 0;
    GError *cause = NULL;
    if (!g_file_get_contents(path, &octets, &length, &cause)) {
        g_set_error(error, DATA_DIRECTORY_ERROR, DATA_DIRECTORY_ERROR_MACHINE, "%s", cause->message);
        g_error_free(cause);
        return false;
    }
    if (name.kind == FILE_LOG) {
        length = length_without_padding(octets, length);
    }
    bool fits = length <= INT32_MAX;
    if (fits) {
        disk_append(disk, name, (struct bytes){(const uint8_t *)octets, (int32_t)length});
    }
    g_free(octets);
    return fits ||
           refuse(error, DATA_DIRECTORY_ERROR_INPUT, path, "is larger than 2 GiB; let ZooKeeper purge its logs");
}

/* Configurations lie beside the version folder, where an operator would keep zoo.cfg. */
static bool is_config(struct file_name name)
{
    return name.kind == FILE_CONFIG || name.kind == FILE_NEXT_CONFIG;
}

static bool load_folder(const char *path, bool of_configs, struct disk *disk, GError **error)
{
    GError *cause = NULL;
    GDir *folder = g_dir_open(path, 0, &cause);
    if (folder == NULL) {
        g_set_error(error, DATA_DIRECTORY_ERROR, DATA_DIRECTORY_ERROR_MACHINE, "%s", cause->message);
        g_error_free(cause);
        return false;
    }
    bool ok = true;
    for (const char *text; ok && (text = g_dir_read_name(folder)) != NULL;) {
        struct file_name name;
        bool is_known = name_of_text(text, &name);
        if (is_known && is_config(name) == of_configs) {
            char *file = g_build_filename(path, text, NULL);
            ok = load_file(file, name, disk, error);
            g_free(file);
        } else if (!is_known && (g_str_has_prefix(text, "snapshot.") || g_str_has_prefix(text, "log."))) {
            ok = refuse(error, DATA_DIRECTORY_ERROR_INPUT, path,
                        "a log or snapshot whose name does not end in a hexadecimal zxid; a compressed snapshot cannot "
                        "be read, let the server write one with snapshot.compression.method unset");
        }
    }
    g_dir_close(folder);
    disk_write_back(disk);
    return ok;
}

static struct disk *disk_of_server(struct world *world, guint64 server)
{
    uint32_t node = server < ARRAY_LENGTH(world->node_of_server) ? world->node_of_server[server] : NODE_NONE;
    return node == NODE_NONE || world->nodes[node].kind != NODE_SERVER ? NULL : &world->nodes[node].disk;
}

/* A folder with a version-2 belongs to the server named in its myid. */
static bool load_server_folder(const char *path, struct world *world, GError **error)
{
    char *myid = g_build_filename(path, "myid", NULL);
    char *text = NULL;
    guint64 server = 0;
    bool ok = false;
    if (!g_file_get_contents(myid, &text, NULL, NULL) ||
        !g_ascii_string_to_unsigned(g_strstrip(text), 10, 1, ARRAY_LENGTH(world->node_of_server) - 1, &server, NULL)) {
        refuse(error, DATA_DIRECTORY_ERROR_INPUT, myid, "must hold the server's number, for instance 1");
    } else if (disk_of_server(world, server) == NULL) {
        g_set_error(error, DATA_DIRECTORY_ERROR, DATA_DIRECTORY_ERROR_INPUT,
                    "%s: the ensemble has no server %" G_GUINT64_FORMAT
                    "; give it more servers or move the folder away",
                    myid, server);
    } else if (disk_of_server(world, server)->file_count > 0) {
        refuse(error, DATA_DIRECTORY_ERROR_INPUT, myid, "another folder is of the same server; move one away");
    } else {
        char *version = g_build_filename(path, VERSION_FOLDER, NULL);
        ok = load_folder(path, true, disk_of_server(world, server), error) &&
             load_folder(version, false, disk_of_server(world, server), error);
        g_free(version);
    }
    g_free(text);
    g_free(myid);
    return ok;
}

static bool has_version_folder(const char *path)
{
    char *version = g_build_filename(path, VERSION_FOLDER, NULL);
    bool has = g_file_test(version, G_FILE_TEST_IS_DIR);
    g_free(version);
    return has;
}

static bool load_server_folders(const char *path, struct world *world, GError **error)
{
    GDir *folder = g_dir_open(path, 0, NULL);
    if (folder == NULL) {
        return refuse(error, DATA_DIRECTORY_ERROR_INPUT, path, "is no folder that can be read");
    }
    bool ok = true;
    bool any = false;
    for (const char *name; ok && (name = g_dir_read_name(folder)) != NULL;) {
        char *server = g_build_filename(path, name, NULL);
        if (has_version_folder(server)) {
            any = true;
            ok = load_server_folder(server, world, error);
        }
        g_free(server);
    }
    g_dir_close(folder);
    if (ok && !any) {
        return refuse(error, DATA_DIRECTORY_ERROR_INPUT, path,
                      "has no " VERSION_FOLDER
                      " and no folder that has one; name a ZooKeeper dataDir, or a folder of them");
    }
    return ok;
}

bool data_directory_load(const char *path, struct world *world, GError **error)
{
    if (!has_version_folder(path)) {
        return load_server_folders(path, world, error);
    }
    bool ok = true;
    char *version = g_build_filename(path, VERSION_FOLDER, NULL);
    for (uint32_t i = 0; ok && i < world->node_count; i++) {
        if (world->nodes[i].kind == NODE_SERVER) {
            ok = load_folder(version, false, &world->nodes[i].disk, error);
        }
    }
    g_free(version);
    return ok;
}

/* ---- from one run to the next -------------------------------------------------------------------------------------------- */

bool data_directory_generations(const char *path, char **newest, char **next, GError **error)
{
    if (g_mkdir_with_parents(path, FOLDER_MODE) != 0) {
        return refuse(error, DATA_DIRECTORY_ERROR_MACHINE, path, g_strerror(errno));
    }
    GError *cause = NULL;
    GDir *folder = g_dir_open(path, 0, &cause);
    if (folder == NULL) {
        g_set_error(error, DATA_DIRECTORY_ERROR, DATA_DIRECTORY_ERROR_INPUT, "%s", cause->message);
        g_error_free(cause);
        return false;
    }
    guint64 last = 0;
    for (const char *name; (name = g_dir_read_name(folder)) != NULL;) {
        guint64 number = 0;
        if (g_ascii_string_to_unsigned(name, 10, 1, UINT32_MAX, &number, NULL)) {
            last = MAX(last, number);
        }
    }
    g_dir_close(folder);
    *newest = last == 0 ? NULL : g_strdup_printf("%s/%" G_GUINT64_FORMAT, path, last);
    *next = g_strdup_printf("%s/%" G_GUINT64_FORMAT, path, last + 1);
    return true;
}

/* ---- saving ------------------------------------------------------------------------------------------------------------- */

static GByteArray *octets_of_file(const struct file *file)
{
    GByteArray *octets = g_byte_array_sized_new((guint)file->length);
    for (uint64_t at = 0; at < file->length; at = octets->len) {
        struct bytes piece = file_piece(file, at);
        g_byte_array_append(octets, piece.data, (guint)bytes_size(piece));
    }
    return octets;
}

static bool save_file(const char *folder, const char *name, const void *octets, gsize length, GError **error)
{
    char *path = g_build_filename(folder, name, NULL);
    bool ok = g_file_test(path, G_FILE_TEST_EXISTS)
                  ? refuse(error, DATA_DIRECTORY_ERROR_INPUT, path, "is there already; name another folder")
                  : text_file_write(path, octets, length, error);
    g_free(path);
    return ok;
}

static bool save_server(const char *path, const struct world_node *node, GError **error)
{
    char *version = g_build_filename(path, VERSION_FOLDER, NULL);
    bool ok = g_mkdir_with_parents(version, FOLDER_MODE) == 0 ||
              refuse(error, DATA_DIRECTORY_ERROR_MACHINE, version, g_strerror(errno));
    char *myid = g_strdup_printf("%" PRIu64 "\n", (uint64_t)node->server);
    ok = ok && save_file(path, "myid", myid, strlen(myid), error);
    for (uint32_t i = 0; ok && i < node->disk.file_count; i++) {
        const struct file *file = &node->disk.files[i];
        char *name = text_of_name(file->name);
        if (name != NULL) {
            GByteArray *octets = octets_of_file(file);
            ok = save_file(is_config(file->name) ? path : version, name, octets->data, octets->len, error);
            g_byte_array_free(octets, TRUE);
        }
        g_free(name);
    }
    g_free(myid);
    g_free(version);
    return ok;
}

bool data_directory_save(const char *path, const struct world *world, GError **error)
{
    bool ok = true;
    for (uint32_t i = 0; ok && i < world->node_count; i++) {
        const struct world_node *node = &world->nodes[i];
        if (node->kind == NODE_SERVER) {
            char *folder = g_build_filename(path, node->name, NULL);
            ok = save_server(folder, node, error);
            g_free(folder);
        }
    }
    return ok;
}

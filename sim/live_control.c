#include "sim/live_control.h"

#include <errno.h>
#include <gio/gunixsocketaddress.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/live_command.h"

#define CLIENTS_MAX 16
#define PATIENCE_SECONDS 5 /* with a client that does not send its line or read its answer */

struct live_control {
    struct live *live;
    GSocketService *service; /* NULL: no socket */
    char *path;
    guint stdin_source;
    GString *typed; /* an incomplete line of stdin */
    bool too_long;  /* what is left of a line is skipped */
    uint32_t clients;
};

/* ---- stdin ------------------------------------------------------------------------------------------------------ */

static void obey(struct live_control *control, const char *line)
{
    GString *answer = g_string_new(NULL);
    bool ok = live_command(control->live, line, answer);
    FILE *out = ok ? stdout : stderr;
    fputs(answer->str, out);
    fflush(out);
    g_string_free(answer, TRUE);
}

static void take_typed(struct live_control *control, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] != '\n') {
            control->too_long = control->too_long || control->typed->len >= LIVE_COMMAND_OCTETS_MAX;
            if (!control->too_long) {
                g_string_append_c(control->typed, text[i]);
            }
            continue;
        }
        if (control->too_long) {
            fprintf(stderr, "longer than %u octets\n", LIVE_COMMAND_OCTETS_MAX);
        } else {
            obey(control, control->typed->str);
        }
        control->too_long = false;
        g_string_truncate(control->typed, 0);
    }
}

static gboolean read_stdin(gint fd, GIOCondition condition, gpointer self)
{
    (void)condition;
    struct live_control *control = self;
    char text[4096];
    ssize_t length = read(fd, text, sizeof text);
    if (length > 0) {
        take_typed(control, text, (size_t)length);
        return G_SOURCE_CONTINUE;
    }
    if (length < 0 && (errno == EINTR || errno == EAGAIN)) {
        return G_SOURCE_CONTINUE;
    }
    control->stdin_source = 0;
    return G_SOURCE_REMOVE;
}

/* A shell stops a background job that reads the terminal. */
static bool may_read_stdin(void)
{
    return !isatty(STDIN_FILENO) || tcgetpgrp(STDIN_FILENO) == getpgrp();
}

/* ---- the socket ------------------------------------------------------------------------------------------------- */

struct client {
    struct live_control *control;
    GSocketConnection *connection;
    char line[LIVE_COMMAND_OCTETS_MAX + 1];
    size_t length;
    GString *answer;
};

static void free_client(struct client *client)
{
    client->control->clients--;
    g_object_unref(client->connection);
    g_string_free(client->answer, TRUE);
    g_free(client);
}

static void answered(GObject *stream, GAsyncResult *result, gpointer self)
{
    g_output_stream_write_all_finish(G_OUTPUT_STREAM(stream), result, NULL, NULL);
    free_client(self);
}

static void answer_client(struct client *client)
{
    GString *text = g_string_new(NULL);
    bool ok = false;
    if (memchr(client->line, '\n', client->length) != NULL) {
        *(char *)memchr(client->line, '\n', client->length) = '\0';
        ok = live_command(client->control->live, client->line, text);
    } else {
        g_string_append_printf(text, "expected one line of at most %u octets\n", LIVE_COMMAND_OCTETS_MAX);
    }
    g_string_append_printf(client->answer, "%d\n%s", ok ? 0 : 2, text->str);
    g_string_free(text, TRUE);
    g_output_stream_write_all_async(g_io_stream_get_output_stream(G_IO_STREAM(client->connection)), client->answer->str,
                                    client->answer->len, G_PRIORITY_DEFAULT, NULL, answered, client);
}

static void read_line(struct client *client);

static void line_came(GObject *stream, GAsyncResult *result, gpointer self)
{
    struct client *client = self;
    gssize length = g_input_stream_read_finish(G_INPUT_STREAM(stream), result, NULL);
    if (length <= 0) {
        free_client(client);
        return;
    }
    client->length += (size_t)length;
    if (memchr(client->line, '\n', client->length) != NULL || client->length == LIVE_COMMAND_OCTETS_MAX) {
        answer_client(client);
    } else {
        read_line(client);
    }
}

static void read_line(struct client *client)
{
    g_input_stream_read_async(g_io_stream_get_input_stream(G_IO_STREAM(client->connection)),
                              client->line + client->length, LIVE_COMMAND_OCTETS_MAX - client->length,
                              G_PRIORITY_DEFAULT, NULL, line_came, client);
}

static gboolean accept_client(GSocketService *service, GSocketConnection *connection, GObject *source, gpointer self)
{
    (void)service;
    (void)source;
    struct live_control *control = self;
    if (control->clients >= CLIENTS_MAX) {
        return TRUE;
    }
    struct client *client = g_new0(struct client, 1);
    control->clients++;
    client->control = control;
    client->connection = g_object_ref(connection);
    client->answer = g_string_new(NULL);
    g_socket_set_timeout(g_socket_connection_get_socket(connection), PATIENCE_SECONDS);
    read_line(client);
    return TRUE;
}

bool live_control_is_abandoned(const char *path)
{
    GSocketClient *client = g_socket_client_new();
    GSocketAddress *address = g_unix_socket_address_new(path);
    GSocketConnection *connection = g_socket_client_connect(client, G_SOCKET_CONNECTABLE(address), NULL, NULL);
    bool abandoned = connection == NULL;
    g_clear_object(&connection);
    g_object_unref(address);
    g_object_unref(client);
    return abandoned;
}

/* Of an earlier ensemble that was killed; nothing but a socket is removed. */
static void remove_abandoned(const char *path)
{
    GStatBuf status;
    if (g_lstat(path, &status) == 0 && S_ISSOCK(status.st_mode) && live_control_is_abandoned(path)) {
        g_unlink(path);
    }
}

static bool listen_at(struct live_control *control, const char *path, GError **error)
{
    if (strlen(path) >= 108) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    "the path of a socket has at most 107 octets: %s; give a shorter one with --socket", path);
        return false;
    }
    remove_abandoned(path);
    control->service = g_socket_service_new();
    GSocketAddress *address = g_unix_socket_address_new(path);
    mode_t before = umask(077);
    bool ok = g_socket_listener_add_address(G_SOCKET_LISTENER(control->service), address, G_SOCKET_TYPE_STREAM,
                                            G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL, error);
    umask(before);
    g_object_unref(address);
    if (!ok) {
        g_prefix_error(error, "control socket %s: ", path);
        return false;
    }
    control->path = g_strdup(path);
    g_signal_connect(control->service, "incoming", G_CALLBACK(accept_client), control);
    return true;
}

struct live_control *live_control_new(struct live *live, const char *path, GError **error)
{
    struct live_control *control = g_new0(struct live_control, 1);
    control->live = live;
    control->typed = g_string_new(NULL);
    if (path != NULL && !listen_at(control, path, error)) {
        live_control_free(control);
        return NULL;
    }
    if (may_read_stdin()) {
        control->stdin_source = g_unix_fd_add(STDIN_FILENO, G_IO_IN | G_IO_HUP, read_stdin, control);
    }
    return control;
}

void live_control_free(struct live_control *control)
{
    if (control->stdin_source != 0) {
        g_source_remove(control->stdin_source);
    }
    if (control->service != NULL) {
        g_socket_service_stop(control->service);
    }
    if (control->path != NULL) {
        g_unlink(control->path);
        g_free(control->path);
    }
    while (control->clients > 0) {
        g_main_context_iteration(NULL, TRUE); /* answers under way; their sockets have timeouts */
    }
    if (control->service != NULL) {
        g_socket_listener_close(G_SOCKET_LISTENER(control->service));
        g_object_unref(control->service);
    }
    g_string_free(control->typed, TRUE);
    g_free(control);
}

char *live_control_directory(GError **error)
{
    char *path = g_build_filename(g_get_user_runtime_dir(), "zksim", NULL);
    if (g_mkdir_with_parents(path, 0700) != 0) {
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno), "%s: %s; give a path with --socket",
                    path, g_strerror(errno));
        g_clear_pointer(&path, g_free);
    }
    return path;
}

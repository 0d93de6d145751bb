#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <stdio.h>
#include <string.h>

#include "sim/cmd/command.h"
#include "sim/cmd/ctl_reconfig.h"
#include "sim/live_command.h"
#include "sim/live_control.h"

#define ANSWER_OCTETS 4096

/* The only ensemble of this user that runs; NULL with an error. */
static char *find_socket(GError **error)
{
    char *directory = live_control_directory(error);
    if (directory == NULL) {
        return NULL;
    }
    GDir *names = g_dir_open(directory, 0, error);
    GPtrArray *sockets = g_ptr_array_new_with_free_func(g_free);
    for (const char *name; names != NULL && (name = g_dir_read_name(names)) != NULL;) {
        if (g_str_has_suffix(name, ".sock")) {
            char *path = g_build_filename(directory, name, NULL);
            if (live_control_is_abandoned(path)) {
                g_free(path);
            } else {
                g_ptr_array_add(sockets, path);
            }
        }
    }
    char *found = NULL;
    if (names != NULL && sockets->len == 1) {
        found = g_strdup(sockets->pdata[0]);
    } else if (names != NULL && sockets->len == 0) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "no 'zksim serve' of yours runs (none in %s)", directory);
    } else if (names != NULL) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "%u ensembles in %s: say which with --socket, as printed by 'zksim serve'", sockets->len,
                    directory);
    }
    g_clear_pointer(&names, g_dir_close);
    g_ptr_array_free(sockets, TRUE);
    g_free(directory);
    return found;
}

/* The whole answer; NULL with an error. */
static GString *ask(const char *path, const char *line, GError **error)
{
    GSocketClient *client = g_socket_client_new();
    GSocketAddress *address = g_unix_socket_address_new(path);
    GSocketConnection *connection = g_socket_client_connect(client, G_SOCKET_CONNECTABLE(address), NULL, error);
    GString *answer = NULL;
    if (connection == NULL) {
        g_prefix_error(error, "%s: nobody listens there: ", path);
    } else {
        GInputStream *in = g_io_stream_get_input_stream(G_IO_STREAM(connection));
        GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(connection));
        char octets[ANSWER_OCTETS];
        gssize length = -1;
        answer = g_string_new(NULL);
        if (g_output_stream_write_all(out, line, strlen(line), NULL, NULL, error)) {
            while ((length = g_input_stream_read(in, octets, sizeof octets, NULL, error)) > 0) {
                g_string_append_len(answer, octets, length);
            }
        }
        if (length < 0) {
            g_string_free(answer, TRUE);
            answer = NULL;
        }
        g_object_unref(connection);
    }
    g_object_unref(address);
    g_object_unref(client);
    return answer;
}

static char *ask_state(const char *path, GError **error)
{
    GString *answer = ask(path, "state\n", error);
    return answer == NULL ? NULL : g_string_free(answer, FALSE);
}

static int tell(const char *path, const char *line)
{
    GError *error = NULL;
    GString *answer = ask(path, line, &error);
    if (answer == NULL) {
        return command_fail(error);
    }
    int status = STATUS_MACHINE;
    if (g_str_has_prefix(answer->str, "0\n")) {
        status = STATUS_AS_EXPECTED;
        fputs(answer->str + 2, stdout);
    } else if (g_str_has_prefix(answer->str, "2\n")) {
        status = STATUS_USAGE;
        fprintf(stderr, "zksim: %s", answer->str + 2);
    } else {
        fprintf(stderr, "zksim: the ensemble at %s ended before it answered\n", path);
    }
    g_string_free(answer, TRUE);
    return status;
}

static int tell_words(char *socket, const char *auth, char **words)
{
    GError *error = NULL;
    char *path = socket == NULL ? find_socket(&error) : g_strdup(socket);
    if (path == NULL) {
        return command_fail(error);
    }
    char *joined = g_strjoinv(" ", words);
    int status;
    if (strlen(joined) >= LIVE_COMMAND_OCTETS_MAX || strchr(joined, '\n') != NULL) {
        status = command_usage("ctl", "a command is one line of less than %u octets", LIVE_COMMAND_OCTETS_MAX);
    } else if (ctl_reconfig_is(joined)) {
        status = ctl_reconfig(joined, auth, path, ask_state);
    } else {
        char *line = g_strconcat(joined, "\n", NULL);
        status = tell(path, line);
        g_free(line);
    }
    g_free(joined);
    g_free(path);
    return status;
}

int command_ctl(int argc, char **argv)
{
    char *socket = NULL, *auth = NULL;
    const GOptionEntry entries[] = {
        {"socket", 0, 0, G_OPTION_ARG_FILENAME, &socket, "Of the ensemble (default: the only one that runs)", "PATH"},
        {"auth", 0, 0, G_OPTION_ARG_STRING, &auth, "Who asks for a reconfiguration, in the scheme digest",
         "USER:PASSWORD"},
        {0},
    };
    int status;
    if (command_parse(&argc, &argv, "COMMAND...",
                      "Says one line to an ensemble of 'zksim serve' and prints its answer: a fault in the words of "
                      "scenarios,\nor state, check, expire session ID, reconfig add N remove N, help, quit.",
                      entries, &status)) {
        status = argc >= 2 ? tell_words(socket, auth, argv + 1)
                           : command_usage("ctl", "one COMMAND is needed, such as 'kill leader'; 'help' lists them");
    }
    g_free(socket);
    g_free(auth);
    return status;
}

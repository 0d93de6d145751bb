#include "sim/cmd/scenario_files.h"

#include <string.h>

#include "sim/cmd/command.h"

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What is in the folder, as paths, sorted. */
static GPtrArray *list_folder(const char *folder, GError **error)
{
    GDir *dir = g_dir_open(folder, 0, error);
    if (dir == NULL) {
        return NULL;
    }
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    const char *name;
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_ptr_array_add(paths, g_build_filename(folder, name, NULL));
    }
    g_dir_close(dir);
    g_ptr_array_sort(paths, compare_names);
    return paths;
}

/* What is written for the explorer: simulated, it would break other expectations. */
static bool is_for_explorer(const char *path)
{
    return g_str_has_suffix(path, "/explore");
}

/* Folders in the folder too: what is in them takes their place. */
static bool add_folder(GPtrArray *files, const char *folder, GError **error)
{
    GPtrArray *waiting = list_folder(folder, error);
    bool ok = waiting != NULL;
    for (guint next = 0; ok && next < waiting->len; next++) {
        const char *path = waiting->pdata[next];
        if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
            if (is_for_explorer(path)) {
                continue;
            }
            GPtrArray *inner = list_folder(path, error);
            ok = inner != NULL;
            for (guint i = 0; ok && i < inner->len; i++) {
                g_ptr_array_insert(waiting, (gint)(next + 1 + i), g_strdup(inner->pdata[i]));
            }
            if (ok) {
                g_ptr_array_free(inner, TRUE);
            }
        } else if (g_str_has_suffix(path, ".scn")) {
            g_ptr_array_add(files, g_strdup(path));
        }
    }
    if (waiting != NULL) {
        g_ptr_array_free(waiting, TRUE);
    }
    return ok;
}

char **scenario_files(char *const *names, GError **error)
{
    GPtrArray *files = g_ptr_array_new();
    bool ok = true;
    for (size_t i = 0; ok && names[i] != NULL; i++) {
        guint before = files->len;
        if (!g_file_test(names[i], G_FILE_TEST_IS_DIR)) {
            g_ptr_array_add(files, g_strdup(names[i]));
            continue;
        }
        ok = add_folder(files, names[i], error);
        if (ok && files->len == before) {
            ok = false;
            g_set_error(error, COMMAND_ERROR, 0, "no scenario in %s", names[i]);
        }
    }
    g_ptr_array_add(files, NULL);
    char **paths = (char **)(void *)g_ptr_array_free(files, FALSE);
    if (!ok) {
        g_strfreev(paths);
        return NULL;
    }
    return paths;
}

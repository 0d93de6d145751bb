#include "sim/text_file.h"

#include <errno.h>
#include <stdio.h>

static bool write_into(const char *path, const char *text, gsize length, GError **error)
{
    FILE *file = fopen(path, "w");
    bool ok = file != NULL && fwrite(text, 1, length, file) == length;
    ok = (file == NULL || fclose(file) == 0) && ok;
    if (!ok) {
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno), "cannot write '%s': %s", path,
                    g_strerror(errno));
    }
    return ok;
}

bool text_file_write(const char *path, const char *text, gsize length, GError **error)
{
    bool is_special = g_file_test(path, G_FILE_TEST_EXISTS) && !g_file_test(path, G_FILE_TEST_IS_REGULAR);
    return is_special ? write_into(path, text, length, error)
                      : g_file_set_contents(path, text, (gssize)length, error) != FALSE;
}

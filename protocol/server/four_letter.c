#include "protocol/server/four_letter.h"

#include <string.h>

#include "protocol/base/text.h"
#include "protocol/server/server_state.h"

#define WORD_LENGTH 4U
#define MASK_LENGTH 8U
#define NOT_SERVING "This ZooKeeper instance is not currently serving requests\n"

struct word {
    char name[WORD_LENGTH + 1];
    bool always; /* answered by a server that does not serve, too */
    void (*say)(const struct four_letter *word);
};

static void say_ruok(const struct four_letter *word)
{
    text_add(word->text, "imok");
}

static void say_isro(const struct four_letter *word)
{
    const struct server *server = word->server;
    const char *writable = server->serving ? "rw" : "null";
    text_add(word->text, server->read_only ? "ro" : writable);
}

static void say_gtmk(const struct four_letter *word)
{
    text_add_decimal(word->text, word->server->statistics.trace_mask);
}

static void say_nothing(const struct four_letter *word)
{
    (void)word;
}

static const struct word words[] = {
    {"ruok", true, say_ruok},          {"isro", true, say_isro},          {"srvr", false, four_letter_srvr},
    {"stat", false, four_letter_stat}, {"cons", false, four_letter_cons}, {"conf", false, four_letter_conf},
    {"dump", false, four_letter_dump}, {"wchs", false, four_letter_wchs}, {"wchc", false, four_letter_wchc},
    {"wchp", false, four_letter_wchp}, {"mntr", false, four_letter_mntr}, {"envi", true, four_letter_envi},
    {"dirs", false, four_letter_dirs}, {"gtmk", true, say_gtmk},          {"stmk", true, say_gtmk},
    {"crst", false, four_letter_crst}, {"srst", false, four_letter_srst}, {"hash", true, say_nothing},
};
#define WORD_COUNT (sizeof words / sizeof words[0])

static const uint8_t telnet_close[WORD_LENGTH] = {0xff, 0xf4, 0xff, 0xfd};

bool four_letter_enabled(const struct server *server)
{
    return server->config.words[0] != '\0' || server->config.read_only_mode;
}

/* Is it an element of the comma list, blanks around it aside, or is one of them "*"? */
static bool is_listed(const char *list, const char *name)
{
    while (*list != '\0') {
        while (*list == ' ' || *list == ',') {
            list++;
        }
        size_t length = 0;
        while (list[length] != '\0' && list[length] != ',' && list[length] != ' ') {
            length++;
        }
        if ((length == 1 && *list == '*') || (length == strlen(name) && memcmp(list, name, length) == 0)) {
            return true;
        }
        list += length;
    }
    return false;
}

static bool is_allowed(const struct server *server, const char *name)
{
    bool always = strcmp(name, "srvr") == 0 || (server->config.read_only_mode && strcmp(name, "isro") == 0);
    return always || is_listed(server->config.words, name);
}

static const struct word *find_word(struct bytes octets)
{
    for (size_t i = 0; i < WORD_COUNT; i++) {
        if (memcmp(words[i].name, octets.data, WORD_LENGTH) == 0) {
            return &words[i];
        }
    }
    return NULL;
}

static void answer(struct server *server, const struct connection *connection, const struct word *word,
                   struct text_builder *text)
{
    const struct four_letter said = {server, connection, text};
    if (word == NULL || !is_allowed(server, word->name)) {
        text_add(text, word == NULL ? "telnet close" : word->name);
        text_add(text, " is not executed because it is not in the whitelist.\n");
    } else if (server->serving || server->read_only || word->always) {
        word->say(&said);
    } else {
        text_add(text, NOT_SERVING);
    }
}

static void set_mask(struct server *server, struct bytes octets)
{
    struct jute_reader reader = jute_reader_of_bytes(octets);
    server->statistics.trace_mask = jute_read_int64(&reader);
}

size_t four_letter_receive(struct server *server, struct connection *connection, struct bytes octets, bool *incomplete)
{
    *incomplete = false;
    if (!four_letter_enabled(server) || bytes_size(octets) < WORD_LENGTH) {
        return 0;
    }
    const struct word *word = find_word(octets);
    size_t length = WORD_LENGTH;
    if (word == NULL && memcmp(octets.data, telnet_close, WORD_LENGTH) != 0) {
        return 0;
    }
    if (word != NULL && memcmp(word->name, "stmk", WORD_LENGTH) == 0 && is_allowed(server, "stmk")) {
        length += MASK_LENGTH;
        if (bytes_size(octets) < length) {
            *incomplete = true;
            return 0;
        }
        set_mask(server, (struct bytes){octets.data + WORD_LENGTH, MASK_LENGTH});
    }
    statistics_received(server, connection);
    struct jute_writer writer = outputs_write(server->out);
    struct text_builder text = text_of((char *)writer.start + writer.used, writer.capacity - writer.used);
    answer(server, connection, word, &text);
    writer.used += text.used;
    if (text.used > 0) {
        outputs_send(server->out, connection->id, &writer);
    }
    server_close(server, connection);
    return length;
}

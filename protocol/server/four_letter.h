/* four_letter.h -- Four-letter words: what an operator asks a client port without being a client.
 *
 * Recognised as the first four octets of a connection, where a length would be; answered with text, and the connection is
 * closed behind it.  A word that the setting `words` does not name is answered with a sentence that says so; srvr is always
 * named, isro in a server that may go read-only, but if the setting is empty no octets are words at all: simulated servers,
 * whom nobody asks, close a connection at once while they do not serve.
 *
 *   ruok isro srvr stat cons conf dump wchs wchc wchp mntr envi dirs gtmk stmk(8 octets) crst srst hash, and telnet's fff4fffd
 *
 * What has no meaning here: envi says <NA> of all that is about a JVM and its host (and 0MB of memory), dirs and conf say 0 of
 * sizes on disk; mntr gives the values that exist here and leaves out those that measure Apache's threads and queues.
 * Lists that have a hash order in Apache have that of their making here.
 * Upstream: FourLetterCommands.java and server/command, ServerStats.java, ServerCnxn.java (dumpConnectionInfo).
 */
#ifndef PROTOCOL_SERVER_FOUR_LETTER_H
#define PROTOCOL_SERVER_FOUR_LETTER_H

#include "protocol/base/types.h"

struct connection;
struct server;
struct text_builder;

/* The setting of the server, not whether any is allowed. */
bool four_letter_enabled(const struct server *server);

/* Answers a word and closes.  0: `octets` are none, or (with `incomplete`) not all of it; else how many it took. */
size_t four_letter_receive(struct server *server, struct connection *connection, struct bytes octets, bool *incomplete);

/* ---- between four_letter.c and four_letter_text.c: what is said while serving ---- */
struct four_letter {
    struct server *server;
    const struct connection *connection; /* who asks */
    struct text_builder *text;
};

const char *four_letter_mode(const struct server *server);
void four_letter_srvr(const struct four_letter *word);
void four_letter_stat(const struct four_letter *word);
void four_letter_cons(const struct four_letter *word);
void four_letter_conf(const struct four_letter *word);
void four_letter_dump(const struct four_letter *word);
void four_letter_wchs(const struct four_letter *word);
void four_letter_wchc(const struct four_letter *word);
void four_letter_wchp(const struct four_letter *word);
void four_letter_mntr(const struct four_letter *word);
void four_letter_dirs(const struct four_letter *word);
void four_letter_crst(const struct four_letter *word);
void four_letter_srst(const struct four_letter *word);
void four_letter_envi(const struct four_letter *word);

#endif

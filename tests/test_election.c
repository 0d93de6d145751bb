/* The order of votes, when they agree, and what a quorum is: tables of cases in tests/data/election. */
#include <stdio.h>
#include <string.h>

#include "protocol/election/vote.h"
#include "protocol/server/activation.h"
#include "protocol/server/server_state.h"
#include "tests/story.h"
#include "tests/test.h"

/* LEADER/EPOCH/ZXID, ROUND and the sender's STATE after it: 3/1/0x100000002/7/LOOKING. */
static bool vote_of(const char *word, struct vote *vote)
{
    g_auto(GStrv) parts = g_strsplit(word, "/", -1);
    if (g_strv_length(parts) < 3) {
        return false;
    }
    *vote = (struct vote){.leader = g_ascii_strtoll(parts[0], NULL, 0),
                          .epoch = g_ascii_strtoll(parts[1], NULL, 0),
                          .zxid = g_ascii_strtoll(parts[2], NULL, 0),
                          .state = SERVER_LOOKING};
    if (g_strv_length(parts) == 5) {
        vote->round = g_ascii_strtoll(parts[3], NULL, 0);
        while (vote->state <= SERVER_OBSERVING && strcmp(server_state_name(vote->state), parts[4]) != 0) {
            vote->state++;
        }
    }
    return vote->state <= SERVER_OBSERVING;
}

/* quorum voters=1,2,3 observers=4 of=1,2 */
static bool has_quorum(char **words)
{
    struct server server = {.config = {.id = 1}};
    uint32_t members = 0;
    static const char *const keys[] = {"voters", "observers"};
    for (int role = 0; role < 2; role++) {
        g_auto(GStrv) ids = g_strsplit(story_text(words, keys[role], ""), ",", -1);
        for (size_t i = 0; ids[i] != NULL; i++) {
            struct member member = {g_ascii_strtoll(ids[i], NULL, 10), (enum member_role)role};
            server.config.members[server.config.member_count++] = member;
        }
    }
    g_auto(GStrv) present = g_strsplit(story_text(words, "of", ""), ",", -1);
    for (size_t i = 0; present[i] != NULL; i++) {
        members |= server_member_bit(&server, g_ascii_strtoll(present[i], NULL, 10));
    }
    activation_of_settings(&server.config, &server.verifier);
    return server_has_quorum(&server, members);
}

static void *create(void)
{
    return g_new0(struct flaws, 1);
}

static bool run(void *teller, char **words, GString *output)
{
    struct vote a, b;
    if (strcmp(words[0], "quorum") == 0) {
        g_string_append(output, has_quorum(words) ? "quorum\n" : "no quorum\n");
        return true;
    }
    if (g_strv_length(words) != 3 || !vote_of(words[1], &a) || !vote_of(words[2], &b)) {
        return false;
    }
    if (strcmp(words[0], "beats") == 0) {
        g_string_append(output, vote_beats(teller, a, b) ? "yes\n" : "no\n");
        return true;
    }
    if (strcmp(words[0], "agree") == 0) {
        g_string_append(output, vote_agrees(a, b) ? "yes\n" : "no\n");
        return vote_agrees(a, b) == vote_agrees(b, a);
    }
    return false;
}

static void the_tables_hold(void)
{
    static const struct story_teller teller = {create, run, g_free};
    story_check_directory("tests/data/election", &teller);
}

static const struct test_case cases[] = {
    {"votes and quorums are as the tables say", the_tables_hold},
    {NULL, NULL},
};

const struct test_suite test_suite_election = {"election", cases};

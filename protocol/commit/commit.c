#include "protocol/commit/commit.h"

const char *commit_protocol_name(uint32_t protocol)
{
    static const char *const names[COMMIT_PROTOCOL_COUNT] = {
        [COMMIT_TWO_PHASE] = "two-phase",
        [COMMIT_THREE_PHASE] = "three-phase",
        [COMMIT_QUORUM] = "quorum",
    };
    return protocol < COMMIT_PROTOCOL_COUNT ? names[protocol] : NULL;
}

const char *commit_state_name(uint32_t state)
{
    static const char *const names[COMMIT_STATE_COUNT] = {
        [COMMIT_INITIAL] = "initial",           [COMMIT_WAIT] = "wait",       [COMMIT_PREABORTED] = "preaborted",
        [COMMIT_PRECOMMITTED] = "precommitted", [COMMIT_ABORTED] = "aborted", [COMMIT_COMMITTED] = "committed",
    };
    return state < COMMIT_STATE_COUNT ? names[state] : NULL;
}

#include "protocol/server/password.h"

#include <string.h>

#define JAVA_MULTIPLIER UINT64_C(0x5DEECE66D)
#define JAVA_MASK ((UINT64_C(1) << 48) - 1)
#define SUPER_SECRET UINT64_C(0xB3415C00)

void session_password(session_id_t session, uint8_t password[SESSION_PASSWORD_LENGTH])
{
    uint64_t state = ((uint64_t)session ^ SUPER_SECRET ^ JAVA_MULTIPLIER) & JAVA_MASK;
    for (size_t i = 0; i < SESSION_PASSWORD_LENGTH; i += 4) {
        state = (state * JAVA_MULTIPLIER + 0xB) & JAVA_MASK;
        uint32_t draw = (uint32_t)(state >> 16);
        for (size_t k = 0; k < 4; k++) {
            password[i + k] = (uint8_t)(draw >> (8 * k));
        }
    }
}

bool session_password_matches(session_id_t session, struct bytes password)
{
    uint8_t expected[SESSION_PASSWORD_LENGTH];
    session_password(session, expected);
    return session != 0 && password.length == SESSION_PASSWORD_LENGTH &&
           memcmp(password.data, expected, SESSION_PASSWORD_LENGTH) == 0;
}

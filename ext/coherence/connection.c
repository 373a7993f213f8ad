#include "coherence/connection.h"

#include "base/guard.h"

bool connection_is_hooked(const struct connection *connection)
{
    return connection->hooked &&
           (hooks_hold(connection->db, &connection->hooks) || !GUARD(HOOK_SLOTS));
}

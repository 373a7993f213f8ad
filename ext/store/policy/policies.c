#include "store/policy/policies.h"

#include <assert.h>

#include "base/sqlite.h"

#define DECLARE(name) extern const struct policy policy_##name;
POLICIES(DECLARE, DECLARE)

#define POINT_FIRST(name) &policy_##name
#define POINT_OTHER(name) , &policy_##name
static const struct policy *const policies[] = {POLICIES(POINT_FIRST, POINT_OTHER)};

#define POLICY_COUNT (sizeof policies / sizeof policies[0])

const struct policy *policy_at(int64_t number)
{
    assert(number >= 0 && (size_t)number < POLICY_COUNT);
    return policies[number];
}

const struct policy *policy_find(const char *name)
{
    assert(name != NULL);
    for (size_t i = 0; i < POLICY_COUNT; i++)
        if (sqlite3_stricmp(policies[i]->name, name) == 0)
            return policies[i];
    return NULL;
}

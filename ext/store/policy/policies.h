/*
** The eviction policies by name: the first is the default. A policy is a file NAME.c in this
** folder, which defines `const struct policy policy_NAME` (policy.h says what that is), and its
** name in the list below. The setting `policy`, its error texts and the benchmark follow the list.
*/
#ifndef QUERYCACHE_STORE_POLICY_POLICIES_H
#define QUERYCACHE_STORE_POLICY_POLICIES_H

#include "store/policy/policy.h"

#define POLICIES(FIRST, OTHER)                                                                     \
    FIRST(lru)                                                                                     \
    OTHER(s3fifo)                                                                                  \
    OTHER(gdsf)

/* As error texts have them: 'lru', 's3fifo', 'gdsf'. */
#define POLICIES_QUOTE_FIRST(name) "'" #name "'"
#define POLICIES_QUOTE_OTHER(name) ", '" #name "'"
#define POLICIES_FORM "one of " POLICIES(POLICIES_QUOTE_FIRST, POLICIES_QUOTE_OTHER)

/* As an initializer of texts. */
#define POLICIES_NAME_FIRST(name) #name
#define POLICIES_NAME_OTHER(name) , #name
#define POLICIES_NAMES POLICIES(POLICIES_NAME_FIRST, POLICIES_NAME_OTHER)

/* By its place in the list, as the setting has it; the first is the default. */
const struct policy *policy_at(int64_t number);

/* By its name in any case; NULL when there is none. */
const struct policy *policy_find(const char *name);

#endif

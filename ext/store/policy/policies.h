/*
** The eviction policies by name: the first is the default. A policy is a file ext/store/NAME.c that
** defines `const struct policy policy_NAME` (store/policy/policy.h says what that is), and its name in the
** list below. It stands in base, because it is also what the setting `policy` accepts.
*/
#ifndef QUERYCACHE_BASE_POLICIES_H
#define QUERYCACHE_BASE_POLICIES_H

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

#endif

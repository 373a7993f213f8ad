/*
** TAP for C tests: a failing check prints what it got and what it expected. End main() with
** `return tap_done();`. A test program that stops early has no plan line, and so fails.
*/
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Shared by all files of a test program. */
__attribute__((weak)) int tap_count;
__attribute__((weak)) int tap_failed;

static inline bool tap_report(bool passed, const char *file, int line, const char *name)
{
    printf("%sok %d - %s\n", passed ? "" : "not ", ++tap_count, name);
    if (!passed) {
        tap_failed++;
        printf("#   at %s:%d\n", file, line);
    }
    fflush(stdout);
    return passed;
}

static inline bool tap_ok(bool passed, const char *text, const char *file, int line,
                          const char *name)
{
    if (!tap_report(passed, file, line, name))
        printf("#   expected: %s\n", text);
    return passed;
}

static inline bool tap_int(long long got, long long expected, const char *file, int line,
                           const char *name)
{
    if (tap_report(got == expected, file, line, name))
        return true;
    printf("#        got: %lld\n#   expected: %lld\n", got, expected);
    return false;
}

static inline bool tap_text(const char *got, const char *expected, const char *file, int line,
                            const char *name)
{
    bool same = got == expected || (got != NULL && expected != NULL && strcmp(got, expected) == 0);
    if (tap_report(same, file, line, name))
        return true;
    printf("#        got: %s\n#   expected: %s\n", got ? got : "(null)",
           expected ? expected : "(null)");
    return false;
}

static inline bool tap_contains(const char *got, const char *part, const char *file, int line,
                                const char *name)
{
    if (tap_report(got != NULL && strstr(got, part) != NULL, file, line, name))
        return true;
    printf("#            got: %s\n#   expected part: %s\n", got ? got : "(null)", part);
    return false;
}

static inline void tap_skip(const char *name, const char *why)
{
    printf("ok %d - %s # SKIP %s\n", ++tap_count, name, why);
}

static inline int tap_done(void)
{
    printf("1..%d\n", tap_count);
    return tap_failed != 0;
}

#define ok(condition, name) tap_ok((condition), #condition, __FILE__, __LINE__, (name))
#define is_int(got, expected, name)                                                                \
    tap_int((long long)(got), (long long)(expected), __FILE__, __LINE__, (name))
#define is_text(got, expected, name) tap_text((got), (expected), __FILE__, __LINE__, (name))
#define contains(got, part, name) tap_contains((got), (part), __FILE__, __LINE__, (name))

#endif

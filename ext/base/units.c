#include "base/units.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/space.h"
#include "base/ticks.h"

/* More digits than any number in range has use for. */
#define MAX_DIGITS 64

struct unit {
    const char *name;
    int64_t scale;
};

/* The first name of a scale, from the greatest down, is the one that is written. */
static const struct unit duration_units[] = {
    {"d", INT64_C(86400) * 1000000000},
    {"h", INT64_C(3600) * 1000000000},
    {"min", INT64_C(60) * 1000000000},
    {"s", INT64_C(1000000000)},
    {"ms", 1000000},
    {"us", 1000},
    {"day", INT64_C(86400) * 1000000000},
    {"days", INT64_C(86400) * 1000000000},
    {"hour", INT64_C(3600) * 1000000000},
    {"hours", INT64_C(3600) * 1000000000},
    {"minute", INT64_C(60) * 1000000000},
    {"minutes", INT64_C(60) * 1000000000},
    {"sec", INT64_C(1000000000)},
    {"second", INT64_C(1000000000)},
    {"seconds", INT64_C(1000000000)},
};

static const struct unit size_units[] = {
    {"TiB", INT64_C(1) << 40},   {"TB", INT64_C(1000000000000)}, {"GiB", INT64_C(1) << 30},
    {"GB", INT64_C(1000000000)}, {"MiB", INT64_C(1) << 20},      {"MB", INT64_C(1000000)},
    {"KiB", INT64_C(1) << 10},   {"KB", INT64_C(1000)},          {"B", 1},
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A decimal number as it was written, so that nothing is lost to binary fractions and no locale
** decides what a point is: 0.digits times ten to the power `point`. */
struct decimal {
    unsigned char digits[MAX_DIGITS];
    int count;
    int point;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* Does the text, but for space around it, say `name` in any case? */
static bool says(const char *text, const char *name)
{
    while (is_white_space(*text))
        text++;
    while (*name != 0 && lower(*text) == lower(*name)) {
        text++;
        name++;
    }
    while (is_white_space(*text))
        text++;
    return *name == 0 && *text == 0;
}

/* SQLite writes a small REAL with an exponent ('1.0e-05'). Moves the point, returns what
** follows. */
static const char *parse_exponent(const char *text, struct decimal *number)
{
    if (lower(*text) != 'e')
        return text;
    const char *digit = text + 1;
    bool negative = *digit == '-';
    if (*digit == '-' || *digit == '+')
        digit++;
    if (!is_digit(*digit))
        return text;
    int exponent = 0;
    for (; is_digit(*digit); digit++)
        if (exponent < 1000)
            exponent = exponent * 10 + (*digit - '0');
    number->point += negative ? -exponent : exponent;
    return digit;
}

/* What follows the number; NULL when there is none. */
static const char *parse_decimal(const char *text, struct decimal *number)
{
    bool any = false;
    bool fraction = false;
    *number = (struct decimal){.point = 0};
    while (is_white_space(*text))
        text++;
    for (;; text++) {
        if (*text == '.' && !fraction) {
            fraction = true;
            continue;
        }
        if (!is_digit(*text))
            break;
        any = true;
        if (!fraction && (number->count > 0 || *text != '0'))
            number->point++;
        if (fraction && number->count == 0 && *text == '0') {
            number->point--;
            continue;
        }
        if (number->count == 0 && *text == '0')
            continue;
        if (number->count == MAX_DIGITS)
            return NULL;
        number->digits[number->count++] = (unsigned char)(*text - '0');
    }
    return any ? parse_exponent(text, number) : NULL;
}

/* The number without trailing zeros has nothing behind its point. */
static bool is_whole(const struct decimal *number)
{
    int count = number->count;
    while (count > 0 && number->digits[count - 1] == 0)
        count--;
    return count <= number->point;
}

/* floor(number * scale), where that is positive and below INT64_MAX. */
static bool scale_decimal(const struct decimal *number, int64_t scale, int64_t *value)
{
    if (number->count == 0 || number->point > MAX_DIGITS)
        return false;
    int64_t whole = 0;
    for (int i = 0; i < number->point; i++) {
        int digit = i < number->count ? number->digits[i] : 0;
        if (whole > (INT64_MAX - digit) / 10)
            return false;
        whole = whole * 10 + digit;
    }
    /* From the last digit on: each step drops only what is below the floor of the end. */
    int64_t part = 0;
    for (int i = number->count - 1; i >= 0 && i >= number->point; i--)
        part = (number->digits[i] * scale + part) / 10;
    for (int i = number->point; i < 0 && part > 0; i++)
        part /= 10;
    if (whole > (INT64_MAX - 1 - part) / scale)
        return false;
    whole = whole * scale + part;
    if (whole < 1)
        return false;
    *value = whole;
    return true;
}

static const struct unit *find_unit(const struct unit *units, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (says(text, units[i].name))
            return &units[i];
    return NULL;
}

bool units_parse_duration(const char *text, int64_t *nanoseconds)
{
    assert(text != NULL && nanoseconds != NULL);
    struct decimal number;
    const char *rest = parse_decimal(text, &number);
    if (rest == NULL)
        return false;
    if (says(rest, ""))
        return scale_decimal(&number, TICKS_PER_SECOND, nanoseconds);
    const struct unit *unit = find_unit(duration_units, COUNT_OF(duration_units), rest);
    return unit != NULL && scale_decimal(&number, unit->scale, nanoseconds);
}

bool units_parse_size(const char *text, int64_t *bytes)
{
    assert(text != NULL && bytes != NULL);
    struct decimal number;
    const char *rest = parse_decimal(text, &number);
    if (rest == NULL)
        return false;
    if (says(rest, ""))
        return is_whole(&number) && scale_decimal(&number, 1, bytes);
    const struct unit *unit = find_unit(size_units, COUNT_OF(size_units), rest);
    return unit != NULL && scale_decimal(&number, unit->scale, bytes);
}

bool units_parse_count(const char *text, int64_t *count)
{
    assert(text != NULL && count != NULL);
    struct decimal number;
    const char *rest = parse_decimal(text, &number);
    return rest != NULL && says(rest, "") && is_whole(&number) && scale_decimal(&number, 1, count);
}

/* The unit that needs the fewest digits for a whole number, which is what people write: '90 min',
** not '1.5 h' and not '5400 s'. NULL: none divides the value. */
static const struct unit *best_unit(const struct unit *units, size_t count, int64_t value)
{
    const struct unit *best = NULL;
    int best_digits = 0;
    for (size_t i = 0; i < count; i++) {
        if (value % units[i].scale != 0)
            continue;
        int digits = snprintf(NULL, 0, "%" PRId64, value / units[i].scale);
        if (best == NULL || digits < best_digits) {
            best = &units[i];
            best_digits = digits;
        }
    }
    return best;
}

void units_format_duration(int64_t nanoseconds, char out[32])
{
    const struct unit *unit = best_unit(duration_units, COUNT_OF(duration_units), nanoseconds);
    if (nanoseconds == TICKS_NEVER)
        snprintf(out, 32, "none");
    else if (nanoseconds == 0)
        snprintf(out, 32, "0");
    else if (unit != NULL)
        snprintf(out, 32, "%" PRId64 " %s", nanoseconds / unit->scale, unit->name);
    else
        snprintf(out, 32, "%" PRId64 ".%03d us", nanoseconds / 1000, (int)(nanoseconds % 1000));
    /* Without the zeros at the end of a fraction there is no shorter way to write it. */
    char *point = unit == NULL ? strchr(out, '.') : NULL;
    if (point != NULL) {
        size_t digits = 3;
        while (point[digits] == '0')
            digits--;
        memcpy(point + digits + 1, " us", sizeof " us");
    }
}

void units_format_size(int64_t bytes, char out[32])
{
    const struct unit *unit = best_unit(size_units, COUNT_OF(size_units), bytes);
    if (bytes == INT64_MAX)
        snprintf(out, 32, "none");
    else if (unit == NULL || unit->scale == 1 || bytes == 0)
        snprintf(out, 32, "%" PRId64, bytes);
    else
        snprintf(out, 32, "%" PRId64 " %s", bytes / unit->scale, unit->name);
}

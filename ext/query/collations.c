#include "query/collations.h"

#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/sql.h"
/* Where replacements differ: case beyond ASCII, numbers in texts, accents, signs and spaces. */
static const char *const samples[] = {
    "",  "a",  "A",  "b",        "Z",        "_",        "a ",       " a",       "a\t",
    "9", "10", "a9", "a10",      "a-b",      "ab",       "\xc3\xa4", "\xc3\x84", "\xc3\xa9",
    "e", "ss", "i",  "\xc3\x9f", "\xc4\xb1", "\xd1\x8f", "\xd0\xaf", "\xcf\x83", "\xce\xa3",
};
#define SAMPLES ((int)(sizeof samples / sizeof samples[0]))

bool collation_is_built_in(const char *name, size_t size)
{
    static const char *const names[] = {"", "B", "BINARY", "NOCASE", "RTRIM"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strlen(names[i]) == size && sqlite3_strnicmp(names[i], name, (int)size) == 0)
            return true;
    }
    return false;
}

int collations_look_alike(sqlite3 *db, bool *own)
{
    sqlite3_stmt *list = NULL;
    int rc = sql_prepare(db, &list, "PRAGMA collation_list");
    while (rc == SQLITE_OK && sqlite3_step(list) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(list, 1);
        *own = *own || name == NULL || sqlite3_stricmp(name, "B") == 0 ||
               strpbrk(name, "-.,)") != NULL;
    }
    int finalized = sqlite3_finalize(list);
    return rc != SQLITE_OK ? rc : finalized;
}

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

static int compare_bytes(const char *a, size_t a_size, const char *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order != 0 ? sign(order) : (a_size > b_size) - (a_size < b_size);
}

static size_t size_without_spaces(const char *text)
{
    size_t size = strlen(text);
    while (size > 0 && text[size - 1] == ' ')
        size--;
    return size;
}

/* As SQLite documents the three: memcmp(); the same with A to Z folded; spaces at the end aside. */
static void compare(const char *a, const char *b, int orders[3])
{
    orders[0] = compare_bytes(a, strlen(a), b, strlen(b));
    orders[1] = sign(sqlite3_stricmp(a, b));
    orders[2] = compare_bytes(a, size_without_spaces(a), b, size_without_spaces(b));
}

/* -1, 0 or 1 for each of the three, for each pair: one statement, of which an application's trace
** callback hears once. */
static const char question[] =
    "SELECT a.n, b.n, (a.t > b.t COLLATE BINARY) - (a.t < b.t COLLATE BINARY),"
    " (a.t > b.t COLLATE NOCASE) - (a.t < b.t COLLATE NOCASE),"
    " (a.t > b.t COLLATE RTRIM) - (a.t < b.t COLLATE RTRIM)"
    " FROM s AS a JOIN s AS b ON a.n < b.n";

static char *question_text(void)
{
    struct buffer text = {0};
    buffer_add_text(&text, "WITH s(n, t) AS (VALUES ");
    for (int i = 0; i < SAMPLES; i++)
        buffer_add_format(&text, "%s(%d, %Q)", i ? ", " : "", i, samples[i]);
    buffer_add_format(&text, ") %s", question);
    return buffer_take(&text);
}

static bool is_ascii(const char *text)
{
    while (*text > 0)
        text++;
    return *text == 0;
}

/* Whether SQLite's own answer would be other than this row's. In a UTF-16 database BINARY orders
** texts by the bytes that they have there. */
static bool differs(sqlite3_stmt *statement, bool utf8)
{
    const char *a = samples[sqlite3_column_int(statement, 0)];
    const char *b = samples[sqlite3_column_int(statement, 1)];
    int orders[3];
    bool ordered = utf8 || (is_ascii(a) && is_ascii(b));
    bool same = true;
    compare(a, b, orders);
    for (int i = 0; i < 3; i++) {
        int order = sqlite3_column_int(statement, 2 + i);
        same = same && (i == 0 && !ordered ? (order == 0) == (orders[i] == 0) : order == orders[i]);
    }
    return !same;
}

int collations_check(sqlite3 *db, bool utf8, bool *own)
{
    sqlite3_stmt *statement = NULL;
    char *text = question_text();
    *own = false;
    int rc = text != NULL ? sql_prepare(db, &statement, "%s", text) : SQLITE_NOMEM;
    memory_free(text);
    while (rc == SQLITE_OK && !*own && sqlite3_step(statement) == SQLITE_ROW)
        *own = differs(statement, utf8);
    int finalized = sqlite3_finalize(statement);
    return rc != SQLITE_OK ? rc : finalized;
}

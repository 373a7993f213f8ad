#include "query/functions.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/guard.h"
#include "base/memory.h"
#include "base/sql.h"
#include "coherence/hooks.h"

/* PRAGMA function_list itself, not the table-valued function of that name: that belongs to main,
** and to read it takes main's lock, which the query itself may not need. */
#define LIST_FUNCTIONS "PRAGMA function_list"
enum { LIST_NAME, LIST_BUILTIN, LIST_TYPE, LIST_ENCODING, LIST_ARGUMENTS, LIST_FLAGS };

/* Bits of PRAGMA function_list's flags column, as sqlite3_create_function() takes them. */
#define FLAGS_DETERMINISTIC SQLITE_DETERMINISTIC
#define FLAGS_DIRECTONLY SQLITE_DIRECTONLY
#define FLAGS_INNOCUOUS SQLITE_INNOCUOUS

static const char *const changing[] = {
    "random",       "randomblob",   "changes",           "total_changes", "last_insert_rowid",
    "current_date", "current_time", "current_timestamp", "sqlite_offset", "load_extension",
    "sqlite_log",
};

static const char *const dates[] = {
    "date", "time", "datetime", "julianday", "strftime", "unixepoch", "timediff",
};

/* They belong to the full-text index that the query reads, and depend on it alone. */
static const char *const auxiliaries[] = {
    "bm25", "highlight", "snippet", "offsets", "matchinfo", "match",
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (sqlite3_stricmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

bool function_means_now(const char *text)
{
    /* 'subsec' alone is the present time as well, since SQLite 3.42. */
    static const char *const words[] = {"now", "subsec", "subsecond"};
    return is_among(text, words, COUNT(words));
}

static void judge_built_in(const struct function_use *use, struct function_verdict *verdict)
{
    if (is_among(use->name, changing, COUNT(changing)))
        verdict->refusal = "whose value changes from call to call";
    verdict->is_date = is_among(use->name, dates, COUNT(dates));
    if (verdict->is_date && use->no_arguments)
        verdict->refusal = "which without arguments is the present time";
}

/* Before this version the JSON functions were an extension inside SQLite. */
#define SQLITE_WITH_JSON 3038000

static bool is_json_extension(const struct function_use *use, int flags)
{
    return sqlite3_libversion_number() < SQLITE_WITH_JSON && (flags & FLAGS_INNOCUOUS) &&
           sqlite3_strnicmp(use->name, "json", 4) == 0;
}

static void judge_own(const struct function_use *use, int flags, bool full_text,
                      struct function_verdict *verdict)
{
    if (flags & FLAGS_DETERMINISTIC) {
        verdict->by_mark = verdict->by_mark || !is_json_extension(use, flags);
        return;
    }
    /* PRAGMA case_sensitive_like registers like() anew, innocuous but without the other flag. */
    if ((flags & FLAGS_INNOCUOUS) && sqlite3_stricmp(use->name, "like") == 0)
        return;
    if (full_text && is_among(use->name, auxiliaries, COUNT(auxiliaries)))
        return;
    verdict->refusal = "which the application has not marked SQLITE_DETERMINISTIC";
}

/* ---- the list ---- */

static int compare_names(const void *a, const void *b)
{
    const struct listed_function *one = a;
    const struct listed_function *other = b;
    return sqlite3_stricmp(one->name, other->name);
}

/* Names move while they are collected, so each function has the offset of its name first. */
static void collect(sqlite3_stmt *statement, struct buffer *functions, struct buffer *names)
{
    const char *name = (const char *)sqlite3_column_text(statement, LIST_NAME);
    struct listed_function function = {
        .arguments = sqlite3_column_int(statement, LIST_ARGUMENTS),
        .built_in = sqlite3_column_int(statement, LIST_BUILTIN) != 0,
        .flags = sqlite3_column_int(statement, LIST_FLAGS),
    };
    functions->failed = functions->failed || name == NULL;
    if (name != NULL)
        buffer_add(names, name, strlen(name) + 1);
    buffer_add(functions, &function, sizeof function);
}

static int keep(struct function_list *list, struct buffer *functions, struct buffer *names)
{
    if (functions->failed || names->failed)
        return SQLITE_NOMEM;
    list->count = (unsigned)(functions->size / sizeof *list->functions);
    list->functions = (void *)buffer_take(functions);
    list->names = buffer_take(names);
    if (list->functions == NULL || list->names == NULL)
        return SQLITE_NOMEM;
    const char *name = list->names;
    for (unsigned i = 0; i < list->count; i++, name += strlen(name) + 1)
        list->functions[i].name = name;
    qsort(list->functions, list->count, sizeof *list->functions, compare_names);
    list->fresh = true;
    if (!hooks_count_functions(list->db, &list->names_of_own))
        list->names_of_own = 0;
    return SQLITE_OK;
}

static int read_list(struct function_list *list)
{
    struct buffer functions = {0};
    struct buffer names = {0};
    sqlite3_stmt *statement;
    function_list_clear(list);
    int rc = sql_prepare(list->db, &statement, LIST_FUNCTIONS);
    while (rc == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        collect(statement, &functions, &names);
    int finalized = sqlite3_finalize(statement);
    if (rc == SQLITE_OK)
        rc = finalized;
    if (rc == SQLITE_OK)
        rc = keep(list, &functions, &names);
    buffer_clear(&functions);
    buffer_clear(&names);
    if (rc != SQLITE_OK)
        function_list_clear(list);
    return rc;
}

void function_list_doubt(struct function_list *list)
{
    list->fresh = false;
}

void function_list_clear(struct function_list *list)
{
    memory_free(list->functions);
    memory_free(list->names);
    *list = (struct function_list){.db = list->db};
}

/* The first of those with that name, or the end. */
static const struct listed_function *first_of(const struct function_list *list, const char *name)
{
    unsigned low = 0;
    unsigned high = list->count;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (sqlite3_stricmp(list->functions[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return &list->functions[low];
}

/* ---- judging ---- */

/* Returns whether it is listed. */
static bool judge(const struct function_list *list, const struct function_use *use, bool full_text,
                  struct function_verdict *verdict)
{
    const struct listed_function *end = list->functions + list->count;
    bool known = false;
    *verdict = (struct function_verdict){.innocuous = true};
    for (const struct listed_function *f = first_of(list, use->name);
         f < end && sqlite3_stricmp(f->name, use->name) == 0; f++) {
        if (f->arguments != use->arguments)
            continue;
        known = true;
        verdict->is_own = verdict->is_own || !f->built_in;
        verdict->direct_only = verdict->direct_only || (f->flags & FLAGS_DIRECTONLY);
        verdict->innocuous = verdict->innocuous && (f->flags & FLAGS_INNOCUOUS);
        if (f->built_in)
            judge_built_in(use, verdict);
        else
            judge_own(use, f->flags, full_text, verdict);
    }
    return known;
}

/* A function of SQLite's own, by one of that name that was registered since. */
static bool may_be_hidden(const struct function_list *list)
{
    unsigned now;
    return !list->fresh && GUARD(HIDDEN_FUNCTIONS) &&
           (!hooks_count_functions(list->db, &now) || now != list->names_of_own);
}

int function_judge(struct function_list *list, const struct function_use *use, bool full_text,
                   struct function_verdict *verdict)
{
    *verdict = (struct function_verdict){.innocuous = true};
    int rc = list->functions == NULL || may_be_hidden(list) ? read_list(list) : SQLITE_OK;
    if (rc != SQLITE_OK)
        return rc;
    bool known = judge(list, use, full_text, verdict);
    if (!list->fresh && (!known || verdict->is_own)) {
        rc = read_list(list);
        if (rc != SQLITE_OK)
            return rc;
        known = judge(list, use, full_text, verdict);
    }
    /* Not listed: an operator's own function, or one that a virtual table brings along. */
    if (!known) {
        judge_built_in(use, verdict);
        if (verdict->refusal == NULL && !verdict->is_date && !full_text)
            verdict->refusal = "which is not among the functions that SQLite lists";
    }
    return SQLITE_OK;
}

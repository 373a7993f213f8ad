#include "query/functions.h"

#include <string.h>

/* PRAGMA function_list itself, not the table-valued function of that name: that belongs to main, and
** to read it takes main's lock, which the query itself may not need. */
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

static bool is_listed(sqlite3_stmt *list, const struct function_use *use)
{
    const char *name = (const char *)sqlite3_column_text(list, LIST_NAME);
    return name != NULL && sqlite3_column_int(list, LIST_ARGUMENTS) == use->arguments &&
           sqlite3_stricmp(name, use->name) == 0;
}

int function_judge(sqlite3 *db, const struct function_use *use, bool full_text,
                   struct function_verdict *verdict)
{
    *verdict = (struct function_verdict){.innocuous = true};
    sqlite3_stmt *list = NULL;
    int rc = sqlite3_prepare_v2(db, LIST_FUNCTIONS, -1, &list, NULL);
    if (rc != SQLITE_OK)
        return rc;
    bool known = false;
    while (sqlite3_step(list) == SQLITE_ROW) {
        if (!is_listed(list, use))
            continue;
        bool built_in = sqlite3_column_int(list, LIST_BUILTIN) != 0;
        int flags = sqlite3_column_int(list, LIST_FLAGS);
        known = true;
        verdict->is_own = verdict->is_own || !built_in;
        verdict->direct_only = verdict->direct_only || (flags & FLAGS_DIRECTONLY);
        verdict->innocuous = verdict->innocuous && (flags & FLAGS_INNOCUOUS);
        if (built_in)
            judge_built_in(use, verdict);
        else
            judge_own(use, flags, full_text, verdict);
    }
    rc = sqlite3_finalize(list);
    /* Not listed: an operator's own function, or one that a virtual table brings along. */
    if (rc == SQLITE_OK && !known) {
        judge_built_in(use, verdict);
        if (verdict->refusal == NULL && !verdict->is_date && !full_text)
            verdict->refusal = "which is not among the functions that SQLite lists";
    }
    return rc;
}

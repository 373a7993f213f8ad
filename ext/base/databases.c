#include "base/databases.h"
#include "base/sql.h"

#define SQLITE_WITH_DB_NAME 3039000

bool databases_have_names(void)
{
    return sqlite3_libversion_number() >= SQLITE_WITH_DB_NAME;
}

struct databases databases_of(sqlite3 *db)
{
    struct databases list = {.index = -1, .db = db};
    if (!databases_have_names())
        list.rc = sql_prepare(db, &list.pragma, "PRAGMA database_list");
    return list;
}

static bool next_by_pragma(struct databases *list)
{
    if (list->rc != SQLITE_OK || sqlite3_step(list->pragma) != SQLITE_ROW)
        return false;
    list->index = sqlite3_column_int(list->pragma, 0);
    list->name = (const char *)sqlite3_column_text(list->pragma, 1);
    if (list->name == NULL)
        list->rc = SQLITE_NOMEM;
    return list->name != NULL;
}

bool databases_next(struct databases *list)
{
    if (!databases_have_names())
        return next_by_pragma(list);
    do {
        list->name = sqlite3_db_name(list->db, ++list->index);
        /* temp has a name before it has a file. */
    } while (list->name != NULL && sqlite3_db_filename(list->db, list->name) == NULL);
    return list->name != NULL;
}

int databases_end(struct databases *list)
{
    int finalized = sqlite3_finalize(list->pragma);
    list->pragma = NULL;
    return list->rc != SQLITE_OK ? list->rc : finalized;
}

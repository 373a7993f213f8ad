#include "surface/call.h"

#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "lookup/access.h"

/* A parameter's column may bear a prefix, or be a word that SQL has taken. */
static bool has_to_be_quoted(const char *name)
{
    return strchr(":@$", name[0]) != NULL || sqlite3_keyword_check(name, (int)strlen(name));
}

/* "users_by_id needs id: SELECT … FROM users_by_id(7), or WHERE id = 7" */
int call_explain(const struct cached_query *query, char **error)
{
    const struct parameters *parameters = &query->definition.parameters;
    struct buffer names = {0};
    struct buffer values = {0};
    struct buffer terms = {0};
    for (unsigned i = 0; i < parameters->count; i++) {
        const char *name = parameters->list[i].name;
        const char *term = has_to_be_quoted(name) ? "%s\"%w\" = %d" : "%s%s = %d";
        buffer_add_format(&names, "%s%s", i ? ", " : "", name);
        buffer_add_format(&values, "%s%d", i ? ", " : "", (int)i + 7);
        buffer_add_format(&terms, term, i ? " AND " : "", name, (int)i + 7);
    }
    char *name_list = buffer_take(&names);
    char *value_list = buffer_take(&values);
    char *term_list = buffer_take(&terms);
    int rc = SQLITE_NOMEM;
    if (name_list != NULL && value_list != NULL && term_list != NULL)
        rc = error_set(error, SQLITE_ERROR,
                       sqlite3_mprintf("%s needs %s: SELECT … FROM %s(%s), or WHERE %s",
                                       query->name, name_list, query->name, value_list, term_list));
    memory_free(name_list);
    memory_free(value_list);
    memory_free(term_list);
    return rc;
}

/* The rows would all be lost where SQLite compares the value again. */
int call_refuse_null(const struct cached_query *query, sqlite3_value **values, char **error)
{
    const struct parameters *parameters = &query->definition.parameters;
    for (unsigned i = MOST_TRUSTED; i < parameters->count; i++) {
        if (sqlite3_value_type(values[i]) == SQLITE_NULL)
            return error_set(error, SQLITE_ERROR,
                             sqlite3_mprintf("%s gets NULL for %s, behind the %dth argument, where "
                                             "SQLite compares once more and finds NULL equal to "
                                             "nothing; pass all of these by IS: WHERE \"%w\" IS "
                                             "NULL AND …",
                                             query->name, parameters->list[i].name, MOST_TRUSTED,
                                             parameters->list[i].name));
    }
    return SQLITE_OK;
}

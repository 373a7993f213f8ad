#include "surface/register.h"

#include "surface/surface.h"

int surface_register(sqlite3 *db, struct session *session)
{
    static int (*const parts[])(sqlite3 *, struct session *) = {
        cache_table_register,    stats_table_register,   definitions_table_register,
        entries_table_register,  tables_table_register,  config_table_register,
        rows_table_register,     explain_table_register, rules_table_register,
        refusals_table_register, functions_register,     views_register,
    };
    session->anchor = "SELECT 1 FROM querycache_stats";
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        int code = parts[i](db, session);
        if (code != SQLITE_OK)
            return code;
    }
    return SQLITE_OK;
}

/*
** cache_config: the process-wide settings. Only `value` can be changed.
**
**     SELECT name, value FROM cache_config;
**     UPDATE cache_config SET value = '256 MiB' WHERE name = 'max_bytes';
*/
#include "base/error.h"
#include "session/runtime.h"
#include "session/settings.h"
#include "surface/listing.h"

enum { CONFIG_NAME, CONFIG_VALUE, CONFIG_DEFAULT_VALUE, CONFIG_DESCRIPTION, CONFIG_COLUMNS };

/* Where xUpdate has the new values of an UPDATE: behind the old and the new rowid. */
#define UPDATE_COLUMNS 2

#define CONFIG_CHANGE "UPDATE cache_config SET value = … WHERE name = …"

static int config_collect(struct session *session, struct result_builder *rows,
                          sqlite3_value *argument, char **error)
{
    int code = SQLITE_OK;
    (void)session, (void)argument, (void)error;
    for (int i = 0; code == SQLITE_OK && i < SETTING_COUNT; i++) {
        char *value = settings_show((enum setting)i);
        if (value == NULL)
            return SQLITE_NOMEM;
        code = listing_add(rows, (struct cell[]){
                                     listing_text(setting_infos[i].name),
                                     listing_text(value),
                                     listing_text(setting_infos[i].default_text),
                                     listing_text(setting_infos[i].description),
                                     listing_integer(i + 1),
                                 });
        sqlite3_free(value);
    }
    return code;
}

static bool is_same(sqlite3_value *value, const char *text)
{
    const char *given = (const char *)sqlite3_value_text(value);
    return given != NULL && strcmp(given, text) == 0;
}

static int config_update(struct session *session, int argc, sqlite3_value **argv, char **error)
{
    (void)session;
    if (argc == 1)
        return error_set(error, SQLITE_ERROR,
                         sqlite3_mprintf("settings cannot be deleted from cache_config; "
                                         "change one with " CONFIG_CHANGE));
    if (sqlite3_value_type(argv[0]) == SQLITE_NULL)
        return error_set(error, SQLITE_ERROR,
                         sqlite3_mprintf("settings cannot be added to cache_config; change "
                                         "one that is there with " CONFIG_CHANGE));
    int setting = (int)sqlite3_value_int64(argv[0]) - 1;
    const struct setting_info *info = &setting_infos[setting];
    sqlite3_value **columns = argv + UPDATE_COLUMNS;
    if (sqlite3_value_int64(argv[1]) != setting + 1 || !is_same(columns[CONFIG_NAME], info->name) ||
        !is_same(columns[CONFIG_DEFAULT_VALUE], info->default_text) ||
        !is_same(columns[CONFIG_DESCRIPTION], info->description))
        return error_set(error, SQLITE_ERROR,
                         sqlite3_mprintf("only the column value of cache_config can be "
                                         "changed: " CONFIG_CHANGE));
    return runtime_configure(info->name, (const char *)sqlite3_value_text(columns[CONFIG_VALUE]),
                             error);
}

static const struct listing_table config_table = {
    .name = "querycache_config",
    .declaration = "CREATE TABLE cache_config(name TEXT, value TEXT, default_value TEXT, "
                   "description TEXT)",
    .columns = CONFIG_COLUMNS,
    .collect = config_collect,
    .update = config_update,
};

int config_table_register(sqlite3 *db, struct session *session)
{
    return listing_register(db, session, &config_table);
}

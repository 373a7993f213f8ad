/*
** A library that a program opens for itself alone, and that brings SQLite along. Its functions end
** with a jump to SQLite's, as compilers make of them: the return address is in the program, which
** is linked with no SQLite.
*/
#include <sqlite3.h>
#include <stddef.h>

int plugin_open(const char *path, sqlite3 **db)
{
    return sqlite3_open(path, db);
}

int plugin_exec(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

int plugin_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **statement)
{
    return sqlite3_prepare_v2(db, sql, -1, statement, NULL);
}

int plugin_step(sqlite3_stmt *statement)
{
    return sqlite3_step(statement);
}

int plugin_number(sqlite3_stmt *statement)
{
    return sqlite3_column_int(statement, 0);
}

int plugin_finalize(sqlite3_stmt *statement)
{
    return sqlite3_finalize(statement);
}

int plugin_close(sqlite3 *db)
{
    return sqlite3_close(db);
}

#include "tables.h"

#include <stdio.h>
#include <time.h>

void file_tick(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 25000000}, NULL);
}

sqlite3 *open_place(const struct place *place)
{
    sqlite3 *db = open_cached(place->file ? fresh_file(place->file) : ":memory:", 0);
    run(db, place->setup);
    run(db, SCHEMA);
    if (place->file != NULL)
        file_tick();
    run(db, CACHES);
    return db;
}

sqlite3 *open_file(const char *name)
{
    const struct place place = {name, name, "PRAGMA journal_mode = WAL"};
    return open_place(&place);
}

void warm(sqlite3 *db)
{
    for (int i = 0; i < 2; i++) {
        sqlite3_free(rows(db, "SELECT * FROM ct"));
        sqlite3_free(rows(db, "SELECT * FROM co"));
        sqlite3_free(rows(db, "SELECT * FROM cw"));
    }
}

static char name_buffer[256];

const char *name(const char *place, const char *text)
{
    snprintf(name_buffer, sizeof name_buffer, "%s: %s", place, text);
    return name_buffer;
}

void check_all(sqlite3 *db, const char *place, const char *text)
{
    char got[64];
    snprintf(got, sizeof got, "%s", place);
    same(db, "SELECT * FROM ct", T, name(got, text));
    same(db, "SELECT * FROM co", OTHER, name(got, text));
    same(db, "SELECT * FROM cw", W, name(got, text));
}

/*
** What it costs to prepare a text through the cache, beyond what SQLite itself takes to prepare it:
** a text that is seen for the first time, one that is known, and one that cannot be cached, again.
** The figure is the least of many interleaved rounds less the least that plain preparing took,
** since what comes on top is the machine's.
**
**     make bench
**     build/static/texts KIND WAY ROUNDS       one alone, by numbers, to count instructions
*/
#include <querycache.h>
#include <stdio.h>

#include "base/ticks.h"
#include "support/measure.h"

enum { ROUNDS = 400, EACH = 5 };
enum { PLAIN, NEW_TEXT, KNOWN_TEXT, WAYS };

/* %d makes each another text. */
static const struct kind {
    const char *title;
    const char *sql;
    bool refused;
} kinds[] = {
    {"no function", "SELECT name, price FROM item WHERE quantity < %d ORDER BY name", false},
    {"ten functions",
     "SELECT lower(name), upper(name), length(name), substr(name, 1, 3), round(price), abs(price), "
     "coalesce(name, 'x'), trim(name), instr(name, 'i'), hex(name) FROM item WHERE quantity < %d",
     false},
    {"a join with aggregates",
     "SELECT o.name, sum(i.price), count(*) FROM item AS i JOIN owner AS o ON o.id = i.owner "
     "WHERE i.quantity < %d GROUP BY o.name ORDER BY 2 DESC",
     false},
    {"refused", "SELECT name, random() FROM item WHERE quantity < %d", true},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static int last_text = 1000000;

static double prepare(sqlite3 *db, const struct kind *kind, int way)
{
    char sql[500];
    sqlite3_stmt *statement = NULL;
    sqlite3_snprintf(sizeof sql, sql, kind->sql, way == KNOWN_TEXT ? 7 : ++last_text);
    int64_t start = ticks_now();
    int rc = way == PLAIN ? sqlite3_prepare_v2(db, sql, -1, &statement, NULL)
                          : querycache_prepare_v2(db, sql, -1, &statement, NULL, NULL);
    double took = (double)(ticks_now() - start);
    bench_check(db, rc, sql);
    sqlite3_finalize(statement);
    return took;
}

static void measure(sqlite3 *db, const struct kind *kind)
{
    double least[WAYS] = {0};
    for (int round = 0; round < ROUNDS * EACH; round++) {
        for (int way = 0; way < WAYS; way++) {
            double took = prepare(db, kind, way);
            if (round == EACH || (round > EACH && took < least[way]))
                least[way] = took;
        }
    }
    printf("\n%s\n", kind->title);
    bench_print_time(least[PLAIN], "  plain");
    if (!kind->refused)
        bench_print_target((least[NEW_TEXT] - least[PLAIN]) / 1e3, AT_MOST, 100,
                           "  a new text through the cache, us more");
    else
        bench_print_target((least[NEW_TEXT] - least[PLAIN]) / 1e3, AT_MOST, 20,
                           "  another text of the shape, us more");
    bench_print_time(least[KNOWN_TEXT] - least[PLAIN], "  a known text, more");
}

int main(int argc, char **argv)
{
    sqlite3 *db = bench_open("texts.db", true);
    bench_run(db,
              "PRAGMA journal_mode = WAL;"
              "CREATE TABLE owner(id INTEGER PRIMARY KEY, name TEXT);"
              "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, quantity INT, price REAL, "
              "owner INT REFERENCES owner(id));"
              "CREATE INDEX item_owner ON item(owner);"
              "INSERT INTO owner VALUES (1, 'first'); INSERT INTO item VALUES (1, 'a', 1, 2, 1)");
    bench_header();
    if (argc == 4) {
        const struct kind *kind = &kinds[bench_number(argv[1], KINDS)];
        int way = (int)bench_number(argv[2], WAYS);
        for (unsigned i = bench_number(argv[3], 100000); i > 0; i--)
            prepare(db, kind, way);
    }
    for (int i = 0; i < KINDS && argc != 4; i++)
        measure(db, &kinds[i]);
    bench_check(db, sqlite3_close(db), "close");
    return 0;
}

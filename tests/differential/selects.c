/* Read-only SELECTs of every form, over the columns that all tables have. */
#include "generate.h"

#include <string.h>

/*
** @ is a table. A comment tells the check what SQLite leaves open: `ties`, which of several rows a
** value comes from; `mixed`, the affinity of a compound's column.
*/
static const char *const patterns[] = {
    /* one table */
    "SELECT * FROM @",
    "SELECT id, a, b, c FROM @ WHERE a > :low ORDER BY id, b LIMIT 10",
    "SELECT b, c, a AS value FROM @ WHERE id = :key",
    "SELECT id, b FROM @ WHERE b = ?",
    "SELECT id, c, typeof(c), b COLLATE NOCASE AS folded FROM @ WHERE c IS NOT ?3",
    "SELECT id, d, b FROM @ WHERE id BETWEEN ? AND ? ORDER BY id DESC, b",
    "SELECT DISTINCT typeof(c) AS kind, a FROM @ WHERE a IS NOT NULL ORDER BY 1, 2",
    "SELECT a, b, d FROM @ ORDER BY b, a, c, d, id LIMIT :count OFFSET 1",
    "SELECT b AS name, b, c AS name FROM @ WHERE a < 9",
    "SELECT CAST(c AS TEXT) AS words, CAST(d AS REAL) AS number, +a AS plain FROM @",
    "SELECT count(*) FROM @",
    "SELECT id FROM @ WHERE b LIKE 'a%' OR c IN (1, 'abc', 2.5)",
    /* aggregates */
    "SELECT b, count(*) AS n, sum(a) AS total /* ties */ FROM @ GROUP BY b ORDER BY b",
    "SELECT a, count(*), min(b), max(c) FROM @ GROUP BY a HAVING count(*) > ?",
    "SELECT count(*), sum(a), avg(a), min(c), max(d), total(a) FROM @ WHERE a <> @low",
    "SELECT group_concat(b, '+') AS list /* ties */ FROM @ WHERE a < :high",
    "SELECT sum(id) FILTER (WHERE a > 5) AS big, count(DISTINCT b) FROM @",
    /* joins */
    "SELECT x.id, y.b, x.c FROM @ AS x JOIN @ AS y ON y.id = x.a",
    "SELECT x.id, x.b, y.id AS other FROM @ AS x LEFT JOIN @ AS y ON y.a = x.id WHERE x.id < :high",
    "SELECT x.b AS name, count(y.id) AS n /* ties */ FROM @ AS x LEFT JOIN @ AS y ON x.b = y.b "
    "GROUP BY x.b",
    "SELECT x.id, y.id AS y FROM @ AS x, @ AS y WHERE x.b = y.b AND x.a < y.a",
    "SELECT x.*, y.b AS label FROM @ AS x JOIN @ AS y USING (id)",
    /* subqueries */
    "SELECT id, b FROM @ WHERE id IN (SELECT a FROM @ WHERE c IS NOT $skip)",
    "SELECT id, (SELECT count(*) FROM @ AS y WHERE y.a = x.id) AS n FROM @ AS x",
    "SELECT id, b FROM @ AS x WHERE EXISTS (SELECT 1 FROM @ AS y WHERE y.id = x.a)",
    "SELECT id, a FROM @ WHERE a >= (SELECT avg(a) FROM @ WHERE id > ?1)",
    "SELECT (SELECT max(id) FROM @) AS top, (SELECT b FROM @ ORDER BY b, id LIMIT 1) AS first",
    /* common tables */
    "WITH q AS (SELECT a, count(*) AS n FROM @ GROUP BY a) SELECT q.a, q.n, y.b FROM q JOIN @ AS y "
    "ON y.id = q.a",
    "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 12) SELECT i, "
    "(SELECT count(*) FROM @ WHERE a = i) AS found FROM n",
    "WITH RECURSIVE chain(id, depth) AS (SELECT id, 0 FROM @ WHERE id = :start UNION SELECT y.id, "
    "depth + 1 /* mixed */ FROM chain JOIN @ AS y ON y.a = chain.id WHERE depth < 3) SELECT id, "
    "depth FROM "
    "chain",
    /* windows */
    "SELECT id, row_number() OVER (ORDER BY id, b) AS place, sum(a) OVER (ORDER BY id, b) AS run "
    "FROM @",
    "SELECT id, rank() OVER (PARTITION BY a ORDER BY b) AS place, lag(id, 1) OVER (ORDER BY id, b) "
    "AS before FROM @ WHERE a < :high",
    /* constants, and tables that depend on nothing */
    "VALUES (1, 'abc', 2.5), (?, NULL, X'00ff'), (3, 'ABC', -1)",
    "SELECT value, type FROM json_each('[1, \"abc\", 2.5, null]') WHERE value IS NOT :skip",
    "SELECT 1 AS one, 'ABC' COLLATE NOCASE AS folded, CAST(:given AS INTEGER) AS number",
    /* compounds */
    "SELECT id, b /* mixed */ FROM @ UNION ALL SELECT a, c FROM @",
    "SELECT id, b /* mixed */ FROM @ UNION SELECT a, b FROM @ ORDER BY 1, 2",
    "SELECT a /* mixed */ FROM @ EXCEPT SELECT id FROM @ ORDER BY 1",
    "SELECT b /* mixed */ FROM @ INTERSECT SELECT b FROM @",
    "SELECT 'ids' AS kind, count(id) AS n FROM @ UNION ALL SELECT 'names', count(b) FROM @",
    /* views, schema-qualified names */
    "SELECT * FROM v0 ORDER BY id, b, yc, d",
    "SELECT id, b FROM v0 WHERE yc IS NOT ?",
    "SELECT * FROM v1 WHERE a < :high OR a IS NULL",
    "SELECT b, count(*) AS n /* ties */ FROM v1 GROUP BY b",
    "SELECT id, b, c FROM main.t1 WHERE id <= :high",
    "SELECT count(*), max(id), min(b) FROM main.t4",
    /* system tables */
    "SELECT type, name, tbl_name FROM sqlite_schema WHERE name LIKE 't%' ORDER BY name",
    "SELECT name, seq FROM sqlite_sequence ORDER BY name",
};
/* An expression in place of a rowid or id: a constraint on it is not handed down to the module. */
static const char *const fts_patterns[] = {
    "SELECT rowid + 0 AS place, b, c FROM f0 WHERE f0 MATCH :word ORDER BY rowid",
    "SELECT count(*) FROM f0 WHERE f0 MATCH 'abc'",
    "SELECT rowid + 0 AS place FROM f1 WHERE f1 MATCH :word ORDER BY rowid",
    "SELECT x.id, x.b FROM t1 AS x WHERE x.id IN (SELECT rowid FROM f1 WHERE f1 MATCH 'abc')",
};
static const char *const rtree_patterns[] = {
    "SELECT id + 0 AS place, x0 + 0 AS low FROM r0 WHERE x0 <= :high ORDER BY id",
    "SELECT count(*) FROM r0 WHERE x1 > 4",
};

const char *generate_name(struct generator *generator, int connection)
{
    /* Most lives are about main; the second connection has no w0. */
    static const char *const names[] = {"t0", "t0", "t1", "t1",      "t1",      "t2",
                                        "t2", "t2", "t3", "t3",      "t4",      "t4",
                                        "u0", "u0", "u1", "main.t0", "main.t2", "w0"};
    const char *name = RANDOM_PICK(&generator->random, names);
    return connection > 0 && name[0] == 'w' ? "t1" : name;
}

void generate_select(struct generator *generator, struct text *text, int connection)
{
    struct random *random = &generator->random;
    const char *pattern = RANDOM_PICK(random, patterns);
    if (generator->fts && random_chance(random, 5))
        pattern = RANDOM_PICK(random, fts_patterns);
    else if (generator->rtree && random_chance(random, 3))
        pattern = RANDOM_PICK(random, rtree_patterns);
    for (const char *p = pattern; *p; p++) {
        /* `@low` is a parameter, a lone `@` a table. */
        if (*p == '@' && (p[1] < 'a' || p[1] > 'z'))
            text_add(text, generate_name(generator, connection));
        else
            text_bytes(text, p, 1);
    }
}

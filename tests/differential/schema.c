/* The birth of a life: tables, triggers, views, rows, and the cached tables over them. */
#include "generate.h"

#include <string.h>

/* No RTRIM: SQLite's automatic index finds fewer rows by it than a scan does (3.40 and 3.53), so
** that the same join has two answers, depending on the plan. */
static const char *const column_types[] = {"TEXT",
                                           "TEXT COLLATE NOCASE",
                                           "INTEGER",
                                           "REAL",
                                           "NUMERIC",
                                           "BLOB",
                                           "VARCHAR(10)",
                                           "TEXT COLLATE BINARY",
                                           "",
                                           "DATETIME",
                                           "INT NOT NULL DEFAULT 7",
                                           "TEXT NOT NULL ON CONFLICT REPLACE DEFAULT 'none'"};
static const char *const text_types[] = {"TEXT", "TEXT COLLATE NOCASE",
                                         "VARCHAR(20) COLLATE NOCASE", "TEXT COLLATE BINARY", ""};

/* Parents need a key, so t0 always has one; t4 and u1 are the tables without a rowid. */
static const char *choose_id(struct random *random, bool parent, bool keyed)
{
    static const char *const parents[] = {
        "INTEGER PRIMARY KEY", "INTEGER PRIMARY KEY AUTOINCREMENT", "INT UNIQUE NOT NULL"};
    static const char *const others[] = {"INTEGER PRIMARY KEY", "INTEGER PRIMARY KEY AUTOINCREMENT",
                                         "INT UNIQUE", "INT PRIMARY KEY DESC"};
    static const char *const keys[] = {"INTEGER PRIMARY KEY", "INT PRIMARY KEY",
                                       "TEXT COLLATE NOCASE PRIMARY KEY",
                                       "NUMERIC PRIMARY KEY DESC"};
    if (keyed)
        return RANDOM_PICK(random, keys);
    return parent ? RANDOM_PICK(random, parents) : RANDOM_PICK(random, others);
}

static const char *choose_reference(struct random *random, const char *name)
{
    static const char *const checks[] = {"INTEGER", "INTEGER CHECK (a IS NOT 13)",
                                         "INT CHECK (a <> 13)"};
    static const char *const references[] = {
        "INTEGER REFERENCES t0(id) ON DELETE CASCADE ON UPDATE CASCADE",
        "INTEGER REFERENCES t0(id) ON DELETE SET NULL ON UPDATE CASCADE",
        "INTEGER DEFAULT 3 REFERENCES t0(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"};
    /* Only t2 and t4 refer to t0: u and w tables live in other files, where no key reaches. */
    if ((strcmp(name, "t2") == 0 || strcmp(name, "t4") == 0) && random_chance(random, 75))
        return RANDOM_PICK(random, references);
    return RANDOM_PICK(random, checks);
}

void generate_table(struct generator *generator, struct text *text, const char *name)
{
    static const char *const extras[] = {"",
                                         "",
                                         "",
                                         ", UNIQUE (b, c)",
                                         ", UNIQUE (a, b) ON CONFLICT REPLACE",
                                         ", e AS (a * 2)",
                                         ", e TEXT AS (b || '!') STORED",
                                         ", CHECK (typeof(d) <> 'blob')"};
    struct random *random = &generator->random;
    const char *local = strchr(name, '.') ? strchr(name, '.') + 1 : name;
    bool keyed = strcmp(local, "t4") == 0 || strcmp(local, "u1") == 0;
    text_format(text, "CREATE %sTABLE %s(id %s, a %s, ", name[0] == 'w' ? "TEMP " : "", name,
                choose_id(random, strcmp(local, "t0") == 0, keyed),
                choose_reference(random, local));
    text_format(text, "b %s, c %s, ", RANDOM_PICK(random, text_types),
                RANDOM_PICK(random, column_types));
    text_format(text, "d %s%s)%s", RANDOM_PICK(random, column_types), RANDOM_PICK(random, extras),
                keyed ? " WITHOUT ROWID" : "");
}

/* Bodies write to later tables only, so that no chain of triggers closes. */
static void queue_triggers(struct generator *generator)
{
    static const char *const triggers[] = {
        "CREATE TRIGGER g0 AFTER INSERT ON t0 BEGIN INSERT OR REPLACE INTO t3(id, a, b) "
        "VALUES (abs(new.id) % 25 + 1, new.id % 10, 'ins'); END",
        "CREATE TRIGGER g1 AFTER UPDATE ON t0 BEGIN INSERT INTO t4(id, b, c) VALUES (abs(new.id) % "
        "9, 'upd', 1) ON CONFLICT DO UPDATE SET c = 1 + ifnull(c, 0); END",
        "CREATE TRIGGER g2 AFTER DELETE ON t1 BEGIN UPDATE t3 SET b = 'del' WHERE id % 4 = old.id "
        "% 4; DELETE FROM t4 WHERE id = old.id; END",
        "CREATE TRIGGER g3 BEFORE UPDATE OF b ON t2 WHEN new.b IS NOT old.b BEGIN INSERT OR IGNORE "
        "INTO t4(id, b) VALUES (new.id, old.b); END",
        "CREATE TRIGGER g4 AFTER INSERT ON t1 BEGIN DELETE FROM t3 WHERE id = new.id; END",
        "CREATE TRIGGER g5 BEFORE INSERT ON t3 WHEN new.a = 11 BEGIN SELECT raise(IGNORE); END",
        "CREATE TEMP TRIGGER g6 AFTER INSERT ON w0 BEGIN UPDATE t1 SET b = 'seen' WHERE id = "
        "new.id; END"};
    for (size_t i = 0; i < sizeof(triggers) / sizeof(triggers[0]); i++) {
        if (random_chance(&generator->random, 45))
            generate_queue(generator, 0, "%s", triggers[i]);
    }
}

static void queue_views(struct generator *generator)
{
    generate_queue(generator, 0,
                   "CREATE VIEW v0 AS SELECT x.id, x.b, y.c AS yc, y.d FROM t0 AS x LEFT JOIN t1 "
                   "AS y ON y.id = x.a");
    generate_queue(generator, 0,
                   "CREATE VIEW v1(id, a, b, c, d) AS SELECT id, a, b, c, d FROM t4 WHERE id < 20");
    generate_queue(generator, 0,
                   "CREATE TRIGGER v1_insert INSTEAD OF INSERT ON v1 BEGIN INSERT OR REPLACE INTO "
                   "t4(id, a, b) VALUES (new.id, new.a, new.b); END");
    generate_queue(
        generator, 0,
        "CREATE TRIGGER v1_update INSTEAD OF UPDATE ON v1 BEGIN UPDATE t4 SET b = new.b, "
        "c = new.c WHERE id = old.id; UPDATE t1 SET b = new.b WHERE id = old.id; END");
    generate_queue(generator, 0,
                   "CREATE TRIGGER v1_delete INSTEAD OF DELETE ON v1 BEGIN DELETE FROM t4 WHERE id "
                   "= old.id; END");
}

/* f0 has its own content, f1 that of t1, kept in step by triggers. */
static void queue_virtual_tables(struct generator *generator)
{
    if (generator->fts) {
        generate_queue(generator, 0, "CREATE VIRTUAL TABLE f0 USING fts5(b, c)");
        generate_queue(
            generator, 0,
            "INSERT INTO f0(rowid, b, c) VALUES (1, 'abc lime', 'x'), (2, 'oak', 'lime'), "
            "(3, 'abc', 'oak')");
        generate_queue(
            generator, 0,
            "CREATE VIRTUAL TABLE f1 USING fts5(b, content = 't1', content_rowid = 'id')");
        generate_queue(generator, 0,
                       "CREATE TRIGGER f1_insert AFTER INSERT ON t1 BEGIN INSERT INTO f1(rowid, b) "
                       "VALUES (new.id, new.b); END");
        generate_queue(
            generator, 0,
            "CREATE TRIGGER f1_delete AFTER DELETE ON t1 BEGIN INSERT INTO f1(f1, rowid, "
            "b) VALUES ('delete', old.id, old.b); END");
    }
    if (generator->rtree) {
        generate_queue(generator, 0, "CREATE VIRTUAL TABLE r0 USING rtree(id, x0, x1)");
        generate_queue(generator, 0, "INSERT INTO r0 VALUES (1, 0, 5), (2, 3, 9), (3, 12, 20)");
    }
}

static void queue_table(struct generator *generator, const char *name)
{
    struct text text = {0};
    generate_table(generator, &text, name);
    generate_queue(generator, 0, "%s", text.data);
    text_clear(&text);
    /* Rows one by one: where one offends a constraint, the others stay. */
    int rows = 5 + random_below(&generator->random, 25);
    for (int i = 0; i < rows; i++) {
        generate_insert(generator, &text, name, 1);
        generate_queue(generator, 0, "%s", text.data);
        text_clear(&text);
    }
    text_free(&text);
}

static void queue_files(struct generator *generator)
{
    /* Two files take turns under one alias; each has both tables, made of its own draw. */
    for (int i = 2; i >= 1; i--) {
        generate_queue(generator, 0, "ATTACH 'aux%d.db' AS aux", i);
        generate_queue(generator, 0, "PRAGMA aux.synchronous = OFF");
        if (random_chance(&generator->random, 50))
            generate_queue(generator, 0, "PRAGMA aux.journal_mode = WAL");
        generate_queue(generator, 0, "BEGIN");
        queue_table(generator, "aux.u0");
        queue_table(generator, "aux.u1");
        generate_queue(generator, 0, "COMMIT");
        if (i == 2)
            generate_queue(generator, 0, "DETACH aux");
    }
}

void generate_definitions(struct generator *generator, int connection)
{
    for (int i = 0; i < QUERIES; i++) {
        struct text text = {0};
        generate_select(generator, &text, connection);
        struct step step = {
            ACTION_DEFINE,   connection, i, text.data, random_next(&generator->random),
            i == QUERIES - 1};
        script_add(&generator->queue, &step);
        text_free(&text);
    }
}

void generate_schema(struct generator *generator)
{
    static const char *const names[] = {"t0", "t1", "t2", "t3", "t4"};
    const struct life *life = generator->life;
    for (int c = 0; c < (life->second ? 2 : 1); c++)
        generate_queue(generator, c, "PRAGMA synchronous = OFF");
    if (random_chance(&generator->random, 15))
        generate_queue(generator, 0, "PRAGMA encoding = 'UTF-16le'");
    if (life->exclusive)
        generate_queue(generator, 0, "PRAGMA locking_mode = EXCLUSIVE");
    if (life->journal != NULL)
        generate_queue(generator, 0, "PRAGMA journal_mode = %s", life->journal);
    generate_queue(generator, 0, "PRAGMA foreign_keys = ON");
    generate_queue(generator, 0, "BEGIN");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        queue_table(generator, names[i]);
    queue_table(generator, "w0");
    queue_views(generator);
    queue_virtual_tables(generator);
    queue_triggers(generator);
    generate_queue(generator, 0, "COMMIT");
    queue_files(generator);
    generate_definitions(generator, 0);
    if (!life->second)
        return;
    generate_queue(generator, 1, "PRAGMA foreign_keys = ON");
    generate_queue(generator, 1, "ATTACH 'aux1.db' AS aux");
    if (life->second_cached)
        generate_definitions(generator, 1);
}

#include "generate.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void generate_queue(struct generator *generator, int connection, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *sql = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    struct step step = {.connection = connection, .text = sql};
    script_add(&generator->queue, &step);
    sqlite3_free(sql);
}

/* Later, the step is taken back by `sql`. */
static void remember_undo(struct generator *generator, int connection, const char *sql)
{
    if (generator->undos == UNDOS)
        return;
    generator->undo[generator->undos].connection = connection;
    generator->undo[generator->undos++].sql = must_copy(sql);
}

static void take_undo(struct generator *generator, struct step *step)
{
    int chosen = random_below(&generator->random, generator->undos);
    text_add(&generator->text, generator->undo[chosen].sql);
    step->connection = generator->undo[chosen].connection;
    if (strstr(generator->text.data, "locking_mode") != NULL)
        generator->exclusive = false;
    free(generator->undo[chosen].sql);
    generator->undo[chosen] = generator->undo[--generator->undos];
}

/* Inside a transaction: savepoints, their ends, and the transaction's own end. */
static void in_transaction(struct generator *generator, struct step *step)
{
    struct random *random = &generator->random;
    int *depth = &generator->savepoints[step->connection];
    int kind = random_below(random, 100);
    if (kind < 40)
        text_add(&generator->text, "COMMIT");
    else if (kind < 58)
        text_add(&generator->text, "ROLLBACK");
    else if (kind < 76 || *depth == 0)
        text_format(&generator->text, "SAVEPOINT s%d", (*depth)++);
    else if (kind < 90)
        text_format(&generator->text, "ROLLBACK TO s%d", random_below(random, *depth));
    else
        text_format(&generator->text, "RELEASE s%d", --*depth);
}

static void begin(struct generator *generator, struct step *step)
{
    static const char *const begins[] = {"BEGIN", "BEGIN", "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"};
    generator->savepoints[step->connection] = 0;
    if (random_chance(&generator->random, 20))
        text_format(&generator->text, "SAVEPOINT s%d", generator->savepoints[step->connection]++);
    else
        text_add(&generator->text, RANDOM_PICK(&generator->random, begins));
}

/* Something in temp takes a table's name, and goes again. */
static void shadow(struct generator *generator, struct step *step)
{
    static const char *const shadows[] = {
        "CREATE TEMP TABLE t1(id INTEGER PRIMARY KEY, a, b TEXT COLLATE NOCASE, c, d)",
        "CREATE TEMP VIEW t1 AS SELECT id, a, 'shadow' AS b, c, d FROM main.t1",
        "CREATE TEMP TABLE t2 AS SELECT * FROM main.t2 WHERE id > 10",
        "CREATE TEMP VIEW v0 AS SELECT id, b, c AS yc, d FROM main.t0"};
    static const char *const ends[] = {"DROP TABLE temp.t1", "DROP VIEW temp.t1",
                                       "DROP TABLE temp.t2", "DROP VIEW temp.v0"};
    int chosen = random_below(&generator->random, 4);
    text_add(&generator->text, shadows[chosen]);
    remember_undo(generator, step->connection, ends[chosen]);
}

/* DROP and CREATE, at once or with steps in between. */
static void drop_and_create(struct generator *generator, struct step *step)
{
    static const char *const views[][2] = {
        {"DROP VIEW v0", "CREATE VIEW v0 AS SELECT x.id, x.b, y.d AS yc, y.d FROM t0 AS x JOIN t3 "
                         "AS y ON y.id = x.a"},
        {"DROP VIEW v0", "CREATE VIEW v0 AS SELECT id, b, 'other' AS yc, c AS d FROM t2"},
        {"DROP VIEW v1", "CREATE VIEW v1 AS SELECT id, a, b, c, d FROM t1 WHERE id > 3"}};
    struct random *random = &generator->random;
    if (random_chance(random, 65)) {
        int chosen = random_below(random, 3);
        text_add(&generator->text, views[chosen][0]);
        if (random_chance(random, 60))
            generate_queue(generator, step->connection, "%s", views[chosen][1]);
        else
            remember_undo(generator, step->connection, views[chosen][1]);
        return;
    }
    struct text create = {0};
    const char *name = random_chance(random, 50) ? "t3" : "u0";
    const char *full = name[0] == 'u' ? "aux.u0" : "main.t3";
    text_format(&generator->text, "DROP TABLE %s", full);
    generate_table(generator, &create, full);
    generate_queue(generator, step->connection, "%s", create.data);
    text_clear(&create);
    generate_insert(generator, &create, full, 4);
    generate_queue(generator, step->connection, "%s", create.data);
    text_free(&create);
}

static void change_schema(struct generator *generator, struct step *step)
{
    struct random *random = &generator->random;
    int number = random_below(random, 4);
    switch (random_below(random, 9)) {
    case 0:
    case 1:
        text_format(&generator->text, "CREATE INDEX IF NOT EXISTS i%d ON t%d(%c)", number, number,
                    "abcd"[random_below(random, 4)]);
        break;
    case 2:
        text_format(&generator->text, "DROP INDEX IF EXISTS i%d", number);
        break;
    case 3: /* a SELECT * gets one more column; a few are enough */
        if (generator->columns_added++ < 2)
            text_format(&generator->text, "ALTER TABLE t%d ADD COLUMN x%d TEXT DEFAULT 'new'",
                        number, generator->columns_added);
        else
            text_add(&generator->text, "REINDEX");
        break;
    case 4: {
        char back[60];
        text_format(&generator->text, "ALTER TABLE main.t%d RENAME COLUMN d TO z", number);
        sqlite3_snprintf(sizeof(back), back, "ALTER TABLE main.t%d RENAME COLUMN z TO d", number);
        remember_undo(generator, step->connection, back);
        break;
    }
    case 5:
        shadow(generator, step);
        break;
    case 6:
    case 7:
        drop_and_create(generator, step);
        break;
    default:
        text_format(&generator->text, "CREATE TABLE IF NOT EXISTS n%d AS SELECT id, b FROM t%d",
                    number, number);
        generate_queue(generator, step->connection, "DROP TABLE IF EXISTS n%d", number);
    }
}

static void switch_mode(struct generator *generator, struct step *step)
{
    static const char *const modes[] = {"WAL", "DELETE", "TRUNCATE", "PERSIST", "MEMORY", "WAL"};
    if (random_chance(&generator->random, 35)) {
        text_add(&generator->text, "PRAGMA main.locking_mode = EXCLUSIVE");
        remember_undo(generator, step->connection, "PRAGMA main.locking_mode = NORMAL");
        generator->exclusive = true;
        return;
    }
    text_format(&generator->text, "PRAGMA main.journal_mode = %s",
                RANDOM_PICK(&generator->random, modes));
}

/* What is done to files rather than to rows, outside of transactions. */
static void keep_house(struct generator *generator, struct step *step)
{
    static const char *const chores[] = {"PRAGMA wal_checkpoint(PASSIVE)",
                                         "PRAGMA wal_checkpoint(RESTART)",
                                         "PRAGMA wal_checkpoint(TRUNCATE)",
                                         "PRAGMA user_version = 7",
                                         "PRAGMA foreign_key_check",
                                         "BEGIN IMMEDIATE",
                                         "VACUUM",
                                         "VACUUM",
                                         "ANALYZE",
                                         "ANALYZE t1",
                                         "REINDEX",
                                         "PRAGMA optimize"};
    struct random *random = &generator->random;
    int kind = random_below(random, 100);
    if (kind < 25) {
        generate_queue(generator, step->connection, "ATTACH 'aux%d.db' AS aux",
                       1 + random_below(random, 2));
        generate_queue(generator, step->connection, "PRAGMA aux.synchronous = OFF");
        text_add(&generator->text, "DETACH aux");
    } else if (kind < 30) {
        text_add(&generator->text, "ATTACH 'aux1.db' AS twin");
        generate_queue(generator, step->connection, "DETACH twin");
    } else if (kind < 55 && generator->life->switches) {
        switch_mode(generator, step);
    } else if (kind < 63) {
        step->action = ACTION_LOAD;
        step->connection = 0;
    } else {
        text_add(&generator->text, RANDOM_PICK(random, chores));
    }
}

/* The connection is lost with its temp tables, and so with its cached tables; they are made
** again. */
static void queue_reopen(struct generator *generator, int connection)
{
    struct step step = {.action = ACTION_REOPEN, .connection = connection};
    /* First a read: what came before is to be judged while it can be. */
    struct step read = {.connection = connection, .text = "SELECT 1", .check = true};
    read.salt = random_next(&generator->random);
    script_add(&generator->queue, &read);
    script_add(&generator->queue, &step);
    generate_queue(generator, connection, "PRAGMA synchronous = OFF");
    generate_queue(generator, connection, "PRAGMA foreign_keys = ON");
    generate_queue(generator, connection, "ATTACH 'aux1.db' AS aux");
    if (connection == 0 || generator->life->second_cached)
        generate_definitions(generator, connection);
}

static void reopen(struct generator *generator, struct step *step)
{
    generator->savepoints[step->connection] = 0;
    text_add(&generator->text, "SELECT count(*) FROM main.t0");
    queue_reopen(generator, step->connection);
}

static void queue_hooks(struct generator *generator, int connection)
{
    struct step step = {.action = ACTION_HOOKS, .connection = connection};
    /* With the update hook alone gone, a commit is announced, and some of its tables are not. */
    step.number =
        random_chance(&generator->random, 50) ? 1 : 1 + random_below(&generator->random, 7);
    script_add(&generator->queue, &step);
}

/*
** A transaction in which a write that hooks see hides one that they do not see: the first makes the
** commit look fully announced.
*/
static void train(struct generator *generator, struct step *step)
{
    static const char *const hidden[] = {
        "DELETE FROM t3",
        "DELETE FROM t3",
        "DELETE FROM t2",
        "DELETE FROM aux.u0",
        "UPDATE t3 SET b = 'hidden' || id WHERE b IS NOT 'hidden' || id",
        "UPDATE t2 SET b = 'hidden ' || (SELECT count(*) FROM t3)",
        "UPDATE OR REPLACE t1 SET a = 1 + (SELECT count(*) FROM t3) % 9, b = 'seen'",
        "DELETE FROM t4 WHERE id > 4",
        "UPDATE t4 SET b = 'hidden', c = id",
        "ALTER TABLE t1 RENAME COLUMN c TO kept",
        "DROP VIEW v0",
        "CREATE TABLE main.w0 AS SELECT 1 AS id, 2 AS a, 'main' AS b, 3 AS c, 4 AS d",
        "DROP INDEX IF EXISTS i1",
        "REPLACE INTO t3(id, a, b) SELECT id, 1, 'moved' FROM t4"};
    static const char *const seen[] = {"main.t0", "main.t2", "main.t1"};
    struct random *random = &generator->random;
    int connection = step->connection;
    bool takeover = generator->life->takeover && random_chance(random, 60);
    const char *chosen = RANDOM_PICK(random, hidden);
    struct text write = {0};
    text_add(&generator->text, "BEGIN");
    generate_insert(generator, &write, RANDOM_PICK(random, seen), 2);
    generate_queue(generator, connection, "%s", write.data);
    if (takeover)
        queue_hooks(generator, connection);
    generate_queue(generator, connection, "%s", chosen);
    if (strstr(chosen, "TO kept") != NULL)
        generate_queue(generator, connection, "ALTER TABLE t1 RENAME COLUMN kept TO c");
    else if (strstr(chosen, "VIEW") != NULL)
        generate_queue(generator, connection,
                       "CREATE VIEW v0 AS SELECT id, b, 'train' AS yc, c AS d FROM t1");
    else if (strstr(chosen, "main.w0") != NULL)
        remember_undo(generator, connection, "DROP TABLE main.w0");
    generate_queue(generator, connection, random_chance(random, 80) ? "COMMIT" : "ROLLBACK");
    if (takeover && generator->life->journal != NULL && random_chance(random, 60))
        queue_reopen(generator, connection);
    text_free(&write);
}

static void define(struct generator *generator, struct step *step)
{
    step->action = ACTION_DEFINE;
    step->number = random_below(&generator->random, QUERIES);
    generate_select(generator, &generator->text, step->connection);
}

static void write_blob(struct generator *generator, struct step *step)
{
    static const char *const places[] = {"main t0 b", "main t1 b", "main t2 c", "main t3 b",
                                         "aux u0 b"};
    step->action = ACTION_BLOB;
    step->number = random_below(&generator->random, 26);
    text_format(&generator->text, "%s %d", RANDOM_PICK(&generator->random, places),
                1 + random_below(&generator->random, 25));
}

/* Statements that read, or do nothing: a cache lives on the time between writes. */
static void idle(struct generator *generator, struct step *step)
{
    static const char *const reads[] = {"SELECT count(*) FROM t0", "SELECT max(b) FROM t1",
                                        "PRAGMA table_info(t2)", "EXPLAIN SELECT * FROM t1",
                                        "SELECT 1"};
    if (step->connection == 0 && random_chance(&generator->random, 8))
        step->action = ACTION_REPEAT;
    else
        text_add(&generator->text, RANDOM_PICK(&generator->random, reads));
}

static void choose(struct generator *generator, const struct world *world, struct step *step)
{
    struct random *random = &generator->random;
    bool autocommit = sqlite3_get_autocommit(world->connections[step->connection].db) != 0;
    int kind = random_below(random, 1000);
    if (autocommit)
        generator->savepoints[step->connection] = 0;
    if (generator->undos > 0 && random_chance(random, 15))
        take_undo(generator, step);
    else if (!autocommit && random_chance(random, step->connection ? 45 : 28))
        in_transaction(generator, step);
    else if (kind < 330)
        idle(generator, step);
    else if (kind < 370 && autocommit)
        begin(generator, step);
    else if (kind < (generator->life->takeover ? 400 : 385) && autocommit)
        train(generator, step);
    else if (kind < 410)
        change_schema(generator, step);
    else if (kind < 440 && autocommit)
        keep_house(generator, step);
    else if (kind < 455 && autocommit)
        define(generator, step);
    else if (kind < 460 && autocommit && generator->life->journal != NULL)
        reopen(generator, step);
    else if (kind < 475 && autocommit)
        write_blob(generator, step);
    else
        generate_write(generator, &generator->text, step->connection);
}

/* A second connection can do little while the first one holds the file. */
static int choose_connection(struct generator *generator, const struct world *world)
{
    const struct connection *first = &world->connections[0], *second = &world->connections[1];
    if (!generator->life->second || generator->life->exclusive || generator->exclusive)
        return 0;
    if (sqlite3_get_autocommit(second->db) == 0)
        return random_chance(&generator->random, 75);
    if (sqlite3_txn_state(first->db, NULL) == SQLITE_TXN_WRITE)
        return random_chance(&generator->random, 2);
    /* Commits beside an open snapshot are what is hard. */
    if (sqlite3_get_autocommit(first->db) == 0)
        return random_chance(&generator->random, 55);
    return random_chance(&generator->random, 20);
}

void generator_open(struct generator *generator, const struct life *life, bool fts, bool rtree)
{
    *generator = (struct generator){.random = {life->seed}, .life = life, .fts = fts};
    generator->rtree = rtree;
    generate_schema(generator);
}

void generator_next(struct generator *generator, const struct world *world, struct step *step)
{
    text_clear(&generator->text);
    *step = (struct step){0};
    if (generator->queue_next < generator->queue.count) {
        *step = generator->queue.steps[generator->queue_next++];
        return;
    }
    script_free(&generator->queue);
    generator->queue_next = 0;
    step->connection = choose_connection(generator, world);
    choose(generator, world, step);
    step->text = generator->text.data;
    step->salt = random_next(&generator->random);
    /* Some steps go unread, so that several changes meet the next read at once. */
    step->check = random_chance(&generator->random, 85);
}

void generator_close(struct generator *generator)
{
    script_free(&generator->queue);
    for (int i = 0; i < generator->undos; i++)
        free(generator->undo[i].sql);
    text_free(&generator->text);
}

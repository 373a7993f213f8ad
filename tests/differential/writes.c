/* Statements that write rows, in every form that SQLite has for it. */
#include "generate.h"

#include <string.h>

void generate_value(struct generator *generator, struct text *text)
{
    /* Reals are quarters: sums of them are exact in any order. */
    static const char *const values[] = {"'abc'",
                                         "'ABC'",
                                         "'Abc'",
                                         "'abc '",
                                         "'lime'",
                                         "'oak'",
                                         "'5'",
                                         "5.0",
                                         "5",
                                         "2.5",
                                         "-3",
                                         "''",
                                         "NULL",
                                         "X'616263'",
                                         "'b b'",
                                         "'B B'",
                                         "1099511627776",
                                         "0.25",
                                         "X''",
                                         "CAST(X'610062' AS TEXT)",
                                         "'lime oak'",
                                         "'\u00fcber'"};
    if (random_chance(&generator->random, 40))
        text_format(text, "%d", random_below(&generator->random, 21));
    else
        text_add(text, RANDOM_PICK(&generator->random, values));
}

/* 13 offends a CHECK, and is drawn only where a statement is to fail half way. */
static void add_row(struct generator *generator, struct text *text, const char *table, bool bad)
{
    struct random *random = &generator->random;
    bool child = strstr(table, "t2") != NULL || strstr(table, "t4") != NULL;
    text_format(text, "(%d, ", 1 + random_below(random, 30));
    if (bad)
        text_add(text, "13");
    else if (child && random_chance(random, 80))
        text_format(text, "(SELECT id FROM main.t0 WHERE id >= %d)", random_below(random, 20));
    else if (child)
        text_add(text, "NULL");
    else
        text_format(text, "%d", random_below(random, 13));
    for (int i = 0; i < 3; i++) {
        text_add(text, ", ");
        generate_value(generator, text);
    }
    text_add(text, ")");
}

void generate_insert(struct generator *generator, struct text *text, const char *table, int rows)
{
    static const char *const verbs[] = {"INSERT OR REPLACE", "REPLACE", "INSERT OR REPLACE",
                                        "INSERT OR IGNORE"};
    text_format(text, "%s INTO %s(id, a, b, c, d) VALUES ", RANDOM_PICK(&generator->random, verbs),
                table);
    for (int i = 0; i < rows; i++) {
        text_add(text, i ? ", " : "");
        add_row(generator, text, table, false);
    }
}

/* Rows that go in, then one that must not: what stays depends on the conflict clause. */
static void half_way(struct generator *generator, struct text *text, const char *table)
{
    static const char *const clauses[] = {"OR FAIL", "OR ABORT", "OR FAIL", "OR ROLLBACK", ""};
    text_format(text, "INSERT %s INTO %s(id, a, b, c, d) VALUES ",
                RANDOM_PICK(&generator->random, clauses), table);
    add_row(generator, text, table, false);
    text_add(text, ", ");
    add_row(generator, text, table, true);
}

static void inserts(struct generator *generator, struct text *text, const char *table)
{
    struct random *random = &generator->random;
    int number = random_below(random, 20);
    switch (random_below(random, 7)) {
    case 0:
        generate_insert(generator, text, table, 2 + random_below(random, 3));
        break;
    case 1: /* an upsert */
        text_format(text, "INSERT INTO %s(id, a, b, c, d) VALUES ", table);
        add_row(generator, text, table, false);
        text_add(text, " ON CONFLICT DO UPDATE SET c = excluded.c, b = b || ''");
        break;
    case 2:
        text_format(text,
                    "INSERT OR REPLACE INTO %s(id, b, c) SELECT id, b, a FROM %s WHERE a %% 5 = %d",
                    table, generate_name(generator, 1), number % 5);
        break;
    case 3:
        generate_insert(generator, text, table, 1);
        text_add(text, " RETURNING id, b");
        break;
    case 4:
        half_way(generator, text, table);
        break;
    default:
        generate_insert(generator, text, table, 1);
    }
}

static void updates(struct generator *generator, struct text *text, const char *table)
{
    struct random *random = &generator->random;
    int number = 1 + random_below(random, 25);
    switch (random_below(random, 8)) {
    case 0: /* nothing changes, though every hook runs */
        text_format(text, "UPDATE %s SET c = c, b = b WHERE id <= %d", table, number);
        break;
    case 1: /* not even a row is found */
        text_format(text, "UPDATE %s SET c = 1 WHERE 0", table);
        break;
    case 2: /* moves a key, and with it the children */
        text_format(text, "UPDATE OR REPLACE %s SET id = %d WHERE id = %d", table,
                    1 + random_below(random, 30), number);
        break;
    case 3: /* stops where the CHECK is offended */
        text_format(text, "UPDATE OR FAIL %s SET a = a + 1 WHERE id > %d", table, number);
        break;
    case 4:
        text_format(text, "UPDATE OR IGNORE %s SET b = y.b FROM %s AS y WHERE y.id = %d", table,
                    generate_name(generator, 1), number);
        break;
    default:
        text_format(text, "UPDATE OR IGNORE %s SET %c = ", table, "bcd"[random_below(random, 3)]);
        generate_value(generator, text);
        text_format(text, " WHERE id %s %d", random_chance(random, 70) ? "=" : ">", number);
        if (random_chance(random, 10))
            text_add(text, " RETURNING *");
    }
}

static void deletes(struct generator *generator, struct text *text, const char *table)
{
    struct random *random = &generator->random;
    int number = 1 + random_below(random, 25);
    switch (random_below(random, 6)) {
    case 0: /* a truncation, which no update hook sees */
        text_format(text, "DELETE FROM %s", table);
        break;
    case 1: /* keeps the tables small, whatever ids AUTOINCREMENT gave */
        text_format(text, "DELETE FROM %s WHERE id > 28 OR id IS NULL", table);
        break;
    case 2:
        text_format(text, "DELETE FROM %s WHERE id = %d RETURNING b", table, number);
        break;
    default:
        text_format(text, "DELETE FROM %s WHERE id = %d", table, number);
    }
}

static void view_writes(struct generator *generator, struct text *text)
{
    struct random *random = &generator->random;
    int number = 1 + random_below(random, 20);
    switch (random_below(random, 3)) {
    case 0:
        text_format(text, "INSERT INTO v1(id, b) VALUES (%d, 'view')", number);
        break;
    case 1:
        text_format(text, "UPDATE v1 SET b = 'seen', c = %d WHERE id = %d", number / 2, number);
        break;
    default:
        text_format(text, "DELETE FROM v1 WHERE id = %d", number);
    }
}

static void fts_writes(struct generator *generator, struct text *text)
{
    static const char *const found[] = {"'abc'", "'lime oak'", "'oak'", "'abc lime'"};
    struct random *random = &generator->random;
    int number = 1 + random_below(random, 12);
    switch (random_below(random, 4)) {
    case 0:
        text_format(text, "INSERT OR REPLACE INTO f0(rowid, b, c) VALUES (%d, %s, %s)", number,
                    RANDOM_PICK(random, found), RANDOM_PICK(random, found));
        break;
    case 1:
        text_format(text, "UPDATE f0 SET b = %s WHERE rowid = %d", RANDOM_PICK(random, found),
                    number);
        break;
    case 2:
        text_add(text, "INSERT INTO f1(f1) VALUES ('rebuild')");
        break;
    default:
        text_format(text, "DELETE FROM f0 WHERE rowid = %d", number);
    }
}

static void rtree_writes(struct generator *generator, struct text *text)
{
    int number = 1 + random_below(&generator->random, 12);
    if (random_chance(&generator->random, 30))
        text_format(text, "DELETE FROM r0 WHERE id = %d", number);
    else
        text_format(text, "INSERT OR REPLACE INTO r0 VALUES (%d, %d, %d)", number, number % 7,
                    7 + number);
}

void generate_write(struct generator *generator, struct text *text, int connection)
{
    struct random *random = &generator->random;
    const char *table = generate_name(generator, connection);
    int kind = random_below(random, 100);
    if (kind < 6)
        view_writes(generator, text);
    else if (kind < 12 && generator->fts)
        fts_writes(generator, text);
    else if (kind < 14 && generator->rtree)
        rtree_writes(generator, text);
    else if (kind < 54)
        inserts(generator, text, table);
    else if (kind < 85)
        updates(generator, text, table);
    else
        deletes(generator, text, table);
}

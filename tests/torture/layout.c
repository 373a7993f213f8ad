#include "layout.h"

#include <stdio.h>

const struct table_layout layout[TABLES] = {
    [TABLE_PLAIN] = {"plain", TABLE_PLAIN, true, false, false},
    [TABLE_INDEXED] = {"indexed", TABLE_INDEXED, true, false, false},
    [TABLE_CLUSTERED] = {"clustered", TABLE_CLUSTERED, true, false, false},
    [TABLE_LEFT] = {"left_side", TABLE_LEFT, false, false, false},
    [TABLE_RIGHT] = {"right_side", TABLE_LEFT, false, false, false},
    [TABLE_PARENT] = {"parent", TABLE_PARENT, false, false, false},
    [TABLE_CHILD] = {"child", TABLE_PARENT, false, false, false},
    [TABLE_LOGGED] = {"logged", TABLE_PARENT, false, false, false},
    [TABLE_REFILLED] = {"refilled", TABLE_REFILLED, false, true, false},
    [TABLE_VERSIONED] = {"versioned", TABLE_VERSIONED, false, false, false},
    [TABLE_REMADE] = {"remade", TABLE_REMADE, true, false, false},
    [TABLE_ALTERED] = {"altered", TABLE_ALTERED, true, false, false},
    [TABLE_NEAR] = {"near", TABLE_NEAR, true, false, false},
    [TABLE_FAR] = {"far", TABLE_FAR, true, false, true},
};

/* The third column repeats the other two, so that a row put together from two would show. */
#define COLUMNS "k, c, k || ':' || c AS label"

void layout_read_sql(char *sql, size_t size, int table, enum form form)
{
    const char *name = layout[table].name;
    const char *schema = layout[table].second ? "second" : "main";
    switch (form) {
    case FORM_CACHED_KEY:
        snprintf(sql, size, "SELECT k, c, label FROM key_%s(?1)", name);
        break;
    case FORM_CACHED_ALL:
        snprintf(sql, size, "SELECT k, c, label FROM all_%s", name);
        break;
    case FORM_QUERY_KEY:
        snprintf(sql, size, "SELECT cache_query('SELECT k, c FROM %s.%s WHERE k = ?', ?1)", schema,
                 name);
        break;
    case FORM_QUERY_ALL:
        snprintf(sql, size, "SELECT cache_query('SELECT k, c FROM %s.%s ORDER BY k')", schema,
                 name);
        break;
    case FORM_PLAIN_KEY:
    case FORM_PREPARED_KEY:
        snprintf(sql, size, "SELECT " COLUMNS " FROM %s.%s WHERE k = ?1", schema, name);
        break;
    default:
        snprintf(sql, size, "SELECT " COLUMNS " FROM %s.%s ORDER BY k", schema, name);
    }
}

void layout_cache_sql(char *sql, size_t size, int table)
{
    const char *name = layout[table].name;
    const char *schema = layout[table].second ? "second" : "main";
    snprintf(sql, size,
             "CREATE VIRTUAL TABLE temp.key_%s USING cache("
             "(SELECT " COLUMNS " FROM %s.%s WHERE k = :key));"
             "CREATE VIRTUAL TABLE temp.all_%s USING cache("
             "(SELECT " COLUMNS " FROM %s.%s ORDER BY k))",
             name, schema, name, name, schema, name);
}

const struct pair_layout layout_pairs[] = {
    {TABLE_LEFT, TABLE_RIGHT,
     "SELECT l.c, r.c FROM key_left_side(?1) AS l, key_right_side(?1) AS r"},
    {TABLE_LEFT, TABLE_RIGHT,
     "SELECT l.c, r.c FROM all_left_side AS l JOIN all_right_side AS r USING (k) WHERE k = ?1"},
    {TABLE_LEFT, TABLE_LEFT,
     "SELECT (SELECT c FROM key_left_side(?1)), (SELECT c FROM main.right_side WHERE k = ?1)"},
    {TABLE_RIGHT, TABLE_RIGHT,
     "SELECT (SELECT c FROM main.left_side WHERE k = ?1), (SELECT c FROM key_right_side(?1))"},
    {TABLE_LEFT, TABLE_RIGHT,
     "SELECT max(c), min(c) FROM (SELECT c FROM key_left_side(?1) UNION ALL "
     "SELECT c FROM key_right_side(?1) UNION ALL SELECT c FROM all_left_side WHERE k = ?1)"},
    {TABLE_PARENT, TABLE_CHILD,
     "SELECT p.c, h.c FROM all_parent AS p, key_child(p.k) AS h WHERE p.k = ?1"},
    {TABLE_PARENT, TABLE_LOGGED,
     "SELECT p.c, l.c FROM key_parent(?1) AS p, all_logged AS l WHERE l.k = p.k"},
    {TABLE_INDEXED, TABLE_INDEXED,
     "SELECT one.c, two.c FROM key_indexed(?1) AS one, all_indexed AS two WHERE two.k = one.k"},
    {TABLE_CLUSTERED, TABLE_CLUSTERED,
     "SELECT one.c, two.c FROM all_clustered AS one, key_clustered(one.k) AS two "
     "WHERE one.k = ?1"},
};
const int layout_pair_count = (int)(sizeof layout_pairs / sizeof layout_pairs[0]);

/* `big` is what a writer spills into the file before it commits: more pages than its cache has. */
const char layout_main_sql[] =
    "CREATE TABLE plain(k INTEGER PRIMARY KEY, c INT NOT NULL);"
    "CREATE TABLE indexed(id INTEGER PRIMARY KEY, k INT UNIQUE, c INT NOT NULL);"
    "CREATE INDEX indexed_c ON indexed(c);"
    "CREATE TABLE clustered(k INT PRIMARY KEY, c INT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE left_side(k INTEGER PRIMARY KEY, c INT NOT NULL);"
    "CREATE TABLE right_side(k INTEGER PRIMARY KEY, c INT NOT NULL);"
    "CREATE TABLE parent(k INTEGER PRIMARY KEY, c INT NOT NULL, UNIQUE(k, c));"
    "CREATE TABLE child(id INTEGER PRIMARY KEY, k INT, c INT NOT NULL, FOREIGN KEY(k, c)"
    "  REFERENCES parent(k, c) ON UPDATE CASCADE ON DELETE CASCADE);"
    "CREATE TABLE logged(k INTEGER PRIMARY KEY, c INT NOT NULL);"
    "CREATE TRIGGER changed AFTER UPDATE OF c ON parent BEGIN"
    "  UPDATE logged SET c = new.c WHERE k = new.k; END;"
    "CREATE TRIGGER added AFTER INSERT ON parent BEGIN"
    "  REPLACE INTO logged(k, c) VALUES (new.k, new.c); END;"
    "CREATE TABLE refilled(k INTEGER PRIMARY KEY, c INT NOT NULL);"
    "CREATE VIEW versioned AS SELECT k, 1 AS c FROM plain;"
    "CREATE TABLE remade(k INTEGER PRIMARY KEY, c INT NOT NULL);"
    "CREATE TABLE altered(k INTEGER PRIMARY KEY, c INT NOT NULL);"
    "CREATE TABLE near(k INTEGER PRIMARY KEY, c INT NOT NULL);"
    "CREATE TABLE big(id INTEGER PRIMARY KEY, x);"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
    "  INSERT INTO big(x) SELECT zeroblob(400) FROM n;";
const char layout_second_sql[] = "CREATE TABLE far(k INTEGER PRIMARY KEY, c INT NOT NULL);";

void layout_fill_sql(char *sql, size_t size, int table)
{
    snprintf(sql, size,
             "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
             "  REPLACE INTO %s(k, c) SELECT i, 1 FROM n",
             KEYS - 1, layout[table].name);
}

/* Which commits ended what: histories and the evidence that rests on them. */
#include "tap.h"

#include "coherence/evidence.h"
#include "counting.h"

static uint64_t advance_unknown(struct history *history)
{
    uint64_t epoch = history_advance(history);
    history_mark_all(history, epoch);
    return epoch;
}

static struct history *main_file;
static struct history *other_file;
static struct table *orders;
static struct table *customers;
static struct table *codes;  /* WITHOUT ROWID */
static struct table *prices; /* of the other file */

static struct evidence evidence_of(struct source *sources, unsigned source_count,
                                   struct table **tables, unsigned table_count)
{
    for (unsigned i = 0; i < source_count; i++)
        sources[i].epoch = history_epoch(sources[i].history);
    return (struct evidence){source_count, table_count, sources, tables};
}

static void test_tables(void)
{
    ok(history_table(main_file, "ORDERS", TABLE_ROWID) == orders,
       "a table is found whatever the case of its name");
    is_text(orders->name, "orders", "and keeps the name that it was added by");
    ok(history_find_table(main_file, "Customers") == customers, "find finds what was added");
    ok(history_find_table(main_file, "nothing") == NULL, "find never adds");
    ok(history_find_table(other_file, "orders") == NULL, "each history has tables of its own");
    struct table *mixed = history_table(main_file, "mixed", TABLE_ROWID);
    history_table(main_file, "mixed", TABLE_WITHOUT_ROWID);
    is_int(mixed->kind, TABLE_WITHOUT_ROWID, "a table of two kinds gets the one that trusts less");
    history_table(main_file, "mixed", TABLE_ROWID);
    is_int(mixed->kind, TABLE_WITHOUT_ROWID, "and keeps it");
    is_text(history_name(main_file), "/data/main.db", "a history tells its name");
}

static void test_epochs(void)
{
    struct history *history = history_new("fresh");
    is_int(history_epoch(history), 1, "epochs begin with 1");
    is_int(history_unknown_epoch(history), 0, "nothing unknown has happened yet");
    is_int(history_advance(history), 2, "a known commit begins an epoch");
    is_int(history_epoch(history), 2, "and is the last commit");
    is_int(history_unknown_epoch(history), 0, "but not an unknown one");
    is_int(advance_unknown(history), 3, "an unknown one begins an epoch as well");
    is_int(history_unknown_epoch(history), 3, "and is the last unknown");
    is_int(history_epoch(history), 3, "and the last commit");
    is_int(history_epoch(history), 3, "the epoch is the last begun");
    struct table *table = history_table(history, "t", TABLE_ROWID);
    history_mark(table, 3);
    history_mark(table, 2);
    is_int(table->changed, 3, "a mark never moves a table back");
    is_int(table->commits, 2, "each mark counts a commit");
    ok(table->changed_at > INT64_C(1600000000000000), "a mark notes the time in microseconds");
    history_mark(NULL, 5);
    history_release(history);
}

static void test_stale(void)
{
    struct source source[] = {{.history = main_file}};
    struct table *tables[] = {orders};
    struct evidence evidence = evidence_of(source, 1, tables, 1);
    ok(!evidence_is_stale(&evidence), "evidence stands while nothing happens");
    history_mark(customers, history_advance(main_file));
    ok(!evidence_is_stale(&evidence), "a commit to another table does not end it");
    advance_unknown(other_file);
    ok(!evidence_is_stale(&evidence), "an unknown commit to another file does not end it");
    history_mark(orders, history_advance(main_file));
    ok(evidence_is_stale(&evidence), "a commit to its table ends it");
    evidence_count_invalidation(&evidence);
    is_int(orders->invalidations, 1, "and is counted on that table");

    evidence = evidence_of(source, 1, tables, 1);
    ok(!evidence_is_stale(&evidence), "evidence of now stands again");
    advance_unknown(main_file);
    ok(evidence_is_stale(&evidence), "an unknown commit ends it");
    evidence_count_invalidation(&evidence);
    is_int(orders->invalidations, 2, "and is counted on its tables");

    source[0].whole_file = true;
    evidence = evidence_of(source, 1, tables, 1);
    history_mark(customers, history_advance(main_file));
    ok(evidence_is_stale(&evidence), "any commit ends what depends on the whole file");
    source[0].whole_file = false;

    struct table *silent[] = {customers, codes};
    evidence = evidence_of(source, 1, silent, 2);
    history_mark(orders, history_advance(main_file));
    ok(evidence_is_stale(&evidence), "any commit ends what read a WITHOUT ROWID table");
    uint64_t before = customers->invalidations;
    evidence_count_invalidation(&evidence);
    is_int(codes->invalidations, 1, "which is counted on that table");
    is_int(customers->invalidations, before, "and not on the one that did not change");
}

static void test_two_files(void)
{
    struct source sources[] = {{.history = main_file}, {.history = other_file}};
    struct table *tables[] = {orders, prices};
    struct evidence evidence = evidence_of(sources, 2, tables, 2);
    ok(!evidence_is_stale(&evidence), "evidence over two files stands while nothing happens");
    /* The other file's epochs are behind: compared with the wrong source's, this goes unseen. */
    while (history_epoch(main_file) < history_epoch(other_file) + 10)
        history_mark(customers, history_advance(main_file));
    evidence = evidence_of(sources, 2, tables, 2);
    history_mark(prices, history_advance(other_file));
    ok(evidence_is_stale(&evidence), "each table is held against the epoch of its own file");
}

static void test_copy(void)
{
    struct history *history = history_new("gone \"soon\"");
    struct table *b = history_table(history, "b\"\\\n", TABLE_ROWID);
    struct table *a = history_table(history, "a", TABLE_ROWID);
    struct table *same = history_table(main_file, "a", TABLE_ROWID);
    struct source sources[] = {{.history = history}, {.history = main_file}};
    struct table *tables[] = {b, a, same};
    struct evidence evidence = evidence_of(sources, 2, tables, 3);
    void *block = memory_alloc(evidence_size(&evidence));
    struct evidence *copy = evidence_copy(&evidence, block);
    memset(sources, 0, sizeof sources);
    memset(tables, 0, sizeof tables);
    ok((void *)copy == block, "a copy begins where its block does");
    is_int(a->entries, 1, "a copy is counted on its tables");
    history_release(history);
    is_text(history_name(copy->sources[0].history), "gone \"soon\"", "a copy keeps the history");
    char *text = evidence_tables_json(copy);
    is_text(text, "[\"a\",\"b\\\"\\\\\\n\"]", "table names are JSON, ordered, each once");
    memory_free(text);
    text = evidence_database_names(copy);
    is_text(text, "gone \"soon\", /data/main.db", "the databases are named");
    memory_free(text);
    ok(evidence_names_table(copy, "A"), "a table is known whatever the case of its name");
    ok(!evidence_names_table(copy, "c"), "and another is not");
    int fails = 0;
    for (int i = 1; i <= 2; i++) {
        counting_fail = i;
        text = evidence_tables_json(copy);
        fails += text == NULL;
        memory_free(text);
    }
    counting_fail = 0;
    is_int(fails, 2, "a list of names says when memory is short");
    evidence_drop(copy);
    is_int(same->entries, 0, "a dropped copy is no longer counted");
    memory_free(block);

    struct evidence nothing = {0};
    ok(!evidence_is_stale(&nothing), "what depends on nothing is never stale");
    text = evidence_tables_json(&nothing);
    is_text(text, "[]", "and names no tables");
    memory_free(text);
    text = evidence_database_names(&nothing);
    is_text(text, "", "and no databases");
    memory_free(text);
}

static int count_table(const struct history *history, const struct table *table, void *context)
{
    int *count = context;
    (void)history;
    (*count)++;
    return strcmp(table->name, "stop") == 0 ? 42 : 0;
}

static void test_listing(void)
{
    int before = 0;
    is_int(history_each_table(count_table, &before), 0, "all tables are listed");
    struct history *history = history_new("listed");
    history_table(history, "x", TABLE_ROWID);
    int after = 0;
    history_each_table(count_table, &after);
    is_int(after, before + 1, "a new history's tables are among them");
    history_table(history, "stop", TABLE_ROWID);
    is_int(history_each_table(count_table, &after), 42, "a visit can stop it");
    history_retain(history);
    history_release(history);
    history_release(history);
    after = 0;
    history_each_table(count_table, &after);
    is_int(after, before, "a history that nobody holds is gone from the list");
}

static void test_memory_short(void)
{
    counting_fail = 1;
    ok(history_new("x") == NULL, "a new history says when memory is short");
    counting_fail = 1;
    ok(history_table(main_file, "another", TABLE_ROWID) == NULL, "a new table likewise");
    ok(history_find_table(main_file, "another") == NULL, "and it is not there");
}

int main(void)
{
    counting_start();
    main_file = history_new("/data/main.db");
    other_file = history_new("/data/other.db");
    orders = history_table(main_file, "orders", TABLE_ROWID);
    customers = history_table(main_file, "customers", TABLE_ROWID);
    codes = history_table(main_file, "codes", TABLE_WITHOUT_ROWID);
    prices = history_table(other_file, "prices", TABLE_ROWID);
    test_tables();
    test_epochs();
    test_stale();
    test_two_files();
    test_copy();
    test_listing();
    test_memory_short();
    history_release(main_file);
    history_release(other_file);
    is_int(counting_bytes, 0, "nothing is live at the end");
    return tap_done();
}

/* The store against a plain model of it, short of memory, and under many threads. */
#include "tap.h"

#include <pthread.h>

#include "base/ticks.h"
#include "counting.h"
#include "numbered.h"
#include "store/store.h"

#define NO_LIMIT ((struct limits){INT64_MAX, INT64_MAX})

static struct history *history;
static struct table *tables[4];

/* ---- making what goes in ---- */

/* A query by number: sixteen numbers share a key, and differ only in what a key stands for. */
struct query {
    char sql[24];
    struct query_identity identity;
};

static struct query_identity *query(struct query *query, struct space *space, unsigned number)
{
    uint64_t state = number / 16;
    int size = snprintf(query->sql, sizeof query->sql, "SELECT %u", number / 8 % 2);
    query->identity = (struct query_identity){
        .key = {random_next(&state), random_next(&state)},
        .space = space,
        .owner = number / 4 % 2,
        .sql = query->sql,
        .sql_size = (size_t)size,
        .params = "\0\0\0\1",
        .params_size = 2 + number % 4 % 3,
    };
    if (number % 4 == 3)
        query->identity.params = "\1\1";
    if (number % 4 == 3)
        query->identity.params_size = 2;
    return &query->identity;
}

/* What a reader sees who comes after all commits, whichever that is. */
static struct views latest(void)
{
    return (struct views){.count = 1, .probed = true, .list = {{history, UINT64_MAX, false}}};
}

static enum kept insert(struct store *store, struct space *space, unsigned number, size_t size,
                        struct admission admission)
{
    struct query text = {0};
    admission.result = make_numbered(number, size);
    if (admission.result == NULL)
        return KEPT_NO_MEMORY;
    enum kept kept = store_insert(store, query(&text, space, number), &admission);
    result_release(admission.result);
    return kept;
}

static const struct admission plain = {.now = 1, .ttl = TICKS_NEVER, .tti = TICKS_NEVER};

static enum found find(struct store *store, struct space *space, unsigned number, int64_t now)
{
    struct query text = {0};
    struct result *result;
    struct views views = latest();
    enum found found = store_find(store, query(&text, space, number), now, &views, &result);
    if (found == FOUND_HIT && numbered_as(result) != number)
        ok(false, "a hit gives the result of its own query");
    result_release(result);
    return found;
}

/* ---- plain cases ---- */

static void test_identity(void)
{
    struct store *store = store_new(4, NO_LIMIT);
    struct space *space = store_space(store, "s", "x", 1);
    for (unsigned i = 0; i < 64; i++)
        insert(store, i % 4 == 1 ? space : store_space(store, NULL, NULL, 0), i, 10, plain);
    int hits = 0;
    int strangers = 0;
    for (unsigned i = 0; i < 64; i++) {
        struct space *own = i % 4 == 1 ? space : store_space(store, NULL, NULL, 0);
        struct space *other = i % 4 == 1 ? store_space(store, NULL, NULL, 0) : space;
        hits += find(store, own, i, 2) == FOUND_HIT;
        strangers += find(store, other, i, 2) == FOUND_HIT;
    }
    is_int(hits, 64, "queries of one key are told apart by owner, SQL and parameters");
    is_int(strangers, 0, "and by space");
    is_int(store_counters(store).hits, 64, "hits are counted");
    is_int(store_counters(store).misses, 0, "misses are not: who computes counts them");
    is_int(space_counters(space).hits, 16, "a space counts its own");
    is_int(space_usage(space).entries, 16, "and its entries");
    ok(space_usage(space).bytes > 0 && space_usage(space).bytes < store_usage(store).bytes,
       "and its bytes");
    store_reset_counters(store);
    is_int(store_counters(store).hits + store_counters(store).misses, 0, "counters can be reset");
    is_int(space_counters(space).hits, 0, "the spaces' too");
    store_free(store);
    is_int(counting_bytes, 0, "a freed store leaves nothing");
}

static void test_replacing(void)
{
    struct store *store = store_new(1, NO_LIMIT);
    struct space *space = store_space(store, NULL, NULL, 0);
    struct query text = {0};
    struct admission admission = plain;
    insert(store, space, 1, 10, plain);
    admission.result = make_numbered(77, 20);
    store_insert(store, query(&text, space, 1), &admission);
    struct result *result;
    store_find(store, &text.identity, 2, NULL, &result);
    ok(result == admission.result, "a newer result takes the place of the older");
    is_int(store_usage(store).entries, 1, "of which there is one then");
    is_int(store_counters(store).evictions, 0, "and that is no eviction");
    is_int(store_counters(store).insertions, 2, "but two insertions");
    result_release(result);
    store_remove(store, NULL, NULL, CAUSE_EXPLICIT);
    is_int(store_usage(store).bytes, 0, "what is read after its entry left does not count");
    is_int(numbered_as(admission.result), 77, "and can still be read");
    result_release(admission.result);
    store_free(store);
}

static void test_views(void)
{
    struct store *store = store_new(1, NO_LIMIT);
    struct space *space = store_space(store, NULL, NULL, 0);
    history_mark(tables[0], history_advance(history));
    uint64_t epoch = history_epoch(history);
    struct source source = {.history = history, .epoch = epoch};
    struct evidence evidence = {1, 1, &source, &tables[0]};
    struct admission admission = plain;
    struct query text = {0};
    struct result *result;
    admission.evidence = &evidence;
    admission.load_ns = 500;
    insert(store, space, 1, 10, admission);
    is_int(tables[0]->entries, 1, "an entry counts on the tables it depends on");
    query(&text, space, 1);

    struct views views = latest();
    views.probed = false;
    is_int(store_find(store, &text.identity, 2, &views, &result), FOUND_UNSURE,
           "a reader that may find out more is told to");
    is_int(store_counters(store).hits, 0, "and that counts nothing");
    views_clear(&views);
    views_add(&views, &(struct view){history, epoch - 1, true});
    is_int(store_find(store, &text.identity, 2, &views, &result), FOUND_MISS,
           "a reader of an earlier state misses");
    is_int(store_usage(store).entries, 1, "and the entry stays");
    views_clear(&views);
    views_add(&views, &(struct view){history, epoch, true});
    is_int(store_find(store, &text.identity, 2, &views, &result), FOUND_HIT,
           "a reader of the entry's own state hits");
    result_release(result);
    is_int(store_counters(store).saved_ns, 500, "a hit saves what its entry took to compute");
    views_add(&views, &(struct view){history, epoch - 1, true});
    ok(views.count == 1 && !views.exact, "two states of one file make one view that is not exact");
    is_int(store_find(store, &text.identity, 2, &views, &result), FOUND_MISS,
           "a reader that sees the file in two states, too, has no hit by the later one");
    is_int(store_usage(store).entries, 1, "nor is the entry dropped for it");
    views = latest();
    history_mark(tables[0], history_advance(history));
    uint64_t before = tables[0]->invalidations;
    is_int(store_find(store, &text.identity, 2, &views, &result), FOUND_MISS,
           "a stale one is a miss");
    is_int(store_usage(store).entries, 0, "and is dropped");
    is_int(store_counters(store).invalidations, 1, "and counted");
    is_int(tables[0]->invalidations, before + 1, "on the table that changed, too");
    is_int(tables[0]->entries, 0, "which no entry depends on any more");
    admission.evidence = &(struct evidence){1, 0, &source, NULL};
    source.epoch = history_epoch(history);
    insert(store, space, 1, 10, admission);
    views_clear(&views);
    is_int(store_find(store, &text.identity, 2, &views, &result), FOUND_MISS,
           "what rests on a file that the reader has not open is no hit");
    store_free(store);
}

static void test_expiry(void)
{
    struct store *store = store_new(2, NO_LIMIT);
    struct space *space = store_space(store, NULL, NULL, 0);
    struct admission admission = {.now = 100, .ttl = 50, .tti = TICKS_NEVER};
    insert(store, space, 1, 10, admission);
    is_int(find(store, space, 1, 149), FOUND_HIT, "an entry serves until its ttl");
    is_int(find(store, space, 1, 150), FOUND_MISS, "and no longer, whatever its hits");
    is_int(store_counters(store).expirations, 1, "which is counted as an expiration");
    admission = (struct admission){.now = 100, .ttl = TICKS_NEVER, .tti = 50};
    insert(store, space, 1, 10, admission);
    is_int(find(store, space, 1, 149), FOUND_HIT, "an entry serves until it is idle for its tti");
    is_int(find(store, space, 1, 198), FOUND_HIT, "each hit begins that anew");
    is_int(find(store, space, 1, 248), FOUND_MISS, "until none came in time");
    admission = (struct admission){.now = 100, .ttl = 10, .tti = TICKS_NEVER};
    for (unsigned i = 0; i < 100; i++)
        insert(store, space, i * 16, 10, admission);
    admission.now = 1000;
    for (unsigned i = 100; i < 200; i++)
        insert(store, space, i * 16, 10, admission);
    is_int(store_usage(store).entries, 100, "insertions sweep out what is expired");
    store_free(store);
}

static void test_too_big(void)
{
    struct store *store = store_new(2, (struct limits){.max_entries = 10, .max_bytes = 4000});
    struct space *space = store_space(store, "small", NULL, 0);
    insert(store, space, 1, 10, plain);
    is_int(insert(store, space, 2, 4000, plain), KEPT_TOO_BIG, "what is over the bound is refused");
    is_int(store_usage(store).entries, 1, "and nothing is evicted for it");
    is_int(store_counters(store).rejections, 1, "and counted as a rejection");
    space_set_limits(space, (struct limits){.max_entries = 10, .max_bytes = 1000});
    is_int(insert(store, space, 2, 1000, plain), KEPT_TOO_BIG, "so is what is over a space's");
    space_set_limits(space, (struct limits){.max_entries = 0, .max_bytes = 1000});
    is_int(space_usage(space).entries, 0, "lowering a space's limit evicts at once");
    is_int(insert(store, space, 2, 10, plain), KEPT_TOO_BIG, "no entries means none");
    store_set_limits(store, (struct limits){.max_entries = -5, .max_bytes = -5});
    is_int(store_limits(store).max_bytes, 0, "a negative limit is none at all left");
    store_free(store);
}

static void test_counting(void)
{
    struct store *store = store_new(8, NO_LIMIT);
    struct space *space = store_space(store, "s", NULL, 0);
    store_count_bypass(store, space);
    store_count_rejection(store, space);
    store_count_rejection(store, space);
    store_count_miss(store, space);
    store_count_coalesced(store, space, 77);
    store_count_load(store, space, 123);
    const struct counters expected = {.hits = 1,
                                      .misses = 1,
                                      .bypasses = 1,
                                      .coalesced = 1,
                                      .rejections = 2,
                                      .load_ns = 123,
                                      .saved_ns = 77};
    struct counters counters = space_counters(space);
    ok(memcmp(&counters, &expected, sizeof counters) == 0,
       "what the store does not see is counted in the space");
    counters = store_counters(store);
    ok(memcmp(&counters, &expected, sizeof counters) == 0, "and in the store");
    space_release(space);
    counters = store_counters(store);
    ok(memcmp(&counters, &expected, sizeof counters) == 0,
       "where it stays when the space has gone");
    space = store_space(store, "s", NULL, 0);
    is_int(space_counters(space).bypasses, 0, "a space made anew counts from 0");
    store_count_miss(store, space);
    is_int(store_counters(store).misses, 2, "and the store goes on");
    store_reset_counters(store);
    store_count_miss(store, space);
    is_int(store_counters(store).misses, 1, "after a reset, the store counts from 0");
    is_int(space_counters(space).misses, 1, "and so does the space");
    space_release(space);
    is_int(store_counters(store).misses, 1, "which takes with it only what it counted since");
    store_free(store);
}

static void test_spaces(void)
{
    struct store *store = store_new(2, NO_LIMIT);
    int64_t baseline = counting_bytes;
    struct space *one = store_space(store, "sales", "1", 1);
    struct space *two = store_space(store, "sales", "2", 1);
    struct space *again = store_space(store, "sales", "1", 1);
    ok(one == again && one != two, "a space is found by name and identity");
    is_text(space_name(one), "sales", "and carries its name");
    ok(space_name(store_space(store, NULL, NULL, 0)) == NULL, "the default space has none");
    space_release(two);
    space_release(again);
    insert(store, one, 1, 10, plain);
    space_release(one);
    ok(counting_bytes > baseline + store_usage(store).bytes, "entries keep their space");
    ok(store_space(store, "sales", "1", 1) == one, "where it is found again");
    is_int(find(store, one, 1, 2), FOUND_HIT, "with its entries");
    space_release(one);
    store_remove(store, NULL, NULL, CAUSE_EXPLICIT);
    is_int(counting_bytes, baseline, "a space without references and entries is freed");
    counting_fail = 1;
    ok(store_space(store, "x", NULL, 0) == NULL, "a new space says when memory is short");
    store_free(store);
}

struct looking {
    int seen;
    int stop_at;
    bool good;
};

static int look_at_sql(const struct entry_view *view, void *context)
{
    struct looking *looking = context;
    looking->good =
        looking->good && (strcmp(view->sql, "SELECT 0") == 0 || strcmp(view->sql, "SELECT 1") == 0);
    looking->seen++;
    return 0;
}

/* A named cache is told from others of its name by its SQL, which all of its entries have. */
static void test_sql_kept_once(void)
{
    struct store *store = store_new(1, NO_LIMIT);
    struct query text = {0};
    query(&text, NULL, 0);
    struct space *named = store_space(store, "s", text.identity.sql, text.identity.sql_size);
    struct space *other = store_space(store, "s", "SELECT ?", text.identity.sql_size);
    int64_t baseline = counting_bytes;
    insert(store, named, 0, 10, plain);
    insert(store, other, 0, 10, plain);
    is_int(space_usage(other).bytes - space_usage(named).bytes, (int64_t)text.identity.sql_size + 1,
           "an entry has no copy of its space's SQL");
    is_int(counting_bytes - baseline, store_usage(store).bytes, "what it takes is counted");
    is_int(find(store, named, 0, 2), FOUND_HIT, "it is found all the same");
    is_int(find(store, other, 0, 2), FOUND_HIT, "as is one with a copy of its own");
    is_int(find(store, named, 8, 2), FOUND_MISS, "another SQL under the same key is told apart");
    insert(store, named, 8, 10, plain);
    is_int(find(store, named, 8, 2) + find(store, named, 0, 2), 2 * FOUND_HIT, "in the space, too");
    is_int(find(store, named, 1, 2), FOUND_MISS, "and other parameters");
    space_release(named);
    space_release(other);
    struct looking looking = {.good = true};
    is_int(store_each(store, look_at_sql, &looking), 0, "all are looked at");
    is_int(looking.seen, 3, "and their SQL");
    ok(looking.good, "is what was asked, and ends with a zero byte");
    store_free(store);
}

static int look(const struct entry_view *view, void *context)
{
    struct looking *looking = context;
    looking->good = looking->good && view->bytes > result_size(view->result) &&
                    strncmp(view->sql, "SELECT ", 7) == 0 && view->expires == 61 &&
                    view->created == 1 && view->load_ns == 7 && view->params_size >= 2;
    return ++looking->seen == looking->stop_at ? 9 : 0;
}

static bool is_even(const struct entry_view *view, void *context)
{
    (void)context;
    return numbered_as(view->result) % 2 == 0;
}

static void test_looking(void)
{
    struct store *store = store_new(4, NO_LIMIT);
    struct space *space = store_space(store, NULL, NULL, 0);
    struct source source = {.history = history, .epoch = history_epoch(history)};
    struct evidence evidence = {1, 1, &source, &tables[1]};
    struct admission admission = {.now = 1, .load_ns = 7, .ttl = 60, .tti = TICKS_NEVER};
    admission.evidence = &evidence;
    for (unsigned i = 0; i < 20; i++)
        insert(store, space, i * 5, 10, admission);
    struct looking looking = {.stop_at = 100, .good = true};
    is_int(store_each(store, look, &looking), 0, "each entry can be looked at");
    ok(looking.seen == 20 && looking.good, "with all that is known of it");
    looking = (struct looking){.stop_at = 5, .good = true};
    is_int(store_each(store, look, &looking), 9, "until the visitor stops");
    is_int(looking.seen, 5, "at once");
    is_int(store_remove(store, is_even, NULL, CAUSE_TABLE_CHANGE), 0,
           "removed entries that were past their ttl could not have been served");
    is_int(store_usage(store).entries, 10, "but are removed");
    is_int(store_counters(store).invalidations, 10, "and counted by the cause");
    store_remove(store, NULL, NULL, CAUSE_EXPLICIT);
    admission.ttl = TICKS_NEVER;
    insert(store, space, 1, 10, plain);
    insert(store, space, 2, 10, admission);
    history_mark(tables[1], history_advance(history));
    is_int(store_remove(store, NULL, NULL, CAUSE_EXPLICIT), 1, "nor could what was stale");
    is_int(store_counters(store).invalidations, 10, "what was asked for is not counted");
    store_free(store);
}

static int add_bytes(const struct entry_view *view, void *context)
{
    *(int64_t *)context += (int64_t)view->bytes;
    return 0;
}

/* What the hash tables take beyond the entries. */
static int64_t table_bytes(struct store *store)
{
    int64_t bytes = 0;
    store_each(store, add_bytes, &bytes);
    return store_usage(store).bytes - bytes;
}

static void test_hash_table(void)
{
    struct store *store = store_new(1, NO_LIMIT);
    struct space *space = store_space(store, NULL, NULL, 0);
    for (unsigned i = 0; i < 1000; i++)
        insert(store, space, i, 10, plain);
    int64_t slot = sizeof(void *);
    ok(table_bytes(store) >= 1000 * slot && table_bytes(store) <= 8192 * slot,
       "a hash table grows with its entries, and counts");
    store_set_limits(store, (struct limits){.max_entries = 10, .max_bytes = INT64_MAX});
    for (unsigned i = 0; i < 10; i++)
        insert(store, space, i, 10, plain);
    ok(table_bytes(store) <= 128 * slot, "and shrinks with them");
    store_free(store);
}

/* ---- exactly the least recently used ---- */

static void test_exact_order(unsigned shards)
{
    enum { ENTRIES = 300 };
    uint64_t seed = shards;
    struct store *store = store_new(shards, NO_LIMIT);
    struct space *space = store_space(store, NULL, NULL, 0);
    int64_t used[ENTRIES];
    int64_t now = 1;
    for (unsigned i = 0; i < ENTRIES; i++) {
        struct admission admission = plain;
        admission.now = used[i] = ++now;
        insert(store, space, i, 10, admission);
    }
    for (int i = 0; i < 1000; i++) {
        unsigned number = random_below(&seed, ENTRIES);
        used[number] = ++now;
        find(store, space, number, now);
    }
    bool exact = true;
    for (int64_t left = ENTRIES - 1; left >= 0 && exact; left--) {
        store_set_limits(store, (struct limits){.max_entries = left, .max_bytes = INT64_MAX});
        unsigned oldest = 0;
        for (unsigned i = 1; i < ENTRIES; i++)
            if (used[i] < used[oldest])
                oldest = i;
        used[oldest] = TICKS_NEVER;
        exact = store_usage(store).entries == left && find(store, space, oldest, now) == FOUND_MISS;
    }
    char name[80];
    snprintf(name, sizeof name, "%u shards evict in exactly the order of use", shards);
    ok(exact, name);
    for (unsigned i = 0; i < 10; i++)
        insert(store, space, i, 10, plain);
    store_free(store);

    store = store_new(shards, (struct limits){.max_entries = 3, .max_bytes = INT64_MAX});
    space = store_space(store, NULL, NULL, 0);
    for (unsigned i = 0; i < 50; i++)
        insert(store, space, i * 16, 10, plain);
    int last = 0;
    for (unsigned i = 47; i < 50; i++)
        last += find(store, space, i * 16, 1) == FOUND_HIT;
    snprintf(name, sizeof name, "%u shards keep the order of insertions within one tick", shards);
    is_int(last, 3, name);
    store_free(store);
}

/* ---- a long random walk against a model ---- */

#define MODEL_SPACES 3
#define MODEL_QUERIES 400

struct model_entry {
    bool there;
    bool seen;    /* in the store after the step */
    int64_t used; /* a number of its own for each use: steps are one tick apart */
    int64_t ttl_end;
    int64_t tti;
    int64_t bytes;
    unsigned table;
    uint64_t epoch;
};

struct model {
    struct store *store;
    struct space *spaces[MODEL_SPACES];
    struct limits limits;
    struct limits space_limits[MODEL_SPACES];
    struct model_entry entries[MODEL_SPACES][MODEL_QUERIES];
    struct counters counters;
    uint64_t seed;
    int64_t now;
    int64_t baseline;
    int64_t bytes;  /* of the entries */
    int64_t tables; /* what tables took after the step before */
    int64_t count;
    bool good;
};

static void expect(struct model *model, bool condition, const char *what)
{
    if (!condition && model->good)
        printf("#   %s, at tick %lld\n", what, (long long)model->now);
    model->good = model->good && condition;
}

static bool has_ended(const struct model *model, const struct model_entry *entry)
{
    int64_t idle_end = ticks_after(entry->used, entry->tti);
    return entry->ttl_end <= model->now || idle_end <= model->now ||
           tables[entry->table]->changed > entry->epoch;
}

static int see(const struct entry_view *view, void *context)
{
    struct model *model = context;
    unsigned space = 0;
    while (model->spaces[space] != view->space)
        space++;
    struct model_entry *entry = &model->entries[space][numbered_as(view->result)];
    expect(model, entry->there && !entry->seen, "an entry that nobody put there");
    expect(model, entry->used == view->used, "an entry with another time of use");
    entry->seen = true;
    entry->bytes = (int64_t)view->bytes;
    model->bytes += entry->bytes;
    model->count++;
    return 0;
}

/* What tables may have taken during a step, where bytes were short: those that were there before
** it, which go with their shard's last entry, and one that grew. */
static int64_t table_slack(const struct model *model)
{
    return model->tables + 4096;
}

/* The greatest bytes of those evicted in this step: without it, there was room enough. */
static int64_t note_gone(struct model *model, int inserted_into)
{
    int64_t oldest = INT64_MAX;
    int64_t oldest_in_space = INT64_MAX;
    for (int space = 0; space < MODEL_SPACES; space++) {
        for (int i = 0; i < MODEL_QUERIES; i++) {
            const struct model_entry *entry = &model->entries[space][i];
            if (!entry->there || !entry->seen)
                continue;
            if (entry->used < oldest)
                oldest = entry->used;
            if (space == inserted_into && entry->used < oldest_in_space)
                oldest_in_space = entry->used;
        }
    }
    int64_t most = 0;
    bool others = false; /* what another space had to give up */
    for (int space = 0; space < MODEL_SPACES; space++) {
        for (int i = 0; i < MODEL_QUERIES; i++) {
            struct model_entry *entry = &model->entries[space][i];
            if (!entry->there || entry->seen)
                continue;
            entry->there = false;
            if (entry->bytes > most)
                most = entry->bytes;
            if (has_ended(model, entry))
                continue;
            others = others || space != inserted_into;
            expect(model,
                   entry->used < oldest ||
                       (space == inserted_into && entry->used < oldest_in_space),
                   "an entry gone before one that was used longer ago");
        }
    }
    expect(model,
           !others || model->count == model->limits.max_entries ||
               model->bytes + most + table_slack(model) > model->limits.max_bytes,
           "an entry gone for what only another space lacked");
    return most;
}

static void check_limits(struct model *model)
{
    struct usage usage = store_usage(model->store);
    expect(model, usage.entries == model->count, "another number of entries than listed");
    expect(model, usage.entries <= model->limits.max_entries, "too many entries");
    expect(model, usage.bytes <= model->limits.max_bytes, "too many bytes");
    expect(model, usage.bytes >= model->bytes, "fewer bytes than the entries take");
    expect(model, usage.bytes == counting_bytes - model->baseline, "bytes that are not counted");
    expect(model, usage.entries > 0 || usage.bytes == 0, "an empty store takes bytes");
    for (int i = 0; i < MODEL_SPACES; i++) {
        usage = space_usage(model->spaces[i]);
        expect(model,
               usage.entries <= model->space_limits[i].max_entries &&
                   usage.bytes <= model->space_limits[i].max_bytes,
               "a space over its limits");
    }
}

/* After each step: what is there, what is gone and why, and whether it all adds up. `space` is
** where something was inserted or a limit lowered, -1 for none. */
static void compare(struct model *model, int space)
{
    for (int i = 0; i < MODEL_SPACES; i++)
        for (int j = 0; j < MODEL_QUERIES; j++)
            model->entries[i][j].seen = false;
    model->bytes = model->count = 0;
    store_each(model->store, see, model);
    uint64_t evictions = store_counters(model->store).evictions - model->counters.evictions;
    int64_t most = note_gone(model, space);
    check_limits(model);
    if (evictions > 0 && space >= 0) {
        struct usage usage = space_usage(model->spaces[space]);
        struct limits limits = model->space_limits[space];
        expect(model,
               usage.entries == limits.max_entries || usage.bytes + most > limits.max_bytes ||
                   model->count == model->limits.max_entries ||
                   model->bytes + most + table_slack(model) > model->limits.max_bytes,
               "an eviction without need");
    }
    model->tables = store_usage(model->store).bytes - model->bytes;
}

static void model_find(struct model *model, unsigned space, unsigned number)
{
    struct model_entry *entry = &model->entries[space][number];
    bool expected = entry->there && !has_ended(model, entry);
    enum found found = find(model->store, model->spaces[space], number, model->now);
    expect(model, found == (expected ? FOUND_HIT : FOUND_MISS), "found is not what it should be");
    entry->there = expected;
    if (expected)
        entry->used = model->now;
    compare(model, -1);
}

static void model_insert(struct model *model, unsigned space, unsigned number)
{
    struct model_entry *entry = &model->entries[space][number];
    unsigned table = random_below(&model->seed, 4);
    struct source source = {.history = history, .epoch = history_epoch(history)};
    struct evidence evidence = {1, 1, &source, &tables[table]};
    struct admission admission = {.now = model->now, .ttl = TICKS_NEVER, .tti = TICKS_NEVER};
    admission.evidence = &evidence;
    if (random_below(&model->seed, 3) == 0)
        admission.ttl = random_below(&model->seed, 3000);
    if (random_below(&model->seed, 3) == 0)
        admission.tti = random_below(&model->seed, 1000);
    size_t size = 4 + random_below(&model->seed, random_below(&model->seed, 10) == 0 ? 4000 : 200);
    enum kept kept = insert(model->store, model->spaces[space], number, size, admission);
    expect(model, kept != KEPT_NO_MEMORY, "memory is not short");
    if (kept == KEPT)
        *entry = (struct model_entry){
            true,          false, model->now, ticks_after(model->now, admission.ttl),
            admission.tti, 0,     table,      source.epoch};
    else
        expect(model,
               (int64_t)size + 1000 > model->limits.max_bytes ||
                   (int64_t)size + 1000 > model->space_limits[space].max_bytes ||
                   model->limits.max_entries == 0 || model->space_limits[space].max_entries == 0,
               "a result refused without need");
    compare(model, (int)space);
}

static struct limits random_limits(uint64_t *seed)
{
    struct limits limits = NO_LIMIT;
    if (random_below(seed, 2) == 0)
        limits.max_entries = random_below(seed, 300);
    if (random_below(seed, 2) == 0)
        limits.max_bytes = random_below(seed, 60000);
    return limits;
}

static void model_set_limits(struct model *model, unsigned space)
{
    struct limits limits = random_limits(&model->seed);
    if (random_below(&model->seed, 2) == 0) {
        model->limits = limits;
        store_set_limits(model->store, limits);
    } else {
        model->space_limits[space] = limits;
        space_set_limits(model->spaces[space], limits);
    }
    compare(model, (int)space);
}

static bool of_table(const struct entry_view *view, void *context)
{
    return view->evidence->tables[0] == context;
}

static void model_remove(struct model *model)
{
    unsigned table = random_below(&model->seed, 4);
    store_remove(model->store, of_table, tables[table], CAUSE_EXPLICIT);
    for (int i = 0; i < MODEL_SPACES; i++)
        for (int j = 0; j < MODEL_QUERIES; j++)
            if (model->entries[i][j].table == table)
                model->entries[i][j].there = false;
    compare(model, -1);
}

static void step(struct model *model)
{
    unsigned space = random_below(&model->seed, MODEL_SPACES);
    unsigned number = random_below(&model->seed, MODEL_QUERIES);
    unsigned kind = random_below(&model->seed, 1000);
    model->counters = store_counters(model->store);
    model->now++;
    if (kind < 450) {
        model_find(model, space, number);
    } else if (kind < 980) {
        model_insert(model, space, number);
    } else if (kind < 988) {
        model_set_limits(model, space);
    } else if (kind < 992) {
        model_remove(model);
    } else if (kind < 998) {
        history_mark(tables[number % 4], history_advance(history));
    } else {
        model->now += 500;
    }
}

static void test_random_walk(unsigned shards, uint64_t seed, int steps)
{
    static struct model model;
    int64_t before = counting_bytes;
    memset(&model, 0, sizeof model);
    model.seed = seed;
    model.good = true;
    model.limits = NO_LIMIT;
    model.store = store_new(shards, NO_LIMIT);
    for (unsigned i = 0; i < MODEL_SPACES; i++) {
        model.spaces[i] = store_space(model.store, i > 0 ? "space" : NULL, &i, sizeof i);
        model.space_limits[i] = NO_LIMIT;
    }
    model.baseline = counting_bytes;
    for (int i = 0; i < steps && model.good; i++)
        step(&model);
    char name[80];
    snprintf(name, sizeof name, "%u shards do what the model does, in each of %d steps", shards,
             steps);
    ok(model.good, name);
    store_remove(model.store, NULL, NULL, CAUSE_EXPLICIT);
    is_int(counting_bytes, model.baseline, "an empty store takes no bytes");
    store_free(model.store);
    is_int(counting_bytes, before, "and a freed one leaves nothing");
}

/* ---- short of memory ---- */

/* A sequence that makes every kind of allocation. False where the store is not as it should be. */
static bool exercise(void)
{
    struct store *store = store_new(2, NO_LIMIT);
    if (store == NULL)
        return true;
    bool good = true;
    struct space *space = store_space(store, "space", "id", 2);
    struct source source = {.history = history, .epoch = history_epoch(history)};
    struct evidence evidence = {1, 2, &source, tables};
    struct admission admission = plain;
    admission.evidence = &evidence;
    int64_t baseline = counting_bytes;
    int64_t kept = 0;
    for (unsigned i = 0; i < 40 && space != NULL; i++) {
        kept += insert(store, space, i, 100, admission) == KEPT;
        good = good && store_usage(store).entries == kept &&
               counting_bytes - baseline == store_usage(store).bytes;
    }
    int64_t hits = 0;
    for (unsigned i = 0; i < 40 && space != NULL; i++)
        hits += find(store, space, i, 2) == FOUND_HIT;
    good = good && hits == kept;
    if (space != NULL)
        insert(store, space, 0, 50, admission);
    good = good && counting_bytes - baseline == store_usage(store).bytes;
    store_set_limits(store, (struct limits){.max_entries = 3, .max_bytes = INT64_MAX});
    space_release(space);
    store_free(store);
    return good;
}

static void test_memory_short(void)
{
    int64_t before = counting_bytes;
    bool good = true;
    int failures = -1;
    bool failed = true;
    while (failed) {
        counting_fail = ++failures + 1;
        good = exercise() && good;
        failed = counting_fail == 0;
        counting_fail = 0;
        good = good && counting_bytes == before && tables[0]->entries == 0;
    }
    ok(good, "whichever allocation fails, the store is unharmed");
    ok(failures > 100, "and many did");
}

/* ---- many threads ---- */

struct crowd {
    struct store *store;
    struct space *spaces[3];
    int64_t max_bytes;
    _Atomic bool over;
    _Atomic unsigned next;
    bool limits_move;
};

static bool of_number(const struct entry_view *view, void *context)
{
    return numbered_as(view->result) % 64 == *(unsigned *)context % 64;
}

static void crowd_step(struct crowd *crowd, uint64_t *seed)
{
    unsigned kind = random_below(seed, 1000);
    unsigned number = random_below(seed, 512);
    struct space *space = crowd->spaces[number % 3];
    struct admission admission = {.now = ticks_now(), .ttl = TICKS_NEVER, .tti = TICKS_NEVER};
    struct source source = {.history = history, .epoch = history_epoch(history)};
    struct evidence evidence = {1, 1, &source, &tables[number % 4]};
    if (kind < 500) {
        find(crowd->store, space, number, admission.now);
    } else if (kind < 980) {
        admission.evidence = &evidence;
        insert(crowd->store, space, number, 4 + random_below(seed, 1000), admission);
    } else if (kind < 990) {
        history_mark(tables[number % 4], history_advance(history));
    } else if (kind < 995) {
        store_remove(crowd->store, of_number, &number, CAUSE_EXPLICIT);
    } else if (kind < 998) {
        char name[8];
        snprintf(name, sizeof name, "%u", number % 8);
        struct space *passing = store_space(crowd->store, name, NULL, 0);
        insert(crowd->store, passing, number, 20, admission);
        space_release(passing);
    } else if (crowd->limits_move) {
        struct limits limits = {INT64_MAX, crowd->max_bytes / (1 + number % 4)};
        store_set_limits(crowd->store, limits);
        space_set_limits(space, limits);
    }
    if (store_usage(crowd->store).bytes > crowd->max_bytes)
        atomic_store(&crowd->over, true);
}

static void *crowd_thread(void *context)
{
    struct crowd *crowd = context;
    uint64_t seed = 1000 + atomic_fetch_add(&crowd->next, 1);
    for (int i = 0; i < 20000; i++)
        crowd_step(crowd, &seed);
    return NULL;
}

static void test_threads(unsigned shards, bool limits_move)
{
    int64_t before = counting_bytes;
    struct crowd crowd = {.max_bytes = 50000, .limits_move = limits_move};
    crowd.store = store_new(shards, (struct limits){INT64_MAX, crowd.max_bytes});
    for (unsigned i = 0; i < 3; i++)
        crowd.spaces[i] = store_space(crowd.store, i > 0 ? "crowd" : NULL, &i, sizeof i);
    space_set_limits(crowd.spaces[1], (struct limits){.max_entries = 20, .max_bytes = 9000});
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, crowd_thread, &crowd);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    char name[80];
    snprintf(name, sizeof name, "four threads on %u shards never pass the bound%s", shards,
             limits_move ? " while it moves" : "");
    ok(!crowd.over, name);
    if (!limits_move)
        ok(space_usage(crowd.spaces[1]).entries <= 20 && space_usage(crowd.spaces[1]).bytes <= 9000,
           "nor a space's");
    ok(store_usage(crowd.store).bytes <= store_limits(crowd.store).max_bytes, "nor at the end");
    ok(store_counters(crowd.store).hits > 0, "and there were hits");
    for (int i = 0; i < 3; i++)
        space_release(crowd.spaces[i]);
    store_remove(crowd.store, NULL, NULL, CAUSE_EXPLICIT);
    is_int(store_usage(crowd.store).bytes, 0, "what they leave can all be removed");
    store_free(crowd.store);
    is_int(counting_bytes, before, "and freed");
}

/* ---- hits at once ---- */

#define RUSH_ENTRIES 200
#define RUSH_HITS 20000

struct rush {
    struct store *store;
    struct space *space;
    _Atomic unsigned next;
    _Atomic int64_t missed;
};

static void *rush_thread(void *context)
{
    struct rush *rush = context;
    uint64_t seed = 1 + atomic_fetch_add(&rush->next, 1);
    for (int i = 0; i < RUSH_HITS; i++) {
        unsigned number = random_below(&seed, RUSH_ENTRIES);
        if (find(rush->store, rush->space, number, ticks_now()) != FOUND_HIT)
            atomic_fetch_add(&rush->missed, 1);
    }
    return NULL;
}

struct uses {
    int64_t used[RUSH_ENTRIES];
    uint64_t hits;
    int64_t least;
};

static int note_use(const struct entry_view *view, void *context)
{
    struct uses *uses = context;
    uses->used[numbered_as(view->result)] = view->used;
    uses->hits += view->hits;
    if (view->used < uses->least)
        uses->least = view->used;
    return 0;
}

static void test_hits_at_once(unsigned shards, int thread_count)
{
    struct rush rush = {.store = store_new(shards, NO_LIMIT)};
    struct admission admission = plain;
    admission.load_ns = 3;
    rush.space = store_space(rush.store, "s", NULL, 0);
    for (unsigned i = 0; i < RUSH_ENTRIES; i++)
        insert(rush.store, rush.space, i, 10, admission);
    pthread_t threads[40];
    for (int i = 0; i < thread_count; i++)
        pthread_create(&threads[i], NULL, rush_thread, &rush);
    for (int i = 0; i < thread_count; i++)
        pthread_join(threads[i], NULL);

    char name[80];
    snprintf(name, sizeof name, "%d threads hit %u shards at once", thread_count, shards);
    is_int(rush.missed, 0, name);
    struct uses uses = {.least = TICKS_NEVER};
    store_each(rush.store, note_use, &uses);
    is_int(uses.hits, (int64_t)thread_count * RUSH_HITS, "each is counted by its entry");
    struct counters counters = space_counters(rush.space);
    is_int(counters.hits, (int64_t)uses.hits, "and by the space");
    is_int(counters.saved_ns, (int64_t)uses.hits * 3, "with what it saved");
    bool exact = true;
    for (int64_t left = RUSH_ENTRIES - 1; left >= 0 && exact; left--) {
        int64_t evicted = uses.least;
        store_set_limits(rush.store, (struct limits){.max_entries = left, .max_bytes = INT64_MAX});
        uses.least = TICKS_NEVER;
        store_each(rush.store, note_use, &uses);
        /* Hits of two threads within one tick are simultaneous: either entry may go first. */
        exact = store_usage(rush.store).entries == left && uses.least >= evicted;
    }
    ok(exact, "and leaves the entries in exactly the order of use");
    space_release(rush.space);
    store_free(rush.store);
}

int main(void)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    static const unsigned shard_counts[] = {1, 2, 4, 16};
    counting_start();
    test_identity();
    history = history_new("test");
    for (int i = 0; i < 4; i++)
        tables[i] = history_table(history, names[i], TABLE_ROWID);
    test_replacing();
    test_views();
    test_expiry();
    test_too_big();
    test_counting();
    test_spaces();
    test_sql_kept_once();
    test_looking();
    test_hash_table();
    test_memory_short();
    uint64_t seed = random_seed((uint64_t)ticks_now());
    for (int i = 0; i < 4; i++) {
        test_exact_order(shard_counts[i]);
        test_random_walk(shard_counts[i], seed, 20000);
        test_threads(shard_counts[i], false);
        test_threads(shard_counts[i], true);
        test_hits_at_once(shard_counts[i], 4);
    }
    test_hits_at_once(1, 40);
    history_release(history);
    is_int(counting_bytes, 0, "nothing is live at the end");
    return tap_done();
}

#include "actors.h"

#include <stdio.h>
#include <string.h>

#include "base/guard.h"
#include "base/memory.h"
#include "coherence/evidence.h"
#include "coherence/file.h"
#include "coherence/observer.h"
#include "coherence/snapshot.h"
#include "disk.h"

/* ---- the state ---- */

/* The store: a kept result for each table. */
struct entry {
    bool kept;
    uint32_t content;
    _Alignas(8) unsigned char block[sizeof(struct evidence) + sizeof(struct source) +
                                    sizeof(struct table *)];
};

static struct {
    struct disk disk;
    struct sqlite3 connections[CONNECTIONS];
    struct entry entries[TABLES];
} model;

/* These stay as set_up() made them. */
static const struct family *playing;
static struct observer *observers[CONNECTIONS];
static struct table *tables[TABLES];
static const char *names[ACTORS];
struct sightings sightings;

struct disk *the_disk(void)
{
    return &model.disk;
}

sqlite3 *connection_at(int number)
{
    return &model.connections[number];
}

static struct evidence *entry_evidence(struct entry *entry)
{
    return (struct evidence *)(void *)entry->block;
}

/* ---- a read through the cache, as ext/read/read.c and ext/query/definition.c do it ---- */

struct reading {
    sqlite3 *db;
    struct observer *observer;
    struct database *database;
    int table;
    enum snapshot_state state;
    bool open;
    bool probed;
    bool emptied;
    bool outside;    /* no transaction was open when it began */
    uint32_t oldest; /* the content then */
};

/* In the transaction that is open. */
static uint32_t content_seen(const struct reading *reading)
{
    const sqlite3 *db = reading->db;
    return db->transaction == SQLITE_TXN_WRITE ? db->dirty.version[reading->table]
                                               : db->seen.version[reading->table];
}

/* Outside a transaction a read is what was current at some time between its start and its end. */
static void check_served(const struct reading *reading, const struct entry *entry)
{
    if (reading->outside && reading->db->transaction == SQLITE_TXN_NONE) {
        if (entry->content < reading->oldest && entry->content != 0)
            violation("connection %d was served version %u of %s, when version %u was current",
                      reading->db->number, entry->content, table_names[reading->table],
                      reading->oldest);
        else if (entry->content == 0 && model.disk.now.version[reading->table] != 0)
            violation("connection %d was served an empty %s", reading->db->number,
                      table_names[reading->table]);
    } else if (entry->content != content_seen(reading)) {
        violation("connection %d was served version %u of %s in a snapshot of version %u",
                  reading->db->number, entry->content, table_names[reading->table],
                  content_seen(reading));
    }
}

enum found { HIT, MISS, UNSURE };

/* As find() of ext/read/read.c. */
static enum found judge(const struct reading *reading, struct entry *entry)
{
    const struct database *database = reading->database;
    if (!entry->kept ||
        (reading->probed && !database->exact && reading->emptied && GUARD(TRUNCATION)))
        return MISS;
    struct views views;
    snapshot_views(&reading->database, 1, false, &views);
    views.probed = reading->probed;
    switch (evidence_judge(entry_evidence(entry), &views)) {
    case EVIDENCE_STANDS:
        return HIT;
    case EVIDENCE_FALLEN:
        evidence_drop(entry_evidence(entry));
        *entry = (struct entry){0};
        return MISS;
    case EVIDENCE_UNSURE:
        return UNSURE;
    default:
        return MISS;
    }
}

static enum found look_up(const struct reading *reading)
{
    struct entry *entry = &model.entries[reading->table];
    enum found found = judge(reading, entry);
    if (found == HIT) {
        sightings.hits++;
        sightings.hits_after_own +=
            entry_evidence(entry)->sources[0].epoch < reading->database->epoch;
        check_served(reading, entry);
    }
    return found;
}

/* As definition_probe(). */
static void probe(struct reading *reading)
{
    const struct database *database = reading->database;
    struct table *table = tables[reading->table];
    bool empty = content_seen(reading) == 0;
    if (!GUARD(TRUNCATION))
        return;
    if (!database->exact)
        reading->emptied =
            empty && !(atomic_load(&table->probed) != 0 && atomic_load(&table->empty));
    else if (atomic_load(&table->probed) < database->epoch)
        history_probe(table, database->epoch, empty);
}

static int take_snapshot(struct reading *reading, bool hold)
{
    if (reading->open)
        snapshot_close(reading->observer);
    reading->open = true;
    return snapshot_open(reading->observer, &reading->database, 1, hold, &reading->state);
}

/* As find() of ext/read/read.c. */
static int find(struct reading *reading, enum found *found)
{
    *found = look_up(reading);
    if (*found != UNSURE)
        return SQLITE_OK;
    int rc = take_snapshot(reading, true);
    if (rc != SQLITE_OK || reading->state != SNAPSHOT_GOOD)
        return rc;
    probe(reading);
    reading->probed = true;
    *found = look_up(reading);
    return SQLITE_OK;
}

/* As definition_evidence(), compute() and keep(): the query runs, others come between. */
static void compute_and_keep(struct reading *reading)
{
    struct database *database = reading->database;
    struct table *table = tables[reading->table];
    struct source source = {.history = database_history(database), .epoch = database->epoch};
    struct evidence evidence = {1, 1, &source, &table};
    probe(reading);
    uint32_t content = content_seen(reading);
    sightings.misses++;
    give_way("keep the result");
    if (!database->known || !database->exact ||
        !snapshot_holds(reading->observer, &reading->database, 1) || evidence_is_stale(&evidence))
        return;
    struct entry *entry = &model.entries[reading->table];
    if (entry->kept)
        evidence_drop(entry_evidence(entry));
    entry->kept = true;
    entry->content = content;
    evidence_copy(&evidence, entry->block);
    sightings.kept++;
}

/* As attempt() of ext/read/read.c. */
static int attempt(struct reading *reading)
{
    enum found found = MISS;
    int rc = take_snapshot(reading, false);
    if (rc == SQLITE_OK && reading->state == SNAPSHOT_GOOD)
        rc = find(reading, &found);
    if (rc != SQLITE_OK || found == HIT)
        return rc;
    if (reading->state == SNAPSHOT_GOOD && !reading->database->holding) {
        rc = take_snapshot(reading, true);
        if (rc != SQLITE_OK)
            return rc;
    }
    if (reading->state != SNAPSHOT_GOOD || found == UNSURE)
        sightings.bypasses++;
    else
        compute_and_keep(reading);
    return SQLITE_OK;
}

static void cached_read(int number, int table)
{
    sqlite3 *db = connection_at(number);
    struct reading reading = {.db = db,
                              .observer = observers[number],
                              .database = observer_find(observers[number], "main"),
                              .table = table,
                              .outside = db->transaction == SQLITE_TXN_NONE,
                              .oldest = model.disk.now.version[table]};
    attempt(&reading);
    if (reading.open)
        snapshot_close(reading.observer);
}

/* ---- operations ---- */

static void read_alone(int number, int table)
{
    enter(connection_at(number));
    cached_read(number, table);
    leave(connection_at(number));
}

static void end_transaction(sqlite3 *db)
{
    db->begun = false;
    end_read(db);
}

static void read_twice(int number, bool by_others)
{
    sqlite3 *db = connection_at(number);
    db->begun = true;
    for (int i = 0; i < 2; i++) {
        enter(db);
        if (!by_others || begin_read(db) == SQLITE_OK)
            cached_read(number, 1);
        leave(db);
        give_way(i == 0 ? "read again" : "end the transaction");
    }
    end_transaction(db);
}

static void write_to(int number, enum operation operation)
{
    sqlite3 *db = connection_at(number);
    bool second = operation == OP_WRITE_2 || operation == OP_READ_OWN || operation == OP_SILENT;
    bool changes = operation != OP_WRITE_SAME && operation != OP_SAME_AUX;
    begin_write(db);
    write_table(db, second, changes, false, operation != OP_SILENT);
    if (operation == OP_TRUNCATE)
        write_table(db, 1, true, true, false);
    if (operation == OP_SAME_AUX)
        write_aux(db);
    if (operation == OP_SPILL)
        spill(db);
}

static enum outcome outcome_of(enum operation operation)
{
    if (operation == OP_WRITE_SAME || operation == OP_SAME_AUX)
        return CHANGES_NOTHING;
    return operation == OP_WRITE_FAIL ? FAILS : COMMITS;
}

static void write_and_end(int number, enum operation operation)
{
    sqlite3 *db = connection_at(number);
    write_to(number, operation);
    if (operation == OP_READ_OWN) {
        enter(db);
        cached_read(number, 1);
        leave(db);
    }
    give_way("COMMIT");
    enter(db);
    if (operation == OP_ROLL_BACK || operation == OP_READ_OWN)
        roll_back(db);
    else
        commit(db, outcome_of(operation), playing->torn);
    leave(db);
}

static void perform(int actor, enum operation operation)
{
    switch (operation) {
    case OP_READ_1:
    case OP_READ_2:
        give_way("read");
        read_alone(actor, operation == OP_READ_2);
        break;
    case OP_BEGIN_READ_2:
    case OP_SELECT_READ_2:
        give_way("BEGIN");
        read_twice(actor, operation == OP_SELECT_READ_2);
        break;
    case OP_FOREIGN_1:
    case OP_FOREIGN_2:
        foreign_commit(operation == OP_FOREIGN_2);
        break;
    case OP_RESTART_2:
        foreign_restart(1);
        break;
    case OP_RECOVER_2:
        foreign_recovery(1);
        break;
    default:
        write_and_end(actor, operation);
    }
}

static void run(int actor)
{
    const struct role *role = &playing->roles[actor];
    int count = 0;
    while (count < OPERATIONS && role->operations[count] != OP_NONE)
        count++;
    for (int round = 0; round < role->rounds; round++)
        perform(actor, role->operations[choose("does", count)]);
}

/* ---- set up ---- */

static bool is_connection(int number)
{
    return number < CONNECTIONS && playing->roles[number].rounds > 0 &&
           !playing->roles[number].foreign;
}

/* All connections know the file, writers have written, and what was read is kept. */
static void warm_up(void)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        if (!is_connection(i))
            continue;
        read_alone(i, 0);
        write_and_end(i, OP_WRITE_1);
        write_and_end(i, OP_WRITE_2);
        read_alone(i, 0);
        read_alone(i, 1);
    }
    for (int i = 0; i < CONNECTIONS; i++) {
        if (is_connection(i)) {
            read_alone(i, 0);
            read_alone(i, 1);
        }
    }
}

static void set_up(void)
{
    disk_open(&model.disk, !playing->rollback_mode);
    for (int i = 0; i < CONNECTIONS; i++) {
        observers[i] = NULL;
        connection_open(i, !playing->roles[i].no_mutex);
        if (is_connection(i))
            observers[i] = observer_new(connection_at(i), true);
    }
    for (int i = 0; i < TABLES; i++)
        tables[i] = history_table(database_history(observer_find(observers[0], "main")),
                                  table_names[i], TABLE_ROWID);
    warm_up();
}

static void tear_down(void)
{
    for (int i = 0; i < TABLES; i++) {
        if (model.entries[i].kept)
            evidence_drop(entry_evidence(&model.entries[i]));
    }
    for (int i = 0; i < CONNECTIONS; i++)
        observer_free(observers[i]);
}

struct scenario family_scenario(const struct family *family)
{
    playing = family;
    int actors = 0;
    while (actors < ACTORS && family->roles[actors].rounds > 0) {
        names[actors] = family->roles[actors].name;
        actors++;
    }
    return (struct scenario){.name = family->name,
                             .set_up = set_up,
                             .tear_down = tear_down,
                             .model = &model,
                             .model_size = sizeof model,
                             .actors = actors,
                             .names = names,
                             .run = run};
}

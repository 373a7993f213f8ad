#include "coherence/file.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/guard.h"
#include "base/lock.h"
#include "base/memory.h"

/* How many clocks before the latest are remembered, for readers on old snapshots. */
#define REMEMBERED 16

struct moment {
    struct clock clock;
    uint64_t epoch;
};

struct file {
    struct hash_node node; /* under list_lock: the shared ones, by their identity */
    unsigned holds;        /* under list_lock: members, and those about to be */
    bool shared;
    struct file_identity identity;
    uint64_t number;             /* unique in the process */
    _Atomic uint64_t suspicions; /* counts from 1; grows under the lock */

    struct lock lock; /* of what follows */
    struct history *history;
    struct moment latest; /* CLOCK_NONE before the first */
    struct moment past[REMEMBERED];
    unsigned past_next;
    struct member *members;
    struct hash handles;      /* of members */
    struct member *announcer; /* whose commit is announced for after the latest clock */
    struct announced left;    /* by a member that is gone, likewise; only where `pages` is set */
    uint32_t schema_version;
    uint64_t schema_epoch; /* the latest at which it was looked at; 0: never */
    struct stamp stamp;    /* when a newcomer last compared it; not settled: it tells nothing */
    bool stamped;          /* one has */
    char vfs[];
};

static struct lock list_lock = LOCK_INITIALIZER(LOCK_FILES);
static struct hash files; /* the shared ones */
static uint64_t last_number;

/* ---- joining ---- */

static struct file *file_new(const struct file_identity *identity, const char *name)
{
    size_t size = (identity != NULL ? strlen(identity->vfs) : 0) + 1;
    struct file *file = memory_alloc_zero(sizeof *file + size);
    if (file == NULL)
        return NULL;
    file->history = history_new(name);
    if (file->history == NULL || !lock_init(&file->lock, LOCK_FILE)) {
        history_release(file->history);
        memory_free(file);
        return NULL;
    }
    atomic_init(&file->suspicions, 1);
    if (identity != NULL) {
        memcpy(file->vfs, identity->vfs, size);
        file->identity = *identity;
        file->identity.vfs = file->vfs;
        file->shared = true;
    }
    return file;
}

bool file_has_identity(const struct file *file, const struct file_identity *identity)
{
    return file->shared && file->identity.device == identity->device &&
           file->identity.inode == identity->inode && strcmp(file->vfs, identity->vfs) == 0;
}

static uint64_t hash_of_identity(const struct file_identity *identity)
{
    return hash_of(identity->inode + hash_of(identity->device));
}

/* Holds list_lock. */
static struct file *find_shared(const struct file_identity *identity)
{
    assert(lock_is_held(&list_lock));
    struct hash_node *node = hash_first(&files, hash_of_identity(identity));
    for (; node != NULL; node = hash_next(node)) {
        struct file *file = (struct file *)(void *)((char *)node - offsetof(struct file, node));
        if (file_has_identity(file, identity))
            return file;
    }
    return NULL;
}

/* Holds list_lock. */
static struct file *find_or_make(const struct file_identity *identity, const char *name)
{
    assert(lock_is_held(&list_lock));
    struct file *file = identity != NULL ? find_shared(identity) : NULL;
    if (file != NULL)
        return file;
    file = file_new(identity, name);
    if (file == NULL)
        return NULL;
    file->number = ++last_number;
    if (identity != NULL)
        hash_add(&files, &file->node, hash_of_identity(identity));
    return file;
}

/* True when something rests on what it was. */
static bool file_free(struct file *file)
{
    assert(file->holds == 0 && file->members == NULL);
    history_abandon(file->history);
    bool relied_on = history_is_relied_on(file->history);
    history_release(file->history);
    write_set_free(&file->left.writes);
    lock_destroy(&file->lock);
    memory_free(file);
    return relied_on;
}

static void settle(struct member *member, bool happened);
static void ask(struct member *member, bool own);
static void forget_left(struct file *file);

/* Take over what is known to have happened, and not been seen yet. */
static void bequeath(struct member *member)
{
    assert(lock_is_held(&member->file->lock));
    struct file *file = member->file;
    if (member->announcement == ANNOUNCED_NEXT && member->announced.pages > 0) {
        forget_left(file);
        file->left = member->announced;
        member->announced = (struct announced){0};
        member->announcement = ANNOUNCED_NOTHING;
        file->announcer = NULL;
    }
}

static void enlist(struct member *member)
{
    assert(lock_is_held(&member->file->lock));
    assert(member->file->members != member);
    struct file *file = member->file;
    member->next = file->members;
    member->at = &file->members;
    if (file->members != NULL)
        file->members->at = &member->next;
    file->members = member;
    if (file->shared && member->handle != NULL)
        hash_add(&file->handles, &member->by_handle, hash_of_address(member->handle));
    else
        member->by_handle.hash = 0; /* that of no handle */
}

static void unlist(struct member *member)
{
    assert(lock_is_held(&member->file->lock));
    assert(*member->at == member);
    *member->at = member->next;
    if (member->next != NULL)
        member->next->at = member->at;
    if (member->by_handle.hash != 0)
        hash_remove(&member->file->handles, &member->by_handle);
}

static void remove_member(struct member *member)
{
    struct file *file = member->file;
    lock_take(&file->lock);
    ask(member, true);
    bequeath(member);
    if (member->announcement != ANNOUNCED_NOTHING)
        settle(member, false);
    write_set_free(&member->announced.writes);
    unlist(member);
    member->file = NULL;
    lock_give(&file->lock);
}

/* Give up a hold; true when it was the last, and something rests on the file. */
static bool let_go(struct file *file)
{
    assert(lock_none_is_held());
    lock_take(&list_lock);
    bool last = --file->holds == 0;
    if (last && file->shared)
        hash_remove(&files, &file->node);
    lock_give(&list_lock);
    return last && file_free(file);
}

bool file_leave(struct member *member)
{
    assert(lock_none_is_held());
    struct file *file = member->file;
    if (file == NULL)
        return false;
    remove_member(member);
    return let_go(file);
}

/* Whether another member has the same handle. */
static bool has_handle(struct file *file, const struct member *member)
{
    if (member->handle == NULL)
        return false;
    lock_take(&file->lock);
    const struct hash_node *node = hash_first(&file->handles, hash_of_address(member->handle));
    while (node != NULL && node == &member->by_handle)
        node = hash_next(node);
    bool found = node != NULL;
    lock_give(&file->lock);
    return found;
}

int file_join(struct member *member, const struct file_identity *identity, const char *name)
{
    assert(lock_none_is_held());
    lock_take(&list_lock);
    struct file *file = find_or_make(identity, name);
    if (file != NULL)
        file->holds++;
    lock_give(&list_lock);
    if (file == NULL)
        return SQLITE_NOMEM;
    if (has_handle(file, member)) {
        let_go(file);
        return SQLITE_LOCKED_SHAREDCACHE;
    }
    file_leave(member);
    lock_take(&file->lock);
    member->file = file;
    member->announcement = ANNOUNCED_NOTHING;
    member->announced = (struct announced){0};
    file_renew(member);
    enlist(member);
    lock_give(&file->lock);
    return SQLITE_OK;
}

void file_renew(struct member *member)
{
    member->clean = 0;
    member->seen = false;
    member->heard = false;
}

struct history *file_history(const struct file *file)
{
    return file->history;
}

bool file_has_stamp(const struct file *file, const struct stamp *stamp)
{
    return file->identity.device == stamp->device && file->identity.inode == stamp->inode;
}

bool file_is_shared(const struct file *file)
{
    return file->shared;
}

void file_describe(const struct file *file, char out[FILE_TEXT])
{
    if (file->shared)
        sqlite3_snprintf(FILE_TEXT, out, "%llu %llu %s", (sqlite3_uint64)file->identity.device,
                         (sqlite3_uint64)file->identity.inode, file->vfs);
    else
        sqlite3_snprintf(FILE_TEXT, out, "private %llu", (sqlite3_uint64)file->number);
}

void file_forget_all(void)
{
    files = (struct hash){0};
    lock_start_over(&list_lock);
}

/* ---- settling ---- */

static void update_doubt(struct file *file)
{
    assert(lock_is_held(&file->lock));
    uint64_t latest = 0;
    for (const struct member *m = file->members; m != NULL; m = m->next) {
        if (m->announcement == ANNOUNCED_PAST && m->epoch > latest)
            latest = m->epoch;
    }
    history_set_doubt(file->history, GUARD(DOUBT) ? latest : 0);
}

static void mark_all(const struct file *file, uint64_t epoch)
{
    assert(lock_is_held(&file->lock));
    assert(epoch > 0);
    if (GUARD(UNKNOWN_COMMIT))
        history_mark_all(file->history, epoch);
}

/* The announcement is done with; the commit that followed it was the announced one, or was not. */
static void settle(struct member *member, bool happened)
{
    assert(lock_is_held(&member->file->lock));
    assert(member->announcement != ANNOUNCED_NOTHING);
    struct file *file = member->file;
    bool was_past = member->announcement == ANNOUNCED_PAST;
    if (was_past && !happened)
        mark_all(file, member->epoch);
    member->announcement = ANNOUNCED_NOTHING;
    write_set_clear(&member->announced.writes);
    if (file->announcer == member)
        file->announcer = NULL;
    if (was_past)
        update_doubt(file);
}

static void forget_left(struct file *file)
{
    assert(lock_is_held(&file->lock));
    write_set_free(&file->left.writes);
    file->left = (struct announced){0};
}

/* An announced commit that has happened, and wrote something, is the one that followed its base,
** since the member held the write lock from there on. */
static void ask(struct member *member, bool own)
{
    assert(lock_is_held(&member->file->lock));
    if (member->announcement == ANNOUNCED_NOTHING)
        return;
    int pages = 0;
    enum answer answer = member->has_happened(member, own, &pages);
    if (answer == ANSWER_YES)
        member->announced.pages = pages;
    if (member->announcement != ANNOUNCED_PAST || answer == ANSWER_LATER)
        return;
    settle(member, answer == ANSWER_YES &&
                       (clock_follows_by(&member->announced.base, &member->after, pages) ||
                        !GUARD(FRAMES)));
}

static void ask_all(struct file *file, const struct member *own)
{
    assert(lock_is_held(&file->lock));
    if (history_doubt(file->history) == 0)
        return;
    for (struct member *m = file->members; m != NULL; m = m->next) {
        if (m->announcement == ANNOUNCED_PAST)
            ask(m, m == own);
    }
}

/* ---- seeing ---- */

static bool somebody_holds_wal(const struct file *file, const struct member *own)
{
    assert(lock_is_held(&file->lock));
    for (struct member *m = file->members; m != NULL; m = m->next) {
        if (m->holds_wal(m, m == own))
            return true;
    }
    return false;
}

static bool is_latest(const struct file *file, const struct member *member,
                      const struct clock *clock)
{
    assert(lock_is_held(&file->lock));
    return clock_equal(clock, &file->latest.clock) &&
           (clock->kind != CLOCK_EMPTY_WAL || somebody_holds_wal(file, member) || !GUARD(WAL_HELD));
}

/* What is announced to follow the latest clock. */
static const struct announced *next_announced(const struct file *file)
{
    assert(lock_is_held(&file->lock));
    if (file->announcer != NULL)
        return &file->announcer->announced;
    return file->left.pages > 0 ? &file->left : NULL;
}

/* Whether the clock came about by what was announced: certainly, perhaps or not. */
static enum answer is_as_announced(const struct file *file, const struct member *member,
                                   const struct clock *clock, bool proven)
{
    assert(lock_is_held(&file->lock));
    const struct announced *next = next_announced(file);
    if (next == NULL || next->writes.everything)
        return ANSWER_NO;
    if (proven && file->announcer == member)
        return ANSWER_YES;
    if (next->pages > 0 && clock_follows_by(&next->base, clock, next->pages))
        return ANSWER_YES;
    if (file->announcer == NULL || !clock_follows(&next->base, clock))
        return ANSWER_NO;
    return ANSWER_LATER;
}

/* The clock has moved: begin an epoch, and say what its commit changed. */
static void advance(struct file *file, const struct member *member, const struct clock *clock,
                    bool proven)
{
    assert(lock_is_held(&file->lock));
    assert(clock->kind != CLOCK_NONE);
    struct member *announcer = file->announcer;
    enum answer answer = is_as_announced(file, member, clock, proven);
    uint64_t epoch = history_advance(file->history);
    if (answer == ANSWER_NO) {
        mark_all(file, epoch);
    } else {
        const struct write_set *writes = &next_announced(file)->writes;
        for (unsigned i = 0; i < writes->count; i++)
            history_mark(writes->tables[i], epoch);
    }
    file->past[file->past_next++ % REMEMBERED] = file->latest;
    file->latest = (struct moment){.clock = *clock, .epoch = epoch};
    file->announcer = NULL;
    forget_left(file);
    if (announcer == NULL)
        return;
    if (answer != ANSWER_LATER) {
        settle(announcer, true);
        return;
    }
    announcer->announcement = ANNOUNCED_PAST;
    announcer->after = *clock;
    announcer->epoch = epoch;
    update_doubt(file);
}

static uint64_t remembered(const struct file *file, const struct clock *clock)
{
    assert(lock_is_held(&file->lock));
    if (clock->kind == CLOCK_EMPTY_WAL)
        return 0;
    for (unsigned i = 0; i < REMEMBERED; i++) {
        if (clock_equal(&file->past[i].clock, clock))
            return file->past[i].epoch;
    }
    return 0;
}

/* Bring the latest moment up to date. Only what is read under the file's lock may move it: a clock
** read before may have been overtaken by what another member has seen. */
static void come_to(struct member *member, const struct clock *now, bool proven)
{
    assert(lock_is_held(&member->file->lock));
    struct file *file = member->file;
    if (now->kind != CLOCK_NONE && !is_latest(file, member, now))
        advance(file, member, now, proven);
    ask_all(file, member);
}

/* ---- overwritten in place ---- */

/* What was kept may be of another content, and so may what is in the members' page caches. A clock
** of the past tells no more which of the two it belongs to. */
static void suspect(struct file *file)
{
    assert(lock_is_held(&file->lock));
    file->latest.epoch = history_advance(file->history);
    mark_all(file, file->latest.epoch);
    memset(file->past, 0, sizeof file->past);
    atomic_fetch_add(&file->suspicions, 1);
}

/*
** A newcomer has nothing of the file from before. What the others have is the file's, where nobody
** has written to it since the last newcomer looked; a commit in rollback mode and a checkpoint
** write to it as well, and so does whoever overwrites it.
*/
static void compare_stamp(struct member *member)
{
    assert(lock_is_held(&member->file->lock));
    struct file *file = member->file;
    struct stamp now = {0};
    bool told = member->read_stamp(member, &now);
    if (file->stamped && !(told && stamp_stands(&file->stamp, &now)) && GUARD(NEWCOMER))
        suspect(file);
    file->stamp = now;
    file->stamped = true;
}

bool file_is_clean(const struct member *member)
{
    return !member->file->shared || !GUARD(CLEAN_PAGES) ||
           member->clean == atomic_load_explicit(&member->file->suspicions, memory_order_relaxed);
}

uint64_t file_suspicions(const struct file *file)
{
    return atomic_load(&file->suspicions);
}

void file_clean(struct member *member, uint64_t suspicions)
{
    assert(suspicions > 0);
    member->clean = suspicions;
}

/*
** The member's own announcement, where its snapshot is exactly what it announced. Where the clock
** is still that of before, it wrote nothing, and whatever followed is somebody else's.
*/
static void settle_proven(struct member *member, const struct clock *clock)
{
    assert(lock_is_held(&member->file->lock));
    bool wrote = !clock_equal(clock, &member->announced.base);
    if (member->announcement == ANNOUNCED_PAST || !wrote)
        settle(member, wrote);
}

static uint64_t see(struct member *member, const struct clock *clock, bool proven)
{
    assert(lock_is_held(&member->file->lock));
    const struct file *file = member->file;
    struct clock now = member->read_clock(member);
    come_to(member, &now, proven && clock_equal(clock, &now));
    if (proven && member->announcement != ANNOUNCED_NOTHING)
        settle_proven(member, clock);
    if (!file_is_clean(member))
        return 0;
    if (file->shared && !member->seen) {
        compare_stamp(member);
        member->seen = true;
        member->heard = true;
        member->clean = file_suspicions(file);
    }
    if (clock_equal(clock, &now))
        return file->latest.epoch;
    return GUARD(PAST_CLOCK) ? remembered(file, clock) : file->latest.epoch;
}

uint64_t file_see(struct member *member, const struct clock *clock, bool proven)
{
    assert(member->file != NULL && lock_none_is_held());
    lock_take(&member->file->lock);
    uint64_t epoch = see(member, clock, proven);
    lock_give(&member->file->lock);
    return epoch;
}

void file_note(struct member *member)
{
    assert(member->file != NULL && lock_none_is_held());
    lock_take(&member->file->lock);
    struct clock now = member->read_clock(member);
    come_to(member, &now, false);
    lock_give(&member->file->lock);
}

void file_see_schema(struct member *member, uint64_t epoch, uint32_t version)
{
    assert(epoch > 0);
    struct file *file = member->file;
    lock_take(&file->lock);
    if (epoch >= file->schema_epoch) {
        if (file->schema_epoch != 0 && version != file->schema_version && GUARD(SCHEMA_VERSION))
            history_mark_all(file->history, epoch);
        file->schema_version = version;
        file->schema_epoch = epoch;
    }
    lock_give(&file->lock);
}

/* ---- announcing ---- */

/* Of the member itself, and of one that announced for the same clock: it holds the write lock no
** more, and has written nothing. */
static void forget_announced(struct member *member, bool again)
{
    assert(lock_is_held(&member->file->lock));
    struct file *file = member->file;
    if (member->announcement != ANNOUNCED_NOTHING && !(again && file->announcer == member))
        settle(member, false);
    if (file->announcer != NULL && file->announcer != member)
        settle(file->announcer, false);
    forget_left(file);
}

void file_announce(struct member *member, uint32_t version, bool proven,
                   const struct write_set *writes)
{
    assert(member->file != NULL && lock_none_is_held());
    struct file *file = member->file;
    lock_take(&file->lock);
    bool again = member->announcement == ANNOUNCED_NEXT && member->version == version;
    struct clock clock = member->read_clock(member);
    if (clock.kind != CLOCK_NONE) {
        come_to(member, &clock, proven);
        if (proven && member->announcement != ANNOUNCED_NOTHING)
            settle_proven(member, &clock);
        /* What follows is "this clock, but for these tables", and so vouches for the rest. */
        if (file->shared && !member->heard)
            compare_stamp(member);
        member->heard = true;
    }
    forget_announced(member, again);
    if (clock.kind != CLOCK_NONE && (!write_set_is_empty(writes) || !GUARD(NOTHING_SEEN))) {
        write_set_add_all(&member->announced.writes, writes);
        member->announced.base = clock;
        member->announced.pages = 0;
        member->announcement = ANNOUNCED_NEXT;
        member->version = version;
        file->announcer = member;
    }
    lock_give(&file->lock);
}

void file_withdraw(struct member *member)
{
    lock_take(&member->file->lock);
    if (member->announcement != ANNOUNCED_NOTHING)
        settle(member, false);
    lock_give(&member->file->lock);
}

void file_settle(struct member *member)
{
    lock_take(&member->file->lock);
    ask(member, true);
    lock_give(&member->file->lock);
}

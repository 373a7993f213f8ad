/*
** A file and its members, with clocks made by hand: what SQLite can be brought to only by luck,
** such as a recovery of the WAL that sets its count of commits back.
*/
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/sqlite.h"
#include "coherence/file.h"
#include "tap.h"

/* ---- members made by hand ---- */

struct actor {
    struct member member; /* must be first */
    struct clock now;
    enum answer answer;
    int pages;
    bool holds;
    struct stamp stamp;
    bool stampless;
};

static enum answer has_happened(struct member *member, bool own, int *pages)
{
    const struct actor *actor = (struct actor *)(void *)member;
    (void)own;
    *pages = actor->pages;
    return actor->answer;
}

static bool holds_wal(struct member *member, bool own)
{
    (void)own;
    return ((struct actor *)(void *)member)->holds;
}

static struct clock read_clock(struct member *member)
{
    return ((struct actor *)(void *)member)->now;
}

static bool read_stamp(const struct member *member, struct stamp *stamp)
{
    const struct actor *actor = (const struct actor *)(const void *)member;
    *stamp = actor->stamp;
    return !actor->stampless;
}

/* The header of a wal-index, as far as it is looked at: iChange at 8, mxFrame at 16, salts at 32.
** */
static struct clock wal(uint32_t changes, uint32_t frames, unsigned char salt)
{
    struct clock clock = {.kind = CLOCK_WAL};
    memcpy(clock.bytes + 8, &changes, sizeof changes);
    memcpy(clock.bytes + 16, &frames, sizeof frames);
    clock.bytes[35] = salt;
    clock.bytes[36] = 1;
    return clock;
}

static void join(struct actor *actor)
{
    static const struct file_identity identity = {.device = 1, .inode = 2, .vfs = "unix"};
    *actor = (struct actor){
        .member = {.has_happened = has_happened,
                   .holds_wal = holds_wal,
                   .read_clock = read_clock,
                   .read_stamp = read_stamp},
        .answer = ANSWER_LATER,
        .stamp = {
            .device = 1, .inode = 2, .size = 4096, .modified = 1, .changed = 1, .settled = true}};
    is_int(file_join(&actor->member, &identity, "a file"), SQLITE_OK, "a member joins");
    file_clean(&actor->member, file_suspicions(actor->member.file));
}

static uint64_t see(struct actor *actor, struct clock clock, bool proven)
{
    actor->now = clock;
    return file_see(&actor->member, &clock, proven);
}

static void announce(struct actor *actor, struct clock clock, struct table *table)
{
    struct write_set writes = {0};
    write_set_add(&writes, table);
    actor->now = clock;
    file_announce(&actor->member, 7, false, &writes);
    write_set_free(&writes);
}

/* A writes `written`, of three tables; B looks. */
struct scene {
    struct actor a, b;
    struct history *history;
    struct table *written;
    uint64_t before;
};

static void open_scene(struct scene *scene)
{
    join(&scene->a);
    join(&scene->b);
    scene->history = history_retain(file_history(scene->a.member.file));
    scene->written = history_table(scene->history, "t", TABLE_ROWID);
    scene->before = see(&scene->b, wal(1, 10, 1), false);
    announce(&scene->a, wal(1, 10, 1), scene->written);
}

static void close_scene(struct scene *scene)
{
    file_leave(&scene->a.member);
    is_int(file_leave(&scene->b.member), true, "the last to leave is told so");
    is_int(history_is_abandoned(scene->history), true, "and the history is abandoned");
    history_release(scene->history);
}

static bool all_ended(const struct scene *scene)
{
    return history_unknown_epoch(scene->history) > scene->before;
}

/* ---- tests ---- */

static void test_settled_by_asking(void)
{
    struct scene s;
    open_scene(&s);
    uint64_t epoch = see(&s.b, wal(2, 13, 1), false);
    is_int(epoch, s.before + 1, "a commit begins an epoch");
    is_int(s.written->changed, epoch, "the announced table is marked at once");
    is_int(history_doubt(s.history), epoch, "the rest is in doubt while the writer is busy");
    s.a.answer = ANSWER_YES;
    s.a.pages = 3;
    file_note(&s.b.member);
    is_int(history_doubt(s.history), 0, "until it can be asked");
    is_int(all_ended(&s), false, "then only the table has changed");
    close_scene(&s);
}

static void test_denied(void)
{
    struct scene s;
    open_scene(&s);
    s.a.answer = ANSWER_NO;
    see(&s.b, wal(2, 13, 1), false);
    is_int(all_ended(&s), true, "a commit that was not the announced one is unknown");
    close_scene(&s);
}

/* A's commit came first; then a crash, a recovery that began to count anew, and commits of others
** up to the number that A's had. */
static void test_recovery(void)
{
    struct scene s;
    open_scene(&s);
    s.a.answer = ANSWER_YES;
    s.a.pages = 3;
    see(&s.b, wal(2, 14, 1), false);
    is_int(all_ended(&s), true, "more frames than were written are somebody else's");
    close_scene(&s);
}

static void test_two_commits(void)
{
    struct scene s;
    open_scene(&s);
    see(&s.b, wal(3, 16, 1), false);
    is_int(all_ended(&s), true, "two commits after one announcement are unknown");
    is_int(history_doubt(s.history), 0, "at once");
    close_scene(&s);
}

static void test_proven(void)
{
    struct scene s;
    open_scene(&s);
    see(&s.b, wal(2, 13, 1), false);
    see(&s.a, wal(2, 13, 1), true);
    is_int(history_doubt(s.history), 0, "the writer settles what it can prove");
    is_int(all_ended(&s), false, "as known");
    close_scene(&s);
}

/* The announced commit wrote nothing, and somebody else's came next. */
static void test_wrote_nothing(void)
{
    struct scene s;
    open_scene(&s);
    see(&s.b, wal(2, 13, 1), false);
    s.a.now = wal(2, 13, 1);
    struct clock old = wal(1, 10, 1);
    is_int(file_see(&s.a.member, &old, true), s.before, "an old snapshot has its epoch");
    is_int(all_ended(&s), true, "what the writer does not see in its own is somebody else's");
    close_scene(&s);
}

static void test_void(void)
{
    struct scene s;
    open_scene(&s);
    struct table *other = history_table(s.history, "other", TABLE_ROWID);
    announce(&s.b, wal(1, 10, 1), other);
    s.b.answer = ANSWER_YES;
    s.b.pages = 2;
    see(&s.a, wal(2, 12, 1), false);
    is_int(all_ended(&s), false, "who announces last on one clock is the one who commits");
    ok(other->changed > s.before && s.written->changed <= s.before,
       "and the announcement before is void");
    close_scene(&s);
}

static void test_overtaken(void)
{
    struct scene s;
    open_scene(&s);
    s.b.now = wal(3, 16, 1);
    struct clock between = wal(2, 13, 1);
    is_int(file_see(&s.b.member, &between, false), 0,
           "a clock that was overtaken before anybody saw it has no epoch");
    uint64_t latest = see(&s.a, wal(3, 16, 1), false);
    is_int(see(&s.b, wal(3, 16, 1), false), latest, "the latest has one");
    close_scene(&s);
}

static void test_left(void)
{
    struct scene s;
    struct actor c;
    open_scene(&s);
    s.a.answer = ANSWER_YES;
    s.a.pages = 3;
    file_settle(&s.a.member);
    s.a.answer = ANSWER_NO; /* its files are closed by now */
    join(&c);
    is_int(file_leave(&s.a.member), false, "a member leaves, and is not the last");
    see(&s.b, wal(2, 13, 1), false);
    ok(!all_ended(&s) && s.written->changed > s.before, "what it knew to have happened is known");
    file_leave(&c.member);
    file_leave(&s.b.member);
    history_release(s.history);
}

static void test_empty_wal(void)
{
    struct scene s;
    struct clock empty = {.kind = CLOCK_EMPTY_WAL};
    open_scene(&s);
    uint64_t first = see(&s.b, empty, false);
    s.b.holds = true;
    is_int(see(&s.a, empty, false), first, "an empty WAL is the same while somebody holds it open");
    s.b.holds = false;
    uint64_t second = see(&s.a, empty, false);
    is_int(second, first + 1, "and another where nobody has");
    is_int(history_unknown_epoch(s.history), second, "of which nothing is known");
    close_scene(&s);
}

/* ---- newcomers ---- */

static void test_newcomer_finds_the_same(void)
{
    struct scene s;
    struct actor c;
    open_scene(&s);
    join(&c);
    is_int(see(&c, wal(1, 10, 1), false), s.before, "where the stamp stands a newcomer shares");
    c.stamp.modified = 2;
    is_int(see(&c, wal(1, 10, 1), false), s.before, "and is a newcomer but once");
    file_leave(&c.member);
    close_scene(&s);
}

/* A newcomer whose stamp is another is told of an epoch that nothing kept is good for. */
static void test_newcomer_finds_another(const struct stamp *stamp, bool stampless, const char *what)
{
    struct scene s;
    struct actor c;
    struct clock past = wal(0, 9, 1);
    open_scene(&s);
    see(&s.b, past, false);
    see(&s.b, wal(1, 10, 1), false);
    s.before = see(&s.b, wal(1, 10, 1), false);
    join(&c);
    c.stamp = *stamp;
    c.stampless = stampless;
    uint64_t epoch = see(&c, wal(1, 10, 1), false);
    ok(epoch > s.before && all_ended(&s), what);
    is_int(see(&s.b, wal(1, 10, 1), false), 0, "a member whose pages may be old is told nothing");
    is_int(file_is_clean(&s.b.member), false, "but to empty its page cache");
    file_clean(&s.b.member, file_suspicions(s.b.member.file));
    is_int(see(&s.b, wal(1, 10, 1), false), epoch, "then it sees what the newcomer sees");
    is_int(file_see(&s.b.member, &past, false), 0, "a clock of the past may be the old content's");
    file_leave(&c.member);
    close_scene(&s);
}

/* The clock that the times of files are taken from, in nanoseconds. */
static int64_t coarse_clock(void)
{
    struct timespec now = {0};
#ifdef CLOCK_REALTIME_COARSE
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
#else
    clock_gettime(CLOCK_REALTIME, &now);
#endif
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* A file may be written to once more within the tick of its times. */
static void test_stamps(void)
{
    char path[] = "/tmp/querycache-stamp-XXXXXX";
    struct stamp young = {0}, settled = {0}, written = {0};
    int file = mkstemp(path);
    ok(file >= 0 && write(file, "1", 1) == 1 && stamp_read(path, &young), "a file has a stamp");
    const struct timespec ahead[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = time(NULL) + 3600}};
    const struct timespec behind[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = time(NULL) - 3600}};
    ok(young.settled && coarse_clock() > young.modified && coarse_clock() > young.changed,
       "of one that was written to just now the next tick is waited for");
    ok(futimens(file, ahead) == 0 && stamp_read(path, &young),
       "its time is set ahead of the clock");
    ok(!young.settled && !stamp_stands(&young, &young), "then it tells nothing");
    ok(futimens(file, behind) == 0 && stamp_read(path, &settled) && settled.settled,
       "set back it does");
    ok(stamp_stands(&settled, &settled), "and stands while nobody writes to it");
    ok(write(file, "2", 1) == 1 && stamp_read(path, &written), "it is written to");
    ok(!stamp_stands(&settled, &written), "and stands no more");
    close(file);
    unlink(path);
    ok(!stamp_read(path, &written), "no file has none");
}

static void test_newcomers(void)
{
    const struct stamp old = {
        .device = 1, .inode = 2, .size = 4096, .modified = 1, .changed = 1, .settled = true};
    struct stamp stamp = old;
    test_newcomer_finds_the_same();
    stamp.modified = 2;
    test_newcomer_finds_another(&stamp, false, "the content was written to");
    stamp = old;
    stamp.changed = 2;
    test_newcomer_finds_another(&stamp, false, "it was, and the time set back");
    stamp = old;
    stamp.size = 8192;
    test_newcomer_finds_another(&stamp, false, "it has grown");
    test_newcomer_finds_another(&old, true, "nothing can be told of it");
}

/* What follows the announcement is "this clock, but for these tables", and so vouches for the rest.
** */
static void test_newcomer_announces(void)
{
    struct scene s;
    struct actor c;
    open_scene(&s);
    join(&c);
    c.stamp.modified = 2;
    announce(&c, wal(1, 10, 1), s.written);
    ok(all_ended(&s), "a newcomer that finds another stamp in its hook ends all");
    s.before = history_unknown_epoch(s.history);
    announce(&c, wal(1, 10, 1), s.written);
    is_int(all_ended(&s), false, "it looks but once");
    file_leave(&c.member);
    close_scene(&s);
}

int main(void)
{
    test_stamps();
    test_newcomers();
    test_newcomer_announces();
    test_settled_by_asking();
    test_denied();
    test_recovery();
    test_two_commits();
    test_proven();
    test_wrote_nothing();
    test_void();
    test_overtaken();
    test_left();
    test_empty_wal();
    return tap_done();
}

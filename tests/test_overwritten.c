/*
** A file that is overwritten in place, past SQLite, while connections have it open: whoever opens
** it later reads what is there, and whoever had it open reads what its own plain query gives.
** Hazard 10 of docs/exactness.md.
*/
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hazards/scenario.h"
#include "tap.h"

/* ---- another content with the same header ---- */

/* Change counter, size and free list; and the counter for which the size is valid. */
enum { COUNTER = 24, COUNTER_SIZE = 16, VALID_FOR = 92, VALID_FOR_SIZE = 8 };

struct bytes {
    unsigned char *bytes;
    size_t size;
};

static struct bytes read_file(const char *path)
{
    struct stat status;
    int file = open(path, O_RDONLY);
    if (file < 0 || fstat(file, &status) != 0)
        exit(2);
    struct bytes content = {.size = (size_t)status.st_size};
    content.bytes = malloc(content.size);
    if (content.bytes == NULL || read(file, content.bytes, content.size) != (ssize_t)content.size)
        exit(2);
    close(file);
    return content;
}

/* As cp does (`truncate`), or rsync --inplace. */
static void write_file(const char *path, struct bytes content, bool truncate)
{
    int file = open(path, O_WRONLY | O_CREAT | (truncate ? O_TRUNC : 0), 0644);
    if (file < 0 || write(file, content.bytes, content.size) != (ssize_t)content.size)
        exit(2);
    close(file);
}

/* What a file built by the same script has, where the script took other rows. */
static struct bytes make_twin(const char *path, const char *change)
{
    struct bytes original = read_file(path);
    const char *twin = fresh_file("twin.db");
    write_file(twin, original, true);
    sqlite3 *db = open_plain(twin, 0);
    run(db, "%s", change);
    sqlite3_close(db);
    struct bytes content = read_file(twin);
    memcpy(content.bytes + COUNTER, original.bytes + COUNTER, COUNTER_SIZE);
    memcpy(content.bytes + VALID_FOR, original.bytes + VALID_FOR, VALID_FOR_SIZE);
    if (content.size != original.size)
        exit(2);
    free(original.bytes);
    return content;
}

#define OTHER_ROWS "UPDATE t SET c = c + 1000; UPDATE other SET b = 'p'; UPDATE w SET v = v + 9"

/* In a process of its own: who closes a file drops the locks of its whole process on it. */
static void in_a_process(void (*overwrite)(void))
{
    int status = 0;
    pid_t process = fork();
    if (process == 0) {
        overwrite();
        _exit(0);
    }
    if (waitpid(process, &status, 0) != process || status != 0)
        exit(2);
}

static void overwrite(bool truncate)
{
    struct bytes twin = make_twin(scenario_file(), OTHER_ROWS);
    write_file(scenario_file(), twin, truncate);
    free(twin.bytes);
}

static void copy(void)
{
    overwrite(true);
}

static void copy_over(void)
{
    in_a_process(copy);
}

static void write_all(void)
{
    overwrite(false);
}

static void write_in_place(void)
{
    in_a_process(write_all);
}

/* VACUUM INTO a file, which is then copied over: the usual way to restore a backup. */
static void copy_backup(void)
{
    struct bytes twin = make_twin(scenario_file(), OTHER_ROWS);
    const char *path = fresh_file("twin.db");
    const char *into = fresh_file("into.db");
    write_file(path, twin, true);
    free(twin.bytes);
    sqlite3 *db = open_plain(path, 0);
    run(db, "VACUUM INTO %Q", into);
    sqlite3_close(db);
    struct bytes content = read_file(into);
    write_file(scenario_file(), content, true);
    free(content.bytes);
}

static void copy_vacuumed(void)
{
    in_a_process(copy_backup);
}

/* ---- scenarios ---- */

#define EMPTY_THE_WAL "A: PRAGMA wal_checkpoint(TRUNCATE)"

#define OPENED_LATER(how, by)                                                                      \
    {.name = "a connection opened after the file was overwritten: " how,                           \
     .overwrite = (by),                                                                            \
     .lines = {"A reads all", EMPTY_THE_WAL, "A reads all", "pause", "A reads all hit",            \
               "overwritten", "B reads all", "A reads all", "B reads all hit", "C reads all",      \
               "A: UPDATE t SET c = c + 1", "B reads all", "A reads all", "C reads all",           \
               "B: UPDATE other SET b = b || '!'", "A reads all", "B reads all", "C reads all"}},  \
        {.name = "the same, once the old connections know what is there: " how,                    \
         .overwrite = (by),                                                                        \
         .lines = {"A reads all", "B reads all", EMPTY_THE_WAL, "pause", "C reads all",            \
                   "overwritten", "pause", "D reads all", "A reads all", "B reads all",            \
                   "E reads all hit", "A reads all hit", "B reads all hit", "D reads all hit"}},   \
        {.name = "the same, at once after it was written by SQLite: " how,                         \
         .overwrite = (by),                                                                        \
         .lines = {"A reads all", "A: UPDATE t SET c = c + 1", "A reads all", EMPTY_THE_WAL,       \
                   "A reads all", "overwritten", "pause", "B reads all", "A reads all",            \
                   "B reads all", "C reads all hit"}},                                             \
        {.name = "the same, before the commit was seen by anybody: " how,                          \
         .overwrite = (by),                                                                        \
         .lines = {"A reads all", "A: UPDATE t SET c = c + 1", EMPTY_THE_WAL, "pause",             \
                   "overwritten", "pause", "B reads all", "A reads all", "B reads all"}},          \
        {.name = "the same, twice: " how,                                                          \
         .overwrite = (by),                                                                        \
         .lines = {"A reads all", EMPTY_THE_WAL, "A reads all", "overwritten", "B reads all",      \
                   "overwritten", "C reads all", "A reads all", "B reads all", "pause",            \
                   "overwritten", "pause", "D reads all", "A reads all", "B reads all",            \
                   "C reads all", "E reads all"}},                                                 \
        {.name = "a connection opened before, that reads first afterwards: " how,                  \
         .overwrite = (by),                                                                        \
         .lines = {"I opens", "A reads all", EMPTY_THE_WAL, "A reads all", "pause", "overwritten", \
                   "I reads all", "A reads all", "I reads all hit"}},                              \
    {                                                                                              \
        .name = "a connection opened after, that writes before anybody reads: " how,               \
        .overwrite = (by), .lines = {                                                              \
            "A reads all",                                                                         \
            EMPTY_THE_WAL,                                                                         \
            "A reads all",                                                                         \
            "pause",                                                                               \
            "overwritten",                                                                         \
            "I: UPDATE t SET c = c + 1",                                                           \
            "A reads all",                                                                         \
            "I reads all",                                                                         \
            "A reads all",                                                                         \
            "B reads all",                                                                         \
        }                                                                                          \
    }

static const struct scenario overwritten[] = {
    OPENED_LATER("written in place", write_in_place),
    OPENED_LATER("copied over", copy_over),
    {.name = "a vacuumed copy is copied over the file",
     .modes = IN_ROLLBACK,
     .overwrite = copy_vacuumed,
     .lines = {"A reads all", "B reads all hit", "pause", "overwritten", "C reads all",
               "A reads all", "B reads all", "C reads all hit", "A: UPDATE t SET c = c + 1",
               "C reads all", "B reads all", "A reads all"}},
    /* The stamp of the last newcomer, and what was kept by then, outlives commits in a WAL. */
    {.name = "nobody overwrites the file, and connections open among commits",
     .modes = IN_WAL,
     .lines = {"A reads all", "B reads all hit", "A: UPDATE t SET c = c + 1", "C reads t miss",
               "C reads other hit", "C: UPDATE other SET b = b || '!'", "D reads t hit",
               "D reads other miss", "A reads t hit", "A reads other hit", "E reads t hit",
               "E reads other hit"}},
    {.name = "nobody overwrites the file, and connections open between commits",
     .modes = IN_ROLLBACK,
     .lines = {"A reads all", "B reads all hit", "A: UPDATE t SET c = c + 1", "A reads t miss",
               "A reads other hit", "B reads t hit", "B reads other hit", "pause",
               "C reads all miss", "A reads all hit", "B reads all hit", "D reads all hit",
               "D: UPDATE t SET c = c + 1", "B reads other hit", "A reads t miss", "C reads t hit",
               "D reads t hit", "D reads other hit"}},
    {.name = "all leave, the file is overwritten, and opened again",
     .overwrite = copy_over,
     .lines = {"A reads all", EMPTY_THE_WAL, "A closes", "overwritten", "pause", "A reads t miss",
               "B reads t hit"}},
};

int main(int argc, char **argv)
{
    scenario_main(argc, argv);
    PLAY(overwritten);
    return tap_done();
}

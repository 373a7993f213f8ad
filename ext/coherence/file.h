/*
** A file: one database as all connections of the process know it together: which clock belongs to
** which epoch of its history, and what its members, the connections that have it open, announced.
**
** A member announces in its commit hook, while it holds the write lock: "the next commit after this
** clock writes these tables". When the clock is next seen, and has moved on by one commit, that
** commit is taken for the announced one: its tables are marked. But it may also be that the
** announced commit wrote nothing, or failed, and somebody else's came next; so whether it changed
** no more is in doubt until the announcement is settled: by the member itself, when it next looks
** at the file, or by whoever asks it while it is idle. Until then what the commit may have ended is
** neither served nor dropped. A clock that moved in any other way is an unknown commit.
**
** A file that only one connection can see (`:memory:`, temp, locking_mode = EXCLUSIVE) has one
** member, and its data version for a clock.
**
** A file may be overwritten in place past SQLite, by one with the same clock (cp, rsync --inplace).
** Then those who have it open go on with what is in their page caches, and nothing tells them. So a
** newcomer, before it takes the others' word, compares the file's stamp with that of when a
** newcomer last did so. Where that does not stand, be it for a commit or a checkpoint, an unknown
** epoch begins, and no member is told of an epoch before its page cache is clean.
**
** Thread-safe. A file's lock is held while members are asked (see `has_happened`), and over calls
** of history.h; under it no lock is waited for that is ever held while waiting for a file's.
*/
#ifndef QUERYCACHE_COHERENCE_FILE_H
#define QUERYCACHE_COHERENCE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "coherence/clock.h"
#include "coherence/history.h"
#include "coherence/stamp.h"
#include "coherence/write_set.h"

struct file;

/* What tells one file from another, under whatever path. */
struct file_identity {
    uint64_t device;
    uint64_t inode;
    const char *vfs; /* the name: two VFS lock in two ways, and do not see each other's locks */
};

enum answer { ANSWER_NO, ANSWER_YES, ANSWER_LATER };

enum announcement {
    ANNOUNCED_NOTHING,
    ANNOUNCED_NEXT, /* the commit after the latest clock known */
    ANNOUNCED_PAST, /* a clock that follows was seen: in doubt */
};

/* A commit that was announced. */
struct announced {
    struct clock base; /* the clock before it */
    struct write_set writes;
    int pages; /* it is known to have happened, and to have written so many; 0: not known */
};

/*
** A connection's part in a file. It lies in a struct of the connection's; but for the callbacks and
** `version` it is the file's to read and write, under its lock.
*/
struct member {
    /*
    ** Has what was announced happened, and written `*pages` pages (at least one)? Called under the
    ** file's lock, by any thread (`own`: the connection's): it must not wait for a lock.
    ** ANSWER_LATER: the connection is busy.
    */
    enum answer (*has_happened)(struct member *member, bool own, int *pages);
    /* Has the connection held the WAL open since it last saw it empty, and nothing moved? As
    ** above. */
    bool (*holds_wal)(struct member *member, bool own);
    /* The clock now, where it can only be that of a commit; called by the member's own thread. */
    struct clock (*read_clock)(struct member *member);
    /* The file's stamp now; false where it is not at its path any more. Likewise. */
    bool (*read_stamp)(const struct member *member, struct stamp *stamp);

    const void *handle; /* SQLite's, of the file; connections with a shared cache have one handle */

    struct file *file;
    struct member *next;
    struct member **at;                      /* what points to it */
    struct hash_node by_handle;              /* with the handle that it joined a shared file with */
    _Atomic(enum announcement) announcement; /* its own thread may have a look */
    struct announced announced;
    struct clock after; /* once past: the clock that followed */
    uint64_t epoch;     /* likewise: its epoch */
    uint32_t version;   /* the member's data version in its hook */
    uint64_t clean;     /* the file's `suspicions` when the page cache was last emptied; 0: never */
    bool seen;          /* it has compared the stamp, and seen an epoch */
    bool heard;         /* it has compared the stamp, and announced */
};

/* ---- joining ---- */

/*
** Become a member of the file of that identity, or of one that nobody else can see (identity NULL),
** and leave the one it is a member of. `name` is what people know the database by: its path,
** ':memory:' or 'temp'. The callbacks and the handle are set before. Where it fails all is as it
** was: SQLITE_NOMEM when memory is short; SQLITE_LOCKED_SHAREDCACHE where another member has the
** same handle, since members with a shared cache cannot be told apart, nor asked under SQLite's own
** lock.
*/
int file_join(struct member *member, const struct file_identity *identity, const char *name);

/*
** Leave. What the member announced is settled as far as it can be at once. When it was the last
** one, the file goes, and its history is abandoned: true where something still rests on that. Safe
** when it is a member of none.
*/
bool file_leave(struct member *member);

/* The member stays, but what it has open is perhaps not what it had: it is a newcomer again. */
void file_renew(struct member *member);

struct history *file_history(const struct file *file);
bool file_is_shared(const struct file *file);
bool file_has_identity(const struct file *file, const struct file_identity *identity);
bool file_has_stamp(const struct file *file, const struct stamp *stamp);

/* Text that tells the file from all others, for keys; of a file that is not shared, in this
** process. Fits in FILE_TEXT bytes, but for what is cut off a long VFS name. */
#define FILE_TEXT 128
void file_describe(const struct file *file, char out[FILE_TEXT]);

/* ---- seeing ---- */

/*
** Whether what the connection has in its page cache can only be the file's: it was emptied since
** the file was last suspected of having been overwritten. `file_clean()` is called by the member's
** thread, with `suspicions` as they were before it emptied it.
*/
bool file_is_clean(const struct member *member);
uint64_t file_suspicions(const struct file *file);
void file_clean(struct member *member, uint64_t suspicions);

/*
** The epoch of a state with this clock, which the member's snapshot is known to be at exactly. 0
** where it is a state of the past that nobody remembers, and where the member's page cache is not
** clean. `proven`: between the member's announcement and this snapshot lies that commit, or nothing
** where it wrote nothing, and no other's.
*/
uint64_t file_see(struct member *member, const struct clock *clock, bool proven);

/* Take note of the clock as it is now, of which the member's snapshot may be long past. */
void file_note(struct member *member);

/* The schema's version at an epoch seen. A commit that changed it is an unknown one. */
void file_see_schema(struct member *member, uint64_t epoch, uint32_t version);

/* ---- announcing ---- */

/*
** In the commit hook: the next commit after the clock, which is read here, at the member's data
** version `version`, writes these tables; an empty set, or a clock that cannot be read, announces
** nothing. A transaction that announces once more, since its COMMIT met SQLITE_BUSY, adds to what
** it announced.
*/
void file_announce(struct member *member, uint32_t version, bool proven,
                   const struct write_set *writes);

/* It did not happen, or it cannot be told any more whether it did. */
void file_withdraw(struct member *member);

/* The member is idle, and may be asked now what cannot be told later. */
void file_settle(struct member *member);

/* In the child of a fork(): forget all files, and touch no lock. */
void file_forget_all(void);

#endif

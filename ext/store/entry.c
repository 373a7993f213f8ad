#include "store/entry.h"

#include <assert.h>
#include <string.h>

#include "base/guard.h"
#include "base/memory.h"
#include "base/ticks.h"

/* Of the allocation: the entry, then the evidence, which wants a pointer's alignment as the entry
** has it, then the texts. */
static size_t block_size(const struct query_identity *identity, const struct evidence *evidence,
                         const char *kept_sql)
{
    size_t size = sizeof(struct entry) + (evidence != NULL ? evidence_size(evidence) : 0);
    if (identity->sql_size > SIZE_MAX / 4 || identity->params_size > SIZE_MAX / 4)
        return SIZE_MAX;
    if (kept_sql == NULL)
        size += identity->sql_size + 1;
    return size + identity->params_size;
}

size_t entry_bytes(const struct query_identity *identity, const struct admission *admission,
                   const char *kept_sql)
{
    size_t block = memory_footprint(block_size(identity, admission->evidence, kept_sql));
    size_t rows = result_size(admission->result);
    return block > SIZE_MAX / 2 || rows > SIZE_MAX / 4 ? SIZE_MAX : block + rows;
}

struct entry *entry_new(const struct query_identity *identity, const struct admission *admission,
                        const char *kept_sql)
{
    assert(identity->space != NULL && admission->result != NULL);
    const struct evidence *evidence = admission->evidence;
    size_t size = block_size(identity, evidence, kept_sql);
    struct entry *entry = size < SIZE_MAX ? memory_alloc(size) : NULL;
    if (entry == NULL)
        return NULL;
    char *at = (char *)(entry + 1);
    *entry = (struct entry){
        .space = identity->space,
        .key = identity->key,
        .owner = identity->owner,
        .sql_size = identity->sql_size,
        .params_size = identity->params_size,
        .result = result_retain(admission->result),
        .bytes = memory_footprint(size) + result_size(admission->result),
        .created_at = ticks_wall(),
        .created = admission->now,
        .used = admission->now,
        .ttl_end = ticks_after(admission->now, admission->ttl),
        .tti = admission->tti,
        .load_ns = admission->load_ns,
    };
    if (evidence != NULL) {
        entry->evidence = evidence_copy(evidence, at);
        at += evidence_size(evidence);
    }
    entry->sql = kept_sql;
    if (kept_sql == NULL) {
        entry->sql = at;
        if (identity->sql_size > 0)
            memcpy(at, identity->sql, identity->sql_size);
        at[identity->sql_size] = 0;
        at += identity->sql_size + 1;
    }
    entry->params = at;
    if (identity->params_size > 0)
        memcpy(at, identity->params, identity->params_size);
    return entry;
}

void entry_free(struct entry *entry)
{
    assert(entry->result != NULL);
    result_release(entry->result);
    if (entry->evidence != NULL)
        evidence_drop(entry->evidence);
    memory_free(entry);
}

void entry_use(struct entry *entry, int64_t now)
{
    /* Of two who use it at once the earlier may write last: both are later than all that the shard
    ** has known of it, and which of them counts is nothing that anybody could tell. */
    if (atomic_load_explicit(&entry->used, memory_order_relaxed) < now)
        atomic_store_explicit(&entry->used, now, memory_order_relaxed);
    atomic_fetch_add_explicit(&entry->hits, 1, memory_order_relaxed);
}

static bool same_bytes(const void *a, size_t a_size, const void *b, size_t b_size)
{
    return a_size == b_size && (a_size == 0 || memcmp(a, b, a_size) == 0);
}

/*
** Have the processor fetch at once what a hit is going to read, now that it is known: in a large
** store each of these lines is a wait for memory. No more than that: a line that another core
** writes, as that of an entry which it hits, is not to be taken from it.
*/
static void prefetch(const struct entry *entry)
{
    __builtin_prefetch(&entry->ttl_end);
    __builtin_prefetch(&entry->used);
    __builtin_prefetch(entry->params);
    __builtin_prefetch(entry->evidence);
    result_prefetch(entry->result);
}

bool entry_answers(const struct entry *entry, const struct query_identity *identity)
{
    if (entry->key.low != identity->key.low || entry->key.high != identity->key.high)
        return false;
    prefetch(entry);
    return entry->space == identity->space && entry->owner == identity->owner &&
           ((same_bytes(entry->sql, entry->sql_size, identity->sql, identity->sql_size) &&
             same_bytes(entry->params, entry->params_size, identity->params,
                        identity->params_size)) ||
            !GUARD(TEXT_COMPARE));
}

int64_t entry_expires(const struct entry *entry)
{
    int64_t used = atomic_load_explicit(&entry->used, memory_order_relaxed);
    int64_t idle_end = ticks_after(used, entry->tti);
    return idle_end < entry->ttl_end ? idle_end : entry->ttl_end;
}

bool entry_is_stale(const struct entry *entry)
{
    return entry->evidence != NULL && evidence_is_stale(entry->evidence);
}

struct entry_view entry_view(const struct entry *entry)
{
    return (struct entry_view){
        .key = entry->key,
        .space = entry->space,
        .owner = entry->owner,
        .sql = entry->sql,
        .params = entry->params,
        .params_size = entry->params_size,
        .result = entry->result,
        .evidence = entry->evidence,
        .bytes = entry->bytes,
        .hits = atomic_load_explicit(&entry->hits, memory_order_relaxed),
        .created_at = entry->created_at,
        .created = entry->created,
        .used = atomic_load_explicit(&entry->used, memory_order_relaxed),
        .expires = entry_expires(entry),
        .load_ns = entry->load_ns,
    };
}

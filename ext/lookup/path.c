#include "lookup/path.h"

#include <stdlib.h>

#include "base/memory.h"
#include "lookup/search.h"

/* Fewer rows are read as quickly as an index is searched. */
#define LEAST_ROWS 32

/* Of a range, when it has more than one row in so many, all are read: they need no sorting then. */
#define WORTH 4

/* ---- the index ---- */

struct making {
    const struct result *result;
    struct index_order order;
};

static struct attachment *make(void *context)
{
    const struct making *making = context;
    struct index *index = index_make(making->result, making->order);
    return index != NULL ? &index->base : NULL;
}

/* The index that is there, or that is made and kept now; NULL when it cannot be. */
static const struct index *get_index(struct session *session, struct request *request,
                                     struct result *result, struct index_order order)
{
    const struct index *index = index_find(result, order);
    struct making making = {result, order};
    struct extension extension = {
        .bytes = index_size(result_rows(result)), .make = make, .context = &making};
    if (index == NULL && read_extend(session, request, result, &extension))
        index = index_find(result, order);
    return index;
}

/* One for this path alone, where none can be kept. */
static const struct index *own_index(struct path *path, const struct result *result,
                                     struct index_order order)
{
    path->own_index = index_make(result, order);
    return path->own_index;
}

/* ---- rows in their order ---- */

static int compare_rows(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void visit(struct path *path, const uint32_t *rows, struct span span)
{
    path->rows = rows;
    path->at = path->begin = span.begin;
    path->end = span.end;
}

/* The `count` rows that were collected: each once, in their order. */
static void visit_sorted(struct path *path, const struct index *index, size_t count)
{
    uint32_t *rows = path->own_rows;
    size_t kept = 0;
    if (rows != NULL)
        qsort(rows, count, sizeof *rows, compare_rows);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || rows[kept - 1] != rows[i])
            rows[kept++] = rows[i];
    visit(path, rows != NULL ? rows : index->rows, (struct span){0, kept});
}

/* More rows at *count. False where there would be too many, or memory is short: all are read
** then. */
static bool collect(struct path *path, const struct index *index, struct span span, size_t *count)
{
    size_t more = (size_t)(span.end - span.begin);
    if (more > index->count / WORTH || *count > index->count / WORTH - more)
        return false;
    if (more == 0)
        return true;
    uint32_t *rows = memory_resize(path->own_rows, (*count + more) * sizeof *rows);
    if (rows == NULL)
        return false;
    memcpy(rows + *count, index->rows + span.begin, more * sizeof *rows);
    path->own_rows = rows;
    *count += more;
    return true;
}

/* ---- what each kind of access visits ---- */

static void find_equal(struct path *path, const struct index *index, const struct result *result,
                       enum affinity affinity, sqlite3_value *value)
{
    struct span span;
    if (search_equal(index, result, affinity, value, &span))
        visit(path, index->rows, span);
}

static void find_among(struct path *path, const struct index *index, const struct result *result,
                       enum affinity affinity, sqlite3_value *values)
{
#if SQLITE_VERSION_NUMBER >= 3038000
    sqlite3_value *value = NULL;
    size_t count = 0;
    int rc = sqlite3_vtab_in_first(values, &value);
    for (; rc == SQLITE_OK && value != NULL; rc = sqlite3_vtab_in_next(values, &value)) {
        struct span span;
        if (!search_among(index, result, affinity, value, &span) ||
            !collect(path, index, span, &count))
            return;
    }
    if (rc == SQLITE_DONE || rc == SQLITE_OK)
        visit_sorted(path, index, count);
#else
    (void)path, (void)index, (void)result, (void)affinity, (void)values;
#endif
}

static void find_range(struct path *path, const struct index *index, const struct result *result,
                       enum affinity affinity, const struct access *access, sqlite3_value **values)
{
    struct search_end lower = {0};
    struct search_end upper = {0};
    struct span span;
    if (access->lower != END_OPEN)
        lower = (struct search_end){*values++, access->lower == END_EXCLUDED};
    if (access->upper != END_OPEN)
        upper = (struct search_end){*values, access->upper == END_EXCLUDED};
    bool found = search_range(index, result, affinity, lower, upper, &span);
    if (access->order != ORDER_OF_ROWS) {
        visit(path, index->rows, found ? span : (struct span){0, index->count});
        path->descending = access->order == ORDER_DESCENDING ? index : NULL;
        return;
    }
    size_t count = 0;
    if (found && collect(path, index, span, &count))
        visit_sorted(path, index, count);
}

int path_find(struct path *path, struct session *session, struct request *request,
              struct result *result, const struct access *access, sqlite3_value **values)
{
    enum affinity affinity = request->query->definition.columns.kinds[access->column].affinity;
    bool ordered = access->order != ORDER_OF_ROWS;
    bool ranged = access->lower != END_OPEN || access->upper != END_OPEN;
    struct index_order order = {
        .column = access->column,
        .nocase = access->nocase,
        .folded = !ordered && (!ranged || affinity_is_numeric(affinity)),
    };
    uint64_t rows = result_rows(result);
    *path = (struct path){0};
    /* It was not so when the statement was prepared; the application has other collations since. */
    if (!ordered && session->observer->own_collations)
        return SQLITE_OK;
    if (rows < (ordered ? 2 : LEAST_ROWS))
        return SQLITE_OK;
    const struct index *index = get_index(session, request, result, order);
    if (index == NULL && ordered)
        index = own_index(path, result, order);
    if (index == NULL)
        return ordered ? SQLITE_NOMEM : SQLITE_OK;
    if (access->equal)
        find_equal(path, index, result, affinity, values[0]);
    else if (access->among)
        find_among(path, index, result, affinity, values[0]);
    else
        find_range(path, index, result, affinity, access, values);
    if (path->rows == NULL)
        path_clear(path);
    return SQLITE_OK;
}

/* ---- visiting ---- */

/* The group of equals that ends here. No path begins inside of one. */
static uint64_t enter_group(struct path *path, const struct result *result, uint64_t end)
{
    if (end <= path->begin)
        return result_rows(result);
    path->end = end;
    path->first = index_first_equal(path->descending, result, end - 1);
    path->at = path->first;
    return path->rows[path->at];
}

uint64_t path_start(struct path *path, const struct result *result)
{
    if (path->rows == NULL)
        return 0;
    if (path->descending != NULL)
        return enter_group(path, result, path->end);
    return path->at < path->end ? path->rows[path->at] : result_rows(result);
}

uint64_t path_next(struct path *path, const struct result *result)
{
    if (++path->at < path->end)
        return path->rows[path->at];
    return path->descending != NULL ? enter_group(path, result, path->first) : result_rows(result);
}

void path_clear(struct path *path)
{
    memory_free(path->own_index);
    memory_free(path->own_rows);
    *path = (struct path){0};
}

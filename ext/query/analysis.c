#include "query/analysis.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/databases.h"
#include "base/guard.h"
#include "base/memory.h"
#include "base/program.h"
#include "coherence/database.h"
#include "query/collations.h"
#include "query/dates.h"
#include "query/key.h"
#include "query/modules.h"
#include "query/plan.h"
#include "query/token.h"

/* What the listing shows, before anything is looked up. */
struct listing {
    struct buffer identity; /* what goes into the program's hash */
    struct buffer roots;    /* struct root_page … */
    struct buffer labels;   /* struct schema_label … */
    struct buffer vtabs;    /* const sqlite3_vtab * … */
    struct analysis *analysis;
    bool now_literal;
    bool dates_read;
    struct dates dates;
    bool keys; /* "k(…)": collations under short names */
};

/* A b-tree that the program opens. */
struct root_page {
    int database;
    int page;
};

/* ---- building an analysis ---- */

static void *grow(void *array, unsigned count, size_t size)
{
    /* Doubles at powers of two, so that no capacity need be kept. */
    if (count != 0 && (count & (count - 1)) != 0)
        return array;
    return memory_resize(array, (count ? 2 * (size_t)count : 1) * size);
}

int analysis_add_table(struct analysis *analysis, const char *schema, const char *table,
                       enum table_kind kind, bool whole_file)
{
    for (unsigned i = 0; i < analysis->use_count; i++) {
        struct table_use *use = &analysis->uses[i];
        if (sqlite3_stricmp(use->schema, schema) == 0 && sqlite3_stricmp(use->table, table) == 0)
            return SQLITE_OK;
    }
    struct table_use *uses = grow(analysis->uses, analysis->use_count, sizeof *uses);
    if (uses == NULL)
        return SQLITE_NOMEM;
    analysis->uses = uses;
    struct table_use *use = &uses[analysis->use_count];
    use->schema = memory_copy_text(schema, strlen(schema));
    use->table = memory_copy_text(table, strlen(table));
    use->kind = kind;
    use->whole_file = whole_file;
    analysis->use_count++;
    return use->schema != NULL && use->table != NULL ? SQLITE_OK : SQLITE_NOMEM;
}

int analysis_add_schema(struct analysis *analysis, const char *schema)
{
    for (unsigned i = 0; i < analysis->schema_count; i++) {
        if (sqlite3_stricmp(analysis->schemas[i], schema) == 0)
            return SQLITE_OK;
    }
    char **schemas = grow(analysis->schemas, analysis->schema_count, sizeof *schemas);
    if (schemas == NULL)
        return SQLITE_NOMEM;
    analysis->schemas = schemas;
    schemas[analysis->schema_count] = memory_copy_text(schema, strlen(schema));
    return schemas[analysis->schema_count++] != NULL ? SQLITE_OK : SQLITE_NOMEM;
}

int analysis_refuse(struct analysis *analysis, const char *format, ...)
{
    if (analysis->refusal != NULL)
        return SQLITE_OK;
    va_list arguments;
    va_start(arguments, format);
    analysis->refusal = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    return analysis->refusal != NULL ? SQLITE_OK : SQLITE_NOMEM;
}

void analysis_add_identity(struct analysis *analysis, const void *bytes, size_t size)
{
    struct key both[2] = {analysis->program, key_hash(bytes, size)};
    analysis->program = key_hash(both, sizeof both);
}

static int add_function(struct analysis *analysis, const struct instruction *instruction)
{
    const char *open = strchr(instruction->p4, '(');
    if (open == NULL)
        return SQLITE_OK;
    size_t size = (size_t)(open - instruction->p4);
    int arguments = (int)strtol(open + 1, NULL, 10);
    /* A call without arguments has no first register. */
    bool none = strstr(instruction->opcode, "Func") != NULL && instruction->p2 == 0;
    for (unsigned i = 0; i < analysis->function_count; i++) {
        struct function_use *use = &analysis->functions[i];
        if (strlen(use->name) == size && memcmp(use->name, instruction->p4, size) == 0 &&
            use->arguments == arguments) {
            use->no_arguments = use->no_arguments || none;
            return SQLITE_OK;
        }
    }
    struct function_use *functions =
        grow(analysis->functions, analysis->function_count, sizeof *functions);
    if (functions == NULL)
        return SQLITE_NOMEM;
    analysis->functions = functions;
    struct function_use *use = &functions[analysis->function_count];
    use->name = memory_copy_text(instruction->p4, size);
    use->arguments = arguments;
    use->no_arguments = none;
    if (use->name == NULL)
        return SQLITE_NOMEM;
    analysis->function_count++;
    return SQLITE_OK;
}

/* ---- reading the listing ---- */

static bool is_opcode(const struct instruction *instruction, const char *name)
{
    return strcmp(instruction->opcode, name) == 0;
}

/* The collation of a key, as "-NOCASE" or "N.B" in "k(2,-NOCASE,N.B)". */
static bool is_key_built_in(const char *name, size_t size)
{
    if (size > 0 && *name == '-')
        name++, size--;
    if (size > 1 && name[0] == 'N' && name[1] == '.')
        name += 2, size -= 2;
    return collation_is_built_in(name, size);
}

/* What keys are compared by: "k(2,B,-NOCASE)"; and values: "NOCASE-8", with the encoding. */
static void note_collations(struct listing *listing, const struct instruction *instruction)
{
    static const char *const comparisons[] = {"CollSeq", "Eq", "Ne", "Lt", "Le", "Gt", "Ge"};
    const char *p4 = instruction->p4;
    bool own = listing->analysis->own_collations;
    if (strncmp(p4, "k(", 2) == 0) {
        listing->keys = true;
        for (const char *comma = strchr(p4, ','); comma != NULL; comma = strchr(comma + 1, ','))
            own = own || !is_key_built_in(comma + 1, strcspn(comma + 1, ",)"));
    }
    const char *dash = strrchr(p4, '-');
    for (size_t i = 0; i < sizeof comparisons / sizeof comparisons[0] && dash != NULL; i++) {
        size_t size = (size_t)(dash - p4); /* BINARY is no B here */
        if (is_opcode(instruction, comparisons[i]))
            own = own || size == 1 || !collation_is_built_in(p4, size);
    }
    listing->analysis->own_collations = own;
}

/* Transaction's p3 and p4 are the schema's version and a count per connection: neither tells what
** the program does. */
static void identify(struct listing *listing, const struct instruction *instruction)
{
    bool transaction = is_opcode(instruction, "Transaction");
    bool address = strncmp(instruction->p4, "vtab:", 5) == 0;
    const int numbers[] = {instruction->p1, instruction->p2, transaction ? 0 : instruction->p3,
                           instruction->p5};
    const char *p4 = transaction || address ? "" : instruction->p4;
    buffer_add(&listing->identity, numbers, sizeof numbers);
    buffer_add(&listing->identity, instruction->opcode, strlen(instruction->opcode) + 1);
    buffer_add(&listing->identity, p4, strlen(p4) + 1);
}

static bool is_loop(const struct instruction *instruction)
{
    static const char *const loops[] = {"Next", "Prev", "VNext", "SorterNext", "RowSetRead"};
    for (size_t i = 0; i < sizeof loops / sizeof loops[0]; i++) {
        if (is_opcode(instruction, loops[i]))
            return true;
    }
    return false;
}

/* A blob is read as text where a text is expected. The listing shows it up to its first zero byte,
** which in UTF-16 is the first or the second. */
static bool may_mean_now(const struct instruction *instruction)
{
    return function_means_now(instruction->p4) ||
           (is_opcode(instruction, "Blob") && strlen(instruction->p4) <= 1);
}

static int read_instruction(const struct instruction *instruction, struct listing *listing)
{
    identify(listing, instruction);
    note_collations(listing, instruction);
    listing->analysis->loops = listing->analysis->loops || is_loop(instruction);
    if (is_opcode(instruction, "Blob") || is_opcode(instruction, "Real") ||
        strstr(instruction->p4, "blob") != NULL)
        listing->analysis->has_literals = true;
    struct schema_label label;
    if (program_label(instruction, &label))
        buffer_add(&listing->labels, &label, sizeof label);
    if (is_opcode(instruction, "OpenRead") || is_opcode(instruction, "ReopenIdx")) {
        struct root_page root = {.database = instruction->p3, .page = instruction->p2};
        buffer_add(&listing->roots, &root, sizeof root);
    } else if (is_opcode(instruction, "VOpen")) {
        const sqlite3_vtab *vtab = NULL;
        program_vtab(instruction->p4, &vtab);
        buffer_add(&listing->vtabs, &vtab, sizeof vtab);
    } else if (strstr(instruction->opcode, "Func") != NULL ||
               strncmp(instruction->opcode, "Agg", 3) == 0) {
        return add_function(listing->analysis, instruction);
    } else if (is_opcode(instruction, "Offset")) {
        return analysis_refuse(listing->analysis, "calls sqlite_offset(), whose value changes");
    } else if (is_opcode(instruction, "String8") || is_opcode(instruction, "Blob")) {
        listing->now_literal = listing->now_literal || may_mean_now(instruction);
    }
    return SQLITE_OK;
}

/* ---- tables ---- */

/* The root page of a schema's own table; it has no row there. */
#define SCHEMA_ROOT 1

static const struct schema_label *label_of(const struct listing *listing, int database)
{
    const struct schema_label *labels = (const void *)listing->labels.bytes;
    size_t count = listing->labels.size / sizeof *labels;
    for (size_t i = 0; i < count; i++) {
        if (labels[i].database == database)
            return &labels[i];
    }
    return NULL;
}

static int add_root(struct facts *facts, const char *schema, const struct root_page *root,
                    const struct listing *listing)
{
    struct analysis *analysis = listing->analysis;
    if (root->page == SCHEMA_ROOT)
        return analysis_add_table(analysis, schema, "sqlite_schema", TABLE_ROWID, true);
    const struct schema_label *label = label_of(listing, root->database);
    const char *table = NULL;
    enum table_kind kind = TABLE_ROWID;
    int rc = label != NULL ? roots_find(&facts->roots, facts->observer->connection.db, schema,
                                        label, root->page, &table, &kind)
                           : SQLITE_OK;
    if (rc != SQLITE_OK)
        return rc;
    if (table == NULL)
        return analysis_refuse(analysis, "reads a table of %s that its schema does not name",
                               schema);
    /* SQLite writes its own tables without telling any hook. */
    return analysis_add_table(analysis, schema, table, kind,
                              sqlite3_strnicmp(table, "sqlite_", 7) == 0);
}

/* Its views may be read where none of its tables is. What those of temp say is part of the key. */
static int add_opened(const struct listing *listing, int number, const char *schema)
{
    return label_of(listing, number) != NULL && number != TEMP_DATABASE
               ? analysis_add_schema(listing->analysis, schema)
               : SQLITE_OK;
}

static int add_roots(struct facts *facts, const struct listing *listing)
{
    struct databases list = databases_of(facts->observer->connection.db);
    int rc = SQLITE_OK;
    const struct root_page *roots = (const void *)listing->roots.bytes;
    size_t count = listing->roots.size / sizeof *roots;
    while (rc == SQLITE_OK && databases_next(&list)) {
        rc = add_opened(listing, list.index, list.name);
        for (size_t i = 0; rc == SQLITE_OK && i < count; i++) {
            if (roots[i].database == list.index)
                rc = add_root(facts, list.name, &roots[i], listing);
        }
    }
    int ended = databases_end(&list);
    return rc != SQLITE_OK ? rc : ended;
}

/* ---- virtual tables ---- */

static int add_virtual_table(sqlite3 *db, const sqlite3_vtab *vtab, const struct nesting *nesting,
                             struct analysis *analysis, bool *full_text)
{
    if (nesting != NULL) {
        int added = nesting->add(nesting->context, vtab, analysis);
        if (added != 0)
            return added < 0 ? SQLITE_NOMEM : SQLITE_OK;
    }
    struct module_use use;
    int rc = module_find(db, vtab, &use);
    if (rc == SQLITE_OK && use.schema != NULL)
        analysis_add_identity(analysis, use.schema, strlen(use.schema) + 1);
    if (rc == SQLITE_OK && use.table != NULL)
        analysis_add_identity(analysis, use.table, strlen(use.table) + 1);
    analysis->own_functions = analysis->own_functions || use.own_tokenizer || use.calls;
    analysis->by_mark = analysis->by_mark || use.calls;
    bool has_place = use.schema != NULL && use.table != NULL;
    if (rc == SQLITE_OK && use.kind == MODULE_IN_FILE && has_place) {
        rc = analysis_add_table(analysis, use.schema, use.table, TABLE_ROWID, true);
        *full_text = *full_text || use.full_text;
    } else if (rc == SQLITE_OK && use.kind != MODULE_CONSTANT) {
        rc = analysis_refuse(analysis, "reads %s%s, a virtual table whose changes cannot be seen",
                             use.table != NULL ? "" : "something that has no name, ",
                             use.table != NULL ? use.table : "");
    }
    memory_free(use.schema);
    memory_free(use.table);
    return rc;
}

static int add_virtual_tables(sqlite3 *db, const struct listing *listing,
                              const struct nesting *nesting, bool *full_text)
{
    const sqlite3_vtab *const *vtabs = (const void *)listing->vtabs.bytes;
    size_t count = listing->vtabs.size / sizeof(sqlite3_vtab *);
    int rc = SQLITE_OK;
    for (size_t i = 0; rc == SQLITE_OK && i < count; i++)
        rc = add_virtual_table(db, vtabs[i], nesting, listing->analysis, full_text);
    return rc;
}

/* ---- functions ---- */

/* What its calls of date functions depend on; looked into once a query. */
static int read_dates(sqlite3 *db, const char *sql, bool strftime, struct listing *listing)
{
    const struct schema_label *labels = (const void *)listing->labels.bytes;
    size_t count = listing->labels.size / sizeof *labels;
    if (listing->dates_read)
        return SQLITE_OK;
    struct date_search search = {
        .db = db, .sql = sql, .all = strftime, .opened = labels, .opened_count = (unsigned)count};
    int rc = dates_read(&search, &listing->dates);
    listing->dates_read = rc == SQLITE_OK;
    return rc;
}

static int note_unsafe(char **slot, const char *name)
{
    if (*slot == NULL)
        *slot = sqlite3_mprintf("%s", name);
    return *slot != NULL ? SQLITE_OK : SQLITE_NOMEM;
}

static int judge(struct facts *facts, const char *sql, const struct function_use *use,
                 bool full_text, struct listing *listing)
{
    struct analysis *analysis = listing->analysis;
    struct function_verdict verdict;
    int rc = function_judge(&facts->functions, use, full_text, &verdict);
    if (rc == SQLITE_OK && verdict.is_date && verdict.refusal == NULL) {
        bool strftime = sqlite3_stricmp(use->name, "strftime") == 0;
        if (strftime && !listing->dates.all)
            listing->dates_read = false;
        rc = read_dates(facts->observer->connection.db, sql, strftime, listing);
        if (listing->now_literal)
            verdict.refusal = "where 'now' is the present time";
        else if (strftime && listing->dates.bare_strftime && GUARD(BARE_FORMAT))
            verdict.refusal = "which with a format alone is the present time";
    }
    analysis->calls_date = analysis->calls_date || verdict.is_date;
    analysis->follows_zone = analysis->follows_zone ||
                             (verdict.is_date && (listing->dates.zone || !listing->dates_read));
    analysis->own_functions = analysis->own_functions || verdict.is_own;
    analysis->by_mark = analysis->by_mark || verdict.by_mark;
    if (rc == SQLITE_OK && verdict.direct_only)
        rc = note_unsafe(&analysis->direct_only, use->name);
    if (rc == SQLITE_OK && !verdict.innocuous)
        rc = note_unsafe(&analysis->not_innocuous, use->name);
    if (rc == SQLITE_OK && verdict.refusal != NULL) {
        analysis->nondeterministic = analysis->nondeterministic || analysis->refusal == NULL;
        rc = analysis_refuse(analysis, "calls %s(), %s", use->name, verdict.refusal);
    }
    return rc;
}

/* ---- all together ---- */

static int understand(struct facts *facts, const char *sql, const struct nesting *nesting,
                      struct listing *listing)
{
    bool full_text = false;
    int rc = add_roots(facts, listing);
    if (rc == SQLITE_OK)
        rc = add_virtual_tables(facts->observer->connection.db, listing, nesting, &full_text);
    struct analysis *analysis = listing->analysis;
    if (rc == SQLITE_OK && listing->keys)
        rc = collations_look_alike(facts->observer->connection.db, &analysis->own_collations);
    /* A cached table that this one reads may hand it to a date function. */
    if (rc == SQLITE_OK && analysis->calls_date && listing->now_literal)
        rc = analysis_refuse(analysis, "gives 'now' to a cached table that calls a date function");
    for (unsigned i = 0; rc == SQLITE_OK && i < analysis->function_count; i++)
        rc = judge(facts, sql, &analysis->functions[i], full_text, listing);
    return rc;
}

static void clear_listing(struct listing *listing)
{
    buffer_clear(&listing->identity);
    buffer_clear(&listing->roots);
    buffer_clear(&listing->vtabs);
    buffer_clear(&listing->labels);
}

static int look_through(const struct program *program, struct listing *listing)
{
    int rc = SQLITE_OK;
    for (int i = 0; rc == SQLITE_OK && i < program->count; i++)
        rc = read_instruction(&program->instructions[i], listing);
    bool failed = listing->identity.failed || listing->roots.failed || listing->vtabs.failed ||
                  listing->labels.failed;
    return failed ? SQLITE_NOMEM : rc;
}

int analysis_make(struct facts *facts, const char *sql, const struct nesting *nesting,
                  struct analysis *analysis)
{
    *analysis = (struct analysis){0};
    struct listing listing = {.analysis = analysis};
    struct program program;
    int rc = program_read(facts->observer->connection.db, sql, &program);
    if (rc == SQLITE_OK)
        rc = look_through(&program, &listing);
    if (rc == SQLITE_OK) {
        analysis->one_row = plan_gives_one_row(&program, sql);
        analysis->program = key_hash(listing.identity.bytes, listing.identity.size);
        rc = understand(facts, sql, nesting, &listing);
    }
    program_clear(&program);
    clear_listing(&listing);
    if (rc != SQLITE_OK)
        analysis_clear(analysis);
    return rc;
}

void analysis_clear(struct analysis *analysis)
{
    for (unsigned i = 0; i < analysis->use_count; i++) {
        memory_free(analysis->uses[i].schema);
        memory_free(analysis->uses[i].table);
    }
    for (unsigned i = 0; i < analysis->schema_count; i++)
        memory_free(analysis->schemas[i]);
    for (unsigned i = 0; i < analysis->function_count; i++)
        memory_free(analysis->functions[i].name);
    memory_free(analysis->schemas);
    memory_free(analysis->uses);
    memory_free(analysis->functions);
    sqlite3_free(analysis->refusal);
    sqlite3_free(analysis->direct_only);
    sqlite3_free(analysis->not_innocuous);
    *analysis = (struct analysis){0};
}

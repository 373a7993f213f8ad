#include "query/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/program.h"
#include "coherence/database.h"
#include "query/functions.h"
#include "query/token.h"

/* An instruction that may go on elsewhere; an address of 0 is none. */
struct jump {
    int from;
    int to;
    bool call; /* of a subroutine */
};

struct plan {
    struct facts *facts; /* NULL: which functions are called is no matter */
    const char *watched; /* an opcode: does it run once? */
    bool calls_out;      /* a function of the application, or ours, may read on its own */
    int vopens;
    int found; /* the address of the last one; 0: none yet */
    int count;
    int setup;       /* where the part begins that runs once, before all else (Init's p2) */
    bool other_file; /* a table outside temp is opened */
    struct buffer jumps;
};

/*
** Opcodes whose p2 is no address. The list need not be complete: one that is missing is taken for
** a jump, and costs at most a read transaction. In the order of strcmp().
*/
static const char *const straight[] = {
    "Add",         "AddImm",        "Affinity",   "AggFinal",      "AggInverse",   "AggStep",
    "AggValue",    "BitAnd",        "BitNot",     "BitOr",         "Blob",         "Cast",
    "Clear",       "Close",         "CollSeq",    "Column",        "Compare",      "Concat",
    "Copy",        "DeferredSeek",  "Delete",     "Divide",        "EndCoroutine", "Explain",
    "FilterAdd",   "Function",      "Halt",       "IdxInsert",     "Insert",       "Int64",
    "IntCopy",     "Integer",       "IsTrue",     "MakeRecord",    "MemMax",       "Move",
    "Multiply",    "NewRowid",      "Noop",       "Not",           "Null",         "NullRow",
    "OffsetLimit", "OpenAutoindex", "OpenDup",    "OpenEphemeral", "OpenPseudo",   "OpenRead",
    "Permutation", "PureFunc",      "Real",       "RealAffinity",  "Remainder",    "ReopenIdx",
    "ResetSorter", "ResultRow",     "Return",     "RowData",       "Rowid",        "SCopy",
    "Sequence",    "ShiftLeft",     "ShiftRight", "SoftNull",      "SorterData",   "SorterInsert",
    "SorterOpen",  "String",        "String8",    "Subtract",      "TableLock",    "Transaction",
    "VColumn",     "VInitIn",       "VOpen",      "Variable",      "ZeroOrNull",
};

static bool is(const struct instruction *instruction, const char *opcode)
{
    return strcmp(instruction->opcode, opcode) == 0;
}

static int compare_opcodes(const void *a, const void *b)
{
    return strcmp(a, *(const char *const *)b);
}

static bool goes_straight(const char *opcode)
{
    return bsearch(opcode, straight, sizeof straight / sizeof straight[0], sizeof straight[0],
                   compare_opcodes) != NULL;
}

static void note_jump(struct plan *plan, int from, int to, bool call)
{
    struct jump jump = {.from = from, .to = to, .call = call};
    if (to > 0)
        buffer_add(&plan->jumps, &jump, sizeof jump);
}

static int note_call(struct plan *plan, const char *p4)
{
    const char *open = strchr(p4, '(');
    if (open == NULL || plan->calls_out || plan->facts == NULL)
        return SQLITE_OK;
    struct function_use use = {.arguments = (int)strtol(open + 1, NULL, 10)};
    use.name = memory_copy_text(p4, (size_t)(open - p4));
    if (use.name == NULL)
        return SQLITE_NOMEM;
    struct function_verdict verdict;
    int rc = function_judge(&plan->facts->functions, &use, false, &verdict);
    plan->calls_out = verdict.is_own;
    memory_free(use.name);
    return rc;
}

static int read_instruction(const struct instruction *instruction, int address, struct plan *plan)
{
    if (is(instruction, plan->watched)) {
        plan->found = address;
        plan->count++;
    }
    if (is(instruction, "Init")) {
        plan->setup = instruction->p2;
    } else if (is(instruction, "VOpen")) {
        plan->vopens++;
    } else if (is(instruction, "Jump")) {
        note_jump(plan, address, instruction->p1, false);
        note_jump(plan, address, instruction->p3, false);
    }
    if ((is(instruction, "OpenRead") || is(instruction, "OpenWrite")) &&
        instruction->p3 != TEMP_DATABASE)
        plan->other_file = true;
    if (strstr(instruction->opcode, "Func") != NULL || strncmp(instruction->opcode, "Agg", 3) == 0)
        return note_call(plan, instruction->p4);
    if (!goes_straight(instruction->opcode))
        note_jump(plan, address, instruction->p2, is(instruction, "Gosub"));
    return SQLITE_OK;
}

/* A jump back over what is watched repeats it, and so may a call of a subroutine that holds it.
** What the setup jumps to it jumps to once. */
static bool repeats(const struct plan *plan)
{
    const struct jump *jumps = (const void *)plan->jumps.bytes;
    size_t count = plan->jumps.size / sizeof *jumps;
    for (size_t i = 0; i < count; i++) {
        if (jumps[i].to > plan->found || (plan->setup > 0 && jumps[i].from >= plan->setup))
            continue;
        if (jumps[i].call || jumps[i].from > plan->found)
            return true;
    }
    return false;
}

static sqlite3_stmt *only_busy_statement(sqlite3 *db)
{
    sqlite3_stmt *found = NULL;
    for (sqlite3_stmt *s = sqlite3_next_stmt(db, NULL); s != NULL; s = sqlite3_next_stmt(db, s)) {
        if (!sqlite3_stmt_busy(s))
            continue;
        if (found != NULL)
            return NULL;
        found = s;
    }
    return found;
}

static int look_through(const struct program *program, struct plan *plan)
{
    int rc = SQLITE_OK;
    for (int i = 0; rc == SQLITE_OK && i < program->count; i++)
        rc = read_instruction(&program->instructions[i], i, plan);
    return plan->jumps.failed ? SQLITE_NOMEM : rc;
}

bool plan_reads_once(struct facts *facts)
{
    sqlite3 *db = facts->observer->connection.db;
    sqlite3_stmt *statement = only_busy_statement(db);
    const char *sql = statement != NULL ? sqlite3_sql(statement) : NULL;
    if (sql == NULL)
        return false;
    struct plan plan = {.facts = facts, .watched = "VFilter"};
    struct program program;
    facts_refresh(facts);
    int rc = program_read(db, sql, &program);
    if (rc == SQLITE_OK)
        rc = look_through(&program, &plan);
    bool once = rc == SQLITE_OK && plan.vopens == 1 && plan.count == 1 && !plan.other_file &&
                !plan.calls_out && !repeats(&plan);
    program_clear(&program);
    buffer_clear(&plan.jumps);
    return once;
}

static bool ends_with_limit_1(const char *sql)
{
    struct token before = {.type = TOKEN_END};
    struct token last = before;
    struct token token = token_read_solid(sql);
    for (; token.type != TOKEN_END; token = token_next(token)) {
        before = last;
        last = token;
    }
    return before.type == TOKEN_WORD && token_is_word(before, "limit") &&
           last.type == TOKEN_NUMBER && last.size == 1 && *last.text == '1';
}

bool plan_gives_one_row(const struct program *program, const char *sql)
{
    if (ends_with_limit_1(sql))
        return true;
    struct plan plan = {.watched = "ResultRow"};
    bool once = look_through(program, &plan) == SQLITE_OK && plan.count == 1 && !repeats(&plan);
    buffer_clear(&plan.jumps);
    return once;
}

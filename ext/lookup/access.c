#include "lookup/access.h"

#define COLUMN_BITS 15 /* SQLite has no more than 32767 columns */

/* ---- packing ---- */

bool access_is_indexed(const struct access *access)
{
    return access->equal || access->among || access->lower != END_OPEN ||
           access->upper != END_OPEN || access->order != ORDER_OF_ROWS;
}

int access_values(const struct access *access)
{
    return access->equal || access->among
               ? 1
               : (access->lower != END_OPEN) + (access->upper != END_OPEN);
}

int access_pack(const struct access *access)
{
    if (!access_is_indexed(access))
        return 0;
    unsigned flags = access->nocase | (unsigned)access->equal << 1 | (unsigned)access->among << 2 |
                     (unsigned)access->lower << 3 | (unsigned)access->upper << 5 |
                     (unsigned)access->order << 7;
    return (int)(flags << COLUMN_BITS | access->column);
}

struct access access_unpack(int packed)
{
    unsigned flags = (unsigned)packed >> COLUMN_BITS;
    return (struct access){
        .column = (unsigned)packed & ((1U << COLUMN_BITS) - 1),
        .nocase = (flags & 1) != 0,
        .equal = (flags >> 1 & 1) != 0,
        .among = (flags >> 2 & 1) != 0,
        .lower = (enum access_end)(flags >> 3 & 3),
        .upper = (enum access_end)(flags >> 5 & 3),
        .order = (enum access_order)(flags >> 7 & 3),
    };
}

char *access_describe(const struct access *access, const struct cached_query *query)
{
    static const char *const above[] = {"", ">=?", ">?"};
    static const char *const below[] = {"", "<=?", "<?"};
    static const char *const orders[] = {"", "ORDER BY ", "ORDER BY "};
    const struct columns *columns = &query->definition.columns;
    const char *name = access->column < columns->count ? columns->names[access->column] : "?";
    bool lower = access->lower != END_OPEN;
    bool upper = access->upper != END_OPEN;
    bool ordered = access->order != ORDER_OF_ROWS;
    if (access->equal || access->among)
        return sqlite3_mprintf("%s%s", name, access->equal ? "=?" : " IN (?)");
    return sqlite3_mprintf("%s%s%s%s%s%s%s%s%s", lower ? name : "", above[access->lower],
                           lower && upper ? " AND " : "", upper ? name : "", below[access->upper],
                           (lower || upper) && ordered ? " " : "", orders[access->order],
                           ordered ? name : "", access->order == ORDER_DESCENDING ? " DESC" : "");
}

/* ---- what SQLite tells of a constraint ---- */

/* An IN looks like an equality. Only since 3.38 does SQLite tell the two apart. */
enum in { IN_NOT, IN_LIST, IN_UNKNOWN };

#define VERSION_WITH_IN 3038000

/* SQLite tells of so many constraints. */
#define MOST_TOLD 32

static enum in in_of(sqlite3_index_info *info, int constraint)
{
#if SQLITE_VERSION_NUMBER >= VERSION_WITH_IN
    if (sqlite3_libversion_number() >= VERSION_WITH_IN && constraint < MOST_TOLD)
        return sqlite3_vtab_in(info, constraint, -1) ? IN_LIST : IN_NOT;
#else
    (void)info, (void)constraint;
#endif
    return IN_UNKNOWN;
}

/* Have all values of an IN at once. Then SQLite asks the whole IN again for each row; given one
** value after the other it would compare with that, converted otherwise than by the IN. */
static void take_list(sqlite3_index_info *info, int constraint)
{
#if SQLITE_VERSION_NUMBER >= VERSION_WITH_IN
    sqlite3_vtab_in(info, constraint, 1);
#else
    (void)info, (void)constraint;
#endif
}

/*
** Whether an equality is certain to be no part of an IN of row values, (a, b) IN (SELECT …), which
** nothing else tells. Such parts stand behind all terms of the WHERE, and their IN is a term itself
** that is not among the constraints: so an equality before which no term is missing is none. Nor is
** one with a constant.
*/
static bool is_certain(sqlite3_index_info *info, int constraint)
{
    if (info->aConstraint[constraint].iTermOffset == constraint)
        return true;
#if SQLITE_VERSION_NUMBER >= VERSION_WITH_IN
    sqlite3_value *value;
    return sqlite3_libversion_number() >= VERSION_WITH_IN &&
           sqlite3_vtab_rhs_value(info, constraint, &value) == SQLITE_OK;
#else
    return false;
#endif
}

/* Rows are wanted in the order of the terms; not only such that equal ones come together, which for
** DISTINCT would change the order that they have. */
static bool wants_order(sqlite3_index_info *info)
{
#if SQLITE_VERSION_NUMBER >= VERSION_WITH_IN
    return sqlite3_libversion_number() >= VERSION_WITH_IN && info->nOrderBy == 1 &&
           sqlite3_vtab_distinct(info) <= 1;
#else
    (void)info;
    return false;
#endif
}

/* ---- parameters ---- */

static bool is_value(unsigned char op)
{
    return op == SQLITE_INDEX_CONSTRAINT_EQ || op == SQLITE_INDEX_CONSTRAINT_IS ||
           op == SQLITE_INDEX_CONSTRAINT_ISNULL;
}

/* Hand one parameter on. False where it has no value in this plan; *known_later where it would
** have in another order of the join. */
static bool plan_parameter(sqlite3_index_info *info, int column, int argument, bool *known_later,
                           bool *compared)
{
    for (int i = 0; i < info->nConstraint; i++) {
        if (info->aConstraint[i].iColumn != column || !is_value(info->aConstraint[i].op))
            continue;
        if (!info->aConstraint[i].usable) {
            *known_later = true;
            continue;
        }
        info->aConstraintUsage[i].argvIndex = argument;
        info->aConstraintUsage[i].omit = 1;
        *compared = *compared || (argument > MOST_TRUSTED &&
                                  info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_EQ);
        return true;
    }
    return false;
}

enum known access_parameters(const struct cached_query *query, sqlite3_index_info *info,
                             int columns)
{
    bool compared = false;
    enum known known = KNOWN_NOW;
    for (unsigned i = 0; i < query->definition.parameters.count; i++) {
        bool known_later = false;
        if (plan_parameter(info, columns + (int)i, (int)i + 1, &known_later, &compared))
            continue;
        if (known_later)
            return KNOWN_LATER;
        known = KNOWN_NEVER;
    }
    return known == KNOWN_NOW && compared ? KNOWN_COMPARED : known;
}

/* ---- choosing ---- */

struct choice {
    const struct column_kind *kinds;
    sqlite3_index_info *info;
    int columns;
    struct access access;
    int equal; /* the constraint's number; -1: none */
    int lower;
    int upper;
};

static enum collation collation_at(sqlite3_index_info *info, int constraint)
{
    return collation_of_name(sqlite3_vtab_collation(info, constraint));
}

/* On one of the columns, with a collation that is known. */
static bool is_of_use(const struct choice *choice, int number)
{
    const struct sqlite3_index_constraint *constraint = &choice->info->aConstraint[number];
    return constraint->usable && constraint->iColumn >= 0 &&
           constraint->iColumn < choice->columns &&
           collation_at(choice->info, number) != COLLATION_OTHER;
}

static void take_column(struct choice *choice, int number)
{
    choice->access.column = (unsigned)choice->info->aConstraint[number].iColumn;
    choice->access.nocase = collation_at(choice->info, number) == COLLATION_NOCASE;
}

/* The first equality, or else the first IN. */
static void choose_equality(struct choice *choice)
{
    for (int i = 0; i < choice->info->nConstraint; i++) {
        const struct sqlite3_index_constraint *constraint = &choice->info->aConstraint[i];
        if (constraint->op != SQLITE_INDEX_CONSTRAINT_EQ || !is_of_use(choice, i))
            continue;
        enum in in = in_of(choice->info, i);
        enum affinity affinity = choice->kinds[constraint->iColumn].affinity;
        /* Where it may be an IN whose values come one by one, only a column of these is compared
        ** with each as the IN would. */
        bool numeric = affinity == AFFINITY_INTEGER || affinity == AFFINITY_NUMERIC;
        if (!numeric && (in == IN_UNKNOWN || (in == IN_NOT && !is_certain(choice->info, i))))
            continue;
        if (in == IN_LIST && choice->access.among)
            continue;
        choice->equal = i;
        choice->access.equal = in != IN_LIST;
        choice->access.among = in == IN_LIST;
        take_column(choice, i);
        if (choice->access.equal)
            return;
    }
}

/* The first range, and another end on the same column. */
static void choose_range(struct choice *choice)
{
    for (int i = 0; i < choice->info->nConstraint; i++) {
        const struct sqlite3_index_constraint *constraint = &choice->info->aConstraint[i];
        int op = constraint->op;
        bool lower = op == SQLITE_INDEX_CONSTRAINT_GT || op == SQLITE_INDEX_CONSTRAINT_GE;
        bool upper = op == SQLITE_INDEX_CONSTRAINT_LT || op == SQLITE_INDEX_CONSTRAINT_LE;
        if ((!lower && !upper) || !is_of_use(choice, i) || (lower && choice->lower >= 0) ||
            (upper && choice->upper >= 0))
            continue;
        bool nocase = collation_at(choice->info, i) == COLLATION_NOCASE;
        if ((choice->lower >= 0 || choice->upper >= 0) &&
            (choice->access.column != (unsigned)constraint->iColumn ||
             choice->access.nocase != nocase))
            continue;
        take_column(choice, i);
        bool strict = op == SQLITE_INDEX_CONSTRAINT_GT || op == SQLITE_INDEX_CONSTRAINT_LT;
        enum access_end end = strict ? END_EXCLUDED : END_INCLUDED;
        if (lower) {
            choice->lower = i;
            choice->access.lower = end;
        } else {
            choice->upper = i;
            choice->access.upper = end;
        }
    }
}

/* ORDER BY one column, which is then the range's, too. SQLite offers only terms of the column's own
** collation. */
static void choose_order(struct choice *choice)
{
    sqlite3_index_info *info = choice->info;
    if (!wants_order(info) || info->aOrderBy[0].iColumn < 0 ||
        info->aOrderBy[0].iColumn >= choice->columns)
        return;
    unsigned column = (unsigned)info->aOrderBy[0].iColumn;
    enum collation collation = choice->kinds[column].collation;
    bool nocase = collation == COLLATION_NOCASE;
    bool ranged = choice->lower >= 0 || choice->upper >= 0;
    if (collation == COLLATION_OTHER ||
        (ranged && (choice->access.column != column || choice->access.nocase != nocase)))
        return;
    choice->access.column = column;
    choice->access.nocase = nocase;
    choice->access.order = info->aOrderBy[0].desc ? ORDER_DESCENDING : ORDER_ASCENDING;
    info->orderByConsumed = 1;
}

/* Of a result whose size is not known, for which all is estimated at ROWS rows. What is found is
** compared again by SQLite. */
static void tell(struct choice *choice, int first)
{
    sqlite3_index_info *info = choice->info;
    int ends[] = {choice->equal, choice->lower, choice->upper};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (ends[i] >= 0)
            info->aConstraintUsage[ends[i]].argvIndex = first++;
    if (choice->access.among)
        take_list(info, choice->equal);
    if (choice->access.equal) {
        info->estimatedRows = 4;
        info->estimatedCost = 10.0;
    } else if (choice->access.among || (choice->lower >= 0 && choice->upper >= 0)) {
        info->estimatedRows = 16;
        info->estimatedCost = 30.0;
    } else if (choice->lower >= 0 || choice->upper >= 0) {
        info->estimatedRows = 33;
        info->estimatedCost = 50.0;
    }
}

/* Whether texts are compared as SQLite does it, byte for byte in UTF-8; asked only where it
** matters. */
static bool compares_plainly(struct cached_query *query)
{
    struct observer *observer = query->definition.observer;
    return observer_list_databases(observer, false) == SQLITE_OK &&
           definition_learn_flags(observer) == SQLITE_OK && !observer->own_collations &&
           observer->utf8;
}

struct access access_choose(struct cached_query *query, sqlite3_index_info *info, int columns,
                            int first)
{
    struct choice choice = {
        .kinds = query->definition.columns.kinds,
        .info = info,
        .columns = columns,
        .equal = -1,
        .lower = -1,
        .upper = -1,
    };
    if ((info->nConstraint == 0 && info->nOrderBy != 1) ||
        (unsigned)columns != query->definition.columns.count || !compares_plainly(query))
        return choice.access;
    choose_equality(&choice);
    if (choice.equal < 0) {
        choose_range(&choice);
        choose_order(&choice);
    }
    tell(&choice, first);
    return choice.access;
}

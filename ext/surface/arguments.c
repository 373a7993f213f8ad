#include "surface/arguments.h"

#include <stdbool.h>
#include <stddef.h>

static bool gives_value(unsigned char op)
{
    return op == SQLITE_INDEX_CONSTRAINT_EQ || op == SQLITE_INDEX_CONSTRAINT_IS ||
           op == SQLITE_INDEX_CONSTRAINT_ISNULL;
}

int arguments_plan(sqlite3_index_info *info, int first, int count)
{
    int chosen[ARGUMENTS_MAX];
    int given = 0;
    int unusable = 0;
    for (int i = 0; i < info->nConstraint; i++) {
        int argument = info->aConstraint[i].iColumn - first;
        if (argument < 0 || argument >= count || !gives_value(info->aConstraint[i].op))
            continue;
        if (!info->aConstraint[i].usable) {
            unusable |= 1 << argument;
        } else if ((given & 1 << argument) == 0) {
            given |= 1 << argument;
            chosen[argument] = i;
        }
    }
    if ((unusable & ~given) != 0)
        return SQLITE_CONSTRAINT;
    for (int argument = 0, position = 0; argument < count; argument++) {
        if ((given & 1 << argument) != 0) {
            info->aConstraintUsage[chosen[argument]].argvIndex = ++position;
            info->aConstraintUsage[chosen[argument]].omit = 1;
        }
    }
    info->idxNum = given;
    return SQLITE_OK;
}

int arguments_take(struct arguments *arguments, int given, sqlite3_value **values)
{
    arguments_clear(arguments);
    for (int argument = 0, position = 0; argument < ARGUMENTS_MAX; argument++) {
        if ((given & 1 << argument) == 0)
            continue;
        arguments->values[argument] = sqlite3_value_dup(values[position++]);
        if (arguments->values[argument] == NULL)
            return SQLITE_NOMEM;
    }
    return SQLITE_OK;
}

void arguments_clear(struct arguments *arguments)
{
    for (int i = 0; i < ARGUMENTS_MAX; i++) {
        sqlite3_value_free(arguments->values[i]);
        arguments->values[i] = NULL;
    }
}

void arguments_result(const struct arguments *arguments, int index, sqlite3_context *context)
{
    if (arguments->values[index] != NULL)
        sqlite3_result_value(context, arguments->values[index]);
}

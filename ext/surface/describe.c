#include "surface/describe.h"

#include <string.h>

#include "base/buffer.h"
#include "query/functions.h"
#include "query/json.h"

static bool is_same_table(const struct table_use *a, const struct table_use *b)
{
    return sqlite3_stricmp(a->schema, b->schema) == 0 && sqlite3_stricmp(a->table, b->table) == 0;
}

static bool is_repeated(const struct analysis *analysis, unsigned index)
{
    for (unsigned i = 0; i < index; i++)
        if (is_same_table(&analysis->uses[i], &analysis->uses[index]))
            return true;
    return false;
}

static void add_table(struct buffer *json, const struct table_use *use)
{
    struct buffer name = {0};
    if (sqlite3_stricmp(use->schema, "main") != 0) {
        buffer_add_text(&name, use->schema);
        buffer_add_char(&name, '.');
    }
    buffer_add_text(&name, use->table);
    if (name.failed)
        json->failed = true;
    else
        json_add_string(json, name.bytes, name.size);
    buffer_clear(&name);
}

char *describe_tables(const struct analysis *analysis)
{
    struct buffer json = {0};
    buffer_add_char(&json, '[');
    for (unsigned i = 0; i < analysis->use_count; i++) {
        if (is_repeated(analysis, i))
            continue;
        if (json.size > 1)
            buffer_add_char(&json, ',');
        add_table(&json, &analysis->uses[i]);
    }
    buffer_add_char(&json, ']');
    return buffer_take(&json);
}

char *describe_functions(const struct analysis *analysis)
{
    struct buffer json = {0};
    buffer_add_char(&json, '[');
    for (unsigned i = 0; i < analysis->function_count; i++) {
        const char *name = analysis->functions[i].name;
        bool repeated = false;
        for (unsigned j = 0; j < i && !repeated; j++)
            repeated = sqlite3_stricmp(analysis->functions[j].name, name) == 0;
        if (repeated)
            continue;
        if (json.size > 1)
            buffer_add_char(&json, ',');
        json_add_string(&json, name, strlen(name));
    }
    buffer_add_char(&json, ']');
    return buffer_take(&json);
}

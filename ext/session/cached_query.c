#include "session/cached_query.h"

#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"

bool cached_query_is_refused(const struct cached_query *query)
{
    const struct analysis *analysis = &query->definition.analysis;
    return analysis->refusal != NULL &&
           !(analysis->nondeterministic && query->options.allow_nondeterministic);
}

void cached_query_settle(struct cached_query *query)
{
    if (cached_query_is_refused(query) || query->definition.analysis.reads_cached)
        definition_suspend(&query->definition);
}

void cached_query_apply_limits(struct cached_query *query)
{
    struct limits limits = {.max_entries = query->options.max_entries,
                            .max_bytes = query->options.max_bytes};
    if (limits.max_entries == 0)
        limits.max_entries = INT64_MAX;
    if (limits.max_bytes == 0)
        limits.max_bytes = INT64_MAX;
    space_set_policy(query->space, query->options.policy);
    space_set_limits(query->space, limits);
}

char *cached_query_columns(const struct cached_query *query)
{
    const struct definition *definition = &query->definition;
    if (query->prepared)
        return columns_declare_as(&definition->columns, definition->statement);
    const char *declaration = definition->columns.declaration;
    return memory_copy_text(declaration, strlen(declaration));
}

/* Without a type of its own HIDDEN would be taken for one, and give a parameter numeric
** affinity. */
char *cached_query_declaration(struct cached_query *query, const char *columns)
{
    const struct columns *known = &query->definition.columns;
    struct parameters *parameters = &query->definition.parameters;
    if (parameters_name(parameters, (const char *const *)known->names, known->count) != SQLITE_OK)
        return NULL;
    struct buffer text = {0};
    buffer_add_format(&text, "CREATE TABLE x(%s", columns);
    for (unsigned i = 0; i < parameters->count; i++)
        buffer_add_format(&text, ", \"%w\" BLOB HIDDEN", parameters->list[i].name);
    buffer_add_char(&text, ')');
    return buffer_take(&text);
}

void cached_query_free(struct cached_query *query)
{
    if (query == NULL)
        return;
    definition_close(&query->definition);
    options_clear(&query->options);
    if (query->space != NULL)
        space_release(query->space);
    memory_free(query->text);
    memory_free(query->asked_options);
    memory_free(query->name);
    memory_free(query->schema);
    memory_free(query->declared);
    memory_free(query->columns);
    memory_free(query->fixed);
    memory_free(query);
}

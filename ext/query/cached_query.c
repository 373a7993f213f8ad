#include "query/cached_query.h"

#include "base/memory.h"

bool cached_query_is_refused(const struct cached_query *query)
{
    const struct analysis *analysis = &query->definition.analysis;
    return analysis->refusal != NULL &&
           !(analysis->nondeterministic && query->options.allow_nondeterministic);
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
    memory_free(query->name);
    memory_free(query->schema);
    memory_free(query->declared);
    memory_free(query);
}

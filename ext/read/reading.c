#include "read/reading.h"

#include "base/ticks.h"
#include "query/key.h"

int reading_take_snapshot(struct reading *reading, bool hold)
{
    struct definition *definition = &reading->query->definition;
    if (reading->open)
        snapshot_close(reading->session->observer);
    reading->open = true;
    reading->holding = hold;
    return snapshot_open(reading->session->observer, definition->databases,
                         definition->database_count, hold, &reading->state);
}

void reading_identify(struct reading *reading)
{
    const struct definition *definition = &reading->query->definition;
    const struct buffer *params = reading->params;
    reading->identity = (struct query_identity){
        .key = key_make(definition->prefix, params->bytes, params->size),
        .space = reading->query->space,
        .owner = definition->owner,
        .sql = definition->normalized,
        .sql_size = definition->normalized_size,
        .params = params->bytes,
        .params_size = params->size,
    };
}

enum found reading_find(struct reading *reading, struct result **result)
{
    const struct definition *definition = &reading->query->definition;
    const struct views *judged_by = NULL;
    struct views views;
    if (reading->query->options.coherence == COHERENCE_EXACT) {
        snapshot_views(definition->databases, definition->database_count, reading->alone, &views);
        views.probed = reading->probed;
        judged_by = &views;
    }
    enum found found =
        store_find(reading->session->store, &reading->identity, ticks_now(), judged_by, result);
    if (found == FOUND_HIT)
        reading->session->last_status = READ_HIT;
    return found;
}

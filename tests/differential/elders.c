#include "elders.h"

#include <string.h>

#include "values.h"

static void drop_one(struct query *query, int number)
{
    sqlite3_finalize(query->elders[number]);
    query->elder_count--;
    memmove(&query->elders[number], &query->elders[number + 1],
            (size_t)(query->elder_count - number) * sizeof(query->elders[0]));
}

void elders_prepare(struct connection *connection)
{
    for (int i = 0; i < QUERIES; i++) {
        struct query *query = &connection->queries[i];
        if (!query->live)
            continue;
        if (query->elder_count == ELDERS)
            drop_one(query, 0);
        sqlite3_stmt **elder = &query->elders[query->elder_count++];
        /* What does not prepare now is NULL, and gives nothing. */
        sqlite3_prepare_v2(connection->db, query->sql, -1, elder, NULL);
    }
}

void elders_settle(struct connection *connection, bool failed)
{
    for (int i = 0; i < QUERIES && !failed; i++) {
        struct query *query = &connection->queries[i];
        if (query->elder_count > 0)
            drop_one(query, query->elder_count - 1);
    }
}

bool elders_agree(const struct query *query, const char *const values[PARAMETERS],
                  enum answer_form form, const struct answer *cached)
{
    bool agree = false;
    for (int i = 0; !agree && i < query->elder_count; i++) {
        struct answer answer = {0};
        if (query->elders[i] == NULL)
            continue;
        values_bind(query, values, query->elders[i], false);
        answer_read(&answer, query->elders[i], form);
        answer.rows = cached->rows; /* as text; JSON has a cell on each line */
        agree = answer.code == cached->code && answer_same_order(&answer, cached);
        answer_free(&answer);
    }
    return agree;
}

void elders_forget(struct query *query)
{
    while (query->elder_count > 0)
        drop_one(query, 0);
}

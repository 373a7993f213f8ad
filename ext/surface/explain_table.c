/*
** cache_explain: what the cache makes of a SELECT, without running it.
**
**     SELECT * FROM cache_explain('SELECT region, sum(amount) FROM sales GROUP BY 1');
*/
#include "base/error.h"
#include "base/memory.h"
#include "query/key.h"
#include "query/normalize.h"
#include "read/ad_hoc.h"
#include "read/read.h"
#include "surface/describe.h"
#include "surface/listing.h"

#define EXPLAIN_CALL "SELECT * FROM cache_explain('SELECT …')"

/* The values of the rows; NULL shows as NULL. */
struct explanation {
    const char *reason; /* NULL: it can be cached */
    char *normalized;
    char key[33];
    char *tables;
    char *functions;
};

static int add_rows(const struct explanation *explanation, struct result_builder *rows)
{
    const struct {
        const char *property;
        const char *value;
    } properties[] = {
        {"cacheable", explanation->reason == NULL ? "yes" : "no"},
        {"reason", explanation->reason},
        {"normalized", explanation->normalized},
        {"key", explanation->key[0] != 0 ? explanation->key : NULL},
        {"tables", explanation->tables},
        {"functions", explanation->functions},
    };
    int code = SQLITE_OK;
    for (int i = 0; code == SQLITE_OK && i < (int)(sizeof properties / sizeof properties[0]); i++)
        code = listing_add(rows, (struct cell[]){
                                     listing_text(properties[i].property),
                                     listing_text(properties[i].value),
                                     listing_integer(i + 1),
                                 });
    return code;
}

/* What is known once the text was prepared. With parameters there is a key for each of their values
** only, and what is refused is not kept under any. */
static int explain_query(struct cached_query *query, struct explanation *explanation)
{
    const struct analysis *analysis = &query->definition.analysis;
    struct key key;
    explanation->reason = analysis->refusal;
    explanation->tables = describe_tables(analysis);
    explanation->functions = describe_functions(analysis);
    if (explanation->tables == NULL || explanation->functions == NULL)
        return SQLITE_NOMEM;
    if (analysis->refusal != NULL || query->definition.parameters.count > 0)
        return SQLITE_OK;
    int code = read_key(query, NULL, &key);
    if (code == SQLITE_OK)
        key_format(key, explanation->key);
    return code;
}

/* A text that does not prepare is an answer; memory short, or a busy database, is none. */
static bool is_answer(int code)
{
    return (code & 0xff) == SQLITE_ERROR || (code & 0xff) == SQLITE_AUTH;
}

static int explain_collect(struct session *session, struct result_builder *rows,
                           sqlite3_value *argument, char **error)
{
    if (argument == NULL || sqlite3_value_type(argument) == SQLITE_NULL)
        return error_set(
            error, SQLITE_ERROR,
            sqlite3_mprintf("cache_explain needs the text of a SELECT: " EXPLAIN_CALL));
    const char *sql = (const char *)sqlite3_value_text(argument);
    if (sql == NULL)
        return SQLITE_NOMEM;
    struct explanation explanation = {.normalized = normalize_sql(sql)};
    struct cached_query *query = NULL;
    char *refusal = NULL;
    int code = explanation.normalized != NULL ? ad_hoc_prepare(session, sql, &query, &refusal)
                                              : SQLITE_NOMEM;
    if (code == SQLITE_OK) {
        code = explain_query(query, &explanation);
    } else if (is_answer(code)) {
        explanation.reason = refusal != NULL ? refusal : sqlite3_errstr(code);
        code = SQLITE_OK;
    }
    if (code == SQLITE_OK) {
        code = add_rows(&explanation, rows);
        sqlite3_free(refusal);
    } else {
        *error = refusal;
    }
    memory_free(explanation.normalized);
    memory_free(explanation.tables);
    memory_free(explanation.functions);
    return code;
}

static const struct listing_table explain_table = {
    .name = "querycache_explain",
    .declaration = "CREATE TABLE cache_explain(property TEXT, value TEXT, sql TEXT HIDDEN)",
    .columns = 2,
    .arguments = 1,
    .collect = explain_collect,
};

int explain_table_register(sqlite3 *db, struct session *session)
{
    return listing_register(db, session, &explain_table);
}

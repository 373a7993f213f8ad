/*
** cache_rules: which SELECTs of a program go through the cache under querycache-run, and how often
** each rule was the first that matched. The last row is for what no rule is for.
**
**     SELECT line, pattern, matches FROM cache_rules;
*/
#include "session/settings.h"
#include "statement/rules.h"
#include "surface/listing.h"

struct collection {
    struct result_builder *rows;
    int64_t count;
};

static int add_rule(const struct rule *rule, void *context)
{
    struct collection *collection = context;
    return listing_add(collection->rows, (struct cell[]){
                                             listing_integer(rule->line),
                                             listing_text(rule->pattern),
                                             listing_text(rule->skip ? "skip" : "cache"),
                                             listing_text(rule->options),
                                             listing_count(atomic_load(&rule->matches)),
                                             listing_integer(++collection->count),
                                         });
}

static int rules_collect(struct session *session, struct result_builder *rows,
                         sqlite3_value *argument, char **error)
{
    struct collection collection = {.rows = rows};
    (void)session, (void)argument, (void)error;
    int code = rules_each(add_rule, &collection);
    char *slow = settings_show(SETTING_SLOW);
    if (code == SQLITE_OK)
        code = slow != NULL ? listing_add(rows,
                                          (struct cell[]){
                                              listing_null(),
                                              listing_text("*"),
                                              listing_text("cache if slow"),
                                              listing_text(slow),
                                              listing_count(rules_unmatched()),
                                              listing_integer(++collection.count),
                                          })
                            : SQLITE_NOMEM;
    sqlite3_free(slow);
    return code;
}

static const struct listing_table rules_table = {
    .name = "querycache_rules",
    .declaration = "CREATE TABLE cache_rules(line INTEGER, pattern TEXT, action TEXT, "
                   "options TEXT, matches INTEGER)",
    .columns = 5,
    .collect = rules_collect,
};

int rules_table_register(sqlite3 *db, struct session *session)
{
    return listing_register(db, session, &rules_table);
}

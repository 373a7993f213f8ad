#include "query/facts.h"

#include "query/names.h"

void facts_open(struct facts *facts, const struct observer *observer)
{
    *facts = (struct facts){
        .observer = observer,
        .incarnation = observer->incarnation,
        .functions = {.db = observer->connection.db},
    };
}

void facts_refresh(struct facts *facts)
{
    function_list_doubt(&facts->functions);
    if (facts->incarnation == facts->observer->incarnation)
        return;
    facts->incarnation = facts->observer->incarnation;
    function_list_clear(&facts->functions);
    roots_clear(&facts->roots);
    facts->names_known = false;
}

int facts_long_names(struct facts *facts, bool *are_long)
{
    int rc = facts->names_known
                 ? SQLITE_OK
                 : names_are_long(facts->observer->connection.db, &facts->long_names);
    facts->names_known = rc == SQLITE_OK;
    *are_long = facts->long_names;
    return rc;
}

void facts_close(struct facts *facts)
{
    function_list_clear(&facts->functions);
    roots_clear(&facts->roots);
}

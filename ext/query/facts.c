#include "query/facts.h"

void facts_open(struct facts *facts, const struct observer *observer)
{
    *facts = (struct facts){
        .observer = observer,
        .incarnation = observer->incarnation,
        .functions = {.db = observer->db},
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
}

void facts_close(struct facts *facts)
{
    function_list_clear(&facts->functions);
    roots_clear(&facts->roots);
}

#include "query/surroundings.h"

#include <string.h>
#include <time.h>

#include "base/guard.h"
#include "query/key.h"

/*
** Seconds since 1970 at which any two zones of the IANA database differ in at least one, if they
** differ at all in the years that SQLite asks the C library about (1970 to 2037; it takes other
** years for one of 2000 to 2003). Found by taking, again and again, that transition of any zone
** which tells apart the most zones that were alike until then (version 2025b: 308 zones that
** differ, 44 instants). tests/test_surroundings.c holds them against the zones of the machine.
*/
#define INSTANTS                                                                                   \
    "(4422599),(57688200),(104914800),(128142000),(136364400),(196819200),(234943200),"            \
    "(250002000),(291776400),(308703600),(323823600),(338947200),(354675600),(386456400),"         \
    "(433292400),(499752000),(579027600),(656478000),(670996860),(684363600),(704869200),"         \
    "(722926800),(751996800),(764719200),(813726000),(844570800),(891763200),(941356800),"         \
    "(971575200),(1066536000),(1085972400),(1086058800),(1146981600),(1162105200),(1173600000),"   \
    "(1219957200),(1236481200),(1255806000),(1270310400),(1446354000),(1477789200),(1514768400),"  \
    "(1680404400),(1743908400)"
#define INSTANT_COUNT 44

static const char question[] =
    OWN_STATEMENT "SELECT julianday(column1, 'unixepoch', 'localtime') FROM (VALUES " INSTANTS ")";

/* SQLite is asked, and not the C library: a build of it may call localtime() or localtime_r(),
** which take note of a new TZ at different times, and a test may have put a function in their
** place. */
static bool ask_zone(struct observer *observer, struct key *zone)
{
    double answers[INSTANT_COUNT] = {0};
    int count = 0;
    if (observer->zone == NULL &&
        sqlite3_prepare_v3(observer->connection.db, question, -1,
                           SQLITE_PREPARE_PERSISTENT | SQLITE_PREPARE_DONT_LOG, &observer->zone,
                           NULL) != SQLITE_OK)
        return false;
    while (count < INSTANT_COUNT && sqlite3_step(observer->zone) == SQLITE_ROW &&
           sqlite3_column_type(observer->zone, 0) == SQLITE_FLOAT)
        answers[count++] = sqlite3_column_double(observer->zone, 0);
    sqlite3_reset(observer->zone);
    *zone = key_hash(answers, sizeof answers);
    return count == INSTANT_COUNT;
}

#ifndef SQLITE_DBCONFIG_FP_DIGITS
#define SQLITE_DBCONFIG_FP_DIGITS 1023
#endif

static int ask_digits(sqlite3 *db)
{
    int digits = 0;
    return sqlite3_db_config(db, SQLITE_DBCONFIG_FP_DIGITS, -1, &digits) == SQLITE_OK ? digits : 0;
}

static int ask_limit(sqlite3 *db, int limit)
{
    return sqlite3_limit(db, limit, -1);
}

struct surroundings surroundings_ask(struct observer *observer, bool dates)
{
    sqlite3 *db = observer->connection.db;
    struct surroundings now = {
        .known = true,
        .length = ask_limit(db, SQLITE_LIMIT_LENGTH),
        .pattern = ask_limit(db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH),
        .digits = ask_digits(db),
    };
    if (dates && GUARD(TIME_ZONE))
        now.known = ask_zone(observer, &now.zone);
    return now;
}

static bool zone_stands(struct observer *observer, const struct key *then)
{
    struct key now;
    return !GUARD(TIME_ZONE) || (ask_zone(observer, &now) && memcmp(&now, then, sizeof now) == 0);
}

/* The C library keeps the names of each zone for good, so that a pointer tells. */
struct zone_glance surroundings_glance(void)
{
    return (struct zone_glance){
        .names = {tzname[0], tzname[1]}, .west = timezone, .daylight = daylight};
}

bool surroundings_glance_same(const struct zone_glance *a, const struct zone_glance *b)
{
    return (a->names[0] == b->names[0] && a->names[1] == b->names[1] && a->west == b->west &&
            a->daylight == b->daylight) ||
           !GUARD(TIME_ZONE);
}

/* Asked on each hit. */
bool surroundings_stand(struct observer *observer, bool dates, const struct surroundings *then)
{
    sqlite3 *db = observer->connection.db;
    if (!then->known)
        return false;
    if ((ask_limit(db, SQLITE_LIMIT_LENGTH) != then->length ||
         ask_limit(db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH) != then->pattern) &&
        GUARD(LIMITS))
        return false;
    if (then->digits != 0 && ask_digits(db) != then->digits)
        return false;
    return !dates || zone_stands(observer, &then->zone);
}

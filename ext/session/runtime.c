#include "session/runtime.h"

#include "base/error.h"
#include "base/lock.h"
#include "coherence/file.h"
#include "coherence/history.h"
#include "coherence/hooks.h"
#include "metrics/refusals.h"
#include "session/settings.h"
#include "store/flight.h"
#include "store/places.h"
#include "store/policy/policies.h"

static struct lock lock = LOCK_INITIALIZER(LOCK_RUNTIME); /* of what follows */
static struct store *store;

void runtime_start_over(void)
{
    lock_start_over(&lock);
    store = NULL;
    flight_forget_all();
    places_forget_all();
    file_forget_all();
    history_forget_all();
    hooks_start_over();
    settings_start_over();
    refusals_start_over();
}

static struct limits configured_limits(void)
{
    return (struct limits){.max_entries = settings_get(SETTING_MAX_ENTRIES),
                           .max_bytes = settings_get(SETTING_MAX_BYTES)};
}

static void configure(struct store *configured)
{
    store_set_policy(configured, policy_at(settings_get(SETTING_POLICY)));
    store_set_admission(configured, settings_get(SETTING_ADMIT) != 0);
}

struct store *runtime_store(void)
{
    lock_take(&lock);
    if (store == NULL) {
        store = store_new((unsigned)settings_get(SETTING_SHARDS), configured_limits());
        if (store != NULL)
            configure(store);
    }
    struct store *found = store;
    lock_give(&lock);
    return found;
}

static void apply_settings(void)
{
    struct store *found = runtime_store();
    if (found == NULL)
        return;
    configure(found);
    store_set_limits(found, configured_limits());
}

static int refuse_setting(const char *name, char **error)
{
    char *names = settings_names();
    if (names == NULL)
        return SQLITE_NOMEM;
    int rc = error_set(error, SQLITE_ERROR,
                       sqlite3_mprintf("there is no setting %s; the settings are %s",
                                       name == NULL ? "NULL" : name, names));
    sqlite3_free(names);
    return rc;
}

int runtime_configure(const char *name, const char *value, char **error)
{
    int setting = name == NULL ? -1 : settings_find(name);
    if (setting < 0)
        return refuse_setting(name, error);
    int rc = settings_set((enum setting)setting, value, error);
    if (rc == SQLITE_OK)
        apply_settings();
    return rc;
}

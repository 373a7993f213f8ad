/* Options, settings, and keys: what is read from text, and how it is shown again. */
#include <stdlib.h>

#include "base/memory.h"
#include "base/sqlite.h"
#include "base/ticks.h"
#include "base/units.h"
#include "query/key.h"
#include "query/options.h"
#include "session/settings.h"
#include "tap.h"

#define SECOND TICKS_PER_SECOND

/* ---- options ---- */

static int read_option(struct options *options, const char *argument)
{
    unsigned given = 0;
    char *error = NULL;
    int code = options_read(options, &given, argument, &error);
    if (code != SQLITE_OK)
        printf("# %s\n", error != NULL ? error : "(no text)");
    sqlite3_free(error);
    return code;
}

/* What option `index` shows after reading the argument into fresh options. */
static void shows(const char *argument, int index, const char *expected)
{
    struct options options = {0};
    char *shown = NULL;
    if (ok(read_option(&options, argument) == SQLITE_OK, argument) &&
        ok(options_show(&options, index, &shown) == SQLITE_OK, "it can be shown"))
        is_text(shown, expected, "and shows as people write it");
    sqlite3_free(shown);
    options_clear(&options);
}

static bool is_unset(const struct options *options)
{
    return options->ttl == 0 && options->tti == 0 && options->max_entries == 0 &&
           options->max_bytes == 0 && options->max_result_bytes == 0 && options->max_rows == 0 &&
           options->min_time == 0 && options->coherence == COHERENCE_EXACT &&
           options->share == SHARE_PROCESS && !options->allow_nondeterministic &&
           options->tags == NULL;
}

/* The error for an argument says all these things, and the options stay as they were. */
static void refuses(const char *argument, const char *asked, const char *right)
{
    struct options options = {0};
    unsigned given = 0;
    char *error = NULL;
    is_int(options_read(&options, &given, argument, &error), SQLITE_ERROR, argument);
    contains(error, asked, "the error names what was asked");
    contains(error, right, "the error says what would be right");
    ok(given == 0 && is_unset(&options), "nothing is set by it");
    sqlite3_free(error);
    options_clear(&options);
}

static int index_of(const char *name)
{
    for (int i = 0; i < OPTION_COUNT; i++)
        if (strcmp(option_names[i], name) == 0)
            return i;
    return -1;
}

static void test_options_that_are_good(void)
{
    struct options options = {0};
    ok(read_option(&options, "ttl = '5 min'") == SQLITE_OK, "a time in quotes is read");
    is_int(options.ttl, 300 * SECOND, "five minutes are 300 seconds");
    ok(read_option(&options, "  TTI=2.5 ") == SQLITE_OK,
       "a name has any case, a number is seconds");
    is_int(options.tti, 2 * SECOND + SECOND / 2, "a fraction of a second counts");
    ok(read_option(&options, "min_time = 500 ms") == SQLITE_OK, "a time needs no quotes");
    is_int(options.min_time, SECOND / 2, "500 ms are half a second");
    ok(read_option(&options, "max_bytes = \"16 MB\"") == SQLITE_OK, "double quotes do as well");
    is_int(options.max_bytes, 16000000, "MB is a power of 1000");
    ok(read_option(&options, "max_result_bytes = 1KiB") == SQLITE_OK, "a size needs no space");
    is_int(options.max_result_bytes, 1024, "KiB is a power of 1024");
    ok(read_option(&options, "nondeterministic = ALLOW") == SQLITE_OK, "words have any case");
    ok(options.allow_nondeterministic, "nondeterministic = allow allows it");
    options_clear(&options);

    shows("ttl = 'none'", index_of("ttl"), "none");
    shows("tti = none", index_of("tti"), "none");
    shows("ttl = 90", index_of("ttl"), "90 s");
    shows("max_entries = 1000", index_of("max_entries"), "1000");
    shows("max_bytes = '1 GiB'", index_of("max_bytes"), "1 GiB");
    shows("max_rows = '12'", index_of("max_rows"), "12");
    shows("policy = 'LRU'", index_of("policy"), "lru");
    shows("policy = s3fifo", index_of("policy"), "s3fifo");
    shows("policy = 'Gdsf'", index_of("policy"), "gdsf");
    shows("coherence = 'ttl'", index_of("coherence"), "ttl");
    shows("coherence = exact", index_of("coherence"), "exact");
    shows("share = 'connection'", index_of("share"), "connection");
    shows("nondeterministic = 'refuse'", index_of("nondeterministic"), "refuse");
    shows("tags = 'billing, it''s'", index_of("tags"), "billing, it's");
    shows("ttl /* how long */ = 90", index_of("ttl"), "90 s");
}

static void test_options_that_are_bad(void)
{
    refuses("speed = 11", "speed", "max_result_bytes");
    refuses("ttl", "ttl", "name = value");
    refuses("", "empty", "name = value");
    refuses("= 5", "= 5", "name = value");
    refuses("ttl == 5", "ttl", "'5 min'");
    refuses("ttl = ", "ttl", "'5 min'");
    refuses("ttl = 0", "ttl", "positive");
    refuses("ttl = -5", "-5", "positive");
    refuses("ttl = '5 parsecs'", "5 parsecs", "min, h or d");
    refuses("ttl = '5 min", "'5 min", "'none'");
    refuses("ttl = '5 min' extra", "extra", "'none'");
    refuses("min_time = none", "min_time", "positive");
    refuses("max_entries = 1.5", "1.5", "positive whole number");
    refuses("max_entries = 99999999999999999999", "max_entries", "positive whole number");
    refuses("max_bytes = '16 apples'", "16 apples", "16 MB");
    refuses("max_bytes = 9999999999 GiB", "max_bytes", "16 MB");
    refuses("max_rows = none", "max_rows", "positive whole number");
    refuses("policy = mru", "mru", "'lru', 's3fifo', 'gdsf'");
    refuses("policy = lru2", "lru2", "'lru', 's3fifo', 'gdsf'");
    refuses("policy = ''", "policy", "'lru', 's3fifo', 'gdsf'");
    refuses("coherence = maybe", "maybe", "'exact' or 'ttl'");
    refuses("share = thread", "thread", "'process' or 'connection'");
    refuses("nondeterministic = yes", "yes", "'refuse' or 'allow'");
    refuses("tags = ''", "tags", "billing");
    refuses("tags = 'a,,b'", "a,,b", "separated by commas");

    struct options options = {0};
    unsigned given = 0;
    char *error = NULL;
    is_int(options_read(&options, &given, "ttl = 5", &error), SQLITE_OK, "an option once is good");
    is_int(options_read(&options, &given, "TTL = 6", &error), SQLITE_ERROR, "twice is not");
    contains(error, "ttl is given twice", "the error says so");
    is_int(options.ttl, 5 * SECOND, "the first value stands");
    sqlite3_free(error);
}

static void test_unset_options(void)
{
    struct options options = {0};
    static const char *const expected[OPTION_COUNT] = {
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "exact", "process", "refuse", NULL};
    for (int i = 0; i < OPTION_COUNT; i++) {
        char *shown = NULL;
        is_int(options_show(&options, i, &shown), SQLITE_OK, "an unset option can be shown");
        is_text(shown, expected[i], option_names[i]);
        sqlite3_free(shown);
    }
}

static void test_tags(void)
{
    struct options options = {0};
    ok(!options_have_tag(&options, "eu"), "without tags there is none");
    read_option(&options, "tags = ' billing , eu,Last '");
    ok(options_have_tag(&options, "billing"), "the first tag is found");
    ok(options_have_tag(&options, "EU"), "a tag has any case");
    ok(options_have_tag(&options, "last"), "the last tag is found");
    ok(!options_have_tag(&options, "bill"), "a part of a tag is none");
    ok(!options_have_tag(&options, "billing , eu"), "two tags are not one");
    ok(!options_have_tag(&options, ""), "an empty text is no tag");
    options_clear(&options);
    ok(options.tags == NULL, "clearing leaves nothing");
}

/* ---- settings ---- */

static void configures(enum setting setting, const char *text, int64_t value, const char *shown)
{
    char *error = NULL;
    is_int(settings_set(setting, text, &error), SQLITE_OK, setting_infos[setting].name);
    is_int(settings_get(setting), value, "the setting has the value");
    char *text_now = settings_show(setting);
    is_text(text_now, shown, "and shows it as people write it");
    sqlite3_free(text_now);
    sqlite3_free(error);
}

static void cannot_configure(enum setting setting, const char *text, const char *right)
{
    int64_t before = settings_get(setting);
    char *error = NULL;
    is_int(settings_set(setting, text, &error), SQLITE_ERROR, text != NULL ? text : "NULL");
    contains(error, setting_infos[setting].name, "the error names the setting");
    contains(error, right, "the error says what would be right");
    is_int(settings_get(setting), before, "the setting stays as it was");
    sqlite3_free(error);
}

static void test_environment(void)
{
    char *error = NULL;
    setenv("QUERYCACHE_MAX_ENTRIES", "7", 1);
    setenv("QUERYCACHE_MAX_BYTES", "a lot", 1);
    is_int(settings_load(&error), SQLITE_ERROR, "a bad variable is an error");
    contains(error, "QUERYCACHE_MAX_BYTES", "which names the variable");
    contains(error, "a lot", "and the value");
    contains(error, "16 MB", "and what it accepts");
    sqlite3_free(error);
    is_int(settings_get(SETTING_MAX_ENTRIES), 10000, "a good variable beside it does not count");

    setenv("QUERYCACHE_MAX_BYTES", "1 MiB", 1);
    setenv("QUERYCACHE_SHARDS", "4", 1);
    is_int(settings_load(&error), SQLITE_OK, "once it is good, loading works");
    is_int(settings_get(SETTING_MAX_ENTRIES), 7, "a variable sets a count");
    is_int(settings_get(SETTING_MAX_BYTES), 1 << 20, "a variable sets a size");
    is_int(settings_get(SETTING_SHARDS), 4, "a variable sets the shards");

    setenv("QUERYCACHE_MAX_ENTRIES", "8", 1);
    is_int(settings_load(&error), SQLITE_OK, "loading again works");
    is_int(settings_get(SETTING_MAX_ENTRIES), 7, "and does not read the environment again");
}

static void test_settings(void)
{
    for (int i = 0; i < SETTING_COUNT; i++) {
        char *shown = settings_show((enum setting)i);
        is_text(shown, setting_infos[i].default_text, setting_infos[i].name);
        is_int(settings_find(setting_infos[i].name), i, "it is found by its name");
        sqlite3_free(shown);
    }
    is_int(settings_find("MAX_BYTES"), SETTING_MAX_BYTES, "a setting's name has any case");
    is_int(settings_find("size"), -1, "an unknown setting is not found");
    test_environment();

    configures(SETTING_ENABLED, "0", 0, "0");
    configures(SETTING_MAX_BYTES, "256 MiB", INT64_C(256) << 20, "256 MiB");
    configures(SETTING_MAX_ENTRIES, "12", 12, "12");
    configures(SETTING_TTL, "none", TICKS_NEVER, "none");
    configures(SETTING_TTI, "5 min", 300 * SECOND, "5 min");
    configures(SETTING_MAX_RESULT_BYTES, "1000", 1000, "1 KB");
    configures(SETTING_POLICY, "S3FIFO", 1, "s3fifo");
    configures(SETTING_POLICY, "gdsf", 2, "gdsf");
    configures(SETTING_POLICY, "LRU", 0, "lru");
    configures(SETTING_ADMIT, "Twice", 1, "twice");
    configures(SETTING_ADMIT, "all", 0, "all");
    configures(SETTING_HOOKS, "1", 1, "1");
    cannot_configure(SETTING_ENABLED, "2", "0 or 1");
    cannot_configure(SETTING_ENABLED, "", "0 or 1");
    cannot_configure(SETTING_MAX_BYTES, "0", "16 MB");
    cannot_configure(SETTING_MAX_ENTRIES, "none", "positive whole number");
    cannot_configure(SETTING_TTL, "-1", "'none'");
    cannot_configure(SETTING_TTL, NULL, "'none'");
    cannot_configure(SETTING_POLICY, "fifo", "'lru', 's3fifo', 'gdsf'");
    cannot_configure(SETTING_ADMIT, "once", "'all' or 'twice'");
    cannot_configure(SETTING_SHARDS, "8", "QUERYCACHE_SHARDS");
}

/* ---- keys and parameters ---- */

/* The encoded values of the first row of a SELECT. */
static struct buffer encode(sqlite3 *db, const char *sql)
{
    struct buffer params = {0};
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        for (int i = 0; i < sqlite3_column_count(statement); i++)
            key_add_parameter(&params, sqlite3_column_value(statement, i));
    sqlite3_finalize(statement);
    return params;
}

static void shows_params(sqlite3 *db, const char *sql, const char *expected)
{
    struct buffer params = encode(db, sql);
    char *json = key_params_json(params.bytes, params.size);
    is_text(json, expected, sql);
    memory_free(json);
    buffer_clear(&params);
}

static bool same_key(sqlite3 *db, const char *a, const char *b)
{
    const struct key prefix = {1, 2};
    struct buffer first = encode(db, a);
    struct buffer second = encode(db, b);
    struct key one = key_make(prefix, first.bytes, first.size);
    struct key other = key_make(prefix, second.bytes, second.size);
    buffer_clear(&first);
    buffer_clear(&second);
    return one.high == other.high && one.low == other.low;
}

static void test_parameters(void)
{
    sqlite3 *db = NULL;
    sqlite3_open(":memory:", &db);
    shows_params(db, "SELECT 1 WHERE 0", "[]");
    shows_params(db, "SELECT NULL, 1, -9223372036854775807 - 1", "[null,1,-9223372036854775808]");
    shows_params(db, "SELECT 1.0, 0.1, 9e999, -9e999", "[1.0,0.1,9.0e+999,-9.0e+999]");
    shows_params(db, "SELECT 'a\"b', '', x'00ff', x''", "[\"a\\\"b\",\"\",\"00FF\",\"\"]");
    shows_params(db, "SELECT zeroblob(2)", "[\"0000\"]");

    ok(same_key(db, "SELECT 1, 'a'", "SELECT 2 - 1, 'a'"), "equal values have one key");
    ok(!same_key(db, "SELECT 1", "SELECT 1.0"), "1 and 1.0 have two keys");
    ok(!same_key(db, "SELECT 1", "SELECT '1'"), "1 and '1' have two keys");
    ok(!same_key(db, "SELECT 'a'", "SELECT x'61'"), "a text and its bytes have two keys");
    ok(!same_key(db, "SELECT 0.0", "SELECT -1 * 0.0"), "0.0 and -0.0 have two keys");
    ok(!same_key(db, "SELECT NULL", "SELECT ''"), "NULL and an empty text have two keys");
    ok(!same_key(db, "SELECT 'a', 'bc'", "SELECT 'ab', 'c'"), "where a text ends is in the key");
    ok(!same_key(db, "SELECT 'a'", "SELECT CAST(x'6100' AS TEXT)"), "so are zero bytes in a text");
    ok(!same_key(db, "SELECT NULL", "SELECT NULL, NULL"), "so is the number of values");
    sqlite3_close(db);

    sqlite3 *wide = NULL;
    sqlite3_open(":memory:", &wide);
    sqlite3_exec(wide, "PRAGMA encoding = 'UTF-16'", NULL, NULL, NULL);
    shows_params(wide, "SELECT 'Grüße', 'x'", "[\"Grüße\",\"x\"]");
    sqlite3_close(wide);
}

static void test_keys(void)
{
    struct key key = {UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210)};
    struct key read = {0, 0};
    char text[33];
    key_format(key, text);
    is_text(text, "0123456789abcdeffedcba9876543210", "a key is 32 hex digits");
    ok(key_parse(text, &read) && read.high == key.high && read.low == key.low,
       "and is read back from them");
    ok(key_parse("0123456789ABCDEFFEDCBA9876543210", &read) && read.low == key.low,
       "in upper case, too");
    ok(!key_parse("0123456789abcdeffedcba987654321", &read), "31 digits are no key");
    ok(!key_parse("0123456789abcdeffedcba98765432100", &read), "33 digits are no key");
    ok(!key_parse("g123456789abcdeffedcba9876543210", &read),
       "a letter that is no digit is no key");
    ok(!key_parse("", &read), "no text is no key");

    struct key a = key_make((struct key){1, 2}, NULL, 0);
    struct key b = key_make((struct key){1, 3}, NULL, 0);
    ok(a.high != b.high || a.low != b.low, "two prefixes have two keys");
    a = key_hash("abc", 3);
    b = key_hash("abd", 3);
    ok(a.high != b.high || a.low != b.low, "two texts have two hashes");
}

/* ---- no memory ---- */

static int allocations_left;

static void *failing_alloc(size_t size)
{
    return allocations_left-- > 0 ? malloc(size) : NULL;
}

static void *failing_resize(void *block, size_t size)
{
    return allocations_left-- > 0 ? realloc(block, size) : NULL;
}

static void test_no_memory(void)
{
    static const struct allocator failing = {failing_alloc, failing_resize, free};
    memory_use(&failing);
    int code = SQLITE_NOMEM;
    int calls;
    for (calls = 0; calls < 100 && code == SQLITE_NOMEM; calls++) {
        struct options options = {0};
        unsigned given = 0;
        char *error = NULL;
        allocations_left = calls;
        code = options_read(&options, &given, "tags = 'billing, eu'", &error);
        if (code == SQLITE_NOMEM && (given != 0 || options.tags != NULL || error != NULL))
            code = SQLITE_MISUSE;
        options_clear(&options);
    }
    is_int(code, SQLITE_OK, "whatever allocation fails, reading an option says so");
    ok(calls > 1, "at least one allocation was made to fail");

    struct key key = {1, 2};
    char params[1 + sizeof(int64_t)] = {'i'};
    allocations_left = 0;
    ok(key_params_json(params, sizeof params) == NULL, "so does showing parameters");
    key = key_make(key, params, sizeof params);
    ok(key.high != 0, "a key needs no memory");
    memory_use(NULL);
}

int main(void)
{
    test_options_that_are_good();
    test_options_that_are_bad();
    test_unset_options();
    test_tags();
    test_settings();
    test_keys();
    test_parameters();
    test_no_memory();
    return tap_done();
}

#include "query/full_text.h"

#include <string.h>

#include "base/memory.h"
#include "base/program.h"
#include "base/sql.h"

struct reading {
    sqlite3 *db;
    const char *schema;
    bool fts5; /* it passes over spaces around "=", which are part of the value for the others */
    struct full_text found; /* so far */
};

/* FTS5 takes an option by any beginning of its name. For the others that is an error. */
static bool abbreviates(struct token name, const char *option)
{
    return name.size <= strlen(option) && sqlite3_strnicmp(name.text, option, (int)name.size) == 0;
}

static bool is_table(const struct reading *reading, const char *name)
{
    sqlite3_stmt *lookup;
    bool found = sql_prepare(reading->db, &lookup,
                             "SELECT 1 FROM \"%w\".sqlite_master WHERE type = 'table' AND "
                             "rootpage > 0 AND name = %Q COLLATE nocase",
                             reading->schema, name) == SQLITE_OK &&
                 sqlite3_step(lookup) == SQLITE_ROW;
    sqlite3_finalize(lookup);
    return found;
}

static int note_function(const struct instruction *instruction, int address, void *context)
{
    bool *calls = context;
    (void)address;
    *calls = *calls || strstr(instruction->opcode, "Func") != NULL;
    return SQLITE_OK;
}

/* Text that is kept elsewhere is in the same file only if it is in a table of the same schema: a
** view could read anything, and a virtual table, too. */
static void look_at_content(struct reading *reading, const char *name)
{
    if (name == NULL || !is_table(reading, name)) {
        reading->found.elsewhere = true;
        return;
    }
    char *sql = sqlite3_mprintf("SELECT * FROM \"%w\".\"%w\"", reading->schema, name);
    int rc = sql != NULL ? program_each(reading->db, sql, note_function, &reading->found.calls)
                         : SQLITE_NOMEM;
    reading->found.elsewhere = reading->found.elsewhere || rc != SQLITE_OK;
    sqlite3_free(sql);
}

/* The value behind "content =". Without one the table keeps no text. */
static void read_content(struct reading *reading, struct token equals)
{
    struct token value = token_next(equals);
    if (token_is_operator(value, ',') || token_is_operator(value, ')'))
        return;
    struct token behind = token_next(value);
    bool plain = (reading->fts5 || value.text == equals.text + equals.size) &&
                 (token_is_operator(behind, ',') || token_is_operator(behind, ')'));
    char *name = plain ? token_identifier(value) : NULL;
    if (name == NULL || name[0] != '\0')
        look_at_content(reading, name);
    memory_free(name);
}

static void read_argument(struct reading *reading, struct token name)
{
    static const char tokenize[] = "tokenize";
    /* FTS3 and FTS4 do without the "=". */
    if (sqlite3_strnicmp(name.text, tokenize, (int)strlen(tokenize)) == 0)
        reading->found.own_tokenizer = true;
    struct token equals = token_next(name);
    if (name.type != TOKEN_WORD || equals.type != TOKEN_OPERATOR || *equals.text != '=')
        return;
    if (abbreviates(name, tokenize))
        reading->found.own_tokenizer = true;
    else if (abbreviates(name, "content"))
        read_content(reading, equals);
    else if (token_is_word(name, "uncompress"))
        reading->found.elsewhere = true;
}

struct full_text full_text_read(sqlite3 *db, const char *schema, struct token module,
                                const char *name)
{
    struct reading reading = {
        .db = db, .schema = schema, .fts5 = sqlite3_stricmp(name, "fts5") == 0};
    int depth = 0;
    bool begins = false;
    for (struct token token = token_next(module); token.type != TOKEN_END;
         token = token_next(token)) {
        if (begins)
            read_argument(&reading, token);
        depth += token_is_operator(token, '(') - token_is_operator(token, ')');
        begins = depth == 1 && (token_is_operator(token, '(') || token_is_operator(token, ','));
    }
    return reading.found;
}

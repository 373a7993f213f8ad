/*
** Real input: the Chinook database, a music shop with 11 tables. Every query is read through the
** cache and plainly, before and after writes to each table by this connection, by one without the
** cache, and by transactions that roll back. Both must give the same rows, of the same types, in
** the same order; what was just read must be a hit; and a write must spare what does not depend on
** its table.
**
** The database is chinook.sqlite in the folder that QUERYCACHE_DATA names, by default
** ../shared/data. Works on a copy.
*/
#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

#include "querycache.h"
#include "tap.h"

/* An argument begins with its type: "i2010" is an integer, "r0.99" a real, "tRock" a text, "n"
** NULL. */
#define MAX_ARGUMENTS 3

struct query {
    const char *name;
    const char *tables; /* as cache_definitions shows them */
    const char *sql;
    const char *arguments[MAX_ARGUMENTS];
};

static const struct query queries[] = {
    {"number of tracks", "[\"Track\"]", "SELECT count(*) FROM Track", {0}},
    {"all genres", "[\"Genre\"]", "SELECT * FROM Genre ORDER BY Name", {0}},
    {"all media types", "[\"MediaType\"]", "SELECT * FROM MediaType", {0}},
    {"one artist", "[\"Artist\"]", "SELECT * FROM Artist WHERE ArtistId = :id", {"i90"}},
    {"artists by first letters",
     "[\"Artist\"]",
     "SELECT Name FROM Artist WHERE Name LIKE ? || '%' ORDER BY Name",
     {"tA"}},
    {"albums of an artist",
     "[\"Album\",\"Artist\"]",
     "SELECT Title, Name FROM Album JOIN Artist USING (ArtistId) WHERE ArtistId = ? ORDER BY Title",
     {"i90"}},
    {"artists with the most albums",
     "[\"Album\",\"Artist\"]",
     "SELECT Artist.Name, count(*) AS albums FROM Artist JOIN Album USING (ArtistId)"
     " GROUP BY ArtistId ORDER BY albums DESC, Artist.ArtistId LIMIT 10",
     {0}},
    {"artists without an album",
     "[\"Album\",\"Artist\"]",
     "SELECT count(*) FROM Artist WHERE ArtistId NOT IN (SELECT ArtistId FROM Album)",
     {0}},
    {"tracks of an album",
     "[\"Track\"]",
     "SELECT TrackId, Name, Milliseconds FROM Track WHERE AlbumId = $album ORDER BY TrackId",
     {"i1"}},
    {"tracks without a composer",
     "[\"Track\"]",
     "SELECT count(*) FROM Track WHERE Composer IS ?",
     {"n"}},
    {"tracks of a genre and a price",
     "[\"Genre\",\"Track\"]",
     "SELECT t.Name, t.UnitPrice FROM Track t JOIN Genre g ON g.GenreId = t.GenreId"
     " WHERE g.Name = :genre AND t.UnitPrice >= :price ORDER BY t.Name, t.TrackId LIMIT 20",
     {"tTV Shows", "r1.5"}},
    {"longest track of each genre",
     "[\"Genre\",\"Track\"]",
     "SELECT g.Name, t.Name AS longest, max(t.Milliseconds) FROM Track t JOIN Genre g USING "
     "(GenreId)"
     " GROUP BY g.GenreId ORDER BY g.GenreId",
     {0}},
    {"minutes and megabytes by media type",
     "[\"MediaType\",\"Track\"]",
     "SELECT m.Name, sum(t.Milliseconds) / 60000.0, total(t.Bytes) / 1000000"
     " FROM MediaType m LEFT JOIN Track t USING (MediaTypeId) GROUP BY m.MediaTypeId",
     {0}},
    {"rank of tracks within an album",
     "[\"Album\",\"Track\"]",
     "SELECT a.Title, t.Name, rank() OVER (PARTITION BY t.AlbumId ORDER BY t.Milliseconds DESC),"
     " sum(t.Milliseconds) OVER (PARTITION BY t.AlbumId ORDER BY t.TrackId)"
     " FROM Track t JOIN Album a USING (AlbumId) WHERE t.AlbumId BETWEEN ? AND ?"
     " ORDER BY t.AlbumId, t.TrackId",
     {"i1", "i8"}},
    {"playlists by size",
     "[\"Playlist\",\"PlaylistTrack\"]",
     "SELECT p.PlaylistId, p.Name, count(pt.TrackId) FROM Playlist p"
     " LEFT JOIN PlaylistTrack pt USING (PlaylistId) GROUP BY p.PlaylistId",
     {0}},
    {"tracks of a playlist",
     "[\"Playlist\",\"PlaylistTrack\",\"Track\"]",
     "SELECT t.Name FROM Playlist p JOIN PlaylistTrack pt USING (PlaylistId)"
     " JOIN Track t USING (TrackId) WHERE p.Name = @playlist ORDER BY t.TrackId",
     {"tGrunge"}},
    {"tracks on the most playlists",
     "[\"PlaylistTrack\"]",
     "SELECT TrackId, count(*) AS n FROM PlaylistTrack GROUP BY TrackId"
     " HAVING n > ?1 ORDER BY n DESC, TrackId LIMIT 15",
     {"i3"}},
    {"names of playlists, each once",
     "[\"Playlist\"]",
     "SELECT DISTINCT Name COLLATE NOCASE AS name FROM Playlist ORDER BY 1",
     {0}},
    {"invoices of a country",
     "[\"Invoice\"]",
     "SELECT InvoiceId, InvoiceDate, Total FROM Invoice WHERE BillingCountry = ? ORDER BY "
     "InvoiceId",
     {"tGermany"}},
    {"revenue by country",
     "[\"Invoice\"]",
     "SELECT BillingCountry, count(*), sum(Total) AS revenue FROM Invoice"
     " GROUP BY BillingCountry ORDER BY revenue DESC, BillingCountry",
     {0}},
    {"revenue by month, and the year so far",
     "[\"Invoice\"]",
     "SELECT month, revenue, sum(revenue) OVER (PARTITION BY substr(month, 1, 4) ORDER BY month)"
     " FROM (SELECT strftime('%Y-%m', InvoiceDate) AS month, sum(Total) AS revenue"
     "       FROM Invoice GROUP BY 1) ORDER BY month",
     {0}},
    {"revenue by genre",
     "[\"Genre\",\"InvoiceLine\",\"Track\"]",
     "SELECT g.Name, sum(l.UnitPrice * l.Quantity) AS revenue FROM InvoiceLine l"
     " JOIN Track t USING (TrackId) JOIN Genre g USING (GenreId)"
     " GROUP BY g.GenreId ORDER BY revenue DESC, g.Name",
     {0}},
    {"tracks that sold best",
     "[\"Album\",\"Artist\",\"InvoiceLine\",\"Track\"]",
     "SELECT t.Name, ar.Name AS artist, sum(l.Quantity) AS sold FROM InvoiceLine l"
     " JOIN Track t USING (TrackId) JOIN Album al USING (AlbumId) JOIN Artist ar USING (ArtistId)"
     " GROUP BY t.TrackId ORDER BY sold DESC, t.TrackId LIMIT :n",
     {"i10"}},
    {"lines of an invoice",
     "[\"InvoiceLine\",\"Track\"]",
     "SELECT l.*, t.Name FROM InvoiceLine l JOIN Track t USING (TrackId)"
     " WHERE l.InvoiceId = ?3 ORDER BY l.InvoiceLineId",
     {"i5"}},
    {"invoices whose lines do not add up",
     "[\"Invoice\",\"InvoiceLine\"]",
     "SELECT i.InvoiceId, i.Total, round(sum(l.UnitPrice * l.Quantity), 2) AS lines"
     " FROM Invoice i JOIN InvoiceLine l USING (InvoiceId) GROUP BY i.InvoiceId"
     " HAVING round(i.Total, 2) <> lines ORDER BY i.InvoiceId",
     {0}},
    {"tracks never sold",
     "[\"InvoiceLine\",\"Track\"]",
     "SELECT count(*) FROM (SELECT TrackId FROM Track EXCEPT SELECT TrackId FROM InvoiceLine)",
     {0}},
    {"best customers",
     "[\"Customer\",\"Invoice\"]",
     "SELECT c.FirstName || ' ' || c.LastName AS customer, c.Country, sum(i.Total) AS spent"
     " FROM Customer c JOIN Invoice i USING (CustomerId) GROUP BY c.CustomerId"
     " ORDER BY spent DESC, c.CustomerId LIMIT 5",
     {0}},
    {"customers of a city and a country",
     "[\"Customer\"]",
     "SELECT FirstName, LastName, Company, Email FROM Customer WHERE City = :city AND Country = "
     ":country",
     {"tS\xc3\xa3o Paulo", "tBrazil"}},
    {"customers by the domain of their address",
     "[\"Customer\"]",
     "SELECT substr(Email, instr(Email, '@') + 1) AS domain, group_concat(CustomerId)"
     " FROM (SELECT * FROM Customer ORDER BY CustomerId) GROUP BY domain ORDER BY domain",
     {0}},
    {"what each employee's customers spent",
     "[\"Customer\",\"Employee\",\"Invoice\"]",
     "SELECT e.LastName, count(DISTINCT c.CustomerId), sum(i.Total) FROM Employee e"
     " LEFT JOIN Customer c ON c.SupportRepId = e.EmployeeId"
     " LEFT JOIN Invoice i ON i.CustomerId = c.CustomerId GROUP BY e.EmployeeId",
     {0}},
    {"who reports to whom, as a tree",
     "[\"Employee\"]",
     "WITH RECURSIVE staff(id, name, depth) AS ("
     "  SELECT EmployeeId, LastName, 0 FROM Employee WHERE ReportsTo IS NULL"
     "  UNION ALL SELECT e.EmployeeId, e.LastName, depth + 1 FROM Employee e JOIN staff"
     "  ON e.ReportsTo = staff.id ORDER BY 3 DESC, 1)"
     " SELECT substr('............', 1, depth * 2) || name AS name, depth FROM staff",
     {0}},
    {"employees hired after a day, with their age then",
     "[\"Employee\"]",
     "SELECT LastName, CAST(julianday(HireDate) - julianday(BirthDate) AS INTEGER) / 365 AS age"
     " FROM Employee WHERE HireDate > ? ORDER BY HireDate, EmployeeId",
     {"t2003-01-01"}},
    {"buyers of a genre, by EXISTS",
     "[\"Customer\",\"Genre\",\"Invoice\",\"InvoiceLine\",\"Track\"]",
     "SELECT c.LastName FROM Customer c WHERE EXISTS (SELECT 1 FROM Invoice i"
     " JOIN InvoiceLine l USING (InvoiceId) JOIN Track t USING (TrackId)"
     " JOIN Genre g USING (GenreId) WHERE i.CustomerId = c.CustomerId AND g.Name = ?)"
     " ORDER BY c.CustomerId",
     {"tJazz"}},
    {"sold and unsold media types, by UNION",
     "[\"InvoiceLine\",\"MediaType\",\"Track\"]",
     "SELECT Name, 1 AS sold FROM MediaType WHERE MediaTypeId IN"
     "  (SELECT MediaTypeId FROM Track JOIN InvoiceLine USING (TrackId))"
     " UNION ALL SELECT Name, 0 FROM MediaType WHERE MediaTypeId NOT IN"
     "  (SELECT MediaTypeId FROM Track JOIN InvoiceLine USING (TrackId)) ORDER BY 2, 1",
     {0}},
    {"everything at once: rows of all tables",
     "[\"Album\",\"Artist\",\"Customer\",\"Employee\",\"Genre\",\"Invoice\",\"InvoiceLine\","
     "\"MediaType\",\"Playlist\",\"PlaylistTrack\",\"Track\"]",
     "SELECT (SELECT count(*) FROM Album) AS albums, (SELECT count(*) FROM Artist) AS artists,"
     " (SELECT count(*) FROM Customer) AS customers, (SELECT count(*) FROM Employee) AS employees,"
     " (SELECT count(*) FROM Genre) AS genres, (SELECT sum(Total) FROM Invoice) AS revenue,"
     " (SELECT count(*) FROM InvoiceLine) AS lines, (SELECT max(Name) FROM MediaType) AS medium,"
     " (SELECT count(*) FROM Playlist) AS playlists,"
     " (SELECT count(*) FROM PlaylistTrack) AS listed, (SELECT avg(Milliseconds) FROM Track) AS ms",
     {0}},
};

#define QUERY_COUNT ((int)(sizeof queries / sizeof queries[0]))

struct write {
    const char *table;
    const char *sql;
};

/* An insert, an update and a delete for each table. They can be run again and again. */
static const struct write writes[] = {
    {"Artist", "INSERT INTO Artist VALUES (9001, 'Aardvark')"},
    {"Artist", "UPDATE Artist SET Name = Name || '!' WHERE ArtistId IN (1, 90, 9001)"},
    {"Artist", "DELETE FROM Artist WHERE ArtistId = 9001"},
    {"Album", "INSERT INTO Album VALUES (9001, 'Zoo', 90)"},
    {"Album", "UPDATE Album SET Title = upper(Title), ArtistId = 90 WHERE AlbumId IN (1, 3, 9001)"},
    {"Album", "DELETE FROM Album WHERE AlbumId = 9001"},
    {"Customer",
     "INSERT INTO Customer(CustomerId, FirstName, LastName, City, Country, Email,"
     " SupportRepId) VALUES (9001, 'Ana', 'Zen', 'S\xc3\xa3o Paulo', 'Brazil', 'a@z.org', 3)"},
    {"Customer", "UPDATE Customer SET Email = 'x' || Email WHERE CustomerId % 20 = 1"},
    {"Customer", "DELETE FROM Customer WHERE CustomerId = 9001"},
    {"Employee", "INSERT INTO Employee(EmployeeId, LastName, FirstName, ReportsTo, BirthDate,"
                 " HireDate) VALUES (9001, 'Zen', 'Bo', 6, '1980-02-29', '2024-01-01')"},
    {"Employee", "UPDATE Employee SET ReportsTo = 2 WHERE EmployeeId IN (7, 9001)"},
    {"Employee", "DELETE FROM Employee WHERE EmployeeId = 9001"},
    {"Genre", "INSERT INTO Genre VALUES (9001, 'Zydeco')"},
    {"Genre", "UPDATE Genre SET Name = iif(Name LIKE '%.', rtrim(Name, '.'), Name || '.') WHERE "
              "GenreId IN (2, 19)"},
    {"Genre", "DELETE FROM Genre WHERE GenreId = 9001"},
    {"Invoice", "INSERT INTO Invoice(InvoiceId, CustomerId, InvoiceDate, BillingCountry, Total)"
                " VALUES (9001, 2, '2012-05-05 00:00:00', 'Germany', 12.34)"},
    {"Invoice", "UPDATE Invoice SET Total = Total + 1 WHERE InvoiceId IN (5, 100, 9001)"},
    {"Invoice", "DELETE FROM Invoice WHERE InvoiceId = 9001"},
    {"InvoiceLine", "INSERT INTO InvoiceLine VALUES (9001, 5, 7, 0.99, 3), (9002, 5, 63, 0.99, 1)"},
    {"InvoiceLine", "UPDATE InvoiceLine SET Quantity = Quantity + 1 WHERE InvoiceLineId % 500 = 1"},
    {"InvoiceLine", "DELETE FROM InvoiceLine WHERE InvoiceLineId > 9000"},
    {"MediaType", "INSERT INTO MediaType VALUES (9001, 'Wax cylinder')"},
    {"MediaType", "UPDATE MediaType SET Name = Name || '*' WHERE MediaTypeId = 1"},
    {"MediaType", "DELETE FROM MediaType WHERE MediaTypeId = 9001"},
    {"Playlist", "INSERT INTO Playlist VALUES (9001, 'Grunge')"},
    {"Playlist", "UPDATE Playlist SET Name = Name || '+' WHERE PlaylistId IN (1, 9001)"},
    {"Playlist", "DELETE FROM Playlist WHERE PlaylistId = 9001"},
    {"PlaylistTrack", "INSERT INTO PlaylistTrack VALUES (16, 1), (16, 2), (17, 52)"},
    {"PlaylistTrack", "UPDATE OR IGNORE PlaylistTrack SET PlaylistId = 9 WHERE TrackId = 52"},
    {"PlaylistTrack", "DELETE FROM PlaylistTrack WHERE TrackId IN (1, 2, 52) AND PlaylistId >= 9"},
    {"Track", "INSERT INTO Track VALUES (9001, 'Zebra', 1, 1, 19, NULL, 12345678, 1, 1.99)"},
    {"Track", "UPDATE Track SET Milliseconds = Milliseconds + 1, Composer = NULL"
              " WHERE TrackId IN (1, 7, 9001)"},
    {"Track", "DELETE FROM Track WHERE TrackId = 9001"},
};

#define WRITE_COUNT ((int)(sizeof writes / sizeof writes[0]))

/* The first difference that a phase found for one query. */
struct difference {
    char *got; /* NULL: none */
    char *expected;
    const char *after; /* the SQL before it */
};

struct shop {
    sqlite3 *db;     /* with the cache */
    sqlite3 *writer; /* without */
    sqlite3_stmt *plain[QUERY_COUNT];
    sqlite3_stmt *cached[QUERY_COUNT];
    sqlite3_stmt *status;
    struct difference differences[QUERY_COUNT];
    int spared; /* reads of what a write to another table must spare, */
    int hits;   /* and how many of them were hits */
};

static void fail(sqlite3 *db, const char *what)
{
    printf("Bail out! %s: %s\n", what, sqlite3_errmsg(db));
    exit(1);
}

static void run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail(db, sql);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail(db, sql);
    return stmt;
}

/* The first column of the first row, or "(null)". Caller frees. */
static char *text_of(sqlite3_stmt *stmt)
{
    const char *text = NULL;
    if (sqlite3_step(stmt) == SQLITE_ROW)
        text = (const char *)sqlite3_column_text(stmt, 0);
    char *copy = sqlite3_mprintf("%s", text ? text : "(null)");
    sqlite3_reset(stmt);
    return copy;
}

/* `index` is that of the first argument's parameter: a lone ?3 is number 3 in its own query. */
static void bind_arguments(sqlite3_stmt *stmt, const struct query *query, int index)
{
    for (int i = 0; i < MAX_ARGUMENTS && query->arguments[i]; i++) {
        const char *value = query->arguments[i] + 1;
        switch (query->arguments[i][0]) {
        case 'i':
            sqlite3_bind_int64(stmt, index + i, strtoll(value, NULL, 10));
            break;
        case 'r':
            sqlite3_bind_double(stmt, index + i, strtod(value, NULL));
            break;
        case 't':
            sqlite3_bind_text(stmt, index + i, value, -1, SQLITE_STATIC);
            break;
        }
    }
}

static void add_value(sqlite3_str *out, sqlite3_stmt *stmt, int column)
{
    switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_NULL:
        sqlite3_str_appendall(out, "NULL");
        break;
    case SQLITE_INTEGER:
        sqlite3_str_appendf(out, "%lld", sqlite3_column_int64(stmt, column));
        break;
    case SQLITE_FLOAT:
        sqlite3_str_appendf(out, "%!.17g", sqlite3_column_double(stmt, column));
        break;
    case SQLITE_TEXT:
        sqlite3_str_appendf(out, "'%s'", sqlite3_column_text(stmt, column));
        break;
    default:
        sqlite3_str_appendf(out, "blob of %d", sqlite3_column_bytes(stmt, column));
        break;
    }
}

/* All that a statement gives: names of columns, values with their types, rows in order, the
** error. Caller frees. */
static char *rows_of(sqlite3_stmt *stmt)
{
    sqlite3_str *out = sqlite3_str_new(NULL);
    for (int i = 0; i < sqlite3_column_count(stmt); i++)
        sqlite3_str_appendf(out, "%s|", sqlite3_column_name(stmt, i));
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        sqlite3_str_appendchar(out, 1, '\n');
        for (int i = 0; i < sqlite3_column_count(stmt); i++) {
            add_value(out, stmt, i);
            sqlite3_str_appendchar(out, 1, '|');
        }
    }
    if (rc != SQLITE_DONE)
        sqlite3_str_appendf(out, "\nerror: %s", sqlite3_errmsg(sqlite3_db_handle(stmt)));
    sqlite3_reset(stmt);
    return sqlite3_str_finish(out);
}

/* ---- comparing ---- */

/* Notes the first difference of a query in a phase. Takes `got`; copies `expected`. */
static void compare(struct shop *shop, int i, char *got, const char *expected, const char *after)
{
    struct difference *difference = &shop->differences[i];
    if (strcmp(got, expected) == 0 || difference->got) {
        sqlite3_free(got);
        return;
    }
    difference->got = got;
    difference->expected = sqlite3_mprintf("%s", expected);
    difference->after = after;
}

/* One TAP line for each query: what the phase found. */
static void report_phase(struct shop *shop, const char *phase)
{
    for (int i = 0; i < QUERY_COUNT; i++) {
        struct difference *difference = &shop->differences[i];
        char *name = sqlite3_mprintf("%s: %s", phase, queries[i].name);
        if (difference->got) {
            is_text(difference->got, difference->expected, name);
            printf("#      after: %s\n", difference->after);
        } else {
            ok(true, name);
        }
        sqlite3_free(name);
        sqlite3_free(difference->got);
        sqlite3_free(difference->expected);
        memset(difference, 0, sizeof *difference);
    }
}

/* The cached rows are the plain ones; with a `status`, that is how they were served. */
static void read_both(struct shop *shop, int i, const char *status, const char *after)
{
    char *plain = rows_of(shop->plain[i]);
    compare(shop, i, rows_of(shop->cached[i]), plain, after);
    if (status)
        compare(shop, i, text_of(shop->status), status, after);
    sqlite3_free(plain);
}

static void read_all(struct shop *shop, const char *status, const char *after)
{
    for (int i = 0; i < QUERY_COUNT; i++)
        read_both(shop, i, status, after);
}

/* After a write: right at once, and a hit at the next read. True if the first read was a hit
** already. */
static bool read_twice(struct shop *shop, int i, const char *after)
{
    char *plain = rows_of(shop->plain[i]);
    compare(shop, i, rows_of(shop->cached[i]), plain, after);
    char *status = text_of(shop->status);
    bool hit = strcmp(status, "hit") == 0;
    sqlite3_free(status);
    compare(shop, i, rows_of(shop->cached[i]), plain, after);
    compare(shop, i, text_of(shop->status), "hit", after);
    sqlite3_free(plain);
    return hit;
}

/* The queries that a write to another table must spare are counted, and their hits. */
static void read_after_write(struct shop *shop, const struct write *write)
{
    char table[64];
    snprintf(table, sizeof table, "\"%s\"", write->table);
    for (int i = 0; i < QUERY_COUNT; i++) {
        bool hit = read_twice(shop, i, write->sql);
        if (!strstr(queries[i].tables, table)) {
            shop->spared++;
            shop->hits += hit;
        }
    }
}

/* ---- the phases ---- */

static void phase_reads(struct shop *shop)
{
    read_all(shop, "miss", "opening");
    report_phase(shop, "first read");
    read_all(shop, "hit", "the first read");
    report_phase(shop, "second read is a hit");

    sqlite3_stmt *tables =
        prepare(shop->db, "SELECT json_group_array(value) FROM (SELECT value"
                          " FROM cache_definitions, json_each(tables) WHERE name = ?"
                          " ORDER BY value)");
    for (int i = 0; i < QUERY_COUNT; i++) {
        char name[16];
        snprintf(name, sizeof name, "q%d", i);
        sqlite3_bind_text(tables, 1, name, -1, SQLITE_TRANSIENT);
        compare(shop, i, text_of(tables), queries[i].tables, "the first read");
    }
    sqlite3_finalize(tables);
    report_phase(shop, "the tables it depends on");
}

static void phase_own_writes(struct shop *shop)
{
    shop->spared = shop->hits = 0;
    for (int i = 0; i < WRITE_COUNT; i++) {
        run(shop->db, writes[i].sql);
        read_after_write(shop, &writes[i]);
    }
    report_phase(shop, "after own writes");
    is_int(shop->hits, shop->spared, "a write to one table spares what was read from others");
}

static void phase_rollbacks(struct shop *shop)
{
    for (int i = 0; i < WRITE_COUNT; i++) {
        run(shop->db, "BEGIN");
        run(shop->db, writes[i].sql);
        read_all(shop, NULL, writes[i].sql);
        run(shop->db, "ROLLBACK");
        read_all(shop, NULL, "ROLLBACK");
    }
    report_phase(shop, "in a write transaction, and after its ROLLBACK");
    for (int i = 0; i < WRITE_COUNT; i++) {
        run(shop->db, "BEGIN; SAVEPOINT a");
        run(shop->db, writes[i].sql);
        run(shop->db, "ROLLBACK TO a");
        if (i % 3 == 0)
            read_all(shop, NULL, "ROLLBACK TO");
        run(shop->db, "RELEASE a; COMMIT");
        read_all(shop, NULL, "COMMIT of nothing");
    }
    read_all(shop, "hit", "COMMIT of nothing");
    report_phase(shop, "after ROLLBACK TO");
}

static void phase_foreign_writes(struct shop *shop)
{
    for (int i = 0; i < WRITE_COUNT; i++) {
        run(shop->writer, writes[i].sql);
        for (int q = 0; q < QUERY_COUNT; q++)
            read_twice(shop, q, writes[i].sql);
    }
    report_phase(shop, "after another connection's writes");
}

/* In WAL mode a reader keeps its snapshot while another connection commits. */
static void phase_old_snapshot(struct shop *shop)
{
    for (int i = 0; i < WRITE_COUNT; i++) {
        run(shop->db, "BEGIN");
        read_all(shop, NULL, "BEGIN");
        run(shop->writer, writes[i].sql);
        read_all(shop, NULL, writes[i].sql);
        run(shop->db, "COMMIT");
        read_all(shop, NULL, "COMMIT of a reader");
    }
    report_phase(shop, "while and after holding an old snapshot");
}

static void phase_emptied(struct shop *shop)
{
    static const char *const tables[] = {"InvoiceLine", "Invoice",   "PlaylistTrack", "Playlist",
                                         "Track",       "MediaType", "Genre",         "Album",
                                         "Artist",      "Customer",  "Employee"};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        char sql[64];
        snprintf(sql, sizeof sql, "DELETE FROM %s", tables[i]);
        run(i % 2 ? shop->db : shop->writer, sql);
        read_all(shop, NULL, "DELETE FROM a whole table");
    }
    report_phase(shop, "while the tables are emptied, one by one");
}

/* ---- opening and closing ---- */

static bool copy_file(const char *from, const char *to)
{
    FILE *in = fopen(from, "rb");
    if (!in)
        return false;
    FILE *out = fopen(to, "wb");
    char buffer[65536];
    size_t size;
    while (out && (size = fread(buffer, 1, sizeof buffer, in)) > 0)
        fwrite(buffer, 1, size, out);
    fclose(in);
    return out && fclose(out) == 0;
}

/* "SELECT * FROM q7(?1, ?2)", or without arguments. */
static void prepare_query(struct shop *shop, int i)
{
    const struct query *query = &queries[i];
    char *sql = sqlite3_mprintf("CREATE VIRTUAL TABLE temp.q%d USING cache((%s))", i, query->sql);
    run(shop->db, sql);
    sqlite3_free(sql);

    static const char *const calls[] = {"", "(?1)", "(?1, ?2)", "(?1, ?2, ?3)"};
    int count = 0;
    while (count < MAX_ARGUMENTS && query->arguments[count])
        count++;
    sql = sqlite3_mprintf("SELECT * FROM q%d%s", i, calls[count]);
    shop->cached[i] = prepare(shop->db, sql);
    sqlite3_free(sql);
    shop->plain[i] = prepare(shop->db, query->sql);
    bind_arguments(shop->cached[i], query, 1);
    bind_arguments(shop->plain[i], query, sqlite3_bind_parameter_count(shop->plain[i]) - count + 1);
}

static void open_shop(struct shop *shop, const char *path, const char *mode)
{
    memset(shop, 0, sizeof *shop);
    if (sqlite3_open(path, &shop->db) != SQLITE_OK || querycache_init(shop->db) != SQLITE_OK)
        fail(shop->db, "open");
    sqlite3_stmt *clear = prepare(shop->db, "SELECT cache_clear()");
    sqlite3_step(clear);
    sqlite3_finalize(clear);
    run(shop->db, mode);
    if (sqlite3_open(path, &shop->writer) != SQLITE_OK)
        fail(shop->writer, "open");
    for (int i = 0; i < QUERY_COUNT; i++)
        prepare_query(shop, i);
    shop->status = prepare(shop->db, "SELECT cache_last_status()");
}

static void close_shop(struct shop *shop)
{
    sqlite3_finalize(shop->status);
    for (int i = 0; i < QUERY_COUNT; i++) {
        sqlite3_finalize(shop->plain[i]);
        sqlite3_finalize(shop->cached[i]);
    }
    is_int(sqlite3_close(shop->writer), SQLITE_OK, "the plain connection closes");
    is_int(sqlite3_close(shop->db), SQLITE_OK, "the cached connection closes");
}

int main(void)
{
    const char *folder = getenv("QUERYCACHE_DATA");
    char source[4096], directory[] = "/tmp/querycache-chinook-XXXXXX", copy[64];
    snprintf(source, sizeof source, "%s/chinook.sqlite",
             folder && *folder ? folder : "../shared/data");
    if (access(source, R_OK) != 0) {
        printf("1..0 # SKIP no %s\n", source);
        return 0;
    }
    if (!mkdtemp(directory))
        return 1;
    snprintf(copy, sizeof copy, "%s/chinook.sqlite", directory);

    static const char *const modes[] = {"PRAGMA journal_mode = DELETE",
                                        "PRAGMA journal_mode = WAL"};
    for (int wal = 0; wal < 2; wal++) {
        struct shop shop;
        printf("# %s\n", modes[wal]);
        if (!copy_file(source, copy))
            return 1;
        open_shop(&shop, copy, modes[wal]);
        phase_reads(&shop);
        phase_own_writes(&shop);
        phase_rollbacks(&shop);
        phase_foreign_writes(&shop);
        if (wal)
            phase_old_snapshot(&shop);
        phase_emptied(&shop);
        close_shop(&shop);
        unlink(copy);
    }
    rmdir(directory);
    return tap_done();
}

/*
** A program that does not keep track of its statements: where the connection does not close it asks
** SQLite for them all, and finalizes them, as DBD::SQLite and others do.
*/
#include <sqlite3.h>
#include <stdio.h>

int main(void)
{
    static const char *const texts[] = {"SELECT x FROM t", "SELECT x FROM t",
                                        "SELECT x FROM t WHERE x > ?", "SELECT 1"};
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    sqlite3_open(":memory:", &db);
    sqlite3_exec(db, "CREATE TABLE t(x); INSERT INTO t VALUES (5), (6)", NULL, NULL, NULL);
    for (int i = 0; i < 4; i++) {
        sqlite3_prepare_v2(db, texts[i], -1, &statement, NULL);
        sqlite3_step(statement);
    }
    int rc = sqlite3_close(db);
    printf("close %d\n", rc);
    while ((statement = sqlite3_next_stmt(db, NULL)) != NULL) {
        printf("finalize %d\n", sqlite3_stmt_busy(statement));
        sqlite3_finalize(statement);
    }
    rc = sqlite3_close(db);
    printf("close %d\n", rc);
    return rc;
}

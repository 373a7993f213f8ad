"""What Python's sqlite3 offers, with cached tables: each test stands for itself.

    QUERYCACHE=build/querycache python3 tests/clients/python_client.py
"""

import datetime
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import unittest

SELECT = "SELECT region, sum(amount) AS total FROM main.sales WHERE year = :year GROUP BY region"


def load(db):
    db.enable_load_extension(True)
    db.load_extension(os.environ["QUERYCACHE"])
    db.enable_load_extension(False)


def connect(path, **options):
    db = sqlite3.connect(path, **options)
    load(db)
    db.execute(f"CREATE VIRTUAL TABLE temp.by_region USING cache(({SELECT}))")
    return db


def status(db):
    cursor = db.cursor()
    cursor.row_factory = None
    return cursor.execute("SELECT cache_last_status()").fetchone()[0]


def sqlite3_process(code, *arguments):
    """Python code in a process of its own, without the extension."""
    return subprocess.run(
        [sys.executable, "-c", "import sqlite3, sys\n" + code, *arguments],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


class Client(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "shop.db")
        db = sqlite3.connect(self.path)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(
            "CREATE TABLE sales(year INTEGER, region TEXT, amount INTEGER, day DATE, at TIMESTAMP)"
        )
        db.executemany(
            "INSERT INTO sales VALUES (?, ?, ?, '2024-02-29', '2024-02-29 12:30:00')",
            [(2023, "north", 10), (2024, "north", 20), (2024, "south", 5)],
        )
        db.commit()
        db.close()

    def connect(self, **options):
        db = connect(self.path, **options)
        self.addCleanup(db.close)
        return db

    def test_a_row_factory_sees_the_columns_of_hits_and_misses_alike(self):
        db = self.connect()
        db.row_factory = sqlite3.Row
        for expected in "miss", "hit":
            rows = db.execute("SELECT * FROM by_region(2024)").fetchall()
            self.assertEqual(status(db), expected)
            self.assertEqual(rows[0].keys(), ["region", "total"])
            self.assertEqual(
                [(r["REGION"], r["total"]) for r in rows], [("north", 20), ("south", 5)]
            )
        db.row_factory = lambda cursor, row: {c[0]: v for c, v in zip(cursor.description, row)}
        self.assertEqual(
            db.execute("SELECT * FROM by_region(2023)").fetchone(), {"region": "north", "total": 10}
        )

    def test_text_factory_is_applied_to_hits(self):
        db = self.connect()
        db.text_factory = bytes
        for _ in range(2):
            self.assertEqual(
                db.execute("SELECT region FROM by_region(2023)").fetchall(), [(b"north",)]
            )

    def test_detect_types_converts_declared_columns_of_hits(self):
        db = self.connect(detect_types=sqlite3.PARSE_DECLTYPES | sqlite3.PARSE_COLNAMES)
        db.execute("CREATE VIRTUAL TABLE temp.days USING cache((SELECT day, at FROM main.sales))")
        for expected in "miss", "hit":
            row = db.execute("SELECT day, at FROM days").fetchone()
            self.assertEqual(status(db), expected)
            self.assertEqual(
                row, (datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 12, 30))
            )
        row = db.execute('SELECT total AS "total [timestamp]" FROM by_region(1999)').fetchone()
        self.assertIsNone(row)

    def test_named_and_numbered_parameters_name_the_same_result(self):
        db = self.connect()
        db.execute("SELECT * FROM by_region(?)", (2024,)).fetchall()
        db.execute("SELECT * FROM by_region WHERE year = :y", {"y": 2024}).fetchall()
        self.assertEqual(status(db), "hit")
        db.execute("SELECT * FROM by_region(?)", ("2024",)).fetchall()
        self.assertEqual(status(db), "miss")

    def test_every_type_comes_back_from_a_hit_as_it_went_in(self):
        db = self.connect()
        values = [
            None,
            0,
            -1,
            2**63 - 1,
            -(2**63),
            0.5,
            float("inf"),
            "",
            "a\0b",
            "ö",
            b"",
            b"\0\xff",
        ]
        db.execute("CREATE TABLE things(x)")
        db.executemany("INSERT INTO things VALUES (?)", [(v,) for v in values])
        db.commit()
        db.execute("CREATE VIRTUAL TABLE temp.cached USING cache((SELECT x FROM main.things))")
        for expected in "miss", "hit":
            got = [row[0] for row in db.execute("SELECT x FROM cached")]
            self.assertEqual(status(db), expected)
            self.assertEqual([(type(v), v) for v in got], [(type(v), v) for v in values])

    def test_a_read_inside_with_sees_the_own_write_and_after_a_rollback_the_old_rows(self):
        db = self.connect()
        read = lambda: db.execute("SELECT total FROM by_region(2024)").fetchall()
        self.assertEqual(read(), [(20,), (5,)])
        with self.assertRaises(ZeroDivisionError):
            with db:
                db.execute("INSERT INTO sales(year, region, amount) VALUES (2024, 'south', 100)")
                self.assertEqual(read(), [(20,), (105,)])
                self.assertEqual(status(db), "bypass")
                raise ZeroDivisionError
        self.assertEqual(read(), [(20,), (5,)])
        self.assertEqual(status(db), "hit")
        with db:
            db.execute("INSERT INTO sales(year, region, amount) VALUES (2024, 'south', 100)")
        self.assertEqual(read(), [(20,), (105,)])

    def test_a_cursor_that_is_read_half_way_keeps_its_rows_through_a_commit(self):
        db = self.connect()
        cursor = db.execute("SELECT region, total FROM by_region(2024)")
        self.assertEqual(next(cursor), ("north", 20))
        with self.connect() as other:
            other.execute("DELETE FROM sales")
        self.assertEqual(next(cursor), ("south", 5))
        self.assertEqual(db.execute("SELECT * FROM by_region(2024)").fetchall(), [])

    def test_functions_and_aggregates_are_cached_where_they_are_deterministic(self):
        db = self.connect()
        calls = []
        db.create_function("twice", 1, lambda x: calls.append(x) or 2 * x, deterministic=True)
        db.execute(
            "CREATE VIRTUAL TABLE temp.doubled USING cache"
            "((SELECT twice(amount) AS x FROM main.sales))"
        )
        for _ in range(3):
            self.assertEqual([r[0] for r in db.execute("SELECT x FROM doubled")], [20, 40, 10])
        self.assertEqual(len(calls), 3)
        db.create_function("lucky", 0, lambda: 7)
        with self.assertRaisesRegex(sqlite3.OperationalError, "lucky"):
            db.execute(
                "CREATE VIRTUAL TABLE temp.luck USING cache((SELECT lucky() AS x))"
            ).fetchall()
            db.execute("SELECT * FROM luck").fetchall()
        db.create_function("twice", 1, lambda x: 20 * x, deterministic=True)
        self.assertEqual([r[0] for r in db.execute("SELECT x FROM doubled")], [200, 400, 100])

    def test_an_exception_in_a_function_is_the_error_of_the_read(self):
        db = self.connect()
        db.create_function("fails", 1, lambda x: 1 // 0, deterministic=True)
        db.execute(
            "CREATE VIRTUAL TABLE temp.failing USING cache"
            "((SELECT fails(amount) AS x FROM main.sales))"
        )
        for _ in range(2):
            with self.assertRaisesRegex(
                sqlite3.OperationalError, "user-defined function raised exception"
            ):
                db.execute("SELECT x FROM failing").fetchall()

    def test_threads_with_a_connection_each_share_results(self):
        statuses, wrong = [], []

        def work():
            db = connect(self.path)
            for _ in range(200):
                rows = db.execute("SELECT * FROM by_region(2024)").fetchall()
                statuses.append(status(db))
                if rows != [("north", 20), ("south", 5)]:
                    wrong.append(rows)
            db.close()

        keeper = self.connect()
        keeper.execute("SELECT * FROM by_region(2023)").fetchall()
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        self.assertEqual(len(statuses), 800)
        self.assertGreater(statuses.count("hit") + statuses.count("coalesced"), 790)

    def test_a_connection_for_each_request_hits_while_another_stays_open(self):
        for mode in "WAL", "DELETE":
            keeper = self.connect()
            keeper.execute(f"PRAGMA journal_mode = {mode}")
            keeper.execute("SELECT * FROM by_region(2023)").fetchall()
            statuses = []
            for _ in range(3):
                db = connect(self.path)
                db.execute("SELECT * FROM by_region(2024)").fetchall()
                statuses.append(status(db))
                db.close()
            self.assertEqual(statuses, ["miss", "hit", "hit"])
            keeper.close()

    def test_one_connection_may_be_handed_from_thread_to_thread(self):
        db = self.connect(check_same_thread=False)
        lock, seen = threading.Lock(), set()

        def work(i):
            for _ in range(100):
                with lock:
                    seen.add(tuple(db.execute("SELECT total FROM by_region(2024)").fetchall()))
                    with db:
                        db.execute("UPDATE sales SET amount = amount WHERE rowid = ?", (i,))

        threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(seen, {((20,), (5,))})

    def test_a_memory_database_is_cached_for_its_connection(self):
        db = sqlite3.connect(":memory:")
        db.execute("CREATE TABLE sales(year, region, amount)")
        db.execute("INSERT INTO sales VALUES (2024, 'north', 20)")
        db.commit()
        load(db)
        db.execute(f"CREATE VIRTUAL TABLE temp.by_region USING cache(({SELECT}))")
        read = lambda: (db.execute("SELECT total FROM by_region(2024)").fetchall(), status(db))
        self.assertEqual([read(), read()], [([(20,)], "miss"), ([(20,)], "hit")])
        with db:
            db.execute("UPDATE sales SET amount = 30")
        self.assertEqual(read(), ([(30,)], "miss"))
        db.close()

    def test_another_process_is_seen_at_once_in_wal_and_in_rollback_mode(self):
        for mode in "WAL", "DELETE":
            sqlite3_process(
                "sqlite3.connect(sys.argv[1]).execute(f'PRAGMA journal_mode = {sys.argv[2]}')",
                self.path,
                mode,
            )
            db = self.connect()
            for amount in range(100, 105):
                db.execute("SELECT total FROM by_region(2023)").fetchall()
                self.assertIn(
                    db.execute("SELECT total FROM by_region(2023)").fetchall(),
                    [[(10,)], [(amount - 1,)]],
                )
                self.assertEqual(status(db), "hit")
                sqlite3_process(
                    "db = sqlite3.connect(sys.argv[1])\n"
                    "db.execute('UPDATE sales SET amount = ? WHERE year = 2023', (sys.argv[2],))\n"
                    "db.commit()",
                    self.path,
                    str(amount),
                )
                self.assertEqual(
                    db.execute("SELECT total FROM by_region(2023)").fetchall(), [(amount,)]
                )
                self.assertEqual(status(db), "miss")
            with db:
                db.execute("UPDATE sales SET amount = 10 WHERE year = 2023")
            db.close()

    def test_backup_into_and_out_of_a_cached_connection(self):
        db = self.connect()
        db.execute("SELECT * FROM by_region(2024)").fetchall()
        copy = sqlite3.connect(":memory:")
        db.backup(copy)
        with copy:
            copy.execute("DELETE FROM sales WHERE region = 'south'")
        copy.backup(db)
        self.assertEqual(db.execute("SELECT * FROM by_region(2024)").fetchall(), [("north", 20)])
        copy.close()

    def test_serialize_and_deserialize_end_what_was_kept(self):
        if not hasattr(sqlite3.Connection, "serialize"):
            self.skipTest("Python before 3.11")
        db = self.connect()
        other = sqlite3.connect(":memory:")
        other.executescript(
            "CREATE TABLE sales(year, region TEXT, amount);"
            "INSERT INTO sales VALUES (2024, 'east', 1)"
        )
        db.execute("SELECT * FROM by_region(2024)").fetchall()
        db.deserialize(other.serialize())
        self.assertEqual(db.execute("SELECT * FROM by_region(2024)").fetchall(), [("east", 1)])
        other.close()

    def test_an_authorizer_that_denies_a_column_denies_it_of_a_hit(self):
        db = self.connect()
        db.execute("SELECT * FROM by_region(2024)").fetchall()
        db.set_authorizer(
            lambda action, a, b, *rest: sqlite3.SQLITE_DENY
            if (action, a, b) == (sqlite3.SQLITE_READ, "sales", "amount")
            else sqlite3.SQLITE_OK
        )
        with self.assertRaises(sqlite3.DatabaseError):
            db.execute("SELECT * FROM by_region(2024)").fetchall()

    def test_a_trace_and_a_progress_handler_may_be_set(self):
        db = self.connect()
        lines = []
        db.set_trace_callback(lines.append)
        db.set_progress_handler(lambda: 0, 1)
        for _ in range(2):
            self.assertEqual(len(db.execute("SELECT * FROM by_region(2024)").fetchall()), 2)
        self.assertEqual(sum("FROM by_region(2024)" in line for line in lines), 2)
        db.execute("BEGIN")
        db.set_progress_handler(lambda: 1, 1)
        with self.assertRaisesRegex(sqlite3.OperationalError, "interrupted"):
            db.execute("SELECT * FROM by_region(2023)").fetchall()

    def test_an_error_names_the_parameter_that_is_missing(self):
        db = self.connect()
        with self.assertRaisesRegex(sqlite3.OperationalError, r"by_region needs year"):
            db.execute("SELECT * FROM by_region").fetchall()

    def test_closing_with_cached_cursors_open(self):
        db = self.connect()
        cursor = db.execute("SELECT * FROM by_region(2024)")
        next(cursor)
        db.close()
        with self.assertRaises(sqlite3.ProgrammingError):
            next(cursor)


if __name__ == "__main__":
    unittest.main()

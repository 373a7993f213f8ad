"""Runs scripts of sqllogictest, each on a database of its own, and checks what they expect.

    slt.py SCRIPT ...

How each record ends goes to the file $ENDINGS, a line each: script:line and an ending. A query is
read twice, so that the second read can come from a cache, and both must give what the script
expects. What a record is, and how a value is written: https://sqlite.org/sqllogictest
"""

import hashlib
import os
import re
import sqlite3
import sys
import tempfile


def records(path):
    """The number of the first line of each record, and its lines, without comments."""
    with open(path, encoding="utf-8", errors="surrogateescape") as script:
        record, start = [], 0
        for number, line in enumerate(script, 1):
            line = line.rstrip("\r\n")
            if line.startswith("#"):
                continue
            if line.strip():
                start = start if record else number
                record.append(line)
            elif record:
                yield start, record
                record = []
        if record:
            yield start, record


def is_for_sqlite(record):
    """Takes the conditions off a record; whether they all hold."""
    holds = True
    while record and record[0].split()[0] in ("skipif", "onlyif"):
        condition, engine = record.pop(0).split()[:2]
        holds = holds and (engine == "sqlite") == (condition == "onlyif")
    return holds and bool(record)


def number_in(value, kind, pattern):
    """As SQLite takes a number from another type: the longest at the start of a text."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if isinstance(value, str):
        found = re.match(r"\s*" + pattern, value)
        value = kind(found.group()) if found else kind(0)
    return kind(value)


def written(value, kind):
    if value is None:
        return "NULL"
    if kind == "T":
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        return re.sub(r"[^ -~]", "@", text) or "(empty)"
    if kind == "R":
        return "%.3f" % number_in(value, float, r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
    # sqlite3_column_int() has the low 32 bits.
    integer = number_in(value, int, r"[-+]?\d+") & 0xFFFFFFFF
    return str(integer - (1 << 32) if integer >= 1 << 31 else integer)


class Script:
    def __init__(self, path, folder):
        self.path = path
        self.db = sqlite3.connect(os.path.join(folder, "slt.db"), isolation_level=None)
        self.db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF")
        self.hash_from = 0

    def statement(self, head, lines):
        sql = "\n".join(lines)
        several = sqlite3.complete_statement(sql) and ";" in sql.rstrip("; \n")
        try:
            if several:
                self.db.executescript(sql)
            else:
                self.db.execute(sql).fetchall()
        except sqlite3.Error:
            return head[1] == "error"
        return head[1] == "ok"

    def read(self, sql, kinds, sort):
        rows = self.db.execute(sql).fetchall()
        if any(len(row) != len(kinds) for row in rows):
            return None
        rows = [[written(value, kind) for value, kind in zip(row, kinds)] for row in rows]
        if sort == "rowsort":
            rows.sort()
        values = [value for row in rows for value in row]
        return sorted(values) if sort == "valuesort" else values

    def query(self, head, lines):
        end = lines.index("----") if "----" in lines else len(lines)
        sql, expected = "\n".join(lines[:end]), lines[end + 1 :]
        sort = head[2] if len(head) > 2 else "nosort"
        try:
            answers = [self.read(sql, head[1], sort) for _ in range(2)]
        except sqlite3.Error as error:
            print(error, file=sys.stderr)
            return False
        return all(self.is_expected(values, expected, end < len(lines)) for values in answers)

    @staticmethod
    def is_expected(values, expected, has_results):
        if values is None or not has_results:
            return values is not None
        hashed = re.fullmatch(r"(\d+) values hashing to ([0-9a-f]{32})", " ".join(expected))
        if hashed:
            digest = hashlib.md5("".join(value + "\n" for value in values).encode()).hexdigest()
            return (str(len(values)), digest) == hashed.groups()
        return values == expected

    def run(self, out):
        for line, record in records(self.path):
            if not is_for_sqlite(record):
                continue
            head = record[0].split()
            if head[0] == "halt":
                break
            if head[0] in ("statement", "query"):
                passed = getattr(self, head[0])(head, record[1:])
                print(f"{self.path}:{line}", "passes" if passed else "fails", file=out)
        self.db.close()


def main():
    with open(os.environ["ENDINGS"], "a", encoding="utf-8") as out:
        for path in sys.argv[1:]:
            with tempfile.TemporaryDirectory() as folder:
                Script(path, folder).run(out)


if __name__ == "__main__":
    main()

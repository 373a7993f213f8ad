"""A shop's sales, as a WSGI application that knows nothing of any cache.

    python3 app.py shop.db 8000         serves http://127.0.0.1:8000/ until it is interrupted

    GET  /report?year=2024              the year's sales by region, as JSON
    GET  /top?n=3                       the n regions that sold most
    POST /sales?year=2024&region=north&amount=20

A port of 0 takes a free one; the address is printed first. SIGTERM ends it as Ctrl-C does.
"""

import json
import signal
import sqlite3
import sys
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, make_server

SCHEMA = """
CREATE TABLE IF NOT EXISTS sales(
    id INTEGER PRIMARY KEY, year INTEGER NOT NULL, region TEXT NOT NULL, amount INTEGER NOT NULL)
"""
REPORT = """
SELECT region, count(*) AS sales, sum(amount) AS total FROM sales
WHERE year = ? GROUP BY region ORDER BY region
"""
TOP = """
SELECT region, sum(amount) AS total FROM sales
GROUP BY region ORDER BY total DESC, region LIMIT ?
"""
SALE = "INSERT INTO sales(year, region, amount) VALUES (?, ?, ?)"


class Shop:
    def __init__(self, path):
        self.db = sqlite3.connect(path)
        self.db.row_factory = sqlite3.Row
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute(SCHEMA)

    def rows(self, sql, *parameters):
        return [dict(row) for row in self.db.execute(sql, parameters)]

    def answer(self, method, path, query):
        if (method, path) == ("GET", "/report"):
            return self.rows(REPORT, int(query["year"]))
        if (method, path) == ("GET", "/top"):
            return self.rows(TOP, int(query.get("n", 3)))
        if (method, path) == ("POST", "/sales"):
            with self.db:
                self.db.execute(SALE, (int(query["year"]), query["region"], int(query["amount"])))
            return {"added": 1}
        return None

    def __call__(self, environ, start_response):
        query = {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
        status = "200 OK"
        try:
            answer = self.answer(environ["REQUEST_METHOD"], environ["PATH_INFO"], query)
            if answer is None:
                status, answer = "404 Not Found", {"error": "no such page"}
        except (KeyError, ValueError) as error:
            status, answer = "400 Bad Request", {"error": f"missing or no number: {error}"}
        body = json.dumps(answer).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(status, headers)
        return [body]


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        """Requests are not logged."""


def main():
    path, port = sys.argv[1], int(sys.argv[2])
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with make_server("127.0.0.1", port, Shop(path), handler_class=Quiet) as server:
        print(f"http://127.0.0.1:{server.server_port}/", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()

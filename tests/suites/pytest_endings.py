"""A plugin of pytest: how each test ends, a line each, to the file $ENDINGS."""

import os

out = open(os.environ["ENDINGS"], "a", encoding="utf-8")
ENDINGS = {"passed": "passes", "failed": "fails", "skipped": "is skipped"}


def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        name = " ".join(report.nodeid.split())
        print(name, ENDINGS[report.outcome], file=out, flush=True)

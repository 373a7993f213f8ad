"""Runs Python's own suite of its sqlite3 module, and prints how each test ends, a line each.

    PYTHONPATH=folder-with-test_sqlite3 python3 tests/peers/python_suite.py [EXTENSION]

The extension, if one is named, is then on each connection from its opening (sqlite3_auto_extension).
"""

import ctypes
import io
import sys
import unittest


class Endings(unittest.TestResult):
    """One line a test, and none for subtests but where they fail."""

    def __init__(self, out):
        super().__init__()
        self.out = out

    def say(self, test, ending):
        print(test.id(), ending, file=self.out, flush=True)

    def addSuccess(self, test):
        self.say(test, "passes")

    def addFailure(self, test, error):
        self.say(test, "fails")
        print(test.id(), self._exc_info_to_string(error, test), file=sys.stderr, flush=True)

    def addError(self, test, error):
        self.say(test, "fails")
        print(test.id(), self._exc_info_to_string(error, test), file=sys.stderr, flush=True)

    def addSkip(self, test, reason):
        self.say(test, "is skipped")

    def addExpectedFailure(self, test, error):
        self.say(test, "passes")

    def addUnexpectedSuccess(self, test):
        self.say(test, "fails")

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.addError(subtest, error)


def load_everywhere(extension):
    sqlite = ctypes.CDLL("libsqlite3.so.0")
    library = ctypes.CDLL(extension)
    sqlite.sqlite3_auto_extension(library.sqlite3_querycache_init)


def main():
    if len(sys.argv) > 1:
        load_everywhere(sys.argv[1])
    out, sys.stdout = sys.stdout, io.StringIO()
    # Only found once the real package of tests knows of this one.
    import test

    test.__path__ += [path + "/test" for path in sys.path]
    names = "backup dbapi dump factory hooks regression transactions types userfunctions".split()
    loader = unittest.defaultTestLoader
    suite = loader.loadTestsFromNames([f"test.test_sqlite3.test_{name}" for name in names])
    suite.run(Endings(out))


if __name__ == "__main__":
    main()

"""Runs Python's own suite of its sqlite3 module, and prints how each test ends, a line each.

    PYTHONPATH=folder-with-test_sqlite3 python3 tests/peers/python_suite.py [EXTENSION]

The extension, if one is named, is then on each connection from its opening (sqlite3_auto_extension).
"""

import ctypes
import io
import sys
import unittest

from endings import Endings


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

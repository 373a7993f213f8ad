"""Runs the tests of peewee whose folder is the current one: how each ends to the file $ENDINGS."""

import os
import sys
import unittest

from endings import Endings

sys.path.insert(0, os.getcwd())
import tests  # noqa: E402

with open(os.environ["ENDINGS"], "w", encoding="utf-8") as out:
    unittest.defaultTestLoader.loadTestsFromModule(tests).run(Endings(out))

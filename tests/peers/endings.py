"""How each test of a unittest suite ends, a line each: its name and one of three endings."""

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

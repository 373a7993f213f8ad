"""Runs the tests that Django found, and writes how each ends, a line each, to the file $ENDINGS."""

import os

from django.test.runner import DiscoverRunner
from endings import Endings


class Runner(DiscoverRunner):
    def run_suite(self, suite, **kwargs):
        with open(os.environ["ENDINGS"], "a", encoding="utf-8") as out:
            endings = Endings(out)
            suite.run(endings)
            return endings

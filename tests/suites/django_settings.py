"""Django's own settings for SQLite; with DATABASES_IN=folder the databases are files there."""

import os

from test_sqlite import *  # noqa: F403

TEST_RUNNER = "django_runner.Runner"
if os.environ.get("DATABASES_IN"):
    for _name, _settings in DATABASES.items():  # noqa: F405
        _settings["TEST"] = {"NAME": os.path.join(os.environ["DATABASES_IN"], _name)}

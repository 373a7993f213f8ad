"""Django's own settings for SQLite, and how each test ends to the file $ENDINGS."""

import os

from test_sqlite import *  # noqa: F403

TEST_RUNNER = "django_runner.Runner"
# As processes would: databases in files, of which connections take their turn.
if os.environ.get("DATABASES_IN") :
    for _name, _settings in DATABASES.items():  # noqa: F405
        _settings["TEST"] = {"NAME": os.path.join(os.environ["DATABASES_IN"], _name)}

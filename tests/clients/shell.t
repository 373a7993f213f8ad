#!/usr/bin/env bash
# The sqlite3 shell, as docs/clients/shell.md has it used.
. "$(dirname "$0")/page.sh"
install_here

follow docs/clients/shell.md
done_testing

#!/usr/bin/env bash
# Perl's DBD::SQLite: docs/clients/perl.md.
. "$(dirname "$0")/page.sh"

perl -MDBD::SQLite -e 1 2>/dev/null || skip_all 'DBD::SQLite is not installed'
install_here
follow docs/clients/perl.md
done_testing

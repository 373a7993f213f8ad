#!/bin/sh
# Prints the files of the repository, one a line: what git knows, or, in an unpacked archive, what
# is there but for what was built. From the environment: BUILD, which is left out.
set -eu
cd "$(dirname "$0")/.."

if [ -e .git ]; then
    git ls-files
else
    find . -path ./build -prune -o -path ./.cache -prune -o -path "./${BUILD:-build}" -prune \
        -o -type f -print | sed 's|^\./||'
fi

#!/usr/bin/env bash
# tests/layout.sh: what is wrong with the arrows between files is found, and the pair is named.
. "$(dirname "$0")/shell.sh"

ok 'the extension is laid out as ext/README.md says' tests/layout.sh ext

# A small house: `low` below `high`, and the two doors.
house() {
    rm -rf "$dir/house" && mkdir -p "$dir"/house/{low,high,surface}
    printf '| `%s` | what | not |\n' doors surface high low >"$dir/house/README.md"
    echo '#include "low/a.h"' >"$dir/house/high/b.c"
    echo 'int a(void);' >"$dir/house/low/a.h"
    printf '#include "low/a.h"\nint a(void) { return 1; }\n' >"$dir/house/low/a.c"
    echo 'int b(void);' >"$dir/house/high/b.h"
    echo '#include "high/b.h"' >"$dir/house/door.c"
    echo 'static const char *names[] = {"querycache_stats", "cache_clear"};' >"$dir/house/surface/s.c"
}

finds() { # PATTERN NAME
    local found
    found=$(tests/layout.sh "$dir/house" "${objects:-}" 2>&1) && found="passed: $found"
    like "$found" "^$1\$" "$2"
}

house
ok 'arrows that run down are right' tests/layout.sh "$dir/house"

house
echo '#include "high/b.h"' >>"$dir/house/low/a.c"
finds 'low/a includes high/b, which is in a room above' 'an #include that runs up'

house
echo '# include <high/b.h>' >>"$dir/house/low/a.c"
finds 'low/a includes high/b, which is in a room above' 'however it is written'

house
echo '#include "../high/b.h"' >>"$dir/house/low/a.c"
finds "low/a includes ../high/b, which is not its path from $dir/house" \
    'a file that is found from where the other lies'

house
echo '#include "low/c.h"' >>"$dir/house/low/a.h"
echo '#include "low/a.h"' >"$dir/house/low/c.h"
like "$(tests/layout.sh "$dir/house")" 'low/c includes low/a, in a circle' 'two files that include each other'
echo '#include "low/d.h"' >"$dir/house/low/c.h"
echo '#include "low/a.h"' >"$dir/house/low/d.h"
like "$(tests/layout.sh "$dir/house")" 'low/d includes low/a, in a circle' 'three in a circle'
unlike "$(tests/layout.sh "$dir/house")" 'high/b' 'what only needs a circle is not in it'

house
# shellcheck disable=SC2016
echo 'int c(void) { return run("SELECT cache_clear()"); }' >"$dir/house/low/c.c"
finds 'low/c names, in an SQL text, surface/cache_clear, which is in a room above' \
    'an SQL text that calls a function of the surface'
echo '/* as in "SELECT cache_clear()" */' >"$dir/house/low/c.c"
ok 'a comment may name it' tests/layout.sh "$dir/house"
echo 'const char *e = "there is no FROM querycache_stats";' >"$dir/house/low/c.c"
finds 'low/c names, in an SQL text, surface/cache_stats, which is in a room above' 'or reads a table of it'
echo 'const char *e = "select * from \"querycache_stats\"";' >"$dir/house/low/c.c"
finds 'low/c names, in an SQL text, surface/cache_stats, which is in a room above' \
    'in lower case, and in quotes'
echo 'const char *e = "SELECT 1, cache_clear()";' >"$dir/house/low/c.c"
finds 'low/c names, in an SQL text, surface/cache_clear, which is in a room above' 'in a later column'
echo 'const char *e = "ask cache_clear() for it";' >"$dir/house/low/c.c"
ok 'a text that is no SQL may name it' tests/layout.sh "$dir/house"

house
: >"$dir/house/surface/s.c"
finds "no names are registered in $dir/house/surface" 'a surface whose names are not found'

house
mkdir "$dir/house/attic" && echo >"$dir/house/attic/a.c"
echo '#include "low/a.h"' >"$dir/house/attic/a.c"
finds 'attic/a: the room attic is not in README.md' 'a room that nobody has written down'

house
: >"$dir/house/README.md"
like "$(tests/layout.sh "$dir/house")" 'README.md has no table of rooms' 'no order at all'

# Calls are told by the objects.
house
objects=$dir/objects
mkdir -p "$objects"/{low,high}
finds "there are no symbols in the objects of $objects" 'a build that is not there'
compile() { ${CC:-cc} -c -o "$objects/$1.o" -x c -; }
compile low/a <<<'int b(void); int a(void) { return b(); }'
compile high/b <<<'int b(void) { return 1; }'
finds 'low/a calls b\(\) of high/b, which is in a room above' 'a call that runs up, declared by hand'
compile low/a <<<'int c(void); int a(void) { return c(); }'
compile low/c <<<'int a(void); int c(void) { return a(); }'
like "$(tests/layout.sh "$dir/house" "$objects")" 'low/a calls c\(\) of low/c, in a circle' \
    'two files that call each other'

done_testing

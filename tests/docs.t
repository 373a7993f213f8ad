#!/usr/bin/env bash
# The pages: no link leads nowhere, no page names a file that is not there, and tests/README.md has
# a line for each test.
. "$(dirname "$0")/shell.sh"

pages=$(packaging/files.sh | grep '\.md$' | grep -v '^packaging/npm/')

# As headings are named in links.
anchors() { # FILE
    sed -n 's/^##* *//p' "$1" | tr '[:upper:]' '[:lower:]' | sed -e 's/[^-a-z0-9_ ]//g' -e 's/ /-/g'
}

# Prints what the links of a page lead to that is not there.
lost_links() { # FILE
    local link file anchor
    grep -oE '\]\([^)]+\)' "$1" | sed -e 's/^](//' -e 's/)$//' | grep -v '^https\?:' |
        while read -r link; do
            file=${link%%#*}
            anchor=${link#"$file"}
            file=${file:+$(dirname "$1")/$file}
            file=${file:-$1}
            if [ ! -e "$file" ]; then
                echo "$link"
            elif [ -n "$anchor" ] && ! anchors "$file" | grep -qx -- "${anchor#\#}"; then
                echo "$link"
            fi
        done
}

# Prints the files of ours that a page names in `code` and that are not there: with their folder,
# or, in a page about the rooms, without that of ext/ and without a suffix.
lost_files() { # FILE
    local named
    grep -oE '`(ext|tests|bench|docs|include|sql|packaging)/[A-Za-z0-9_./-]+`' "$1" | tr -d '`' |
        grep -v NAME | sort -u | while read -r named; do
        [ -e "$named" ] || echo "$named"
    done
    local rooms='base|coherence|store|query|session|read|lookup|statement|metrics|surface|load'
    grep -oE "\`($rooms)/[a-z_/]+(\.[ch])?\`" "$1" |
        tr -d '`' | sort -u | while read -r named; do
        [ -e "ext/$named" ] || [ -e "ext/$named.h" ] || [ -e "ext/$named.c" ] || echo "$named"
    done
}

for page in $pages; do
    is "$(lost_links "$page")" '' "$page: every link leads somewhere"
    is "$(lost_files "$page")" '' "$page: every file that it names is there"
done

# That these can fail.
mkdir "$dir/docs"
printf '# A page\n[here](#a-page) [there](other.md) [nowhere](#nothing) `ext/none.c` `store/none`\n' >"$dir/docs/page.md"
is "$(lost_links "$dir/docs/page.md")" $'other.md\n#nothing' 'links that lead nowhere are found'
is "$(lost_files "$dir/docs/page.md")" $'ext/none.c\nstore/none' 'files that are not there are found'

is "$(packaging/files.sh | grep -E '^tests/(test_[a-z_0-9]*\.c|[a-z_]*\.t|clients/[a-z_]*\.t|peers/[a-z_]*\.t)$' |
    while read -r file; do
        grep -qF "\`${file#tests/}\`" tests/README.md || echo "$file"
    done)" '' 'tests/README.md has a line for each test'

# Reads names that SQL shows, and prints those that the reference does not have; a shell that shows
# none says why instead, or nothing.
unnamed() {
    local name count=0
    while read -r name; do
        count=$((count + 1))
        grep -qF "\`$name\`" docs/reference.md || grep -qw -- "$name" docs/reference.md || echo "$name"
    done
    [ "$count" -gt 0 ] || echo 'no names at all'
}

for table in cache_stats cache_definitions cache_entries cache_tables cache_config; do
    is "$(run_sql <<<"SELECT name FROM pragma_table_info('$table');" | unnamed)" '' \
        "docs/reference.md names every column of $table"
done
is "$(run_sql <<<'SELECT name FROM cache_config;' | unnamed)" '' 'and every setting'
is "$(unnamed </dev/null)" 'no names at all' 'where nothing is listed, nothing is proven'

# The order of locks is told in the order of the list.
is "$(sed -n '/^## The order of locks/,/^## To add/p' docs/architecture.md | grep '^|' | grep -oE 'LOCK_[A-Z]+')" \
    "$(sed -n '/^enum lock_rank/,/^}/p' ext/base/lock.h | grep -oE '^ +LOCK_[A-Z]+' | tr -d ' ')" \
    'docs/architecture.md has every lock, in the order of ext/base/lock.h'

# Functions that the pages name as ours are there.
is "$(grep -ohE '`[a-z_0-9]+\(\)`' docs/architecture.md docs/exactness.md | tr -d '`()' | sort -u |
    grep -vE '^(sqlite3|cache|dl|pthread|localtime|tzset|memfd|stat$|fork$|strftime|random|changes)' |
    while read -r name; do
        grep -rqwF "$name" ext include || echo "$name"
    done)" '' 'every function that the pages name is there'

done_testing

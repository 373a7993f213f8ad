# Follows the pages of docs/clients/ word for word, against an installed querycache. A test starts
# with
#
#     . "$(dirname "$0")/page.sh"
#     install_here                 `make install` into $prefix, which stands for /usr/local
#
#     follow docs/clients/c.md     does what the page says
#
# Every fenced block of a page is one of these, by the words behind its three backquotes:
#
#     sh             run by bash, and must succeed
#     text           what the block before it printed, errors and all
#     LANGUAGE FILE  the file's content, put where the commands find it
#
# The commands run in $work, an empty folder that has the repository's docs/ in it, and find $prefix
# where the page says /usr/local. Programs come from the system, whatever else is first in PATH; but
# sqlite3 and cc are the ones under test.

. "$(dirname "${BASH_SOURCE[0]}")/../shell.sh"

prefix=$dir/usr/local
work=$dir/work
mkdir -p "$prefix" "$work" "$dir/bin" "$dir/blocks"
ln -s "$root/docs" "$work/docs"
PATH=$dir/bin:/usr/bin:/bin:$PATH
export HOME=$dir PKG_CONFIG_PATH=$prefix/lib/pkgconfig

# provide NAME COMMAND: the command is what the tests run by that name.
provide() {
    printf '#!/bin/sh\nexec %s "$@"\n' "$2" >"$dir/bin/$1" && chmod +x "$dir/bin/$1"
}
# By its place: make says that the compiler is `cc`, which would be this script itself.
read -ra compiler <<<"${CC:-gcc}"
compiler[0]=$(command -v "${compiler[0]}")
provide cc "${compiler[*]}"
provide sqlite3 "$(command -v "$SQLITE3")"

install_here() {
    local library=$root/${BUILD:-build}/querycache
    [ "$QUERYCACHE" = "$library" ] ||
        skip_all "what is installed is $library, and not under test here"
    ok 'make install' env -u MAKEFLAGS -u MAKELEVEL make -s -C "$root" install PREFIX="$prefix"
}

# run_here FILE ARGUMENT ...: bash runs the file in $work; /usr/local is what the output calls
# $prefix.
run_here() {
    (cd "$work" && bash -e -u -o pipefail "$@" </dev/null 2>&1) | sed "s|$prefix|/usr/local|g"
    return "${PIPESTATUS[0]}"
}

follow() { # PAGE
    local block line language file output='' blocks=0
    rm -f "$dir/blocks/"*
    awk -v folder="$dir/blocks" -v prefix="$prefix" '
        /^```/ && !inside { inside = 1; file = sprintf("%s/%04d", folder, NR)
                            print NR, substr($0, 4) > (file ".info"); printf "" > file; next }
        /^```/ { inside = 0; next }
        inside { gsub("/usr/local", prefix); print > file }' "$1"
    for block in "$dir/blocks/"*.info; do
        [ -e "$block" ] || break
        blocks=$((blocks + 1))
        read -r line language file <"$block"
        block=${block%.info}
        if [ "$language" = sh ] && [ -z "$file" ]; then
            if output=$(run_here "$block"); then
                report 1 "$1:$line: the commands succeed"
            else
                report 0 "$1:$line: the commands succeed" || show '' "$output"
            fi
        elif [ "$language" = text ] && [ -z "$file" ]; then
            is "$output" "$(sed "s|$prefix|/usr/local|g" "$block")" \
                "$1:$line: they print what the page says"
        elif [ -n "$file" ]; then
            cp "$block" "$work/$file"
        else
            report 0 "$1:$line: a block is sh, text, or a file's content: $language"
        fi
    done
    isnt "$blocks" 0 "$1 has something to follow"
}

#!/bin/sh
# Looks whether the arrows between the files of ext/ run as ext/README.md says: no two files need
# each other, and none needs a file of a room above its own, by #include, by calling it, or by an
# SQL text that names a table or function of the surface. Prints each offending pair, and fails
# where there is one. A header and a source of one name are one file here.
#
#     tests/layout.sh [FOLDER [OBJECTS]]
#
# FOLDER (ext) has the sources and README.md; OBJECTS, as build/test-system/ext, the same compiled,
# but not for LTO.
set -u

folder=${1:-ext}
objects=${2:-}
arrows=$(mktemp) || exit 1
trap 'rm -f "$arrows" "$arrows.names"' EXIT

# FROM TO HOW, without suffixes, for what lies in the folder; or, behind a "!", what is wrong.
includes() {
    find "$folder" -name '*.[ch]' | sort | while read -r file; do
        name=${file#"$folder"/}
        sed -n 's/^ *# *include *["<]\(.*\)\.h[">].*/\1/p' "$file" | while read -r included; do
            if [ -e "$folder/$included.h" ]; then
                echo "${name%.[ch]} $included includes"
            elif [ -e "${file%/*}/$included.h" ]; then
                echo "! ${name%.[ch]} includes $included, which is not its path from $folder"
            fi
        done
    done
}

calls() {
    find "$objects" -name '*.o' | sort | while read -r object; do
        name=${object#"$objects"/}
        nm "$object" | awk -v file="${name%.o}" '
            $2 ~ /^[TDBRC]$/ { print "has", $3, file }
            $1 == "U" { print "wants", $2, file }'
    done | awk -v folder="$objects" '
        $1 == "has" { home[$2] = $3; symbols++ }
        $1 == "wants" { wanted[$2 " " $3] = 1 }
        END {
            if (!symbols) print "! there are no symbols in the objects of " folder
            for (pair in wanted) {
                split(pair, part, " ")
                if (part[1] in home && home[part[1]] != part[2])
                    print part[2], home[part[1]], "calls " part[1] "() of"
            }
        }'
}

# Names of tables and functions that the surface registers, one a line.
registered() {
    cat "$folder"/surface/*.c | grep -oE '"(query)?cache_[a-z_]+"' | tr -d '"' | sed 's/^query//' |
        sort -u
}

# Comments may name what they like, and so may texts for people that have no word of SQL.
texts() {
    registered >"$arrows.names"
    [ -s "$arrows.names" ] || echo "! no names are registered in $folder/surface"
    find "$folder" -name '*.[ch]' | grep -v '/surface/' | sort | while read -r file; do
        name=${file#"$folder"/}
        sed -e 's|/\*.*\*/||' -e '/^ *\/\*/d' -e '/^ *\*\*/d' "$file" |
            grep -oE '"([^"\\]|\\.)*"' |
            grep -iwE 'FROM|JOIN|SELECT|WHERE|INSERT|INTO|UPDATE|DELETE|TABLE' |
            grep -iowE '(query)?cache_[a-z_]+' | tr '[:upper:]' '[:lower:]' |
            sed 's/^query//' | sort -u | grep -xF -f "$arrows.names" |
            while read -r named; do
                echo "${name%.[ch]} surface/$named names, in an SQL text,"
            done
    done
}

{
    includes
    [ -z "$objects" ] || calls
    texts
} | sort -u >"$arrows"

awk '
    function room(file) { return file ~ /\// ? substr(file, 1, index(file, "/") - 1) : "doors" }

    function reaches(from, to,    seen, todo, count, at, i, n, needed) {
        todo[count = 1] = from
        while (count > 0) {
            at = todo[count--]
            if (at == to) return 1
            if (at in seen) continue
            seen[at]
            n = split(needs[at], needed, " ")
            for (i = 1; i <= n; i++) if (needed[i] in files) todo[++count] = needed[i]
        }
        return 0
    }

    # The rooms, from the top.
    FNR == NR {
        if (match($0, /^\| `[a-z]+` \|/)) rank[substr($0, 4, RLENGTH - 6)] = ++rooms
        next
    }
    $1 == "!" { print substr($0, 3); bad = 1; next }
    { how = $3; for (i = 4; i <= NF; i++) how = how " " $i }
    !(room($1) in rank) { print $1 ": the room " room($1) " is not in README.md"; bad = 1; next }
    rank[room($1)] > rank[room($2)] {
        print $1 " " how " " $2 ", which is in a room above"
        bad = 1
        next
    }
    $1 == $2 || how ~ /^names/ { next }
    !(($1, $2) in arrow) { arrow[$1, $2] = how; needs[$1] = needs[$1] " " $2; files[$1]; files[$2] }

    # What needs nothing that is left is in no circle, nor is what nothing that is left needs.
    END {
        do {
            gone = 0
            split("", wanted)
            for (file in files) {
                free = 1
                n = split(needs[file], needed, " ")
                for (i = 1; i <= n; i++) if (needed[i] in files) { free = 0; wanted[needed[i]] }
                if (free) { delete files[file]; gone = 1 }
            }
            for (file in files) if (!(file in wanted)) { delete files[file]; gone = 1 }
        } while (gone)
        # Of the others, those that are needed by what they need.
        for (file in files) {
            m = split(needs[file], first, " ")
            for (j = 1; j <= m; j++)
                if (first[j] in files && reaches(first[j], file)) {
                    print file " " arrow[file, first[j]] " " first[j] ", in a circle"
                    bad = 1
                }
        }
        if (!rooms) { print "README.md has no table of rooms"; bad = 1 }
        exit bad
    }' "$folder/README.md" "$arrows"

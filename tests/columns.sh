#!/bin/sh
# Prints the lines of more than 100 columns of the files given, and fails where there is one. What
# cannot be broken may be longer: in Markdown the rows of tables, addresses and what is quoted as
# code, in shell tests all but comments, for they hold SQL and what is expected of it.
#
#     tests/columns.sh FILE ...
set -u
export LC_ALL=C.UTF-8

for file; do
    case $file in
        *.md)
            awk '/^ *```/ { code = !code }
                { print code || /^(\||    )/ || /https?:/ ? "" : $0 }' "$file"
            ;;
        *.t) awk '{ print /^ *#/ ? $0 : "" }' "$file" ;;
        *) cat "$file" ;;
    esac | grep -nE '^.{101,}' | sed "s|^|$file:|"
done | {
    status=0
    while IFS= read -r line; do
        printf '%s\n' "$line"
        status=1
    done
    exit $status
}

#!/usr/bin/env bash
# Prints the share of lines in ext/ that ran, for each file and in all, and writes those that did
# not run to OUTPUT/uncovered.txt.
#
#     tests/coverage.sh OUTPUT OBJECTS ...
#
# The OBJECTS folders hold the same sources compiled in several ways (linked in, to be loaded); a
# line counts as run where it ran in any. GCOV is the tool of the compiler used (gcov).
set -eu

output=$1
for folder; do
    find "$folder" -path '*/ext/*' -name '*.gcno'
done | sort -u | while read -r notes; do
    ${GCOV:-gcov} --stdout --object-directory "$(dirname "$notes")" "$notes" 2>/dev/null
done | awk -v missed="$output/uncovered.txt" '
    # COUNT:LINE:TEXT; the count is - where there is no code, ##### or ===== where it did not run.
    {
        count = $0; sub(/:.*/, "", count); gsub(/[ \t*]/, "", count)
        rest = substr($0, index($0, ":") + 1)
        line = rest + 0
        text = substr(rest, index(rest, ":") + 1)
    }
    line == 0 {
        if (text ~ /^Source:/) file = substr(text, 8)
        next
    }
    file !~ /^ext\// || count == "-" || count == "" { next }
    {
        key = file SUBSEP line
        if (!(key in ran)) { files[file]++; ran[key] = 0; texts[key] = text }
        if (count !~ /^[#=]/ && !ran[key]) { ran[key] = 1; covered[file]++ }
        if (line > last[file]) last[file] = line
    }
    END {
        for (file in files) {
            lines += files[file]
            total += covered[file]
            printf "%6.1f %%  %5d of %5d  %s\n", 100 * covered[file] / files[file],
                covered[file], files[file], file | "sort -k 6"
        }
        close("sort -k 6")
        printf "" > missed
        for (file in files)
            for (line = 1; line <= last[file]; line++) {
                key = file SUBSEP line
                if (key in ran && !ran[key]) printf "%s:%d:%s\n", file, line, texts[key] > missed
            }
        close(missed)
        if (lines)
            printf "%6.1f %%  %5d of %5d  lines of ext/ in all\n", 100 * total / lines, total, lines
        else { print "no coverage data"; exit 1 }
    }'
sort -t: -k1,1 -k2,2n -o "$output/uncovered.txt" "$output/uncovered.txt"
echo "the lines that did not run: $output/uncovered.txt"

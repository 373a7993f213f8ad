#!/bin/sh
# Measures, and writes OUTPUT/report.html: a page by itself, with the machine, the targets, a
# picture for each CSV file that bench/plots/ has a script for, and all that was printed. The
# figures stay beside it as CSV files; headline.md is the table of README.md. Called by `make
# bench-report`:
#
#     bench/report.sh PROGRAMS OUTPUT NAME ...
#
# PROGRAMS/NAME is a program, bench/NAME.c its source, whose first comment explains it on the page.
# growth/NAME prints CSV. Any other prints for people, and where it also has figures to be drawn,
# writes them to the file that the variable CSV names.
set -eu

programs=$1
output=$2
shift 2
here=$(dirname "$0")

# Where they were printed the targets end with what came of it: "NAME VALUE, target: BOUND: met".
# OUTPUT/targets.csv has them all.
list_targets() { # FILE ...
    awk '
        BEGIN { print "program,part,figure,value,target,result" }
        FNR == 1 {
            program = FILENAME; sub(/.*\//, "", program); sub(/\.txt$/, "", program); part = ""
        }
        /^[^ ]/ { part = $0; sub(/ \([0-9]+ rounds\)$/, "", part) }
        / target: / {
            line = $0; sub(/^ +/, "", line)
            result = line; sub(/.*: /, "", result)
            bound = line; sub(/.* target: /, "", bound); sub(/: [a-z]+$/, "", bound)
            sub(/, +target: .*/, "", line)
            value = line; sub(/.* /, "", value)
            sub(/ +[^ ]+$/, "", line)
            printf "%s,\"%s\",\"%s\",%s,\"%s\",%s\n", program, part, line, value, bound, result
        }' "$@"
}

measure() { # NAME
    file=$output/$(echo "$1" | tr / -)
    echo "== $1"
    case $1 in
    growth/*) "$programs/$1" >"$file.csv" ;;
    *) CSV=$file.csv "$programs/$1" >"$file.txt" && cat "$file.txt" ;;
    esac
}

# ---- the page ----

escape() {
    sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g'
}

# The first comment of a source file, as paragraphs. What is indented there is a command.
explanation() { # SOURCE
    sed -n '1,/\*\//{ s/^\/\*\** *//; s/ *\*\/$//; s/^\*\* \{0,1\}//; p; }' "$1" | escape | awk '
        { while (match($0, /`[^`]*`/))
            $0 = substr($0, 1, RSTART - 1) "<code>" substr($0, RSTART + 1, RLENGTH - 2) "</code>" \
                substr($0, RSTART + RLENGTH) }
        /^    / { next }
        /^$/ { if (open) print "</p>"; open = 0; next }
        { if (!open) print "<p>"; open = 1; print }
        END { if (open) print "</p>" }'
}

# CSV to a table; texts stand to the left, numbers to the right.
table() { # FILE
    escape <"$1" | awk '
        # The fields of a line, of which some are in quotation marks.
        function cut(line, fields, count) {
            while (line != "" || count == 0) {
                count++
                if (line ~ /^"/) {
                    match(line, /^"[^"]*"/)
                    fields[count] = substr(line, 2, RLENGTH - 2)
                } else {
                    match(line, /^[^,]*/)
                    fields[count] = substr(line, 1, RLENGTH)
                }
                line = substr(line, RLENGTH + 2)
            }
            return count
        }
        BEGIN { print "<div class=\"wide\"><table>" }
        {
            count = cut($0, fields, 0)
            printf "<tr>"
            for (i = 1; i <= count; i++) {
                class = fields[i] ~ /^-?[0-9.]+$/ ? " class=\"number\"" : ""
                if (length(fields[i]) > 50) class = " class=\"long\""
                if (fields[i] == "met" || fields[i] == "missed") class = " class=\"" fields[i] "\""
                cell = NR == 1 ? "th" : "td"
                printf "<%s%s>%s</%s>", cell, class, fields[i], cell
            }
            print "</tr>"
        }
        END { print "</table></div>" }'
}

# Black becomes the colour of the text around the picture.
picture() { # NAME CSV
    if ! command -v gnuplot >/dev/null; then
        echo '<p>No picture: gnuplot is not installed (<code>make bench-deps</code>).</p>'
        return
    fi
    echo '<figure>'
    gnuplot -e "csv='$2'; cores=$cores" "$here/plots/style.gp" "$here/plots/$1.gp" |
        sed -n '/<svg/,$p' | sed "s/<title>.*<\/title>/<title>$1<\/title>/
            s/stroke='black'/stroke='currentColor'/g; s/rgb( *0, *0, *0)/currentColor/g
            s/fill=\"black\"/fill=\"currentColor\"/g; s/color=\"black\"/color=\"currentColor\"/g"
    echo '</figure>'
}

first_line() { # COMMAND ...: what it says about its version
    "$@" 2>/dev/null | head -n 1 | escape || true
}

machine() {
    model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)
    [ -n "$model" ] || model=$(sysctl -n machdep.cpu.brand_string 2>/dev/null || uname -m)
    printf 'what,which\n'
    printf '%s,"%s"\n' \
        date "$started" \
        command 'make bench-report' \
        versions "$versions" \
        commit "$(git -C "$here" describe --always --dirty 2>/dev/null || echo unknown)" \
        processor "$model, $cores cores" \
        system "$(uname -srm)" \
        compiler "$(first_line "${CC:-cc}" --version)" \
        Redis "$(first_line redis-server --version | cut -d' ' -f1-3)" \
        memcached "$(first_line memcached --version)" \
        load "$load before, $(load) after"
}

# The medians of bench/peers.c, for README.md.
headline() { # CSV
    awk -F, '
        function time(us) {
            return us < 1 ? sprintf("%.0f ns", us * 1000) : us < 1000 ? sprintf("%.3g µs", us) : \
                sprintf("%.3g ms", us / 1000)
        }
        NR == 1 { next }
        !($2 in seen) { seen[$2] = 1; names[++count] = $2 }
        { times[$2, $1] = time($4) }
        END {
            print "| a read, median | one row | 100 rows |"
            print "|---|---|---|"
            for (i = 1; i <= count; i++)
                printf "| %s | %s | %s |\n", names[i], times[names[i], "one row"],
                    times[names[i], "100 rows"]
        }' "$1"
}

load() { # of the last minute
    uptime | sed 's/.*averages*: *//; s/[, ].*//'
}

section() { # NAME: what a program measures, drawn and in figures
    file=$output/$(echo "$1" | tr / -)
    plot=${1#growth/}
    echo "<section id=\"$1\"><h3>$plot</h3>"
    explanation "$here/$1.c"
    if [ -f "$file.csv" ]; then
        if [ -f "$here/plots/$plot.gp" ]; then picture "$plot" "$file.csv"; fi
        table "$file.csv"
    fi
    if [ -f "$file.txt" ]; then
        # Where there is a table the text says the same once more.
        if [ -f "$file.csv" ]; then echo '<details><summary>As printed</summary>'; fi
        echo '<pre>' && escape <"$file.txt" && echo '</pre>'
        if [ -f "$file.csv" ]; then echo '</details>'; fi
    fi
    echo '</section>'
}

page() { # NAME ...
    cat <<'END'
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>querycache: measurements</title>
<style>
:root { color-scheme: light dark; --line: #9aa0a666; --met: #1a7f45; --missed: #c4432b; }
@media (prefers-color-scheme: dark) { :root { --met: #4cc38a; --missed: #ff8a70; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
p { max-width: 60rem; }
h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); }
h3 { margin: 2.5rem 0 .5rem; }
figure { margin: 1rem 0; }
svg { width: 100%; height: auto; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid var(--line); }
th, td { vertical-align: top; }
.number { text-align: right; }
td:not(.long) { white-space: nowrap; }
th { vertical-align: bottom; }
.met { color: var(--met); }
.missed { color: var(--missed); font-weight: bold; }
pre { overflow-x: auto; font-size: .8rem; border-left: 3px solid var(--line); padding-left: 1rem; }
</style>
<h1>querycache: measurements</h1>
<p>querycache is a loadable SQLite extension that keeps the results of queries in memory and hands
them back for as long as they are exactly what the query would return now. A read that is answered
from memory is a <em>hit</em>; one that has to be computed is a <em>miss</em>. Here is what both
cost on one machine, and what the alternatives cost there. Ratios carry over to other machines
better than times.</p>
END
    table "$output/machine.csv"
    echo '<h2>Targets</h2><p>What the project wants of itself, and what this run came to.</p>'
    table "$output/targets.csv"
    echo '<h2>Against what else could be used</h2>'
    section peers
    echo '<h2>How cost grows</h2>'
    for name; do case $name in growth/*) section "$name" ;; esac; done
    echo '<h2>All else that was measured</h2>'
    for name; do case $name in growth/* | peers) ;; *) section "$name" ;; esac; done
}

mkdir -p "$output"
started=$(date -u '+%Y-%m-%d %H:%M UTC')
cores=$(getconf _NPROCESSORS_ONLN)
load=$(load)
for name; do
    rm -f "$output/$(echo "$name" | tr / -)".csv "$output/$(echo "$name" | tr / -)".txt
done
for name; do measure "$name"; done
versions=$(head -n 1 "$output/peers.txt")
machine >"$output/machine.csv"
list_targets "$output"/*.txt >"$output/targets.csv"
headline "$output/peers.csv" >"$output/headline.md"
page "$@" >"$output/report.html"
echo "the report: $output/report.html"

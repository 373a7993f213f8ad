# shellcheck shell=bash disable=SC2154,SC2034
# Suites of others that take minutes: run plain, with everything cached, and as querycache-run
# caches by default; each test must end as it does plain. A script starts with
#
#     . "$(dirname "$0")/common.sh"
#
#     source_of PACKAGE [FOLDER]    $suite is FOLDER, where one is given; else Debian's source of
#                                   that package. Where that cannot be had, the suite is left out
#     run WAY COMMAND ...           runs it in that way: plain, cached (a rule caches all) or
#                                   default (what takes longer than a millisecond). The command
#                                   writes a line for each test to $ENDINGS: its name, a blank, how
#                                   it ends
#     compare WAY                   a check that no test ends in another way than plain, apart from
#                                   those in NAME.differences; and a line of counts
#
# WAYS= has other ways to compare with plain than both. Results stay in build/suites/NAME ($out),
# for whoever wants to look. NAME.differences has a line for each test that may differ: WAY, a glob
# pattern of its name, and the reason, between tabs.

. "$(dirname "${BASH_SOURCE[0]}")/../peers/peers.sh"

name=$(basename "$0" .sh)
ways=${WAYS:-cached default}
out=$root/${BUILD:-build}/suites/$name
explained=$root/tests/suites/$name.differences
mkdir -p "$out"
[ -e "$preload" ] || skip_all "there is no $preload (make)"

source_of() { # PACKAGE [FOLDER]
    suite=${2:-$fetched/source-of-$1}
    [ -z "${2:-}" ] || return 0
    "$root/tests/peers/source.sh" "$1" "$suite" '*' | diag
    [ -e "$suite/version" ] || skip_all "$name is left out: $(cat "$suite/reason")"
}

run() { # WAY COMMAND ...
    local way=$1 started=$SECONDS status=0
    shift
    export ENDINGS=$out/$way
    rm -f "$out/$way"*
    case $way in
    plain) "$@" ;;
    cached) cached_program "$@" ;;
    default) LD_PRELOAD=$preload QUERYCACHE_REPORT=$out/$way.report "$@" ;;
    esac >"$out/$way.output" 2>&1 </dev/null || status=$?
    [ "$way" != cached ] || mv "$dir/report" "$out/$way.report" 2>/dev/null
    sort -u -o "$ENDINGS" "$ENDINGS" 2>/dev/null
    echo "$way: exit status $status after $((SECONDS - started)) s, $out/$way.output" | diag
    return $status
}

figure() { # WAY NAME: the sum of that figure over all processes
    awk -v name="$2" '$1 == name { sum += $2 } END { print sum + 0 }' "$out/$1.report"
}

# Names of the tests in results: a line is a name, a blank, and one of three endings.
tests_of() {
    sed -E 's/ (passes|fails|is skipped)$//' "$@" | sort -u
}

# A difference is explained where a line has its way (or *) and a pattern of its name.
reason_of() { # WAY NAME
    local way pattern reason
    while IFS=$'\t' read -r way pattern reason; do
        # shellcheck disable=SC2053
        [[ $1 == $way && $2 == $pattern ]] && echo "$reason" && return
    done < <(cat "$explained" 2>/dev/null)
    return 1
}

compare() { # WAY
    local way=$1 all different=0 unexplained=0 test reason
    [ -s "$out/$way" ] || { report 0 "$way: it ran" || return 1; }
    all=$(tests_of "$out/plain" "$out/$way" | wc -l)
    while IFS= read -r test; do
        different=$((different + 1))
        if reason=$(reason_of "$way" "$test"); then
            diag <<<"explained: $test: $reason"
        else
            unexplained=$((unexplained + 1))
            diag <<<"different: $test"
        fi
    done < <(comm -3 "$out/plain" "$out/$way" | sed 's/^\t//' | tests_of)
    is "$unexplained" 0 "$way: each test of $name ends as it does plain"
    echo "$name, $way: $all tests, $((all - different)) end the same, $different do not," \
        "$((different - unexplained)) of them explained;" \
        "$(figure "$way" hits) hits, $(figure "$way" misses) misses" | diag
}

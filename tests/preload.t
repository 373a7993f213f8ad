#!/usr/bin/env bash
# querycache-run: programs that know nothing of the cache say the same under it, and are cached.
. "$(dirname "$0")/shell.sh"

BUILD=${BUILD:-build}
run=$root/$BUILD/querycache-run
client=$root/$BUILD/preload-client
[ "$(uname -s)" = Linux ] || skip_all 'LD_PRELOAD is for Linux'
[ "$QUERYCACHE" = "$root/$BUILD/querycache" ] || skip_all 'an instrumented build'
ldd "$(command -v "$SQLITE3")" | grep -q libsqlite3 || dynamic=
printf '* => cache\n' >"$dir/all"

# ---- a program in C -----------------------------------------------------------------------------
plain=$("$client" "$dir/plain.db" 2>&1)
like "$plain" 'done$' 'the program runs'
for rules in "$dir/all" ''; do
    what=${rules:+a rule for all}
    what=${what:-what is slow}
    rm -f "$dir"/cached.db*
    cached=$("$run" --rules "$rules" --slow '10 us' --report "$dir/report" "$client" "$dir/cached.db" 2>&1)
    is "$cached" "$plain" "it says the same under the cache, with ${what}"
done
hits=$("$run" --rules "$dir/all" "$client" "$dir/hits.db" hits 2>&1)
like "$hits" 'many=1' 'and reads hit'
like "$hits" 'held: 10 misses' 'of connections that hold their statements one computes, after each commit of another'
like "$(cat "$dir/report")" 'querycache in process' 'the report says what came of it'
is "$(sed -n '2,/^rule/p' "$dir/report" | grep -oE '^[a-z_]+ [0-9]+$' | cut -d' ' -f1 | sort -u)" \
    "$(run_sql <<<"SELECT name FROM pragma_table_info('cache_stats') WHERE name <> 'hit_rate' ORDER BY name;")" \
    'it has every count that cache_stats has'
like "$(grep -c '^rule 1: [1-9]' "$dir/report")" '[1-9]' 'and which rule matched'
like "$(cat "$dir/report")" 'not cached .* calls call_back\(\)' 'and why something was not cached'

like "$("$run" --slow 0 "$client" "$dir/zero.db" hits 2>&1)" 'held: 10 misses' 'with --slow 0 all are cached without a rule'

# ---- functions that are marked deterministic, and are not
# -----------------------------------------
marked() { # OPTION ...: the numbers of rows that the function saw
    rm -f "$dir"/marked.db*
    "$run" "$@" "$client" "$dir/marked.db" marked 2>&1 | sed -n 's/^exec: n=//p' | sort -u | tr '\n' ' '
}
is "$(marked --slow '10 us')" '0 1 2 ' 'without a rule a function of the program is not trusted for its mark'
is "$(marked --slow 0)" '0 1 2 ' 'nor with --slow 0'
is "$(marked --rules "$dir/all")" '0 ' 'with a rule it is'
"$run" --report "$dir/marked" "$client" "$dir/marked2.db" marked >/dev/null 2>&1
like "$(cat "$dir/marked")" "not cached .* calls a function that is not SQLite's own, and no rule asks for it" \
    'and the report says why not'

newest=$(dirname "$(dirname "${SQLITE3_OLD:-none}")")/newest
if [ -f "$newest/libsqlite3.so.0" ]; then
    LD_LIBRARY_PATH=$newest "$client" "$dir/newest.db" >"$dir/newest" 2>&1
    is "$(LD_LIBRARY_PATH=$newest "$run" --rules "$dir/all" "$client" "$dir/newest2.db" 2>&1)" "$(cat "$dir/newest")" \
        'linked with the newest SQLite it says the same, too'
    like "$(LD_LIBRARY_PATH=$newest "$run" --rules "$dir/all" "$client" "$dir/newest3.db" hits 2>&1)" \
        'held: 10 misses.*many=1' 'and reads hit'
else
    skip 'linked with the newest SQLite' "$newest/libsqlite3.so.0 is not there"
fi

# ---- the shell ----------------------------------------------------------------------------------
if [ -z "${dynamic-yes}" ]; then
    skip 'the sqlite3 shell' 'it is linked with its own SQLite'
else
    cat >"$dir/script" <<'SQL'
CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT COLLATE NOCASE, c REAL);
INSERT INTO t VALUES (1, 'one', 1.5), (2, 'TWO', NULL), (3, x'0102', 9e99);
CREATE VIEW v AS SELECT b, count(*) FROM t GROUP BY b;
.headers on
.mode column
SELECT * FROM t WHERE b = 'two';
SELECT * FROM v;
SELECT * FROM v;
UPDATE t SET b = 'three' WHERE a = 1;
SELECT * FROM v;
.parameter init
.parameter set :a 2
SELECT b, :a FROM t WHERE a >= :a ORDER BY 1;
.schema
.dump
.tables
VACUUM;
SELECT * FROM t, t AS u ORDER BY 1, 4 LIMIT 3;
SELECT nothing FROM t;
SQL
    plain=$("$SQLITE3" -init /dev/null "$dir/a.db" <"$dir/script" 2>&1)
    is "$("$run" --rules "$dir/all" "$SQLITE3" -init /dev/null "$dir/b.db" <"$dir/script" 2>&1)" "$plain" \
        'the shell says the same'
    got=$(printf 'SELECT 1 + count(*) FROM t;\n.load %s\nSELECT hits + misses > 0, querycache_version() FROM cache_stats;\n' "$QUERYCACHE" |
        "$run" --rules "$dir/all" "$SQLITE3" -batch -init /dev/null "$dir/b.db" 2>&1)
    like "$got" '^4.1\|[0-9]' 'the extension can be loaded as well, and stays out of the way'
    like "$(printf 'SELECT line, action, options, matches > 0 FROM cache_rules;' |
        "$run" --rules "$dir/all" "$SQLITE3" -init /dev/null "$dir/b.db" 2>&1)" '^1\|cache\|\|1.\|cache if slow\|1 ms\|0$' \
        'cache_rules shows the rules'
fi

# ---- programs that have nothing to cache
# -----------------------------------------------------------
is "$("$run" cat "$dir/all" 2>&1)" '* => cache' 'a program without SQLite does not notice'
static=$(dirname "$(dirname "${SQLITE3_OLD:-none}")")/3.52.0/sqlite3
if [ -x "$static" ]; then
    is "$(echo 'SELECT sqlite_version(); SELECT * FROM cache_stats;' | "$run" "$static" 2>/dev/null)" 3.52.0 \
        'a program with an SQLite of its own inside runs'
else
    skip 'a program with an SQLite of its own inside' "$static is not there"
fi
is "$("$run" sh -c 'exit 7' 2>&1; echo $?)" 7 'the exit status is that of the program'

(cd "$dir" && "$run" --rules all --report here.txt sh -c "cd / && exec '$client' '$dir/moved.db'" >/dev/null 2>&1)
like "$(cat "$dir/here.txt" 2>/dev/null)" 'rule 1: [1-9]' 'file names are those of where querycache-run is, wherever the program goes'

# ---- what can be wrong
# ----------------------------------------------------------------------------
wrong_rules() { # TEXT EXPECTED NAME
    printf "$1" >"$dir/rules"
    rm -f "$dir"/w.db*
    "$run" --rules "$dir/rules" "$client" "$dir/w.db" >"$dir/out" 2>"$dir/err"
    is "$(tail -1 "$dir/out") $(wc -l <"$dir/err")" 'done 1' "$3: the program runs, and there is one line"
    like "$(cat "$dir/err")" "$2" "$3: it says what is wrong"
}
wrong_rules '\n# good\nselect * from t\n' 'rules:3: there is no "=>"; a rule is .* cache ttl' 'no arrow'
wrong_rules '* => keep\n' 'rules:1: "keep" is nothing that can be done; a rule is' 'no such action'
wrong_rules '* => skip now\n' 'rules:1: "skip now" is nothing' 'skip with more'
wrong_rules '=> cache\n' 'rules:1: there is no pattern' 'no pattern'
wrong_rules '* => cache ttl = soon\n' 'rules:1: the option ttl cannot be soon' 'a wrong value'
wrong_rules '* => cache colour = red\n' 'rules:1: there is no option colour' 'an unknown option'
wrong_rules "* => cache ttl = '5\n" 'rules:1: the options cannot be' 'a quote that is not closed'
rm "$dir/rules"
like "$("$run" --rules "$dir/rules" "$client" "$dir/none.db" 2>&1 >/dev/null)" \
    '^querycache: .*rules cannot be read: No such file' 'a file that is not there is named'
like "$(QUERYCACHE_MAX_BYTES=lots "$run" "$client" "$dir/env.db" 2>&1 >/dev/null)" \
    '^querycache: the environment variable QUERYCACHE_MAX_BYTES is .*; nothing is cached$' \
    'a wrong setting is named'
like "$("$run" --report "$dir/none/report" "$client" "$dir/report.db" 2>&1 >/dev/null)" \
    "^querycache: the report cannot be written to $dir/none/report: No such file" \
    'a report that cannot be written is named'
echo 'no library' >"$dir/library.so"
is "$(QUERYCACHE_PRELOAD=$dir/library.so "$run" echo runs 2>/dev/null)" runs \
    'a library that cannot be loaded is left out by the dynamic linker, and the program runs'
like "$("$run" --colour x 2>&1)" 'there is no option --colour' 'an unknown option of querycache-run'
like "$("$run" --rules=x echo 2>&1)" 'no option --rules=x; .*: --rules x' 'a value behind ='
like "$("$run" 2>&1)" 'which program' 'no program'
is "$("$run" "$dir/nowhere" 2>&1; echo $?)" "querycache-run: there is no program $dir/nowhere
127" 'a program that is not there'
like "$(QUERYCACHE_PRELOAD=$dir/nowhere.so "$run" echo 2>&1)" "^querycache-run: $dir/nowhere.so is not there" \
    'a library that is not there is named'
old=$(dirname "${SQLITE3_OLD:-none}")/libsqlite3.so.0
if [ -f "$old" ]; then
    LD_LIBRARY_PATH=$(dirname "$old") "$run" "$client" "$dir/old.db" >"$dir/out" 2>"$dir/err"
    is "$(tail -1 "$dir/out")" 'done' 'under an SQLite that is too old the program runs'
    like "$(cat "$dir/err")" '^querycache needs SQLite 3.34.0 or newer; this is 3.31.1; nothing is cached$' \
        'and one line says so'
else
    skip 'an SQLite that is too old' "$old is not there"
fi
done_testing

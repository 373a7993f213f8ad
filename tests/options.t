#!/usr/bin/env bash
# Every option of a cached table, and every setting of cache_config, changes what happens.

. "$(dirname "$0")/sample.sh"

# A cached table with a parameter, and a script that reads years and prints each read's status.
table() { # OPTIONS
    printf 'CREATE VIRTUAL TABLE temp.c USING cache(
        (SELECT id, region, amount FROM sales WHERE year = :year)%s);\n' "${1:+, $1}"
}
read_year() { # YEAR ...
    local year
    for year; do
        printf "INSERT INTO sink SELECT id FROM c(%s); SELECT cache_last_status();\n" "$year"
    done
}

# ---- without options ----

gives 'without options: the first read computes, the next ones do not' 'miss
hit
miss
hit
hit' <<<"$(table '') $(read_year 2023 2023 2024 2024 2023)"

# ---- times ----

gives 'ttl: an entry is served until its time is over' 'miss
hit
miss
1' <<<"$(table "ttl = '1 s'") $(read_year 2023 2023)
.shell sleep 1.1
$(read_year 2023) SELECT expirations FROM cache_stats;"
gives 'tti: each read gives an entry its idle time anew' 'miss
hit
hit
miss
1' <<<"$(table "tti = '1 s'") $(read_year 2023)
.shell sleep 0.6
$(read_year 2023)
.shell sleep 0.6
$(read_year 2023)
.shell sleep 1.1
$(read_year 2023) SELECT expirations FROM cache_stats;"
gives "ttl = 'none' and tti = 'none' lift the process-wide times" 'miss
hit
1' <<<"UPDATE cache_config SET value = '100 ms' WHERE name IN ('ttl', 'tti');
$(table "ttl = 'none', tti = 'none'") $(read_year 2023)
.shell sleep 0.2
$(read_year 2023) SELECT expires_in IS NULL FROM cache_entries;"
gives 'a time without a unit is seconds, in any unit it is the same' '90.0
90.0
90.0
5400.0
86400.0' <<<"$(for ttl in 90 "'90 s'" "'1.5 min'" "'1.5 h'" "'1 d'"; do
    echo "$(table "ttl = $ttl") INSERT INTO sink SELECT id FROM c(2023);
          SELECT round(expires_in) FROM cache_entries; DELETE FROM cache_entries; DROP TABLE c;"
done)"
slow="WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1500000)
      SELECT max(n) FROM n"
gives 'min_time: what is computed sooner is not kept, what takes longer is' 'miss
miss
1500000
1500000
0|2
1|0' <<<"$(table "min_time = '100 ms'") $(read_year 2023 2023)
CREATE VIRTUAL TABLE temp.slow USING cache(($slow), min_time = '100 ms');
SELECT * FROM slow; SELECT * FROM slow;
SELECT hits, rejections FROM cache_definitions ORDER BY name;"

# ---- limits ----

gives 'max_entries: the least recently used goes' 'miss
miss
hit
miss
hit
miss
2|2' <<<"$(table 'max_entries = 2') $(read_year 1 2 1 3 1 2)
SELECT entries, evictions FROM cache_definitions;"
text="CREATE VIRTUAL TABLE temp.text USING cache((SELECT printf('%0*d', :size, 0) AS x), "
gives 'max_bytes: this named cache stays below it, another one does not care' '24021
24021
1|1
1|1' <<<"$text max_bytes = '16 KB');
CREATE VIRTUAL TABLE temp.free USING cache((SELECT printf('%*d', :size, 0) AS x));
SELECT sum(length(x)) FROM text WHERE size IN (4001, 4002, 4003, 4004, 4005, 4006);
SELECT sum(length(x)) FROM free WHERE size IN (4001, 4002, 4003, 4004, 4005, 4006);
SELECT bytes BETWEEN 8000 AND 16000, evictions >= 3 FROM cache_definitions WHERE name = 'text';
SELECT bytes > 24000, evictions = 0 FROM cache_definitions WHERE name = 'free';"
gives 'max_result_bytes: a larger result is not kept, a smaller one is' '25000
2|1|1' \
    <<<"$text max_result_bytes = '10 KB');
SELECT sum(length(x)) FROM text WHERE size IN (5000, 20000);
SELECT misses, entries, rejections FROM cache_definitions;"
gives 'max_rows: a result with more rows is not kept' 'miss
hit
miss
miss
1|2' <<<"$(table 'max_rows = 2') $(read_year 2023 2023 2024 2024)
SELECT entries, rejections FROM cache_definitions;"

# ---- what is kept, and for whom ----

for policy in lru s3fifo gdsf; do
    gives "policy = '$policy' is shown, and results are kept under it" "$policy
miss
hit" <<<"$(table "policy = '$policy'") SELECT policy FROM cache_definitions; $(read_year 2023 2023)"
done
gives 'without one, the policy of the process counts' '1' \
    <<<"$(table '') SELECT policy IS NULL FROM cache_definitions;"
gives "coherence = 'ttl' serves what was kept, whatever is written; 'exact' does not" '5
5
5
ttl
6
exact' <<'SQL'
CREATE VIRTUAL TABLE temp.loose USING cache((SELECT count(*) FROM sales), coherence = 'ttl');
CREATE VIRTUAL TABLE temp.exact USING cache((SELECT count(*) FROM sales), coherence = 'exact');
SELECT * FROM loose;
SELECT * FROM exact;
INSERT INTO sales DEFAULT VALUES;
SELECT * FROM loose;
SELECT coherence FROM cache_definitions WHERE name = 'loose';
SELECT * FROM exact;
SELECT coherence FROM cache_definitions WHERE name = 'exact';
SQL
gives "coherence = 'ttl' still ends with its ttl" '5
6' <<SQL
CREATE VIRTUAL TABLE temp.loose USING cache(
  (SELECT count(*) FROM sales), coherence = 'ttl', ttl = '100 ms');
SELECT * FROM loose;
INSERT INTO sales DEFAULT VALUES;
.shell sleep 0.2
SELECT * FROM loose;
SQL
gives 'share is shown' 'connection
process' <<'SQL'
CREATE VIRTUAL TABLE temp.a USING cache((SELECT 1), share = 'connection');
CREATE VIRTUAL TABLE temp.b USING cache((SELECT 1), share = 'process');
SELECT share FROM cache_definitions ORDER BY name;
SQL
gives "nondeterministic = 'allow' keeps what was computed first" '1|hit' <<'SQL'
CREATE VIRTUAL TABLE temp.dice USING cache((SELECT random() AS x), nondeterministic = 'allow');
INSERT INTO sink SELECT x FROM dice;
SELECT (SELECT x FROM dice) = (SELECT x FROM sink), cache_last_status();
SQL
gives 'tags: entries go by tag' 'hit
1
0
miss
hit' <<<"$(table "tags = 'billing, eu'")
CREATE VIRTUAL TABLE temp.other USING cache((SELECT count(*) AS n FROM sales), tags = 'us');
INSERT INTO sink SELECT n FROM other;
INSERT INTO sink SELECT id FROM c(2023); $(read_year 2023)
SELECT cache_invalidate_tag('EU');
SELECT cache_invalidate_tag('billing');
$(read_year 2023)
INSERT INTO sink SELECT n FROM other; SELECT cache_last_status();"
gives 'every option is shown as people write it' \
    "5 min|10 s|1000|16 MB|64 KiB|50|20 ms|lru|exact|process|refuse|billing, eu" <<<"$(table "
    ttl = 300, TTI = '10s', max_entries = 1000, max_bytes = '16 mb', max_result_bytes = 65536,
    max_rows = 50, min_time = 0.02, policy = lru, tags = 'billing, eu'")
SELECT ttl, tti, max_entries, max_bytes, max_result_bytes, max_rows, min_time, policy, coherence,
       share, nondeterministic, tags FROM cache_definitions;"

# ---- settings ----

gives 'the settings and their defaults' 'enabled|1
max_bytes|64 MiB
max_entries|10000
ttl|1 h
tti|none
max_result_bytes|8 MiB
policy|lru
admit|all
hooks|1
coalesce_wait|5 s
slow|1 ms' <<'SQL'
SELECT name, value FROM cache_config WHERE value = default_value AND name <> 'shards';
SQL
gives 'enabled = 0: every read is computed, until it is 1' 'miss
bypass
hit
1' <<<"$(table '') $(read_year 2023)
UPDATE cache_config SET value = 0 WHERE name = 'enabled';
$(read_year 2023)
UPDATE cache_config SET value = 1 WHERE name = 'enabled';
$(read_year 2023) SELECT bypasses FROM cache_stats;"
gives 'max_bytes: a bound for all, at once and after every insert' '1
1
1|16000' <<<"$text max_entries = 1000);
SELECT sum(length(x)) > 0 FROM generate_series(3001, 3040) CROSS JOIN text(value);
SELECT bytes > 60000 FROM cache_stats;
UPDATE cache_config SET value = '16 KB' WHERE name = 'max_bytes';
SELECT bytes BETWEEN 1 AND 16000, max_bytes FROM cache_stats;"
gives 'max_entries: a bound for all' '1
3|37|3' <<<"UPDATE cache_config SET value = 3 WHERE name = 'max_entries';
$text max_entries = 1000);
SELECT sum(length(x)) > 0 FROM generate_series(3001, 3040) CROSS JOIN text(value);
SELECT entries, evictions, max_entries FROM cache_stats;"
gives 'ttl and tti: for those without their own' 'miss
miss
miss
hit
hit
1' <<<"UPDATE cache_config SET value = '100 ms' WHERE name = 'ttl';
$(table '') $(read_year 2023)
.shell sleep 0.2
$(read_year 2023)
UPDATE cache_config SET value = '1 h' WHERE name = 'ttl';
UPDATE cache_config SET value = '1 d' WHERE name = 'tti';
DROP TABLE c; $(table '') $(read_year 2024 2024 2024)
SELECT expires_in BETWEEN 3500 AND 3600 FROM cache_entries WHERE params = '[2024]';"
gives 'tti: an entry that nobody reads goes' 'miss
miss' <<<"UPDATE cache_config SET value = '100 ms' WHERE name = 'tti'; $(table '')
$(read_year 2023)
.shell sleep 0.2
$(read_year 2023)"
gives 'max_result_bytes: for those without their own' '5000
0|1' \
    <<<"UPDATE cache_config SET value = '1 KB' WHERE name = 'max_result_bytes';
$text max_entries = 9);
SELECT length(x) FROM text(5000);
SELECT entries, rejections FROM cache_stats;"
gives 'policy: the entries stay when it changes' 'miss
s3fifo
hit
gdsf
hit
lru
hit' <<<"$(table '') $(read_year 2023)
$(for policy in s3fifo gdsf lru; do
    echo "UPDATE cache_config SET value = '$policy' WHERE name = 'policy';
          SELECT value FROM cache_config WHERE name = 'policy'; $(read_year 2023)"
done)"
gives "admit = 'twice': what is asked for once is not kept, and counts as a rejection" 'miss
miss
hit
1|1
miss
hit' <<<"UPDATE cache_config SET value = 'Twice' WHERE name = 'admit';
$(table '') $(read_year 2023 2023 2023) SELECT entries, rejections FROM cache_stats;
UPDATE cache_config SET value = 'all' WHERE name = 'admit';
$(read_year 2024 2024)"

with() { # VARIABLE=VALUE NAME EXPECTED
    local variable=$1 name=$2 expected=$3
    export "${variable?}"
    gives "$name" "$expected"
    unset "${variable%%=*}"
}
with QUERYCACHE_SHARDS=4 'shards comes from the environment, before loading' '4' \
    <<<"SELECT value FROM cache_config WHERE name = 'shards';"
with QUERYCACHE_MAX_BYTES='1 MiB' 'so does max_bytes' '1 MiB|64 MiB|1048576' \
    <<<"SELECT value, default_value, max_bytes FROM cache_config, cache_stats WHERE name = 'max_bytes';"
with QUERYCACHE_POLICY=gdsf 'so does policy' 'gdsf|lru' \
    <<<"SELECT value, default_value FROM cache_config WHERE name = 'policy';"
with QUERYCACHE_ADMIT=twice 'so does admit' 'miss
miss
hit' <<<"$(table '') $(read_year 2023 2023 2023)"
with QUERYCACHE_ENABLED=0 'so does enabled' 'bypass' <<<"$(table '') $(read_year 2023)"
# A write to users says nothing about sales only where somebody watches.
gives 'hooks = 1: a write to another table keeps the entry' 'miss
hit' <<<"$(table '') $(read_year 2023) INSERT INTO users DEFAULT VALUES; $(read_year 2023)"
with QUERYCACHE_HOOKS=0 'hooks = 0: any write may have changed it, and nothing stale is served' 'miss
miss
hit' <<<"$(table '') $(read_year 2023) INSERT INTO users DEFAULT VALUES; $(read_year 2023 2023)"

done_testing

#!/usr/bin/env bash
# docs/examples/wsgi/app.py, a web application that is not changed for caching: its answers over
# HTTP, run as it is and by querycache-run, are the same.
. "$(dirname "$0")/../shell.sh"

python=/usr/bin/python3
command -v "$python" >/dev/null || python=$(command -v python3) || skip_all 'no python3'
app=$root/docs/examples/wsgi/app.py
run=$root/${BUILD:-build}/querycache-run

start() { # DATABASE COMMAND ...: starts the application; $url is where
    local database=$1
    shift
    "$@" "$python" -B "$app" "$database" 0 >"$dir/url" 2>"$dir/errors" &
    server=$!
    for _ in $(seq 200); do [ -s "$dir/url" ] && break || sleep 0.05; done
    url=$(cat "$dir/url")
}
stop() {
    kill "$server" && wait "$server"
}

# The status and the body of each request in turn. Python asks: it is there.
requests() { # METHOD:PATH ...
    "$python" - "$url" "$@" <<'PY'
import sys, urllib.request, urllib.error
for request in sys.argv[2:]:
    method, path = request.split(":", 1)
    try:
        asked = urllib.request.Request(sys.argv[1] + path, method=method)
        answer = urllib.request.urlopen(asked, timeout=20)
    except urllib.error.HTTPError as error:
        answer = error
    print(method, path, answer.status, answer.read().decode())
PY
}

# Fill, read everything twice, write, read everything twice, and the same again.
everything=(GET:report?year=2023 GET:report?year=2024 GET:top GET:top?n=1 GET:report GET:nowhere)
conversation() {
    local year
    for year in 2023 2024; do
        requests POST:"sales?year=$year&region=north&amount=10" \
            POST:"sales?year=$year&region=south&amount=5"
        requests "${everything[@]}" "${everything[@]}"
    done
    # Another process, which knows no cache either.
    plain_sql "$1" <<<"INSERT INTO sales(year, region, amount) VALUES (2024, 'east', 1000);"
    requests "${everything[@]}" "${everything[@]}"
}

start "$dir/plain.db"
plain=$(conversation "$dir/plain.db")
stop
is $? 0 'run as it is, it stops when it is told to'
like "$plain" 'GET report\?year=2024 200 \[\]' 'a year without sales is empty'
like "$plain" 'GET report\?year=2024 200 .*"region": "east", "sales": 1, "total": 1000' \
    'what another process wrote is in the report'
like "$plain" 'GET report 400' 'a request that lacks a parameter is refused'
is "$(cat "$dir/errors")" '' 'nothing on standard error'

if [ -e "$run" ]; then
    echo '* => cache' >"$dir/rules"
    start "$dir/cached.db" "$run" --rules "$dir/rules" --report "$dir/report"
    is "$(conversation "$dir/cached.db")" "$plain" \
        'run by querycache-run, all answers are the same'
    stop
    is $? 0 'it stops when it is told to'
    is "$(cat "$dir/errors")" '' 'nothing on standard error'
    # Of each reading of everything twice, the second reading of four queries.
    is "$(sed -n 's/^hits //p' "$dir/report")" 12 'and the second readings were hits'
else
    skip 'run by querycache-run, all answers are the same' "there is no $run"
fi
done_testing

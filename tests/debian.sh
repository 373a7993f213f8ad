#!/usr/bin/env bash
# The Debian packages, as somebody gets them: built from the source archive, without a finding of
# lintian, and installed, used and removed in a new Debian. TAP on stdout; `make check-package` runs
# it. A new Debian takes root, debootstrap and a mirror: the one this machine's apt has.
. "$(dirname "$0")/shell.sh"

for tool in dpkg-buildpackage dh lintian; do
    command -v $tool >/dev/null || skip_all "no $tool; \`make package-deps\` installs what there is"
done
version=$(env -u MAKEFLAGS make -s version)
packages=build/deb

# ---- as built ----

ok 'make deb' env -u MAKEFLAGS make -s deb || done_testing
is "$(lintian --allow-root --info --fail-on none "$packages"/*.changes 2>&1)" '' \
    'lintian finds no error and no warning'
files() { # PACKAGE: what is in it, but for its documents
    dpkg-deb --fsys-tarfile "$packages/$1_$version-1_"*.deb | tar -t |
        grep -vE '/$|^./usr/share/(doc|lintian)/' |
        sed "s|$(dpkg-architecture -qDEB_HOST_MULTIARCH)|TRIPLET|" |
        LC_ALL=C sort
}
is "$(files libsqlite3-mod-querycache)" './usr/bin/querycache-run
./usr/lib/TRIPLET/querycache.so
./usr/lib/TRIPLET/sqlite3/querycache.so
./usr/lib/querycache/libquerycache_preload.so
./usr/share/man/man1/querycache-run.1.gz
./usr/share/man/man7/querycache.7.gz' \
    'the extension stands where SQLite finds it by its name, with its man pages'
is "$(files libquerycache-dev)" './usr/include/querycache.h
./usr/lib/TRIPLET/libquerycache.a
./usr/lib/TRIPLET/pkgconfig/querycache.pc' 'what programs link with is a package of its own'

# ---- in a new Debian ----

suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
# shellcheck disable=SC2016
mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' \
    'Created-By: Packages' |
    sed -n "s/ $suite main$//p" | head -n 1)
lacking=''
[ "$(id -u)" = 0 ] || lacking='not root'
command -v debootstrap >/dev/null || lacking='no debootstrap'
[ -n "$mirror" ] || lacking='no mirror in the sources of apt'
[ -n "$lacking" ] ||
    /usr/lib/apt/apt-helper download-file "${mirror%/}/dists/$suite/InRelease" "$dir/InRelease" \
        >/dev/null 2>&1 || lacking="$mirror does not answer"
if [ -n "$lacking" ]; then
    skip 'the packages work in a new Debian' "$lacking"
    done_testing
fi

new=$dir/root
trap 'rm -rf --one-file-system "$dir"' EXIT
inside() { # a command of the new system
    chroot "$new" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@" 2>&1
}
everything() { # what is installed, by files
    (cd "$new" && find etc usr ! -type d ! -path '*/__pycache__/*' | LC_ALL=C sort)
}
ok "debootstrap makes a new Debian $suite" \
    debootstrap --variant=minbase "$suite" "$new" "$mirror" || done_testing
ok 'sqlite3 installs' inside apt-get install -y --no-install-recommends sqlite3
everything >"$dir/before"
cp "$packages"/lib*_"$version-1"_*.deb "$new/tmp/"
ok 'the extension installs' inside sh -c 'dpkg --install /tmp/libsqlite3-mod-querycache_*.deb'

is "$(inside sqlite3 -batch shop.db <<'SQL'
.load querycache
CREATE TABLE sales(year INTEGER, amount INTEGER);
INSERT INTO sales VALUES (2023, 10), (2024, 20);
CREATE VIRTUAL TABLE temp.of_year USING cache((SELECT sum(amount) FROM sales WHERE year = :year));
SELECT *, cache_last_status() FROM of_year(2024);
SELECT *, cache_last_status() FROM of_year(2024);
INSERT INTO sales VALUES (2024, 5);
SELECT *, cache_last_status() FROM of_year(2024);
SELECT querycache_version();
SQL
)" "20|miss
20|hit
25|miss
$version" 'the shell loads it by its name, and it caches'

# The second run's program does not know of querycache, and has it all the same.
is "$(inside querycache-run sqlite3 -batch shop.db 'SELECT sum(amount) FROM sales;')" 35 \
    'querycache-run runs a program'
is "$(inside querycache-run sqlite3 -batch shop.db 'SELECT querycache_version();')" "$version" \
    'which then has the extension'

ok 'libquerycache-dev installs, with a compiler' \
    inside sh -c 'apt-get install -y --no-install-recommends gcc pkg-config \
        /tmp/libquerycache-dev_*.deb'
cat >"$new/tmp/app.c" <<'C'
#include <querycache.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    sqlite3 *db = NULL;
    if (sqlite3_open(":memory:", &db) != SQLITE_OK || querycache_init(db) != SQLITE_OK)
        return 1;
    printf("%s %s\n", QUERYCACHE_VERSION, querycache_version());
    return sqlite3_close(db);
}
C
# shellcheck disable=SC2016
is "$(inside sh -c 'gcc -Wall /tmp/app.c -o /tmp/app $(pkg-config --cflags --libs querycache) &&
        /tmp/app')" \
    "$version $version" 'a program links with it, as pkg-config says how'
is "$(inside sh -c '
    extension=$(pkg-config --variable=extension querycache)
    sqlite3 -cmd ".load ${extension%.so}" :memory: "SELECT querycache_version();"')" "$version" \
    'pkg-config knows where the extension is'

ok 'all of it can be removed' inside apt-get purge -y libsqlite3-mod-querycache
is "$(everything | comm -13 "$dir/before" - | grep -i querycache)" '' 'and is gone then'
done_testing

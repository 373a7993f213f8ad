#!/bin/sh
# Fetches files of a Debian source package, of the version that is installed, through apt: suites that
# Debian builds no package of.
#
#     tests/peers/source.sh PACKAGE DIRECTORY PATTERN ...
#
# The files that match tar's patterns (below the source's own folder) are then in DIRECTORY. apt keeps
# to a folder of its own: what the machine has of lists and sources stays as it is. Where it does not
# work, DIRECTORY/reason says why, for the test to be skipped with.
set -eu

package=$1
directory=$2
shift 2
[ -e "$directory/version" ] && exit 0
mkdir -p "$directory"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

give_up() {
    echo "$*" | tee "$directory/reason"
    exit 0
}
command -v apt-get >/dev/null || give_up "no apt-get, which fetches the source of $package"
version=$(dpkg-query -W -f '${source:Version}' "$package" 2>/dev/null) ||
    give_up "$package is not installed"

# Where the machine has the package from, the source is as well.
mkdir -p "$work/lists/partial"
apt-cache policy "$package" | awk '$4 == "Packages" || $NF == "Packages" {
    split($3, at, "/"); print "deb-src", $2, at[1], at[2] }' | sort -u >"$work/sources.list"
options="-q -o Dir::Etc::SourceList=$work/sources.list -o Dir::Etc::SourceParts=-
    -o Dir::State::Lists=$work/lists -o APT::Sandbox::User=root"
echo "fetching the source of $package $version (apt)"
# shellcheck disable=SC2086
(cd "$work" && apt-get $options update && apt-get $options source --download-only --tar-only \
    "$package=$version") >"$directory/log" 2>&1 ||
    give_up "apt-get cannot fetch the source of $package $version; $directory/log has why"

archive=$(ls "$work"/*.orig.tar.*)
tar xf "$archive" -C "$directory" --strip-components=1 --wildcards "$@"
rm -f "$directory/reason"
echo "$version" >"$directory/version"

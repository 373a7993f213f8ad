#!/bin/sh
# Fetches files of a Debian source package through apt: suites that Debian builds no package of.
#
#     tests/peers/source.sh PACKAGE DIRECTORY PATTERN ...
#
# The files of upstream's archive that match tar's patterns (below the source's own folder) are then
# in DIRECTORY, and DIRECTORY/version names what they come from. PACKAGE is a binary package. Where
# it is installed, its own version is fetched; an index keeps only the last revision of one, and
# then that one does, as all revisions of an upstream version share its archive. apt keeps to a
# folder of its own: what the machine has of lists and sources stays as it is. Where it does not
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
installed=$(dpkg-query -W -f '${source:Version}' "$package" 2>/dev/null) || installed=

# Where the machine has the package from, the source is as well.
mkdir -p "$work/lists/partial"
apt-cache policy "$package" | awk '$4 == "Packages" || $NF == "Packages" {
    split($3, at, "/"); print "deb-src", $2, at[1], at[2] }' | sort -u >"$work/sources.list"
[ -s "$work/sources.list" ] || give_up "apt knows no package $package"
options="-q -o Dir::Etc::SourceList=$work/sources.list -o Dir::Etc::SourceParts=-
    -o Dir::State::Lists=$work/lists -o APT::Sandbox::User=root"
# shellcheck disable=SC2086
apt-get $options update >"$directory/log" 2>&1 ||
    give_up "apt-get cannot fetch the index of $package; $directory/log has why"

# The versions that the index has, the newest last: of them the installed one; or the last revision
# of the same upstream version; or, where nothing is installed, the last of all.
# shellcheck disable=SC2086
version=$(apt-cache $options showsrc "$package" | awk -v installed="$installed" '
    function upstream(version) { sub(/-[^-]*$/, "", version); return version }
    $1 == "Version:" && $2 == installed { exact = $2 }
    $1 == "Version:" && (installed == "" || upstream($2) == upstream(installed)) { print $2 }
    END { if (exact) print exact, "exact" }' | sort -V | awk '
    NF == 2 { exact = $1 } { last = $1 } END { print exact ? exact : last }')
[ -n "$version" ] || give_up "apt's index has no source of $package ${installed%-*}"
[ -z "$installed" ] || [ "$version" = "$installed" ] ||
    echo "the index has no $package $installed any more; $version has the same upstream archive"

echo "fetching the source of $package $version (apt)"
# shellcheck disable=SC2086
(cd "$work" && apt-get $options source --download-only --tar-only "$package=$version") \
    >>"$directory/log" 2>&1 ||
    give_up "apt-get cannot fetch the source of $package $version; $directory/log has why"

archive=$(ls "$work"/*.orig.tar.*[!c])
tar xf "$archive" -C "$directory" --strip-components=1 --wildcards "$@"
rm -f "$directory/reason"
echo "$version" >"$directory/version"

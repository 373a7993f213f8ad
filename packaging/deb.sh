#!/bin/sh
# Builds the Debian packages from a source archive, as anybody would who has nothing else.
#
#     packaging/deb.sh FOLDER/querycache-VERSION.tar.gz OUTPUT
#
# OUTPUT is made anew: the packages, source and binary, and the tree they were built in. From the
# environment: DEB_BUILD_OPTIONS (`nocheck` unless set: the tests have run in the tree the archive
# was made from), MAINTAINER (`Name <address>`: who answers for the packages).
set -eu

archive=$(realpath "$1")
output=$2
name=$(basename "$archive" .tar.gz)
version=${name#querycache-}

if ! command -v dh >/dev/null || ! command -v dpkg-buildpackage >/dev/null; then
    echo "$0: debhelper and dpkg-dev are missing; \`.ci/deps package\` installs them" >&2
    exit 1
fi

rm -rf "$output"
mkdir -p "$output"
cd "$output"
cp "$archive" "querycache_$version.orig.tar.gz"
tar -xzf "$archive"
cd "$name"
cp -r packaging/debian debian
# The archive's files have the time of its last change, and so has the package.
sed -i -e "s|@VERSION@|$version|" -e "s|@DATE@|$(date -u -R -r Makefile)|" debian/changelog
if [ -n "${MAINTAINER:-}" ]; then
    sed -i -e "s|^Maintainer: .*|Maintainer: $MAINTAINER|" debian/control
    sed -i -e "s|^ -- .*>  | -- $MAINTAINER  |" debian/changelog
fi
export DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS-nocheck}"
dpkg-buildpackage --no-sign --jobs="$(nproc)" >../build.log 2>&1 || {
    tail -n 20 ../build.log >&2
    echo "$0: the build failed; all it said is in $output/build.log" >&2
    exit 1
}
cd ..
printf '%s\n' *.deb | sed "s,^,$output/,"

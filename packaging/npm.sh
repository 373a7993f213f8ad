#!/bin/sh
# Makes the npm package with the library for the platform this runs on.
#
#     packaging/npm.sh VERSION LIBRARY OUTPUT
#
# OUTPUT/package becomes what is packed, OUTPUT/querycache-VERSION.tgz the archive. Libraries of
# other platforms can be put into OUTPUT/package/prebuilds/PLATFORM (packaging/npm/platform.js has
# the names) before `npm pack` is run there again. From the environment: CC, which has found
# xxHash.
set -eu

version=$1
library=$2
output=$3
source=$(dirname "$0")/npm
package=$output/package

if ! command -v npm >/dev/null; then
    echo "$0: npm is missing; \`make deps\` installs it" >&2
    exit 1
fi

rm -rf "$output"
prebuilds=$package/prebuilds/$(node -p "require('$(realpath "$source")/platform.js')")
mkdir -p "$prebuilds"
cp "$source"/*.js "$source"/*.ts "$source/README.md" "$source/../../LICENSE" "$package/"
sed "s|@VERSION@|$version|" "$source/package.json" >"$package/package.json"
cp "$library" "$prebuilds/"
# xxHash is compiled in, and asks that its notice goes along: the first comment of its header.
header=$(echo '#include <xxhash.h>' | ${CC:-cc} -E - |
    sed -n 's/^# 1 "\(.*\/xxhash\.h\)".*/\1/p' | head -n 1)
sed -n '1,/\*\//p' "$header" >"$package/LICENSE.xxhash"
grep -q 'Redistributions in binary form' "$package/LICENSE.xxhash"
(cd "$package" && npm pack --silent --pack-destination .. >/dev/null)
printf '%s\n' "$output"/*.tgz

#!/bin/sh
# Writes a source archive: of what git knows, or, in an unpacked archive, of what is there.
#
#     packaging/dist.sh FOLDER/NAME.tar.gz      everything in it lies below NAME/
#
# The same sources give the same bytes, wherever they are and whoever runs this: the time of all
# files is that of the last commit, or of the archive that this was unpacked from.
# SOURCE_DATE_EPOCH sets another. From the environment: BUILD, which is left out.
set -eu
cd "$(dirname "$0")/.."

archive=$1
name=$(basename "$archive" .tar.gz)
tar=$(command -v gtar || command -v tar)
if ! "$tar" --version | grep -q 'GNU tar'; then
    echo "$0: needs GNU tar (as gtar or tar), which can be told owner and time" >&2
    exit 1
fi

files=$(packaging/files.sh)
if [ -e .git ]; then
    time=$(git log -1 --format=%ct)
else
    time=$(date -r Makefile +%s)
fi

mkdir -p "$(dirname "$archive")"
printf '%s\n' "$files" | LC_ALL=C sort |
    "$tar" --create --format=ustar --owner=0 --group=0 --numeric-owner --mode=u+rwX,go+rX,go-w \
        --mtime="@${SOURCE_DATE_EPOCH:-$time}" --transform="s,^,$name/," --files-from=- |
    gzip -9n >"$archive.tmp"
# A pipe tells nothing of a tar that failed; an archive that lacks a file does.
[ "$("$tar" --list --file="$archive.tmp" --gzip | wc -l)" = "$(printf '%s\n' "$files" | wc -l)" ]
mv "$archive.tmp" "$archive"

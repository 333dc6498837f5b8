#!/bin/bash
# Usage: version.sh [check]
#
# Prints the version, which only Cargo.toml contains. With `check`, fails if another file contains it: every
# other place gets the version when it is built, or has the placeholder 0.0.0. `make lint` runs the check.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
version=$(sed -n '/^version = /{s/^version = "\(.*\)"/\1/p;q}' Cargo.toml)
case ${1:-} in
'') echo "$version" ;;
check)
    # These files may contain a version: Cargo.lock, which cargo writes; the history; copies of other projects;
    # source code, which gets the version from cargo, but names earlier versions; and inputs of tests.
    others=(':!Cargo.toml' ':!Cargo.lock' ':!CHANGELOG.md' ':!docs/files.md' ':!third-party' ':!*.rs' ':!tests/fuzz/corpus')
    status=0
    found=$(git grep --line-number --perl-regexp "(?<![\d.])\Q$version\E(?![\d.]*\d)" -- "${others[@]}") || status=$?
    ((status <= 1)) || exit "$status" # 1 means that no file matches
    if grep -iE 'eni-bootstrap|kubectl-eni|version' <<<"$found"; then
        echo "version.sh: these files contain the version $version; use packaging/version.sh, or 0.0.0 in an example" >&2
        exit 1
    fi
    ;;
*) echo "usage: version.sh [check]" >&2; exit 64 ;;
esac

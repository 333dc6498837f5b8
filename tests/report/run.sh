#!/bin/bash
# Usage: run.sh PROGRAM OUTPUT
#
# Writes the page of each result in crates/kubectl-eni/tests/report/results with PROGRAM, and checks it in Chromium.
set -euo pipefail
program=$(realpath "$1")
output=$(realpath -m "$2")
cd "$(dirname "${BASH_SOURCE[0]}")"

mkdir -p "$output"
cp package.json package-lock.json "$output"
# npm ci removes all modules first, so it only runs if the versions have changed.
if ! cmp -s package-lock.json "$output/installed.json"; then
    npm ci --prefix "$output" --ignore-scripts --no-audit --no-fund --loglevel error
    cp package-lock.json "$output/installed.json"
fi
pages=()
for result in ../../crates/kubectl-eni/tests/report/results/*.json; do
    page=$output/$(basename "$result" .json).html
    "$program" report "$result" --output html --to "$page"
    pages+=("$page")
done
node check.mjs "$output/node_modules/axe-core/axe.min.js" "${pages[@]}"

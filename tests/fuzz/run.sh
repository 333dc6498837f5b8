#!/bin/bash
# Usage: run.sh PROGRAM DIRECTORY SECONDS [TARGET…]
#
# Runs the fuzz targets, two at a time, for SECONDS each. Prints a table, and fails on a finding.
# DIRECTORY keeps the logs, the findings and the new inputs. Without targets, runs all of them.
#
# The seed is the same in each run, so that a change of the results comes from a change of the code. A long
# run by hand uses other seeds: set SEED=0.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=$(realpath "$1") seconds=$3
mkdir -p "$2"
directory=$(cd "$2" && pwd)
shift 3
mapfile -t targets < <(ENI_FUZZ_TARGET=list "$program" -runs=0 2>/dev/null)
[[ $# -eq 0 ]] || targets=("$@")
((${#targets[@]})) || { echo "$program has no targets" >&2; exit 1; }

# fuzz TARGET: runs one target. The limits are for one input: 10 s, and the heap limit in bin/fuzz.rs.
fuzz() {
    local output=$directory/$1
    mkdir -p "$output/corpus" "$output/findings"
    rm -f "$output"/findings/*
    ENI_FUZZ_TARGET=$1 RUST_BACKTRACE=0 "$program" -seed="${SEED:-1}" -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=1024 -max_len=16384 -print_final_stats=1 -verbosity=1 \
        -artifact_prefix="$output/findings/" "$output/corpus" "$here/corpus/$1" >"$output/log" 2>&1 ||
        echo "exit status $?" >>"$output/log"
}

number() { grep -a -oP "$2:\s*\K\d+" "$directory/$1/log" | tail -n 1 || true; }

started=$SECONDS
for target in "${targets[@]}"; do
    while (($(jobs -rp | wc -l) >= 2)); do wait -n || true; done
    fuzz "$target" &
done
wait

printf '%-16s %10s %8s %8s %8s %s\n' target executions seconds corpus MiB findings
status=0
for target in "${targets[@]}"; do
    findings=$(find "$directory/$target/findings" -type f | wc -l)
    # A process that a signal ends writes no input.
    if ((findings == 0)) && grep -a -q '^exit status' "$directory/$target/log"; then findings=1; fi
    printf '%-16s %10s %8s %8s %8s %s\n' "$target" "$(number "$target" stat::number_of_executed_units)" \
        "$seconds" "$(find "$directory/$target/corpus" "$here/corpus/$target" -type f | wc -l)" \
        "$(number "$target" stat::peak_rss_mb)" "$findings"
    ((findings == 0)) || status=1
done
echo "fuzz: ${#targets[@]} targets took $((SECONDS - started)) s"
for target in "${targets[@]}"; do
    grep -a -A 3 "panicked at" "$directory/$target/log" | cut -c 1-500 | sed "s/^/$target: /" || true
    for finding in "$directory/$target"/findings/*; do
        [[ -e $finding ]] || continue
        echo "reproduce: ENI_FUZZ_TARGET=$target $program $finding"
        # With the input in the log, a finding can be reproduced on another machine.
        echo "input (base64 --decode | gunzip): $(gzip -9n <"$finding" | base64 --wrap=0)"
    done
done
exit "$status"

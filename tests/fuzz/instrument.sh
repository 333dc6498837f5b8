#!/bin/bash
# RUSTC_WORKSPACE_WRAPPER of `make test-fuzz`: adds the coverage instrumentation of libFuzzer to the crates
# under test, and optimizes them. All other crates are those of `make test`.
set -euo pipefail

case " $* " in
*" --crate-name eni_core "* | *" --crate-name eni_bootstrap "* | *" --crate-name eni_bootstrap_fuzz "* | *" --crate-name fuzz "*)
    flags=(-Cpasses=sancov-module)
    # The agent itself is large, and spends its time in crates that are not optimized.
    [[ " $* " == *" --crate-name eni_bootstrap "* ]] || flags+=(-Copt-level=2)
    for option in level=4 inline-8bit-counters pc-table trace-compares; do
        flags+=("-Cllvm-args=-sanitizer-coverage-$option")
    done
    exec "$@" "${flags[@]}"
    ;;
esac
exec "$@"

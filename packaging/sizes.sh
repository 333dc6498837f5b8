#!/bin/bash
# Usage: sizes.sh BINARY…
#
# Prints the size of each BINARY and of its largest sections, in bytes.
set -euo pipefail

(($#)) || { echo "usage: sizes.sh BINARY…" >&2; exit 64; }
for binary in "$@"; do
    printf '%s\n%-20s%10d\n' "$binary" "  total" "$(stat -c %s "$binary")"
    table=$(readelf --sections --wide "$binary" | sed 's/^ *\[ *[0-9]*\] //')
    for section in .text .rodata .data.rel.ro .data .relr.dyn .eh_frame .eh_frame_hdr .gcc_except_table .dep-v0; do
        size=$(awk -v section="$section" '$1 == section { print $5 }' <<<"$table")
        printf '%-20s%10d\n' "  $section" "$((16#${size:-0}))"
    done
done

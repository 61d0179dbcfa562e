#!/usr/bin/env bash
# What the bindings cost: C and Rust send frames through the same pair of ring ports in turn.
#
#   tests/bench/rxtx.sh [ROUNDS]     5 rounds unless told otherwise
#
# Prints nanoseconds a frame, medians over the rounds, and Rust's as a multiple of C's. The figures
# vary with the machine and what else runs on it; the ratio is what counts. Needs no privilege.
set -euo pipefail

rounds=${1:-5}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

read -ra flags <<<"$(pkg-config --cflags --libs libdpdk)"
"${CC:-gcc}" -O3 -o "$work/rxtx-c" "$here/rxtx.c" "${flags[@]}" -lrte_net_ring
(cd "$root" && cargo build --quiet --release -p dpdk --example rxtx)
target=${CARGO_TARGET_DIR:-$root/target}

for ((round = 1; round <= rounds; round++)); do
    "$work/rxtx-c" 2>/dev/null >>"$work/c"
    "$target/release/examples/rxtx" 2>/dev/null >>"$work/rust"
done

# median FILE BURST
median() {
    awk -v burst="$2" '$1 == burst { print $2 }' "$1" | sort -n |
        awk '{ v[NR] = $1 }
            END { m = int((NR + 1) / 2); print NR % 2 ? v[m] : (v[m] + v[m + 1]) / 2 }'
}

printf 'tx + rx + touch over net_ring, ns a frame, medians of %d rounds\n' "$rounds"
printf '%6s %8s %8s %8s\n' burst C Rust ratio
for burst in 1 4 32; do
    c=$(median "$work/c" "$burst")
    rust=$(median "$work/rust" "$burst")
    printf '%6s %8.2f %8.2f %8.2f\n' "$burst" "$c" "$rust" \
        "$(awk -v c="$c" -v r="$rust" 'BEGIN { print r / c }')"
done

#!/usr/bin/env bash
# Drives a venue as fast as it goes, and says whether anything grew, got lost or was allocated.
#
#   scripts/soak.sh [DURATION] [arguments of `peregrine run`]     30m by default; 90s, 2h
#
# Runs config/soak.toml: made-up orders over TCP into a venue, everything it publishes read back.
# Leaves in target/soak:
#
#   report.json, index.html     what every run leaves
#   samples.jsonl               resident memory, mbufs in use, messages, every second
#   heap/before.pb.gz           what was live on the heap when the venue became hot, ...
#   heap/after.pb.gz            ... when the time was over, ...
#   heap/difference.pb.gz       ... and the one less the other, for `go tool pprof` and its like
#
# The exit status is the run's: 1 when a check failed. The checks are those of every run (nothing
# dropped, no heap allocation on a hot lcore, every order answered, the published tape equal to the
# book) and that neither resident memory, nor mbufs in use, nor the heap grew.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

HUGEPAGES_WANTED=128

duration=30m
case "${1:-}" in
    [0-9]*)
        duration=$1
        shift
        ;;
esac

# A look each second, and never so few that growth cannot be judged: a tenth of a short soak.
every=1s
case "$duration" in
    [0-9]s) every=200ms ;;
    *ms) every=50ms ;;
esac

set_up build
reserve_hugepages "$HUGEPAGES_WANTED"
target=$(target_dir)
export CARGO_TARGET_DIR="$target"
say "building"
(cd "$ROOT" && cargo build --release --locked --quiet)

out="$target/soak"
rm -rf "$out"
mkdir -p "$out"
status=0
"$target/release/peregrine" run "$ROOT/config/soak.toml" --report "$out" --duration "$duration" \
    --samples "$out/samples.jsonl" --samples-every "$every" --heap-profile "$out/heap" \
    ${HUGE_ARGS[@]+"${HUGE_ARGS[@]}"} "$@" || status=$?

# table FILE: the first look, every tenth of the time, and the last, as a table.
table() {
    python3 - "$1" <<'PYTHON'
import json
import sys

looks = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
step = max(1, len(looks) // 10)
print(f"{'s':>8} {'messages':>14} {'messages/s':>12} {'resident kB':>12} {'mbufs in use':>13}")
last = None
for look in looks[::step] + ([] if (len(looks) - 1) % step == 0 else looks[-1:]):
    rate = ""
    if last and look["at_s"] > last["at_s"]:
        rate = f"{(look['messages'] - last['messages']) / (look['at_s'] - last['at_s']):,.0f}"
    print(f"{look['at_s']:>8.0f} {look['messages']:>14,} {rate:>12} {look['resident_kb']:>12,}"
          f" {look['mbufs_in_use']:>13,}")
    last = look
if len(looks) > 1:
    first, last = looks[0], looks[-1]
    rate = (last["messages"] - first["messages"]) / (last["at_s"] - first["at_s"])
    print(f"FIGURE soak_orders_per_second {rate:.0f} 1/s")
PYTHON
}

if [ -s "$out/samples.jsonl" ]; then table "$out/samples.jsonl"; fi
say "report: $out/index.html; heap profiles: $out/heap"
exit "$status"

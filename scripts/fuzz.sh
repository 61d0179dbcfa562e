#!/usr/bin/env bash
# Fuzz the decoders, and what reads the engine's files.
#
#   scripts/fuzz.sh [TARGET|all] [SECONDS]
#
# Runs each target (all of them by default) for SECONDS (60 by default) with libFuzzer, from the
# committed seeds in fuzz/seeds/TARGET. What it learns goes to fuzz/corpus/TARGET and what breaks to
# fuzz/artifacts/TARGET; neither is committed: a finding becomes a seed or a test. Ends with 1 when
# any target found something, with 2 when an argument cannot be used. Coverage instrumentation is
# nightly's, so the stable compiler is told to allow it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

wanted=${1:-all}
seconds=${2:-60}
if [[ ! $seconds =~ ^[0-9]+$ ]]; then
    echo "fuzz.sh: SECONDS must be a whole number, not '$seconds'" >&2
    exit 2
fi

mapfile -t targets < <(sed -n 's/^name = "\([a-z_]*\)"$/\1/p' fuzz/Cargo.toml)
if [[ $wanted != all ]]; then
    if [[ ! -f fuzz/fuzz_targets/$wanted.rs ]]; then
        echo "fuzz.sh: no target '$wanted'; there are: ${targets[*]}" >&2
        exit 2
    fi
    targets=("$wanted")
fi

if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "fuzz.sh: installing cargo-fuzz" >&2
    cargo install cargo-fuzz --locked
fi

export RUSTC_BOOTSTRAP=1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=()
for target in "${targets[@]}"; do
    mkdir -p "fuzz/corpus/$target"
    # The decoders forbid unsafe code, so there is nothing for an address sanitizer to find.
    if cargo fuzz run --sanitizer none "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
        -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 \
        -print_final_stats=1 >"$log" 2>&1; then
        executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        echo "$target: ${executions:-0} executions in $seconds s, nothing found"
    else
        failed+=("$target")
        tail -n 40 "$log" >&2
        echo "$target: FAILED, see fuzz/artifacts/$target"
    fi
done
if ((${#failed[@]})); then
    echo "fuzz.sh: findings in: ${failed[*]}" >&2
    exit 1
fi

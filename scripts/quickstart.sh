#!/usr/bin/env bash
# From a fresh clone to a trading venue that has matched real orders, in one command.
#
#   scripts/quickstart.sh [arguments of `peregrine run`]
#
# Installs what is missing, takes hugepages where the kernel gives them, builds, and runs
# config/quickstart.toml: a venue and a trader joined by an in-memory wire, no NIC needed.
# Works from any directory and as an ordinary user. The exit status is that of the run.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The pools of the quickstart fit into 128 pages, that is 256 MB.
HUGEPAGES_WANTED=128

# given NAME ARGUMENT...: whether the caller passed the option himself.
given() {
    local name=$1 argument
    shift
    for argument in "$@"; do
        case "$argument" in "$name" | "$name"=*) return 0 ;; esac
    done
    return 1
}

set_up build

arguments=("$ROOT/config/quickstart.toml")
if ! given --no-huge "$@"; then
    reserve_hugepages "$HUGEPAGES_WANTED"
    arguments+=(${HUGE_ARGS[@]+"${HUGE_ARGS[@]}"})
fi

target=$(target_dir)
export CARGO_TARGET_DIR="$target"
say "building (a few minutes the first time)"
(cd "$ROOT" && cargo build --release --locked)

report="$target/report"
if ! given --report "$@"; then
    arguments+=(--report "$report")
fi

status=0
"$target/release/peregrine" run "${arguments[@]}" "$@" || status=$?
if ! given --report "$@"; then
    for file in "$report/report.json" "$report/index.html"; do
        if [ -f "$file" ]; then say "report: $file"; fi
    done
fi
exit "$status"

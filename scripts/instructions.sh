#!/usr/bin/env bash
# Counts the instructions of the key paths and holds them against tests/bench/instructions.json.
#
#   scripts/instructions.sh             fails when a path takes 3 % more than its baseline
#   scripts/instructions.sh --update    writes the baselines anew
#   scripts/instructions.sh --variant NAME    shows those of a build of scripts/build.sh --benches
#
# tests/bench/instructions.py lists the paths and how each is counted.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

set_up tests
CARGO_TARGET_DIR=$(target_dir)
export CARGO_TARGET_DIR
exec python3 "$ROOT/tests/bench/instructions.py" "$@"

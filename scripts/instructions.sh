#!/usr/bin/env bash
# Counts the instructions of the key paths and holds them against tests/bench/instructions.json.
#
#   scripts/instructions.sh             fails when a path takes 3 % more than its baseline
#   scripts/instructions.sh --update    writes the baselines anew
#
# tests/bench/instructions.py lists the paths and how each is counted.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

set_up tests
CARGO_TARGET_DIR=$(target_dir)
export CARGO_TARGET_DIR
exec python3 "$ROOT/tests/bench/instructions.py" "$@"

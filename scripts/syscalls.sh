#!/usr/bin/env bash
# Shows that the hot path makes no system call.
#
#   scripts/syscalls.sh [arguments of `peregrine run`]
#   scripts/syscalls.sh --trace FILE      judge a trace that is there already
#
# Runs config/quickstart.toml under strace. Each polling thread names itself `lc<N>-hot` once it is
# warm and `lc<N>-done` when its measured part ends; both names are set with prctl and so stand in
# the trace as marks. Everything that such a thread asks of the kernel between its two marks is
# counted. Exit status 1 if that is anything at all, or if no thread left both marks.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# judge FILE: prints one line a polling thread, and what it called between its marks.
#
# A line of `strace -f -o` is `PID call(...) = result`. A call that another thread's line interrupts
# is split into `PID call(... <unfinished ...>` and `PID <... call resumed>`: the first counts.
# Signals (`---`) and exits (`+++`) are not calls.
judge() {
    awk '
        $2 ~ /^(---|\+\+\+|<\.\.\.)/ { next }
        /prctl\(PR_SET_NAME, "lc[^"]*-hot"/ {
            match($0, /"lc[^"]*-hot"/)
            name[$1] = substr($0, RSTART + 1, RLENGTH - 6)
            hot[$1] = 1
            if (!($1 in order)) { order[$1] = ++threads; pid[threads] = $1 }
            next
        }
        /prctl\(PR_SET_NAME, "lc[^"]*-done"/ {
            if ($1 in hot) { hot[$1] = 0; done[$1] = 1 }
            next
        }
        hot[$1] {
            call = $2
            sub(/\(.*/, "", call)
            count[$1]++
            calls[$1, call]++
            seen[call] = 1
        }
        END {
            if (threads == 0) {
                print "no thread left the mark lc<N>-hot: nothing was measured"
                exit 1
            }
            bad = 0
            printf "%-12s %10s %14s  %s\n", "thread", "id", "system calls", "which"
            for (i = 1; i <= threads; i++) {
                p = pid[i]
                which = ""
                for (call in seen)
                    if ((p, call) in calls) which = which call " x" calls[p, call] " "
                if (!(p in done)) which = "never said lc<N>-done " which
                if (count[p] > 0 || !(p in done)) bad = 1
                printf "%-12s %10s %14d  %s\n", name[p], p, count[p], which
            }
            exit bad
        }' "$1"
}

if [ "${1:-}" = --trace ]; then
    [ "$#" -eq 2 ] || die 2 "usage: scripts/syscalls.sh --trace FILE"
    judge "$2"
    exit
fi

set_up build
command -v strace >/dev/null 2>&1 || die 2 "strace is missing: run scripts/setup.sh --tests"
CARGO_TARGET_DIR=$(target_dir)
export CARGO_TARGET_DIR
(cd "$ROOT" && cargo build --release --locked --quiet)

trace="$CARGO_TARGET_DIR/syscalls.trace"
strace -f -qq -o "$trace" "$CARGO_TARGET_DIR/release/peregrine" run \
    "$ROOT/config/quickstart.toml" --no-huge "$@" >&2 ||
    die 1 "the traced run failed (the trace is $trace)"
judge "$trace"

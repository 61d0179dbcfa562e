#!/usr/bin/env bash
# Everything that must hold before a change lands, in order, on any machine.
#
#   scripts/test.sh                 everything
#   scripts/test.sh SECTION...      some of it: format lint shell policy docs peers build
#                                   testbed test quickstart loopback syscalls instructions bench
#
# Stops at the first section that fails; the summary comes all the same. A test that needs what
# this machine does not give (root, network namespaces, hugepages) writes a PEREGRINE-SKIP line.
# With CI=true, and as root, such a skip is a failure unless PEREGRINE_ALLOW_SKIPS is set.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

SECTIONS=(format lint shell policy docs peers build testbed test quickstart loopback syscalls
    instructions bench)
SUMMARY=()
FAILED=""

section_format() { cargo fmt --all --check; }

section_lint() { cargo clippy --workspace --all-targets --locked -- -D warnings; }

section_shell() {
    local files
    mapfile -t files < <(find . -path ./target -prune -o -path ./fuzz/target -prune -o \
        -type f \( -name '*.sh' -o -path ./.ci/run \) -print | sort)
    shellcheck "${files[@]}"
    echo "${#files[@]} scripts are clean"
}

# Licences, sources and bans from deny.toml. tests/tidy.rs checks the same licences and sources
# from `cargo metadata`, so where cargo-deny cannot be had nothing is lost but its finer report.
section_policy() {
    local tools="$CARGO_TARGET_DIR/tools"
    PATH="$tools/bin:$PATH"
    if ! command -v cargo-deny >/dev/null 2>&1; then
        # A minute or two once, not optimised; the binary stays in the target directory.
        if ! CARGO_TARGET_DIR="$tools/build" CARGO_PROFILE_DEV_DEBUG=0 cargo install cargo-deny \
            --debug --locked --quiet --root "$tools"; then
            echo "cargo-deny could not be installed here; tests/tidy.rs checks licences and sources"
            return 0
        fi
        rm -rf "$tools/build"
    fi
    # `cargo test` fetches all that is locked; here it may not have run yet.
    cargo fetch --locked --quiet
    cargo deny --offline --log-level error check licenses bans sources
    if cargo deny --log-level error fetch db 2>/dev/null; then
        cargo deny --offline --log-level error check advisories
    else
        echo "advisories: the advisory database is not reachable here, so they were not checked"
    fi
}

section_docs() { RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet; }

# The independent Python peers check themselves against the captures before they judge anybody, and
# so does the runner of the benchmarks. Provisioning is tried on made hosts, never on this machine;
# manifests are held against Kubernetes' schemas, by a Python that scripts/setup.sh gave them.
section_peers() {
    local schemas=$CARGO_TARGET_DIR/deploy/bin/python
    [ -x "$schemas" ] || schemas=python3
    (cd tests/peers && python3 -m unittest -v)
    (cd scripts/bench && python3 -m unittest -v)
    (cd scripts/provision && python3 -m unittest -v)
    (cd tests/bench && python3 -m unittest -v)
    (cd tests/deploy && "$schemas" -m unittest -v)
}

# By itself, for it times nothing: so the emulated host is not waited for before it.
section_build() { cargo test --workspace --locked --no-run; }

section_test() {
    reserve_hugepages 256
    cargo test --workspace --locked --no-fail-fast 2>&1 | tee "$LOGS/cargo-test.log"
}

section_quickstart() { scripts/quickstart.sh; }

section_instructions() { scripts/instructions.sh; }

# Two seconds a test would tell no more here.
section_loopback() { scripts/loopback-test.sh --seconds 1; }

section_syscalls() { scripts/syscalls.sh; }

# Few short runs: not for their figures, but to see that all of it works and that peers do our work.
# Those of one process, and one of two: the others take long, and want both CPUs for themselves.
BENCHES=decode,books,market,engine-mixed,engine-moves,matching,gate,backtest,order-to-ack

section_bench() { scripts/bench.sh --quick --only "$BENCHES" --out "$LOGS/bench"; }

# The emulated host, from its plan to its rollback. It needs one CPU, and no figure of it is judged:
# so it runs beside the sections that compile, and is waited for before those that want to be alone.
start_testbed() {
    rm -f "$LOGS/testbed.status"
    (
        status=0
        scripts/testbed.sh test --short >"$LOGS/testbed.log" 2>&1 </dev/null || status=$?
        echo "$status" >"$LOGS/testbed.status"
    ) &
    trap stop_testbed EXIT
}

# Whatever ends this script before the section ends the guest.
stop_testbed() {
    [ -f "$LOGS/testbed.status" ] || scripts/testbed.sh stop
}

section_testbed() {
    local status
    until [ -f "$LOGS/testbed.status" ]; do sleep 1; done
    status=$(cat "$LOGS/testbed.status")
    cat "$LOGS/testbed.log"
    # "This machine lacks something", in all our scripts.
    if [ "$status" -eq 2 ]; then
        not_run "the emulated host cannot be had here: $(tail -n 1 "$LOGS/testbed.log")"
        return 0
    fi
    return "$status"
}

# not_run WHY...: a section that was left out, told here and in the summary.
not_run() {
    echo "SKIPPED: $*"
    printf '%s\n' "$*" >"$LOGS/not-run"
}

# run NAME: one section in its own shell, timed.
run() {
    local name=$1 started=$SECONDS status
    rm -f "$LOGS/not-run"
    printf '\n==== %s %s\n' "$name" "$(printf '=%.0s' $(seq $((90 - ${#name}))))"
    set +e
    (set -e && "section_$name")
    status=$?
    set -e
    local took=$((SECONDS - started))
    if [ "$status" -eq 0 ] && [ -f "$LOGS/not-run" ]; then
        SUMMARY+=("$(printf '%-12s SKIPPED         %s' "$name" "$(cat "$LOGS/not-run")")")
    elif [ "$status" -eq 0 ]; then
        SUMMARY+=("$(printf '%-12s ok      %4d s' "$name" "$took")")
    else
        SUMMARY+=("$(printf '%-12s FAILED  %4d s  (status %d)' "$name" "$took" "$status")")
        FAILED=$name
    fi
}

# tests_counted: adds up the closing lines of cargo's test runner.
tests_counted() {
    [ -f "$LOGS/cargo-test.log" ] || return 0
    awk '/^test result:/ { passed += $4; failed += $6; ignored += $8 }
        END { printf "%d passed, %d failed, %d skipped\n", passed, failed, ignored }' \
        "$LOGS/cargo-test.log"
}

# judge_skips: lists what was skipped, and says whether that is acceptable here.
judge_skips() {
    [ -s "$PEREGRINE_SKIP_LOG" ] || return 0
    printf '\nskipped for want of a capability:\n'
    sort -u "$PEREGRINE_SKIP_LOG" | sed 's/^/  /'
    if [ -n "${PEREGRINE_ALLOW_SKIPS:-}" ]; then
        return 0
    elif [ "${CI:-}" = true ] || is_root; then
        echo "with CI=true or as root nothing may be skipped (PEREGRINE_ALLOW_SKIPS=1 allows it)"
        return 1
    fi
}

finish() {
    printf '\n==== summary %s\n' "$(printf '=%.0s' $(seq 82))"
    if [ "${#SUMMARY[@]}" -gt 0 ]; then printf '%s\n' "${SUMMARY[@]}"; fi
    printf '%-12s         %4d s\n' total "$SECONDS"
    judge_skips || FAILED=${FAILED:-skips}
    tests_counted
    if [ -n "$FAILED" ]; then
        echo "FAILED: $FAILED"
        exit 1
    fi
    echo "all sections passed"
}

main() {
    local chosen=("$@") name
    [ "${#chosen[@]}" -gt 0 ] || chosen=("${SECTIONS[@]}")
    for name in "${chosen[@]}"; do
        case " ${SECTIONS[*]} " in
            *" $name "*) ;;
            *) die 2 "no section called $name; there are: ${SECTIONS[*]}" ;;
        esac
    done
    cd "$ROOT"
    "$ROOT/scripts/setup.sh" --tests
    set_up tests
    CARGO_TARGET_DIR=$(target_dir)
    LOGS="$CARGO_TARGET_DIR/test-logs"
    PEREGRINE_SKIP_LOG="$LOGS/skips.log"
    export CARGO_TARGET_DIR PEREGRINE_SKIP_LOG
    mkdir -p "$LOGS"
    rm -f "$LOGS/cargo-test.log"
    : >"$PEREGRINE_SKIP_LOG"
    case " ${chosen[*]} " in *" testbed "*) start_testbed ;; esac
    for name in "${chosen[@]}"; do
        run "$name"
        [ -z "$FAILED" ] || break
    done
    finish
}

main "$@"

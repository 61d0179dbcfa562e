#!/usr/bin/env bash
# Benchmarks.
#
#   scripts/bench.sh [all] [OPTION...]     everything, in turn with peers: one page and one JSON
#   scripts/bench.sh --quick               a short run of it, to see that everything works
#   scripts/bench.sh --list                what there is; --help lists the options
#   scripts/bench.sh engine|engine-ns|trader|day [OPTION...]
#
# docs/benchmarks.md tells how to read what the first writes; it ends with 1 when a benchmark fails.
#
# `engine` measures what a command costs as orders, symbols and sessions grow: ns for every
# combination, then instructions for the smallest and a large one. OPTIONs go to the first
# measurement; strategy/engine/examples/engine_scale/main.rs lists them. It takes a quarter of
# an hour and 4 GB. `engine-ns` measures a mixed flow instead. `trader` measures what a message of
# the sample, or of the ITCH file that is the OPTION, costs the market, what an order costs the risk
# gate, and how fast a backtest runs; `day` the market over a made-up day of 300 million messages of
# 8,000 symbols (some minutes; OPTIONs --messages N --symbols N --seed N). Instructions come from
# callgrind, which needs no counters of the CPU and counts the same on every run; without valgrind
# they are left out. Ends with 1 when the engine did not do what was asked, with 2 when an argument
# cannot be used.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

# Callgrind simulates the filling of the engine as well: ten million orders would take half an hour.
COUNTED_ORDERS=(1000 1000000)
COUNTED_ROUNDS=10

# Orders, symbols, sessions, ledger: a row of instructions a command.
count_instructions() {
    local binary=$1 orders=$2 symbols=$3 sessions=$4 ledger=$5 out dir
    dir=$(mktemp -d)
    out=$(valgrind --tool=callgrind --callgrind-out-file="$dir/profile" \
        --toggle-collect='engine_scale::timed::*' "$binary" --orders "$orders" \
        --symbols "$symbols" --sessions "$sessions" --ledger "$ledger" \
        --rounds "$COUNTED_ROUNDS" 2>/dev/null) || die 1 "callgrind failed: $out"
    local commands
    commands=$(sed -n 's/ commands of each kind, one by one, in the last row$//p' <<<"$out")
    callgrind_annotate --inclusive=yes --threshold=100 "$dir/profile" 2>/dev/null |
        awk -v commands="$commands" -v first="$orders $symbols $sessions $ledger" '
            match($0, /engine_scale::timed::[a-z]+/) {
                kind = substr($0, RSTART + 21, RLENGTH - 21)
                gsub(",", "", $1)
                if (!(kind in count)) count[kind] = $1
            }
            END {
                split(first, f, " ")
                printf "%10s%9s%10s %-6s", f[1], f[2], f[3], f[4]
                columns = split("add cancel replace keep cross", column, " ")
                for (at = 1; at <= columns; at++)
                    printf "%9.0f", count[column[at]] / commands
                print ""
            }'
    rm -r "$dir"
}

bench_engine() {
    local binary ledger
    cargo build --release --locked -p engine --example engine_scale
    binary=$(target_dir)/release/examples/engine_scale
    echo "ns a command, the median over batches"
    "$binary" "$@"
    if ! command -v valgrind >/dev/null 2>&1; then
        say "valgrind is not installed: instructions are not counted"
        return 0
    fi
    echo
    echo "instructions a command"
    for ledger in no yes; do
        count_instructions "$binary" "${COUNTED_ORDERS[0]}" 1 1 "$ledger"
        count_instructions "$binary" "${COUNTED_ORDERS[1]}" 10000 4096 "$ledger"
    done
}

# Instructions a message of one pass over $2: parsing, books, market, market with read-ahead.
count_market() {
    local binary=$1 file=$2 messages dir part
    dir=$(mktemp -d)
    messages=$("$binary" "$file" 1 | grep -oE '[0-9,]+ messages' | head -1 | tr -dc 0-9) || true
    for part in parsing books_plain books_warmed market_plain market_warmed; do
        valgrind --tool=callgrind --callgrind-out-file="$dir/$part" \
            --toggle-collect="market_ns::$part" "$binary" "$file" 1 >"$dir/said" 2>&1 ||
            die 1 "callgrind failed: $(tail -n 3 "$dir/said")"
        awk -v part="$part" -v messages="${messages:-0}" '
            /^(summary|totals):/ && $2 > total { total = $2 }
            END { if (!messages || !total) exit 1
                  printf "%10.0f instructions a message, %s\n", total / messages, part }' \
            "$dir/$part" || die 1 "callgrind saw no market_ns::$part: was it renamed?"
    done
    rm -r "$dir"
}

bench_trader() {
    local file=${1:-data/sample/aapl.itch} binaries
    cargo build --release --locked -p market --example market_ns
    cargo build --release --locked -p risk --example gate_ns
    cargo build --release --locked
    binaries=$(target_dir)/release
    say "market: ns a message"
    "$binaries/examples/market_ns" "$file" 51
    if command -v valgrind >/dev/null 2>&1; then
        count_market "$binaries/examples/market_ns" "$file"
    else
        say "valgrind is not installed: instructions are not counted"
    fi
    say "gate: ns an order"
    "$binaries/examples/gate_ns"
    say "backtest: messages a second, on stderr at the end"
    "$binaries/peregrine" backtest --itch data/sample/sod.itch --itch data/sample/aapl.itch \
        --symbols AAPL --report "$(target_dir)/backtest" >/dev/null
}

# Hugepages for two processes with ports of their own.
HUGEPAGES_WANTED=512

bench_all() {
    case " $* " in
        *" --list "* | *" --help "* | *" -h "*) ;;
        *)
            set_up build
            reserve_hugepages "$HUGEPAGES_WANTED"
            ;;
    esac
    CARGO_TARGET_DIR=$(target_dir) python3 scripts/bench "$@"
}

what=${1:-all}
case $what in
    -*) what=all ;;
    *) shift || true ;;
esac
use_cargo_bin
case $what in
    all) bench_all "$@" ;;
    engine) bench_engine "$@" ;;
    engine-ns) cargo run --release --locked -p engine --example engine_ns -- "$@" ;;
    trader) bench_trader "$@" ;;
    day) cargo run --release --locked -p market --example day_ns -- "$@" ;;
    *) die 2 "bench.sh: there is '$what' not, only all, engine, engine-ns, trader and day" ;;
esac

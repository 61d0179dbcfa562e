#!/usr/bin/env bash
# Builds the appliance in a variant of the release profile.
#
#   scripts/build.sh                       as `cargo build --release`: for any x86-64-v2, or aarch64
#   scripts/build.sh VARIANT... [-- ARG...]   variants go together: `lto pgo native`
#   scripts/build.sh --benches VARIANT...  programs of the benchmarks in place of the appliance
#
#   native, native=CPU   for this machine's CPU, or one by rustc's name: native=x86-64-v3
#   lto                  the whole program optimised as one (cargo's profile `lto`)
#   cross-lto            the same with the C shims of ffi/dpdk-sys in it
#   pgo                  with a profile of the quickstart and a backtest, or of the benchmarks
#
# What comes of it is in target/variants/NAME/release, NAME being the variants joined by `+`. ARGs
# go to `cargo build`. docs/performance.md tells what each gains, and what it needs.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Programs that measure, and their packages.
BENCH_PACKAGES=(engine market risk net dpdk)
BENCHES=(flow_ns engine_scale market_ns gate_ns echo_ns rxtx)

profile=release cpu="" cross="" pgo="" benches="" names=()

read_arguments() {
    while [ $# -gt 0 ]; do
        case $1 in
            --) shift && more=("$@") && return 0 ;;
            --benches) benches=yes && shift && continue ;;
            -h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
            default) shift && continue ;;
            native) cpu=native ;;
            native=?*) cpu=${1#native=} ;;
            lto) profile=lto ;;
            cross-lto) profile=lto cross=yes ;;
            pgo) pgo=yes ;;
            *) die 2 "there is no variant '$1', only native, native=CPU, lto, cross-lto and pgo" ;;
        esac
        names+=("${1/=/-}")
        shift
    done
}

# The LLVM inside rustc, by its first number: what reads and writes its files must not be older.
llvm_of_rustc() { rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p'; }

# Nothing for a tool that does not tell: llvm-profdata does so since some releases only.
llvm_major() {
    { "$1" --version 2>/dev/null || true; } | sed -n 's/.*version \([0-9]*\)\..*/\1/p' | head -n 1
}

# first_llvm OLDEST NEWEST TOOL...: sets `tool` to the first that is within these, or to nothing.
first_llvm() {
    local oldest=$1 newest=$2 major
    shift 2
    for tool in "$@"; do
        command -v "$tool" >/dev/null 2>&1 || continue
        major=$(llvm_major "$tool")
        if [ "${major:-0}" -ge "$oldest" ] && [ "${major:-0}" -le "$newest" ]; then return 0; fi
    done
    tool=""
}

# What rustc's instrumentation writes, only llvm-profdata of the same LLVM or a newer one reads, and
# what that writes, rustc reads if it is of its own.
find_profdata() {
    local llvm own
    llvm=$(llvm_of_rustc)
    own="$(rustc --print target-libdir)/../bin/llvm-profdata"
    local tools=("$own" "llvm-profdata-$llvm" llvm-profdata)
    if [ -n "${LLVM_PROFDATA:-}" ]; then tools=("$LLVM_PROFDATA"); fi
    first_llvm "$llvm" "$llvm" "${tools[@]}"
    if [ -z "$tool" ] && [ -z "${LLVM_PROFDATA:-}" ] &&
        apt-cache show "llvm-$llvm" >/dev/null 2>&1; then
        ensure_packages "llvm-$llvm"
        first_llvm "$llvm" "$llvm" "llvm-profdata-$llvm"
    fi
    [ -n "$tool" ] || die 2 "pgo needs llvm-profdata of LLVM $llvm, which rustc $(rust_found) is" \
        "built on; of these none is: ${tools[*]}. An older one cannot read the profile. Take it" \
        "with 'rustup component add llvm-tools' or 'apt-get install llvm-$llvm', or name one in" \
        "LLVM_PROFDATA"
    profdata=$tool
}

# The linker reads the C compiler's code and rustc's: it is rustc's own, and clang may be older.
use_cross_lto() {
    local llvm
    llvm=$(llvm_of_rustc)
    first_llvm 14 "$llvm" "clang-$llvm" clang
    [ -n "$tool" ] || die 2 "cross-lto needs clang of LLVM 14 to $llvm, not newer than rustc's"
    export CC=$tool CFLAGS=-flto=thin
    local lld
    lld="$(rustc --print target-libdir)/../bin/gcc-ld"
    if [ ! -x "$lld/ld.lld" ]; then
        first_llvm "$llvm" "$llvm" "ld.lld-$llvm" ld.lld
        [ -n "$tool" ] || die 2 "cross-lto needs lld of LLVM $llvm: apt-get install lld-$llvm"
        lld=$(dirname "$(readlink -f "$(command -v "$tool")")")
    fi
    flags+=(-Clinker-plugin-lto "-Clink-arg=-B$lld" -Clink-arg=-fuse-ld=lld)
    # Code for a newer CPU is not inlined into code for an older one, and DPDK's own flags ask for
    # SSE 4.2.
    case $TRIPLE in x86_64-*) cpu=${cpu:-x86-64-v2} ;; esac
}

# build FLAG...: cargo with these flags besides, for the target alone and not for build scripts.
build() {
    local encoded word chosen=()
    if [ -n "$benches" ]; then
        for word in "${BENCH_PACKAGES[@]}"; do chosen+=(-p "$word"); done
        for word in "${BENCHES[@]}"; do chosen+=(--example "$word"); done
    fi
    encoded=$(printf '\x1f%s' ${flags[@]+"${flags[@]}"} "$@")
    (cd "$ROOT" && CARGO_TARGET_DIR="$dir/build" CARGO_ENCODED_RUSTFLAGS="${encoded:1}" \
        cargo build --locked --profile "$profile" --target "$TRIPLE" \
        ${chosen[@]+"${chosen[@]}"} ${more[@]+"${more[@]}"})
    ln -sfn "build/$TRIPLE/$profile" "$dir/release"
}

# train PROGRAMS: what the appliance does all day.
train() {
    local sample="$ROOT/data/sample"
    reserve_hugepages 128
    say "training: the quickstart and a backtest"
    "$1/peregrine" run "$ROOT/config/quickstart.toml" --report "$dir/report" \
        ${HUGE_ARGS[@]+"${HUGE_ARGS[@]}"}
    "$1/peregrine" backtest --itch "$sample/sod.itch" --itch "$sample/aapl.itch" \
        --symbols AAPL --report "$dir/report"
}

# The benchmarks at other sizes than those that are measured, where they take any.
train_benches() {
    local programs="$1/examples" flow
    say "training: the benchmarks"
    for flow in mixed inserts moves; do
        "$programs/flow_ns" --flow "$flow" --passes 1 --ops 200000
    done
    "$programs/engine_scale" --orders 10000 --symbols 100 --sessions 16 --rounds 20
    "$programs/market_ns" "$ROOT/data/sample/aapl.itch" 3
    "$programs/gate_ns"
    "$programs/echo_ns" 16 20000 1
    "$programs/rxtx"
}

build_with_profile() {
    local raw="$dir/raw" plain_dir=$dir
    rm -rf "$raw"
    # The instrumented build stands apart, so that neither is built anew because of the other.
    dir="$dir/instrumented"
    build "-Cprofile-generate=$raw"
    mkdir -p "$dir/report"
    "train${benches:+_benches}" "$dir/release" >"$dir/training.log" 2>&1 ||
        die 1 "the training failed: $(tail -n 3 "$dir/training.log")"
    dir=$plain_dir
    "$profdata" merge -o "$dir/merged.profdata" "$raw" ||
        die 1 "$profdata cannot read the profile: is it of LLVM $(llvm_of_rustc)?"
    build "-Cprofile-use=$dir/merged.profdata"
}

tool="" more=() flags=()
read_arguments "$@"
set_up build
TRIPLE=$(rustc -vV | sed -n 's/^host: //p')
name=$(IFS=+ && echo "${names[*]:-default}")
dir="$(target_dir)/variants/$name"
mkdir -p "$dir"
if [ -n "$pgo" ]; then find_profdata; fi
if [ -n "$cross" ]; then use_cross_lto; fi
if [ -n "$cpu" ]; then flags+=("-Ctarget-cpu=$cpu"); fi
if [ -n "$pgo" ]; then build_with_profile; else build; fi
say "$name is built: $dir/release"

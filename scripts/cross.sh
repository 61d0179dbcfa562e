#!/usr/bin/env bash
# Shows on this machine that the default build is for others, from any Debian on x86-64.
#
#   scripts/cross.sh            both of these
#   scripts/cross.sh aarch64    the whole workspace compiles for aarch64
#   scripts/cross.sh v2         what is built here runs on a CPU without AVX (x86-64-v2)
#
# `aarch64` takes DPDK's arm64 packages and what they need into target/aarch64/sysroot, without
# installing them, and Rust's standard library for that target: from rustup, or, where rustup cannot
# fetch one, compiler and library from Debian's package rustc-web. Then `cargo check` with clang as
# the C compiler. Nothing of the system is changed.
#
# `v2` runs a backtest and the quickstart, DPDK with it, on the Nehalem that qemu-user emulates,
# where an instruction that is newer ends the process. The backtest must write what it writes here.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

TRIPLE=aarch64-unknown-linux-gnu
GNU=aarch64-linux-gnu

# apt_of_arm64 ARGUMENT...: apt-get with lists and a cache of its own, for an empty arm64 system.
apt_of_arm64() {
    APT_CONFIG="$dir/apt.conf" apt-get -qq "$@"
}

set_up_sysroot() {
    [ -e "$dir/sysroot/done" ] && return 0
    say "fetching DPDK for arm64 into $dir/sysroot"
    mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial" "$dir/sysroot"
    : >"$dir/status"
    cat >"$dir/apt.conf" <<CONF
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Sandbox::User "root";
Dir::State "$dir/state";
Dir::State::status "$dir/status";
Dir::Cache "$dir/cache";
Debug::NoLocking "true";
CONF
    apt_of_arm64 update || die 2 "apt-get update failed: see the message above"
    apt_of_arm64 install -y --no-install-recommends --download-only libdpdk-dev libc6-dev >&2 ||
        die 2 "apt-get could not download DPDK for arm64"
    local package
    for package in "$dir"/cache/archives/*.deb; do dpkg -x "$package" "$dir/sysroot"; done
    touch "$dir/sysroot/done"
}

# Sets RUSTC where the toolchain in use has no standard library for the target.
set_up_std() {
    local own
    own="$(cd "$ROOT" && rustc --print sysroot)/lib/rustlib/$TRIPLE/lib"
    [ -d "$own" ] && return 0
    if command -v rustup >/dev/null 2>&1 && (cd "$ROOT" && rustup -q target add "$TRIPLE") \
        >/dev/null 2>&1; then
        return 0
    fi
    if [ ! -x "$dir/rust/usr/bin/rustc" ]; then
        say "rustup has no library for $TRIPLE here: taking Debian's rustc-web into $dir/rust"
        mkdir -p "$dir/debs" "$dir/rust"
        local std llvm
        std=$(apt-cache depends rustc-web | sed -n 's/.*Depends: \(libstd-rust-web-dev\)/\1/p')
        std="$std $(apt-cache depends "$std" | sed -n 's/.*Depends: \(libstd-rust-web-.*\)/\1/p')"
        # shellcheck disable=SC2086 # two names
        llvm=$(apt-cache depends $std | sed -n 's/.*Depends: \(libllvm.*\)/\1/p')
        # shellcheck disable=SC2086
        (cd "$dir/debs" && apt-get -qq download rustc-web $std $llvm &&
            apt_of_arm64 download $std) 2>/dev/null ||
            die 2 "Debian's rustc-web could not be had"
        local package
        for package in "$dir"/debs/*.deb; do dpkg -x "$package" "$dir/rust"; done
    fi
    local libraries
    libraries="$dir/rust/usr/lib/$(uname -m)-linux-gnu:$dir/rust/usr/lib"
    # shellcheck disable=SC2016 # "$@" is for the wrapper
    printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s "$@"\n' "$libraries" "$dir/rust/usr/bin/rustc" \
        >"$dir/rustc"
    chmod +x "$dir/rustc"
    export RUSTC="$dir/rustc"
}

check_aarch64() {
    dir="$target/aarch64"
    mkdir -p "$dir"
    set_up_sysroot
    set_up_std
    local for_target="--target=$GNU --sysroot=$dir/sysroot"
    export PKG_CONFIG_ALLOW_CROSS=1 PKG_CONFIG_SYSROOT_DIR="$dir/sysroot"
    export PKG_CONFIG_LIBDIR="$dir/sysroot/usr/lib/$GNU/pkgconfig:$dir/sysroot/usr/share/pkgconfig"
    export CC_aarch64_unknown_linux_gnu=clang CFLAGS_aarch64_unknown_linux_gnu="$for_target"
    export BINDGEN_EXTRA_CLANG_ARGS_aarch64_unknown_linux_gnu="$for_target"
    say "checking the workspace for $TRIPLE with $("${RUSTC:-rustc}" --version)"
    CARGO_TARGET_DIR="$dir/build" cargo check --workspace --locked --target "$TRIPLE"
    say "the workspace compiles for $TRIPLE, against DPDK $(pkg-config --modversion libdpdk)"
}

# backtest OUT [PREFIX...]: a backtest, its report in OUT, run by way of PREFIX.
backtest() {
    local out=$1 sample="$ROOT/data/sample"
    shift
    "$@" "$target/release/peregrine" backtest --itch "$sample/sod.itch" \
        --itch "$sample/aapl.itch" --symbols AAPL --report "$out" >/dev/null
}

check_v2() {
    ensure_packages qemu-user
    CARGO_TARGET_DIR="$target" cargo build --release --locked
    local out="$target/v2" nehalem=(qemu-x86_64 -cpu Nehalem)
    mkdir -p "$out"
    backtest "$out/here"
    backtest "$out/nehalem" "${nehalem[@]}" || die 1 "the backtest does not run on x86-64-v2"
    diff -r "$out/here" "$out/nehalem" >&2 || die 1 "the backtest differs on x86-64-v2"
    say "the quickstart on an emulated Nehalem, half a minute"
    "${nehalem[@]}" "$target/release/peregrine" run "$ROOT/config/quickstart.toml" --no-huge \
        --report "$out/quickstart" >"$out/quickstart.log" 2>&1 ||
        die 1 "the quickstart does not run on x86-64-v2: $(tail -n 3 "$out/quickstart.log")"
    say "the default build runs on x86-64-v2, and decides there as it does here"
}

case ${1:-all} in
    all | aarch64 | v2) ;;
    *) die 2 "cross.sh: there is '$1' not, only aarch64 and v2" ;;
esac
set_up build
target=$(target_dir)
cd "$ROOT"
# Each in a shell of its own: the first sets what would lead the second astray.
if [ "${1:-all}" != v2 ]; then (check_aarch64); fi
if [ "${1:-all}" != aarch64 ]; then (check_v2); fi

#!/usr/bin/env bash
# What the scripts share: words for the terminal, packages, the Rust toolchain, hugepages.
#
# Source it, do not run it. Nothing here changes the machine until a function is called, and each
# function first looks whether there is anything to do. Exit status 2 means "this machine lacks
# something, and the message above says which command puts it there".
set -euo pipefail

# The top of the repository, wherever the caller stands.
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
export ROOT

# Packages that the build needs, and those that the tests need besides.
# libelf's and libbpf's headers come with libdpdk-dev where its drivers want them.
PACKAGES_BUILD=(libdpdk-dev dpdk pkg-config clang libclang-dev gcc libc6-dev make git curl
    ca-certificates python3)
# dpdk-dev has dpdk-testpmd, the peer of loopback.
PACKAGES_TEST=(iproute2 iputils-ping ethtool tcpdump shellcheck strace valgrind dpdk-dev)

say() { printf '%s\n' "peregrine: $*" >&2; }

# die STATUS MESSAGE...: one clear message, then out.
die() {
    local status=$1
    shift
    say "$*"
    exit "$status"
}

is_root() { [ "$(id -u)" -eq 0 ]; }

# Whether as_root can work without asking anybody: root itself, or sudo with a password cached, or
# sudo on a terminal where a person can type one.
can_be_root() {
    is_root && return 0
    command -v sudo >/dev/null 2>&1 || return 1
    sudo -n true 2>/dev/null && return 0
    [ -t 0 ] && [ -t 2 ] && id -nG | tr ' ' '\n' | grep -qxE 'sudo|wheel|admin'
}

as_root() {
    if is_root; then "$@"; else sudo "$@"; fi
}

# missing_packages NAME...: prints those that are not installed, one a line.
missing_packages() {
    local name
    for name in "$@"; do
        if ! dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed; then
            printf '%s\n' "$name"
        fi
    done
}

# ensure_packages NAME...: installs what is missing, and calls apt only then.
ensure_packages() {
    if ! command -v dpkg-query >/dev/null 2>&1; then
        ensure_commands_elsewhere
        return
    fi
    local missing
    mapfile -t missing < <(missing_packages "$@")
    [ "${#missing[@]}" -eq 0 ] && return 0
    if ! can_be_root; then
        say "these packages are missing: ${missing[*]}"
        die 2 "run as root: apt-get update && apt-get install -y --no-install-recommends" \
            "${missing[*]}"
    fi
    say "installing: ${missing[*]}"
    as_root apt-get update -qq || die 2 "apt-get update failed: see the message above"
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "${missing[@]}" >&2 ||
        die 2 "apt-get could not install: ${missing[*]}"
}

# Not Debian: we do not know its package names, so only look whether the tools are there.
ensure_commands_elsewhere() {
    local lacks=()
    command -v cc >/dev/null 2>&1 || lacks+=("a C compiler")
    command -v clang >/dev/null 2>&1 || lacks+=("clang with libclang")
    if ! command -v pkg-config >/dev/null 2>&1; then
        lacks+=("pkg-config")
    elif ! pkg-config --exists libdpdk; then
        lacks+=("DPDK 22.11 or newer with its pkg-config file")
    fi
    [ "${#lacks[@]}" -eq 0 ] && return 0
    local list
    list=$(printf ', %s' "${lacks[@]}")
    die 2 "not a Debian system; please install: ${list:2}"
}

# The oldest Rust that builds this tree, as the workspace states it.
rust_needed() { sed -n 's/^rust-version *= *"\([0-9.]*\)".*/\1/p' "$ROOT/Cargo.toml" | head -n 1; }

# rust_found: the version that `rustc` answers with in this tree, or nothing.
rust_found() {
    command -v cargo >/dev/null 2>&1 || return 0
    (cd "$ROOT" && rustc --version 2>/dev/null) | sed -n 's/^rustc \([0-9.]*\).*/\1/p'
}

# at_least HAVE WANT: compares dotted versions.
at_least() {
    [ -n "$1" ] && [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]
}

use_cargo_bin() {
    local bin="${CARGO_HOME:-${HOME:-/nonexistent}/.cargo}/bin"
    case ":$PATH:" in
        *":$bin:"*) ;;
        *) [ -d "$bin" ] && export PATH="$bin:$PATH" ;;
    esac
    return 0
}

# ensure_rust: a toolchain that is new enough, taken from rustup where there is none. A toolchain
# that the user has set as the default stays so: ours is chosen for this process alone.
ensure_rust() {
    local needed
    needed=$(rust_needed)
    use_cargo_bin
    at_least "$(rust_found)" "$needed" && return 0
    if ! command -v rustup >/dev/null 2>&1; then
        install_rustup
        use_cargo_bin
    fi
    export RUSTUP_TOOLCHAIN=stable
    # Look first whether it is there: some versions of rustup answer `rustc` with a silent download.
    if ! rustup toolchain list | grep -q '^stable' || ! at_least "$(rust_found)" "$needed"; then
        say "fetching the stable Rust toolchain with rustup"
        rustup toolchain install stable --profile minimal -c rustfmt -c clippy >&2 ||
            die 2 "rustup could not fetch a toolchain; Rust $needed or newer is needed"
    fi
    at_least "$(rust_found)" "$needed" ||
        die 2 "found Rust $(rust_found), but $needed or newer is needed: run rustup update stable"
}

# Debian 13 and later carry rustup; Debian 12 does not, and there rustup's own installer serves.
install_rustup() {
    if can_be_root && command -v apt-get >/dev/null 2>&1 &&
        apt-cache show rustup >/dev/null 2>&1; then
        ensure_packages rustup
        return
    fi
    command -v curl >/dev/null 2>&1 || die 2 "run as root: apt-get install -y curl ca-certificates"
    say "installing rustup for this user with its own installer"
    local script
    script=$(mktemp)
    if ! curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs -o "$script"; then
        rm -f "$script"
        die 2 "no Rust toolchain, and rustup's installer is out of reach from here:" \
            "install Rust $(rust_needed) or newer, with cargo, rustfmt and clippy, and start again"
    fi
    local status=0
    sh "$script" -y --no-modify-path --profile minimal --default-toolchain stable \
        -c rustfmt -c clippy >&2 || status=$?
    rm -f "$script"
    [ "$status" -eq 0 ] || die 2 "rustup's installer failed with status $status"
}

# set_up build|tests: everything that the build (and the tests) need.
set_up() {
    local packages=("${PACKAGES_BUILD[@]}")
    if [ "$1" = tests ]; then packages+=("${PACKAGES_TEST[@]}"); fi
    ensure_packages "${packages[@]}"
    ensure_rust
    pin_libclang
    say "ready: DPDK $(pkg-config --modversion libdpdk), Rust $(rust_found)"
}

# pin_libclang: with several LLVMs installed, bindgen would take whichever it meets first. Prefer
# the one that `clang` itself belongs to, so that headers and library agree.
pin_libclang() {
    [ -n "${LIBCLANG_PATH:-}" ] && return 0
    local found=() dir major
    for dir in /usr/lib/llvm-*/lib; do
        compgen -G "$dir/libclang*.so*" >/dev/null && found+=("$dir")
    done
    [ "${#found[@]}" -gt 1 ] || return 0
    major=$(clang -dumpversion 2>/dev/null | cut -d. -f1)
    dir="/usr/lib/llvm-$major/lib"
    if ! compgen -G "$dir/libclang*.so*" >/dev/null; then
        dir=$(printf '%s\n' "${found[@]}" | sort -V | tail -n 1)
    fi
    export LIBCLANG_PATH="$dir"
    say "several LLVMs are installed; bindgen uses $dir"
}

# target_dir: where cargo builds. A tree that belongs to somebody else is built in the user's cache.
target_dir() {
    if [ -n "${CARGO_TARGET_DIR:-}" ]; then
        realpath -m "$CARGO_TARGET_DIR"
    elif [ -w "$ROOT/target" ] || { [ ! -e "$ROOT/target" ] && [ -w "$ROOT" ]; }; then
        printf '%s\n' "$ROOT/target"
    else
        printf '%s\n' "${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/peregrine/target"
    fi
}

HUGE_2M=/sys/kernel/mm/hugepages/hugepages-2048kB

hugepages_free() { cat "$HUGE_2M/free_hugepages" 2>/dev/null || echo 0; }

# hugetlbfs_dir: a writable mount with 2 MB pages, or nothing.
hugetlbfs_dir() {
    local dir rest
    while read -r _ dir _ rest; do
        case "$rest" in *pagesize=1024M* | *pagesize=1G*) continue ;; esac
        [ -w "$dir" ] && printf '%s\n' "$dir" && return 0
    done < <(awk '$3 == "hugetlbfs"' /proc/mounts)
    return 0
}

# reserve_hugepages COUNT: makes COUNT free 2 MB pages and a mount for them, where the kernel lets
# us. Sets HUGE_ARGS to the arguments that peregrine then needs, and says which way it went.
# shellcheck disable=SC2034 # HUGE_ARGS is read by the scripts that source this file
reserve_hugepages() {
    local want=$1 free
    HUGE_ARGS=(--no-huge)
    local knob=$HUGE_2M/nr_hugepages
    free=$(hugepages_free)
    # A container may show the knob and still mount it read-only, so try the write and look.
    if [ "$free" -lt "$want" ] && is_root && [ -w "$knob" ]; then
        local total
        total=$(cat "$knob")
        { echo $((total + want - free)) >"$knob"; } 2>/dev/null || true
        free=$(hugepages_free)
    fi
    if [ "$free" -lt "$want" ]; then
        say "$free of $want hugepages of 2 MB are free and no more can be had here:" \
            "running on ordinary pages (--no-huge), slower but complete"
        return 0
    fi
    if [ -z "$(hugetlbfs_dir)" ] && is_root; then
        { mkdir -p /dev/hugepages &&
            mount -t hugetlbfs -o pagesize=2M hugetlbfs /dev/hugepages; } 2>/dev/null || true
    fi
    if [ -z "$(hugetlbfs_dir)" ]; then
        say "no hugetlbfs mount that this user may write: running on ordinary pages (--no-huge)"
        return 0
    fi
    HUGE_ARGS=()
    say "$free hugepages of 2 MB are free, mounted at $(hugetlbfs_dir)"
}

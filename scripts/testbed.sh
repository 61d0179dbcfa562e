#!/usr/bin/env bash
# The test bed: a bare-metal host emulated by QEMU, with two NUMA nodes, an IOMMU that enforces, and
# six NICs of four models joined in pairs. Provisioning and PCIe run there as on a real one.
#
#   scripts/testbed.sh up                 installs QEMU, makes the disk (once), boots a fresh copy
#   scripts/testbed.sh run COMMAND...     as root in it; without a command, a shell
#   scripts/testbed.sh reboot             as the guest does it itself
#   scripts/testbed.sh cut                power off and on, in the middle of whatever it does
#   scripts/testbed.sh put                copies scripts, configurations and the binary anew
#   scripts/testbed.sh down               stops it; its copy of the disk is gone
#   scripts/testbed.sh stop               the same, and ends a test that runs it
#   scripts/testbed.sh test [--short]     the whole way of a host: tests/testbed/
#
# PEREGRINE_BIN names a binary to take instead of building one.
#
# In the guest: the tree's scripts, config and data in /opt/peregrine, the binary in /usr/local/bin.
# Wants root, 3 GB of free memory and 2 GB of disk. No KVM: what is slow is slow everywhere alike.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

PACKAGES_BED=(mmdebstrap acpica-tools binutils e2fsprogs fdisk openssh-client)
PACKAGES_QEMU=(qemu-system-x86 qemu-utils seabios)
# The first QEMU with the igb model.
QEMU_NEEDED=8.0

BED=$(target_dir)/testbed
export PYTHONDONTWRITEBYTECODE=1

qemu_found() {
    command -v qemu-system-x86_64 >/dev/null 2>&1 || return 0
    qemu-system-x86_64 --version | sed -n 's/^QEMU emulator version \([0-9.]*\).*/\1/p'
}

# ensure_qemu: this release's own where that is new enough; else its backports, which are read for
# this one installation and not added to the machine's sources.
ensure_qemu() {
    at_least "$(qemu_found)" "$QEMU_NEEDED" && return 0
    local offered
    offered=$(apt-cache policy qemu-system-x86 |
        sed -n 's/^ *Candidate: [0-9]*:*\([0-9.]*\).*/\1/p')
    if at_least "$offered" "$QEMU_NEEDED"; then
        ensure_packages "${PACKAGES_QEMU[@]}"
    else
        say "this release has QEMU ${offered:-of no version}: installing from its backports"
        install_from_backports "${PACKAGES_QEMU[@]}"
    fi
    at_least "$(qemu_found)" "$QEMU_NEEDED" || die 2 "no QEMU $QEMU_NEEDED or newer is to be had" \
        "here; it is needed for its model of the igb"
}

# install_from_backports NAME...: from where this machine's own packages come from.
install_from_backports() {
    local apt=$BED/apt uri release
    # shellcheck source=/dev/null
    release=$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")
    # One of the two files is enough, and grep fails where the other one is not there.
    uri=$({ grep -hoE '^(URIs:|deb) +[^#]*https?://[^ ]+' /etc/apt/sources.list \
        /etc/apt/sources.list.d/debian.sources 2>/dev/null || true; } |
        grep -oE 'https?://[^ ]+' | head -n 1 || true)
    [ -n "$uri" ] || die 2 "no source of Debian's packages was found in /etc/apt: please install" \
        "QEMU $QEMU_NEEDED or newer by hand"
    mkdir -p "$apt/lists/partial" "$apt/sources"
    cp -r /etc/apt/sources.list.d/debian.sources "$apt/sources/" 2>/dev/null || true
    printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s-backports main\n' \
        "$uri" "$release" >"$apt/sources/backports.list"
    local options=(-o "Dir::Etc::sourceparts=$apt/sources" -o "Dir::State::lists=$apt/lists")
    options+=(-qq -o Dpkg::Use-Pty=0)
    as_root apt-get "${options[@]}" update || die 2 "apt-get update failed: see the message above"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get "${options[@]}" install -y \
        --no-install-recommends -t "$release-backports" "$@" >&2 ||
        die 2 "apt-get could not install from $release-backports: $*"
}

# binary: the appliance, built as the tree is, or $PEREGRINE_BIN.
binary() {
    if [ -n "${PEREGRINE_BIN:-}" ]; then
        printf '%s\n' "$PEREGRINE_BIN"
        return
    fi
    (cd "$ROOT" && cargo build --release --locked >&2) || die 1 "the binary could not be built"
    printf '%s\n' "$(target_dir)/release/peregrine"
}

prepare() {
    is_root || die 2 "the test bed wants root, to make a disk that belongs to root: sudo $0 $*"
    set_up build
    ensure_packages "${PACKAGES_BED[@]}"
    ensure_qemu
    local built
    built=$(binary)
    "$ROOT/scripts/testbed/image.sh" "$BED" "$built"
    # Without what a debugger reads: a slow guest has to receive it.
    mkdir -p "$BED/bin"
    strip -o "$BED/bin/peregrine" "$built"
}

# story [--short]: once more where the guest hung (status 3). A host that provisioning has made
# unreachable is so the second time as well.
story() {
    local status=0 short=""
    [ "$1" != --short ] || short=1
    export PEREGRINE_TESTBED=$BED PEREGRINE_TESTBED_SHORT=$short
    python3 "$ROOT/tests/testbed/test_host.py" -v --failfast || status=$?
    [ "$status" -eq 3 ] || return "$status"
    say "the guest answered no more: $BED/console.log; from the start, once more"
    python3 "$ROOT/tests/testbed/test_host.py" -v --failfast
}

drive() { python3 "$ROOT/scripts/testbed" "$BED" "$@"; }

main() {
    local verb=${1:-}
    [ "$#" -gt 0 ] && shift
    case "$verb" in
        up)
            prepare "$verb"
            drive up
            ;;
        run | reboot | cut | put | down) drive "$verb" "$@" ;;
        stop)
            pkill -f "$ROOT/tests/testbed/test_host.py" || true
            drive down
            ;;
        test)
            prepare "$verb"
            story "${1:-}"
            ;;
        *) die 2 "usage: scripts/testbed.sh up|run|reboot|cut|put|down|stop|test" ;;
    esac
}

main "$@"

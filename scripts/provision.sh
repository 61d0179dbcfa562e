#!/usr/bin/env bash
# A bare-metal host made ready for Peregrine, checked, and put back as it was.
#
#   scripts/provision.sh plan     [--config config/host/NAME.toml] [--json] [--root DIR]
#   scripts/provision.sh apply    [--config FILE] [--dry-run] [--json] [--root DIR]
#   scripts/provision.sh verify   [--config FILE] [--json] [--root DIR]
#   scripts/provision.sh rollback [--dry-run] [--json] [--root DIR]
#
# plan and verify change nothing. apply says what each step changed and can be run again at any
# time; rollback restores what was before the first apply. Both go on where an earlier run, or the
# power, broke off. --root works on a copy of a host's files below DIR instead of this machine.
#
# Exit status: 0 done or fit; 1 something is wrong or failed; 2 refused, nothing was changed;
# 3 (verify) all is set, and a reboot is needed. docs/production-host.md tells the whole way.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# driverctl keeps a NIC with vfio-pci over boots; where it is not to be had, a udev rule does.
NEEDED=(python3 pciutils ethtool kmod)
WELCOME=(driverctl)

# What apply needs of a Debian-like or RHEL-like host; plan and verify take what is there.
install_missing() {
    if command -v dpkg-query >/dev/null 2>&1; then
        ensure_packages "${NEEDED[@]}"
        apt-cache show "${WELCOME[@]}" >/dev/null 2>&1 || return 0
        (ensure_packages "${WELCOME[@]}") || say "going on without ${WELCOME[*]}"
    elif command -v dnf >/dev/null 2>&1; then
        local package missing=()
        for package in "${NEEDED[@]}" "${WELCOME[@]}"; do
            rpm -q "$package" >/dev/null 2>&1 || missing+=("$package")
        done
        [ "${#missing[@]}" -eq 0 ] || as_root dnf install -y -q "${missing[@]}" >&2 ||
            say "dnf could not install all of: ${missing[*]}; going on with what is there"
    fi
}

# reads_toml PYTHON: whether it has tomllib (3.11 and newer) or tomli.
reads_toml() {
    "$1" -c 'try: import tomllib
except ImportError: import tomli' >/dev/null 2>&1
}

# find_python: the newest Python here that reads TOML.
find_python() {
    local name
    # The distribution's own first: the boot-time unit uses the same one.
    for name in /usr/bin/python3 python3 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null 2>&1 && reads_toml "$name"; then
            command -v "$name"
            return 0
        fi
    done
    die 2 "no Python here reads TOML: install python3.11 or newer, or python3-tomli"
}

# is_refused PYTHON ARGUMENT...: whether the plan is, so that nothing is installed for nothing.
is_refused() {
    [ -e /.dockerenv ] || [ -e /run/.containerenv ] || [ -e /run/systemd/container ] ||
        ! "$1" "$ROOT/scripts/provision" plan "${@:3}" >/dev/null 2>&1
}

main() {
    local word python applies=no
    [ "${1:-}" != apply ] || applies=yes
    for word in "$@"; do
        case "$word" in --root | --root=* | --dry-run | -h | --help) applies=no ;; esac
    done
    export PYTHONDONTWRITEBYTECODE=1
    if [ "$applies" = yes ] && is_root; then
        if ! command -v python3 >/dev/null 2>&1; then install_missing; fi
        python=$(find_python)
        if ! is_refused "$python" "$@"; then install_missing; fi
    fi
    python=$(find_python)
    exec "$python" "$ROOT/scripts/provision" "$@"
}

main "$@"

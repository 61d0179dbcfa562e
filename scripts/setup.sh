#!/usr/bin/env bash
# Puts what Peregrine's build needs on a Debian 12 or 13 machine or container.
#
#   scripts/setup.sh            the build
#   scripts/setup.sh --tests    the build and the tests
#
# The tests take published clients besides: tshark, ping and nc as packages, and Python packages of
# pinned versions in target/strangers; in target/deploy, Kubernetes' schemas. Without a way to a
# package index those tests are skipped.
#
# Installs only what is missing, and calls apt only then: with everything in place it takes a
# moment and needs no rights. As an ordinary user without sudo it prints the one command that an
# administrator has to run, and exits with 2.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Programs that tests/strangers.rs runs.
PACKAGES_STRANGERS=(tshark netcat-openbsd iputils-ping python3-venv)

# set_up_python NAME REQUIREMENTS: target/NAME, a Python that has the packages of that file.
set_up_python() {
    local venv wanted=$ROOT/$2
    venv=$(target_dir)/$1
    cmp -s "$wanted" "$venv/requirements.txt" && return 0
    say "installing Python packages into $venv"
    rm -rf "$venv"
    if python3 -m venv "$venv" >&2 && "$venv/bin/python" -m pip install --quiet --no-deps \
        --disable-pip-version-check --requirement "$wanted" >&2; then
        # Last of all, so that half an installation is no installation.
        cp "$wanted" "$venv/requirements.txt"
    else
        say "the Python packages could not be had: tests that need them will be skipped"
    fi
}

case "$#:${1:-}" in
    0:) set_up build ;;
    1:--tests)
        set_up tests
        # Nobody is asked who may capture (DEBIAN_FRONTEND=noninteractive): root does here.
        ensure_packages "${PACKAGES_STRANGERS[@]}"
        set_up_python strangers tests/strangers/requirements.txt
        set_up_python deploy tests/deploy/requirements.txt
        ;;
    *) die 2 "usage: scripts/setup.sh [--tests]" ;;
esac

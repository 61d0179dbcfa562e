#!/usr/bin/env bash
# Puts what Peregrine's build needs on a Debian 12 or 13 machine or container.
#
#   scripts/setup.sh            the build
#   scripts/setup.sh --tests    the build and the tests
#
# Installs only what is missing, and calls apt only then: with everything in place it takes a
# moment and needs no rights. As an ordinary user without sudo it prints the one command that an
# administrator has to run, and exits with 2.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case "$#:${1:-}" in
    0:) set_up build ;;
    1:--tests) set_up tests ;;
    *) die 2 "usage: scripts/setup.sh [--tests]" ;;
esac

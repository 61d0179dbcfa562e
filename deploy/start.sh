#!/usr/bin/env bash
# Starts the appliance where its NICs are known only at the start: in a pod.
#
#   peregrine-start VERB CONFIG [ARGUMENT...]     as `peregrine VERB CONFIG [ARGUMENT...]`
#
# The SR-IOV device plugin chooses a VF and names it in the environment. In CONFIG, every
# ${PCIDEVICE_NAME} is replaced by the PCI address in that variable; what comes of it is written to
# the folder PEREGRINE_RUNTIME [/run/peregrine], from which paths that CONFIG reads then start.
set -euo pipefail

# die MESSAGE...: the exit status of what cannot be done as asked, as peregrine's own.
die() {
    printf 'peregrine-start: %s\n' "$*" >&2
    exit 2
}

# fill TEXT: prints it with all addresses in place.
fill() {
    local text=$1 name address
    while [[ $text =~ \$\{(PCIDEVICE_[A-Z0-9_]+)\} ]]; do
        name=${BASH_REMATCH[1]}
        address=${!name:-}
        [ -n "$address" ] || die "$config names $name, which is not set: does the pod ask for it?"
        [[ $address =~ ^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$ ]] ||
            die "$name is not one PCI address, but '$address': ask for one of each resource"
        text=${text//"\${$name}"/$address}
    done
    printf '%s\n' "$text"
}

[ $# -ge 2 ] || die "usage: peregrine-start VERB CONFIG [ARGUMENT...]"
verb=$1 config=$2
shift 2
[ -r "$config" ] || die "$config cannot be read"
filled=${PEREGRINE_RUNTIME:-/run/peregrine}/$(basename "$config")
text=$(fill "$(<"$config")")
# Passwords are in it.
umask 077
printf '%s\n' "$text" >"$filled" || die "$filled cannot be written"
exec peregrine "$verb" "$filled" "$@"

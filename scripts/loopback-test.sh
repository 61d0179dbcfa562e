#!/usr/bin/env bash
# Loopback tests: frames round every kind of port that this machine gives, none of them lost.
#
#   scripts/loopback-test.sh                        net_ring, vhost with virtio-user, memif,
#                                                   af_packet and tap
#   scripts/loopback-test.sh ADDRESS ADDRESS        two NICs, as 0000:21:00.0, joined by a cable
#   scripts/loopback-test.sh --config FILE          the ports of that configuration, in pairs
#   scripts/loopback-test.sh --only NAME[,NAME...]  some of the first: ring vhost memif af_packet
#                                                   tap
#
#   --seconds N    how long each test forwards (2)
#   --binary FILE  this peregrine, instead of one that is built here
#
# NICs are bound to vfio-pci beforehand; scripts/quickstart.sh needs none of this. What needs root,
# hugepages or namespaces says so and is skipped without them. Each test prints one line: what was
# tested, ok, FAILED or skipped and why, frames counted, frames lost. Exit status: 1 when a test
# failed, 2 when an argument cannot be used, else 0. What each run said stays in
# target/loopback-test.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ALL=(ring vhost memif af_packet tap)
CHOSEN=("${ALL[@]}")
PCI=()
CONFIG=""
BINARY=""
SECONDS_EACH=2
# Enough for two processes of some 30 MB each.
HUGEPAGES_WANTED=128
# How long something that takes a moment may take on a machine that has much else to do.
PATIENCE_S=60
FAILURES=0
NS="pglo-$$"
NEAR="pglo$$n"
FAR="pglo$$f"
TAP="pglo$$t"

usage() { sed -n '2,/^set -euo/{/^set/!s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; }

value() { [ -n "${2:-}" ] || die 2 "$1 needs a value"; }

read_arguments() {
    while [ $# -gt 0 ]; do
        case "$1" in
            -h | --help) usage && exit 0 ;;
            --only) value "$@" && IFS=, read -ra CHOSEN <<<"$2" && shift ;;
            --config) value "$@" && CONFIG=$2 && shift ;;
            --binary) value "$@" && BINARY=$(realpath -m "$2") && shift ;;
            --seconds) value "$@" && SECONDS_EACH=$2 && shift ;;
            -*) die 2 "unknown option $1; --help lists them" ;;
            *) PCI+=("$1") ;;
        esac
        shift
    done
    [[ $SECONDS_EACH =~ ^[1-9][0-9]*$ ]] || die 2 "--seconds $SECONDS_EACH: a number from 1 on"
    local name
    for name in "${CHOSEN[@]}"; do
        case " ${ALL[*]} " in
            *" $name "*) ;;
            *) die 2 "no test called $name; there are: ${ALL[*]}" ;;
        esac
    done
    if [ -n "$CONFIG" ] && ! [ -r "$CONFIG" ]; then die 2 "cannot read $CONFIG"; fi
    case ${#PCI[@]} in
        0 | 2) ;;
        *) die 2 "two PCI addresses are a pair of ports, not ${#PCI[@]}" ;;
    esac
    for name in ${PCI[@]+"${PCI[@]}"}; do
        [[ $name =~ ^([0-9a-fA-F]{4,}:)?[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7]$ ]] ||
            die 2 "$name is no PCI address: 0000:21:00.0 is one"
        [ -d "/sys/bus/pci/devices/$name" ] || [ -d "/sys/bus/pci/devices/0000:$name" ] ||
            die 2 "there is no PCI device $name here"
    done
}

# The CPUs that may be used, the first and the last: two processes that poll want one each.
choose_cpus() {
    local list
    list=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status)
    CPU_A=${list%%[,-]*}
    CPU_B=${list##*[,-]}
}

tell() { printf '%-34s %-8s %s\n' "$1" "$2" "$3"; }

# skipped LABEL WHY: noted where scripts/test.sh looks for it, too.
skipped() {
    tell "$1" skipped "$2"
    if [ -n "${PEREGRINE_SKIP_LOG:-}" ]; then
        printf 'PEREGRINE-SKIP: loopback %s: %s\n' "$1" "$2" >>"$PEREGRINE_SKIP_LOG"
    fi
}

failed() {
    FAILURES=$((FAILURES + 1))
    tell "$1" FAILED "$2"
}

# field FILE NAME: a figure of a report's totals.
field() {
    python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["totals"][sys.argv[2]])' "$1" "$2"
}

# lost FILE: frames that we or the device lost.
lost() {
    python3 -c 'import json, sys
totals = json.load(open(sys.argv[1]))["totals"]
print(totals["dropped"] + totals["rx_missed"])' "$1"
}

# why LOG: the last thing that a run complained of.
why() { grep '^peregrine: ' "$1" | tail -n 1 || echo "see $1"; }

# wait_hot PID: until its lcores poll.
wait_hot() {
    local until=$((SECONDS + PATIENCE_S))
    while ! grep -qs 'lc[0-9]*-hot' "/proc/$1/task/"*/comm; do
        kill -0 "$1" 2>/dev/null && [ "$SECONDS" -lt "$until" ] || return 1
        sleep 0.05
    done
}

# await_file FILE: until it is there, for as long as patience lasts.
await_file() {
    local until=$((SECONDS + PATIENCE_S))
    while ! [ -s "$1" ] && [ "$SECONDS" -lt "$until" ]; do sleep 0.05; done
}

# finish PID: asks a run to end in order, and gives its status.
finish() {
    kill -INT "$1" 2>/dev/null || true
    wait "$1"
}

# circulate NAME LABEL ARGUMENT...: one process; frames go round and round through all of its ports.
circulate() {
    local name=$1 label=$2 status=0
    shift 2
    "$BINARY" loopback "$@" --tx-first 1 --duration "${SECONDS_EACH}s" \
        --json "$LOGS/$name.json" >"$LOGS/$name.log" 2>&1 || status=$?
    if [ "$status" -ne 0 ]; then
        failed "$label" "status $status: $(why "$LOGS/$name.log")"
    elif [ "$(field "$LOGS/$name.json" rx_packets)" -eq 0 ]; then
        failed "$label" "no frame came through"
    else
        tell "$label" ok "$(field "$LOGS/$name.json" rx_packets) frames, 0 lost"
    fi
}

# two_processes NAME LABEL SERVER CLIENT ARGUMENT...: frames go to and fro between two processes.
# The client starts them, stops, and lets those on the way arrive: what it sent, the server has. The
# server ends first: a port whose peer has gone is not polled then.
two_processes() {
    local name=$1 label=$2 server=$3 client=$4 pid status=0
    shift 4
    local ours="$LOGS/$name-client" theirs="$LOGS/$name-server"
    "$BINARY" loopback --vdev "$server" --mode macswap --lcores "$CPU_A" "$@" \
        --json "$theirs.json" >"$theirs.log" 2>&1 </dev/null &
    pid=$!
    if ! wait_hot "$pid"; then
        finish "$pid" || true
        failed "$label" "the server did not start: $(why "$theirs.log")"
        return
    fi
    {
        echo "start tx_first 2"
        sleep "$SECONDS_EACH"
        echo stop
        sleep 1
        kill -INT "$pid" 2>/dev/null || true
        await_file "$theirs.json"
        echo quit
    } | "$BINARY" loopback --vdev "$client" --mode macswap --lcores "$CPU_B" -i "$@" \
        --json "$ours.json" >"$ours.log" 2>&1 || status=$?
    wait "$pid" || status=$((status + $?))
    if ! [ -s "$ours.json" ] || ! [ -s "$theirs.json" ]; then
        failed "$label" "status $status: $(why "$ours.log") $(why "$theirs.log")"
        return
    fi
    local sent received gone
    sent=$(field "$ours.json" tx_packets)
    received=$(field "$theirs.json" rx_packets)
    gone=$(($(lost "$ours.json") + $(lost "$theirs.json")))
    if [ "$received" -ne "$sent" ] || [ "$gone" -ne 0 ] || [ "$sent" -eq 0 ]; then
        failed "$label" "$sent sent, $received received, $gone lost"
    else
        tell "$label" ok "$sent frames each way, 0 lost"
    fi
}

test_ring() {
    local mode
    for mode in io macswap 5tswap csum; do
        circulate "ring-$mode" "net_ring, $mode" --no-huge --mode "$mode"
    done
}

test_vhost() {
    local socket="$LOGS/vhost.sock"
    if [ "${#HUGE_ARGS[@]}" -gt 0 ]; then
        skipped "vhost with virtio-user" "needs hugepages"
        return
    fi
    rm -f "$socket"
    two_processes vhost "vhost with virtio-user" "net_vhost0,iface=$socket" \
        "net_virtio_user0,path=$socket"
    rm -f "$socket"
}

test_memif() {
    local socket="$LOGS/memif.sock"
    rm -f "$socket"
    two_processes memif "memif" "net_memif0,role=server,socket=$socket,socket-abstract=no" \
        "net_memif0,role=client,socket=$socket,socket-abstract=no" --no-huge
    rm -f "$socket"
}

# need_cables LABEL: whether namespaces and veth pairs can be had; says so where not.
need_cables() {
    if ! is_root; then
        skipped "$1" "needs root"
    elif ! command -v ip >/dev/null 2>&1; then
        skipped "$1" "needs ip, of the package iproute2"
    elif ! ip netns add "$NS" 2>"$LOGS/netns.log"; then
        skipped "$1" "no network namespaces: $(cat "$LOGS/netns.log")"
    else
        return 0
    fi
    return 1
}

remove_cables() {
    ip link del "$NEAR" 2>/dev/null || true
    ip netns del "$NS" 2>/dev/null || true
}

quiet() { { echo 1 >"/proc/sys/net/ipv6/conf/$1/disable_ipv6"; } 2>/dev/null || true; }

test_af_packet() {
    need_cables af_packet || return 0
    # A cable of the kernel's: what goes into one end comes out of the other.
    ip link add "$NEAR" type veth peer name "$FAR"
    quiet "$NEAR"
    quiet "$FAR"
    ip link set "$NEAR" up
    ip link set "$FAR" up
    circulate af_packet "af_packet, a veth between two ports" --no-huge \
        --vdev "net_af_packet0,iface=$NEAR" --vdev "net_af_packet1,iface=$FAR"
    ip link set "$FAR" netns "$NS"
    ping_it af_packet "af_packet, a kernel peer" "net_af_packet0,iface=$NEAR" "$FAR"
    remove_cables
}

test_tap() {
    need_cables tap || return 0
    ping_it tap "tap, a kernel peer" "net_tap0,iface=$TAP" "$TAP"
    remove_cables
}

# ping_it NAME LABEL DEVICE INTERFACE: a kernel in a namespace pings a port that answers.
ping_it() {
    local name=$1 label=$2 device=$3 interface=$4 pid status=0 pings=$((SECONDS_EACH * 100))
    if ! command -v ping >/dev/null 2>&1; then
        skipped "$label" "needs ping, of the package iputils-ping"
        return
    fi
    local command=("$BINARY" loopback --no-huge --vdev "$device" --mode icmpecho --lcores "$CPU_A")
    # A tap comes with its port, which is therefore opened where the tap is to be.
    if [ "$interface" = "$TAP" ]; then command=(ip netns exec "$NS" "${command[@]}"); fi
    "${command[@]}" --json "$LOGS/$name-echo.json" >"$LOGS/$name-echo.log" 2>&1 </dev/null &
    pid=$!
    if ! wait_hot "$pid"; then
        finish "$pid" || true
        failed "$label" "it did not start: $(why "$LOGS/$name-echo.log")"
        return
    fi
    ip -n "$NS" addr add 10.77.99.2/24 dev "$interface"
    ip -n "$NS" link set "$interface" up
    ip netns exec "$NS" ping -q -c "$pings" -i 0.01 -W 5 10.77.99.1 >"$LOGS/$name-ping.log" 2>&1 ||
        status=$?
    finish "$pid" || status=$((status + $?))
    local answered
    answered=$(sed -n 's/.* \([0-9]*\) received.*/\1/p' "$LOGS/$name-ping.log")
    if [ "$status" -ne 0 ] || [ "$answered" != "$pings" ]; then
        failed "$label" "${answered:-no} of $pings pings answered: $(why "$LOGS/$name-echo.log")"
    else
        tell "$label" ok "$pings pings answered, 0 lost"
    fi
}

test_pair() {
    circulate pair "${PCI[*]}" --mode io --allow-pci "${PCI[0]}" --allow-pci "${PCI[1]}" \
        ${HUGE_ARGS[@]+"${HUGE_ARGS[@]}"}
}

test_config() {
    circulate config "$CONFIG" --mode io --config "$CONFIG" ${HUGE_ARGS[@]+"${HUGE_ARGS[@]}"}
}

# Ends what still runs, and takes away what was laid.
clean_up() {
    local pids
    pids=$(jobs -p)
    # shellcheck disable=SC2086 # one word a process
    if [ -n "$pids" ]; then kill $pids 2>/dev/null || true; fi
    if is_root; then remove_cables; fi
}

main() {
    read_arguments "$@"
    if [ -z "$BINARY" ]; then
        set_up build
        CARGO_TARGET_DIR=$(target_dir)
        export CARGO_TARGET_DIR
        (cd "$ROOT" && cargo build --release --locked)
        BINARY="$CARGO_TARGET_DIR/release/peregrine"
    elif ! [ -x "$BINARY" ]; then
        die 2 "cannot run $BINARY"
    fi
    LOGS="$(target_dir)/loopback-test"
    mkdir -p "$LOGS"
    rm -f "$LOGS"/*
    choose_cpus
    reserve_hugepages "$HUGEPAGES_WANTED"
    trap clean_up EXIT
    if [ "${#PCI[@]}" -gt 0 ]; then
        test_pair
    elif [ -n "$CONFIG" ]; then
        test_config
    else
        local name
        for name in "${CHOSEN[@]}"; do "test_$name"; done
    fi
    if [ "$FAILURES" -gt 0 ]; then die 1 "loopback tests that failed: $FAILURES; see $LOGS"; fi
}

main "$@"

#!/usr/bin/env python3
"""One round-trip measurement between two processes, each on a CPU of its own.

    tests/bench/roundtrip.py LINK WHO [--count N] [--rate N] [--wait epoll|spin] [--huge no]
                             [--limit SECONDS]

LINK   virtio, memif, af_xdp, af_packet: our client on one DPDK port, WHO on the other; the last two
       over a veth pair. socket: a client of the kernel's TCP in a network namespace, over a veth.
WHO    floor     dpdk-testpmd in mode macswap, and probes as long as an order's frame
       macswap   our own macswap instead
       venue     our venue, and orders; on LINK socket over af_xdp
       packet    LINK socket alone: our venue over af_packet
       kernel    LINK socket alone: the same venue over the kernel's TCP and epoll

Without --rate one is under way at a time. Prints FIGURE lines in ns, and on stderr the whole of it.
Ends with 1 when something was lost, did not start, or was not done within the limit (100 s), as
when something else runs on the CPUs of the two ends, which both poll. Wants root, and hugepages
where --huge is not no. What it takes is built by scripts/bench.sh: the binary and the example
kernel_rtt, in release.
"""

import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/bench"))
import limit  # noqa: E402  (found by the line above)

TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
PEREGRINE = TARGET / "release/peregrine"
KERNEL_RTT = TARGET / "release/examples/kernel_rtt"
CONFIG = ROOT / "config/loopback-venue-virtio.toml"
VENUE_AT, CLIENT_IP = "10.0.2.1", "10.0.2.2"
ORDER_FRAME = 104
"""Ethernet, IPv4, TCP, SoupBinTCP's header and an Enter Order."""
START_S = 60
"""How long the far end may take to start, on a machine that has much else to do."""
TIDY_S = 15
"""Of the limit, what is left to a client that is told to end, to say how far it came."""
FIGURES = ("min", "p50", "p90", "p99", "p99_9", "p99_99", "max")


class Failure(Exception):
    """A measurement that could not be made."""


class Bench:
    """What is set up for one measurement, and taken down."""

    def __init__(self, args, folder):
        self.args = args
        self.folder = pathlib.Path(folder)
        self.started = []
        self.until = time.monotonic() + args.limit
        self.near = f"pgrt{os.getpid()}"
        self.namespace = f"pgrt-{os.getpid()}"
        self.has_veth = False
        cpus = sorted(os.sched_getaffinity(0))
        if len(cpus) < 2:
            raise Failure("two CPUs are needed, one for each end")
        self.far_cpu, self.client_cpu = cpus[-2:]
        os.sched_setaffinity(0, set(cpus))

    def start(self, command, ready, **more):
        """Starts the far end, and waits until it is ready."""
        log = self.folder / "far.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [str(word) for word in command], stdout=out, stderr=out, cwd=self.folder, **more
            )
        self.started.append(process)
        until = time.monotonic() + START_S
        while not ready(log.read_text(errors="replace")):
            if process.poll() is not None or time.monotonic() > until:
                raise Failure(f"{command[0]} did not start:\n{log.read_text(errors='replace')}")
            time.sleep(0.1)
        # Ready means that it polls; its control threads settle.
        time.sleep(0.5)

    def lay_veth(self):
        """A veth pair, its far end in a namespace; offloads off, so that checksums are there."""
        near, space = self.near, self.namespace
        self.has_veth = True
        run("ip", "netns", "add", space)
        run("ip", "link", "add", near, "type", "veth", "peer", "name", "eth0", "netns", space)
        off = [word for what in "tx rx sg tso gso gro".split() for word in (what, "off")]
        run("ethtool", "-K", near, *off)
        run(*self.inside(), "ethtool", "-K", "eth0", *off)
        for interface, prefix in ((near, []), ("eth0", list(self.inside()))):
            quiet = f"echo 1 >/proc/sys/net/ipv6/conf/{interface}/disable_ipv6 || true"
            run(*prefix, "sh", "-c", quiet)
        run("ip", "link", "set", near, "up")
        run("ip", "-n", space, "link", "set", "eth0", "up")

    def left_s(self):
        """For a client that begins now."""
        return max(self.until - time.monotonic() - TIDY_S, 1)

    def inside(self):
        return "ip", "netns", "exec", self.namespace

    def close(self):
        for process in self.started:
            process.send_signal(signal.SIGTERM)
        for process in self.started:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self.has_veth:
            subprocess.run(["ip", "link", "del", self.near], check=False, capture_output=True)
            space = self.namespace
            subprocess.run(["ip", "netns", "del", space], check=False, capture_output=True)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)}: {done.stderr.strip()}")


def devices(bench, link):
    """The far end's device and the client's, as EAL wants them."""
    socket = bench.folder / "link.sock"
    if link == "virtio":
        return (
            f"net_vhost0,iface={socket},queues=1",
            f"net_virtio_user0,path={socket},queues=1,queue_size=512",
        )
    if link == "memif":
        options = f"id=0,socket-abstract=no,socket={socket},rsize=10"
        return f"net_memif0,role=server,{options}", f"net_memif0,role=client,{options}"
    bench.lay_veth()
    return f"net_{link}0,iface={bench.near}", f"net_{link}0,iface=eth0"


def huge(bench):
    return [] if bench.args.huge else ["--no-huge"]


def start_testpmd(bench, device):
    """Forwards on one core; its command line lives on the client's."""
    memory = ["--no-pci", "--in-memory" if bench.args.huge else "--no-huge", "-m", "256"]
    # vhost maps the client's memory, never its own: one that shares nothing does for it.
    lcores = f"0@{bench.client_cpu},1@{bench.far_cpu}"
    command = ["dpdk-testpmd", "--lcores", lcores, "--main-lcore", "0", *memory]
    command += ["--file-prefix", bench.namespace, "--vdev", device, "--", "--interactive"]
    command += ["--forward-mode=macswap", "--nb-cores=1", "--burst=32", "--auto-start"]
    command += ["--total-num-mbufs=16384"]
    # It forwards before it asks; the line that says so may wait in its buffer.
    bench.start(command, lambda said: "testpmd>" in said, stdin=subprocess.PIPE)


def start_macswap(bench, device):
    command = [PEREGRINE, "loopback", "--mode", "macswap", "--vdev", device, *huge(bench)]
    command += ["--lcores", bench.far_cpu]
    bench.start(command, lambda said: "port 0" in said or "lcore" in said)


def start_venue(bench, device):
    """Our venue, as the configuration has it, on that device and CPU."""
    text = CONFIG.read_text()
    old = next(line for line in text.splitlines() if line.startswith('device = "net_vhost0'))
    text = text.replace(old, f'device = "{device}"')
    text = text.replace("cpus = [0]", f"cpus = [{bench.far_cpu}]")
    text = text.replace('file_prefix = "loopvenue"', f'file_prefix = "rt{os.getpid()}"')
    if not bench.args.huge:
        text = text.replace('huge = "require"', 'huge = "off"')
    config = bench.folder / "venue.toml"
    config.write_text(text)
    command = [PEREGRINE, "run", config, "--report", bench.folder / "report"]
    bench.start(command, lambda said: "0 fills" in said)


def start_kernel_venue(bench):
    run("ip", "addr", "add", f"{VENUE_AT}/24", "dev", bench.near)
    command = [KERNEL_RTT, "venue", "--at", f"{VENUE_AT}:26400", "--cpu", bench.far_cpu]
    command += ["--wait", bench.args.wait]
    bench.start(command, lambda said: "venue at" in said)


def kernel_client(bench):
    run("ip", "-n", bench.namespace, "addr", "add", f"{CLIENT_IP}/24", "dev", "eth0")
    args = bench.args
    command = [*bench.inside(), KERNEL_RTT, "orders", "--at", f"{VENUE_AT}:26400"]
    command += ["--cpu", bench.client_cpu, "--wait", args.wait, "--count", args.count]
    command += ["--rate", args.rate]
    told = client(bench, command)
    return json.loads(told.splitlines()[-1])


def our_client(bench, device, mode):
    args, report = bench.args, bench.folder / "client.json"
    inside = list(bench.inside()) if bench.has_veth else []
    command = [*inside, PEREGRINE, "loopback", "--mode", mode, "--vdev", device, *huge(bench)]
    command += ["--lcores", bench.client_cpu, "--count", args.count, "--json", report]
    seconds = int(bench.left_s())
    command += ["--duration", f"{seconds}s"]
    if args.rate:
        command += ["--rate", args.rate]
    if mode == "latency":
        command += ["--txpkts", ORDER_FRAME]
    else:
        command += ["--venue", f"{VENUE_AT}:26400", "--ip", f"{CLIENT_IP}/24"]
        command += ["--user", "PROBE", "--password", "probe", "--symbol", "AAPL"]
    share = limit.Share(bench.started[-1].pid)
    client(bench, command)
    snapshot = json.loads(report.read_text())["snapshot"]
    told = snapshot["latency"][0]
    # The first are made to warm up, and not timed.
    trips = told["count"] + sum(stream["notes"]["warm_up"] for stream in snapshot["streams"])
    if trips < args.count:
        done = f"{trips} of {args.count} round trips in {seconds} s"
        raise Failure(f"{done}; the far end polls all the time, and {share.told()}")
    return told


def client(bench, command):
    """Runs the client to its end; gives what it said."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=bench.folder)
    if done.returncode != 0:
        raise Failure(f"{' '.join(words)}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def measure(bench):
    link, who = bench.args.link, bench.args.who
    if link == "socket":
        bench.lay_veth()
        if who == "kernel":
            start_kernel_venue(bench)
        else:
            driver = "af_packet" if who == "packet" else "af_xdp"
            start_venue(bench, f"net_{driver}0,iface={bench.near}")
        return kernel_client(bench)
    far, near = devices(bench, link)
    if who == "venue":
        start_venue(bench, far)
        return our_client(bench, near, "soup")
    {"floor": start_testpmd, "macswap": start_macswap}[who](bench, far)
    return our_client(bench, near, "latency")


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("link", choices=("virtio", "memif", "af_xdp", "af_packet", "socket"))
    parser.add_argument("who", choices=("floor", "macswap", "venue", "packet", "kernel"))
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--rate", type=int, default=0)
    parser.add_argument("--wait", choices=("epoll", "spin"), default="epoll")
    parser.add_argument("--limit", type=float, default=100, help="seconds until it gives up")
    parser.add_argument("--huge", type=lambda word: word != "no", default=True)
    args = parser.parse_args()
    if (args.link == "socket") != (args.who in ("packet", "kernel")) and args.who != "venue":
        parser.error(f"there is no {args.who} on {args.link}")
    return args


def main():
    args = arguments()
    with tempfile.TemporaryDirectory(prefix="pgrt") as folder:
        try:
            limit.bound(args.limit, Failure)
            bench = Bench(args, folder)
            try:
                told = measure(bench)
            finally:
                limit.lift()
                bench.close()
        except Failure as failure:
            print(f"roundtrip: {args.link} {args.who}: {failure}", file=sys.stderr)
            return 1
    print(json.dumps(told), file=sys.stderr)
    for figure in FIGURES:
        print(f"FIGURE rtt_{figure} {told[f'{figure}_ns']} ns")
    return 0


if __name__ == "__main__":
    sys.exit(main())

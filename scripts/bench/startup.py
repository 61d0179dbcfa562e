"""From the start of a process to its first forwarded frame, and the memory that it takes.

    startup.py peregrine|testpmd --binary PEREGRINE

The port is net_af_packet at one end of a veth pair; at the other end frames are sent all the time,
until one comes back. Both forward as they start, with pools of equal size. Prints FIGURE
first-frame; memory (the most that was resident, hugepages included) and own-memory (of that, pages
that others map too by their share); file (the program without symbols) and mapped (the program and
every library that it maps, all without symbols, and how many they are). Needs root.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import limit
import pmd

NEAR, FAR = f"pgb{os.getpid() % 100000}n", f"pgb{os.getpid() % 100000}f"
# An Ethernet type for local experiments; the payload tells our frames from anybody else's.
FRAME = bytes.fromhex("020000000002" "020000000001" "88b5") + b"first frame".ljust(46, b"\0")
MBUFS = 16384


def cable():
    """A veth pair with nothing on it that talks by itself."""
    subprocess.run(["ip", "link", "add", NEAR, "type", "veth", "peer", "name", FAR], check=True)
    for name in (NEAR, FAR):
        knob = f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6"
        if os.path.exists(knob):
            with open(knob, "w", encoding="utf-8") as file:
                file.write("1")
        subprocess.run(["ip", "link", "set", name, "up", "promisc", "on"], check=True)


def commands(wanted, cpu):
    vdev = f"net_af_packet0,iface={NEAR}"
    if wanted.who == "peregrine":
        binary, loopback = wanted.binary, ["--vdev", vdev, "--mode", "io", "--lcores", str(cpu)]
        return [binary, "loopback", *loopback, "--mbufs", str(MBUFS)]
    return (
        ["dpdk-testpmd", "--no-pci", "--in-memory", f"--lcores=0@{cpu},1@{cpu}", f"--vdev={vdev}"]
        + ["--log-level=*:error", "--no-telemetry", "--", "--nb-cores=1", "--forward-mode=io"]
        + ["--auto-start", f"--total-num-mbufs={MBUFS}"]
    )


def first_frame(process):
    """Seconds until a frame came back."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as far:
        far.bind((FAR, 0))
        far.settimeout(0.0005)
        began = time.monotonic()
        child = process()
        while time.monotonic() - began < pmd.PATIENCE_S and child.child.poll() is None:
            far.send(FRAME)
            try:
                frame, origin = far.recvfrom(2048)
                while origin[2] == socket.PACKET_OUTGOING:
                    frame, origin = far.recvfrom(2048)
            except TimeoutError:
                continue
            if frame.startswith(FRAME[:25]):
                return child, time.monotonic() - began
    waited_s, why = time.monotonic() - began, child.last_words()
    child.end()
    raise pmd.Trouble(f"no frame came back in {waited_s:.0f} s; {why}")


def file_mb(program):
    """The size of a program without symbols."""
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "program")
        subprocess.run(["strip", "-o", copy, program], check=True)
        return os.path.getsize(copy) / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("who", choices=("peregrine", "testpmd"))
    parser.add_argument("--binary", required=True)
    wanted = parser.parse_args()
    command = commands(wanted, pmd.cpus()[0])
    try:
        limit.bound(pmd.LIMIT_S, pmd.Trouble)
        cable()
        process, seconds = first_frame(lambda: pmd.Process(command))
        memory_mb, own_mb = process.memory_mb(), process.own_memory_mb()
        mapped = process.mapped_files()
        process.end()
    except (pmd.Trouble, OSError, subprocess.CalledProcessError) as trouble:
        print(f"startup: {trouble}")
        return 1
    finally:
        limit.lift()
        pmd.end_all()
        subprocess.run(["ip", "link", "del", NEAR], check=False)
    print(f"FIGURE first-frame {seconds * 1000:.1f} ms")
    print(f"FIGURE memory {memory_mb:.1f} MB\nFIGURE own-memory {own_mb:.1f} MB")
    print(f"FIGURE file {file_mb(shutil.which(command[0])):.3f} MB")
    print(f"FIGURE mapped {sum(file_mb(path) for path in mapped):.3f} MB")
    print(f"{len(mapped)} files mapped")
    return 0


if __name__ == "__main__":
    sys.exit(main())

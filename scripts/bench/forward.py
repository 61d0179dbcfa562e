"""The packet rate of a forwarder, measured from the other end of the link.

    forward.py peregrine|testpmd io|macswap vhost|memif --binary PEREGRINE [--seconds N]

Two processes, pinned to a CPU each, joined by vhost and virtio-user or by memif. The one at the far
end is always dpdk-testpmd, which sends a number of frames first and then forwards as the other
does, so that they go round; its counter of received frames is read before and after. The one at
the near end is who is measured. Prints FIGURE rate.
"""

import argparse
import re
import shutil
import sys
import time

import limit
import pmd

LINKS = {
    "vhost": ("net_vhost0,iface={path}", "net_virtio_user0,path={path},queue_size=1024,server=0"),
    "memif": ("net_memif0,role=server,socket={path}", "net_memif0,role=client,socket={path}"),
}
# Bursts of 32 that go round: enough to keep both ends busy, and no ring overflows.
BURSTS = 8


def received(far):
    """Frames that the far end received so far."""
    far.tell("show port stats all")
    told = far.until(r"RX-packets: *(\d+)[\s\S]*?testpmd> ")
    return int(re.search(r"RX-packets: *(\d+)", told).group(1))


def wait_for_link(far):
    """Until the two have found each other."""
    for _ in range(200):
        far.tell("show port info 0")
        if "Link status: up" in far.until(r"Link status: \w+[\s\S]*?testpmd> "):
            return
        time.sleep(0.1)
    raise pmd.Trouble("the link did not come up")


def measured(far, seconds):
    """Frames a second that come back."""
    wait_for_link(far)
    far.tell(f"start tx_first {BURSTS}")
    far.until("testpmd> ")
    time.sleep(0.5)
    first, began = received(far), time.monotonic()
    time.sleep(seconds)
    last, ended = received(far), time.monotonic()
    return (last - first) / (ended - began)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("who", choices=("peregrine", "testpmd"))
    parser.add_argument("mode", choices=("io", "macswap"))
    parser.add_argument("link", choices=tuple(LINKS))
    parser.add_argument("--binary", required=True)
    parser.add_argument("--seconds", type=float, default=3)
    wanted = parser.parse_args()
    path = pmd.socket_path()
    near_port, far_port = (port.format(path=path) for port in LINKS[wanted.link])
    near_cpu, far_cpu = pmd.cpus()
    try:
        limit.bound(pmd.LIMIT_S, pmd.Trouble)
        if wanted.who == "testpmd":
            near = pmd.testpmd("near", near_cpu, [near_port], wanted.mode)
            near.tell("start")
            near.until("testpmd> ")
        else:
            pmd.peregrine(wanted.binary, near_cpu, [near_port], wanted.mode)
        far = pmd.testpmd("far", far_cpu, [far_port], wanted.mode)
        rate = measured(far, wanted.seconds)
        if rate == 0:
            why = "; ".join(process.last_words() for process in processes)
            raise pmd.Trouble(f"no frame came back; {why}")
    except pmd.Trouble as trouble:
        print(f"forward: {trouble}")
        return 1
    finally:
        limit.lift()
        pmd.end_all()
        shutil.rmtree(path.rpartition("/")[0], ignore_errors=True)
    print(f"FIGURE rate {rate / 1e6:.4f} Mpps")
    return 0


if __name__ == "__main__":
    sys.exit(main())

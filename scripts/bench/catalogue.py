"""All benchmarks. To add one, add it here: model.py says what each part means."""

import dataclasses

import peers
from model import OURS, Benchmark, Contender, Figure, absolute, at_most, times


def example(package, name):
    """The step that builds an example of one of our crates."""
    return f"cargo build --release --locked --quiet -p {package} --example {name}"


def ours(command, **more):
    return Contender(OURS, command, **more)


EXAMPLES = "{target}/release/examples"
BINARY = "cargo build --release --locked --quiet"
DECODE = EXAMPLES + "/decode_ns {itch}"
BOOKS = EXAMPLES + "/market_ns {itch} 5 books"
MARKET = EXAMPLES + "/market_ns {itch} "
SCALE = EXAMPLES + "/engine_scale --symbols 1,10000 --sessions 1,4096"
PEERS = (
    "cargo build --release --locked --quiet --target-dir {target}/bench-peers "
    "--manifest-path {root}/tests/bench/peers/Cargo.toml"
)
CPPTRADER = "{peer_cpptrader}/cpptrader-performance-"


def cpptrader(name, program, figure):
    """One of CppTrader's programs, on the same file."""
    command = f"{CPPTRADER}{program} --input {{itch}}"
    parse = peers.itch_figure(figure)
    return Contender(f"CppTrader {name}", command, parse=parse, given="cpptrader", wall=True)


def crate(name, command, quick=""):
    """A crate that does the same, as tests/bench/peers runs it; `quick`: words for a short run."""
    command = "{target}/bench-peers/release/" + command
    return Contender(name, command, quick=f"{command} {quick}")


FEED = (
    Benchmark(
        "decode",
        "Feed",
        "frame and parse every ITCH message of a file, and read a field of each",
        (Figure("decode", "ns", "a message", aim=times(1)),),
        (
            ours(DECODE + " 11", quick=DECODE + " 3"),
            crate("itch5", "parse itch5 {itch}", quick="3"),
            crate("itchy", "parse itchy {itch}", quick="3"),
            cpptrader("itch_handler", "itch_handler", "decode"),
        ),
        build=(example("wire", "decode_ns"), PEERS),
        per_itch=True,
    ),
    Benchmark(
        "books",
        "Feed",
        "build the books of all symbols from an ITCH file, parsing included",
        (Figure("books", "ns", "a message", aim=times(1.5)),),
        (
            ours(BOOKS),
            Contender(
                "itch-order-book",
                "{peer_itch-order-book}/a.out",
                stdin="{itch}",
                parse=peers.itch_order_book,
                given="itch-order-book",
                wall=True,
            ),
            cpptrader("books", "market_manager", "books"),
            cpptrader("books, optimized", "market_manager_optimized", "books"),
            cpptrader("books, aggressive", "market_manager_optimized_aggressive", "books"),
        ),
        build=(example("market", "market_ns"),),
        per_itch=True,
        timeout_s=300,
    ),
    Benchmark(
        "market",
        "Feed",
        "the trader's whole market (books, tape, trading states, checks) from an ITCH file",
        (
            Figure("market", "ns", "a message"),
            Figure("market-warmed", "ns", "a message, with read-ahead over packets of sixteen"),
        ),
        (ours(MARKET + "3 market", quick=MARKET + "1 market"),),
        build=(example("market", "market_ns"),),
        per_itch=True,
    ),
)

KINDS = ("add", "cancel", "replace", "keep", "cross")
FLOWS = {
    "mixed": "48 adds, 46 cancels, 6 crosses in a hundred, one book of 10,000 orders",
    "inserts": "orders only, within ten prices of which six cross, all remainders rest",
    "moves": "71 moves, 15 adds, 12 cancels, 2 crosses in a hundred, one book of 1,000 orders",
}
# Liquibook's program draws its orders with rand(): the same flow, not the same orders.
LIQUIBOOK = {
    "inserts": (
        Contender(
            "Liquibook",
            "{peer_liquibook}/pt_order_book 1",
            names={"engine_inserts_ns": "insert"},
            parse=peers.liquibook,
            given="liquibook",
        ),
    )
}
FLOW = EXAMPLES + "/flow_ns --flow "
FEW = "--passes 3 --ops 200000"
ENGINES = ("lobster", "matchcore", "orderbook-rs")
RECORDED = FLOW + "recorded --itch {itch} --ops 10000000 --passes "


def flow(name, what):
    """A flow of commands that any engine can be told; strategy/engine/examples/flow_ns makes it."""
    return Benchmark(
        f"engine-{name}",
        "Engine",
        f"matching: {what}",
        (
            Figure(f"engine_{name}_ns", "ns", "a command", aim=times(3)),
            Figure(f"engine_{name}_burst_ns", "ns", "a command, in bursts (peers take none)"),
            Figure(f"engine_{name}_p99_ns", "ns", "a command timed by itself, p99"),
        ),
        (
            ours(FLOW + name, quick=f"{FLOW}{name} {FEW}"),
            *(crate(e, f"flow {e} --flow {name} --passes 3", quick=FEW) for e in ENGINES),
            *LIQUIBOOK.get(name, ()),
        ),
        build=(example("engine", "flow_ns"), PEERS),
    )


ENGINE = (
    *(flow(name, what) for name, what in FLOWS.items()),
    Benchmark(
        "matching",
        "Engine",
        "matching what an ITCH file recorded; executions come as orders from the other side (to "
        "CppTrader they are nothing, but it parses the file meanwhile)",
        (
            Figure("engine_recorded_ns", "ns", "a command", aim=times(3)),
            Figure("engine_recorded_p99_ns", "ns", "a command timed by itself, p99"),
        ),
        (
            ours(RECORDED + "3", quick=RECORDED + "1"),
            cpptrader("matching_engine", "matching_engine", "engine_recorded_ns"),
        ),
        build=(example("engine", "flow_ns"),),
        per_itch=True,
        timeout_s=600,
    ),
    Benchmark(
        "engine-sessions",
        "Engine",
        "a command of 48 adds, 46 cancels and 6 crosses in a hundred; 100 symbols, 16 sessions",
        (Figure("command", "ns", "a command"),),
        (ours(EXAMPLES + "/engine_ns"),),
        build=(example("engine", "engine_ns"),),
    ),
    Benchmark(
        "growth",
        "Engine",
        "what a command costs at 10 million live orders, 10,000 symbols and 4,096 sessions, "
        "against a thousand orders in one symbol of one session",
        tuple(
            Figure(f"{kind}{how}-without-ledger", "times", kind + said, aim=absolute(1.5))
            for kind in KINDS
            for how, said in (("-in-bursts", ", in bursts"), ("", ", one by one"))
        ),
        (
            ours(
                SCALE + " --orders 1000,10000000 --ledger no --rounds 100",
                quick=SCALE + " --orders 1000,100000 --ledger no --rounds 20",
            ),
        ),
        build=(example("engine", "engine_scale"),),
        rounds=3,
        timeout_s=300,
    ),
)

TRADER = (
    Benchmark(
        "gate",
        "Trader",
        "the pre-trade gate, all checks on, 16 symbols",
        (Figure("admit", "ns", "an order"),),
        (ours(EXAMPLES + "/gate_ns"),),
        build=(example("risk", "gate_ns"),),
    ),
    Benchmark(
        "backtest",
        "Trader",
        "the market maker against the recorded slice of one symbol",
        (Figure("rate", "messages/us", "messages a microsecond", higher_is_better=True),),
        (
            ours(
                "{target}/release/peregrine backtest --itch {root}/data/sample/sod.itch "
                "--itch {root}/data/sample/aapl.itch --symbols AAPL --report {out}/backtest",
                parse=peers.backtest,
            ),
        ),
        build=(BINARY,),
    ),
)

ENDS = ("tick-to-trade", "order-to-ack")
QUICKSTART = (
    Benchmark(
        "quickstart",
        "Trader",
        "a whole market in one process over in-memory ports: feed, trader, venue",
        tuple(
            Figure(f"{end}-{p}", "us", f"{end.replace('-', ' ')}, {p}")
            for end in ENDS
            for p in ("p50", "p99")
        ),
        (
            ours(
                "{target}/release/peregrine run {root}/config/quickstart.toml "
                "--report {out}/quickstart",
                file="{out}/quickstart/report.json",
                parse=peers.quickstart,
                cpus=2,
            ),
        ),
        build=(BINARY,),
    ),
)

SCRIPTS = "python3 {root}/scripts/bench/"
WITH_BINARY = " --binary {target}/release/peregrine"


def forward(mode, link):
    """Forwarding between two processes: who is measured at the near end, testpmd at the far."""

    def end(name, who):
        command = f"{SCRIPTS}forward.py {who} {mode} {link}" + WITH_BINARY
        needs = ("two-cpus", "testpmd", "hugepages")
        return Contender(name, command, f"{command} --seconds 1", cpus=2, needs=needs)

    return Benchmark(
        f"forward-{mode}-{link}",
        "Ports",
        f"forward frames of 64 bytes, mode {mode}, over {link}; two processes, a CPU each",
        (Figure("rate", "Mpps", "frames that go round", higher_is_better=True, aim=times(0.98)),),
        (end(OURS, "peregrine"), end("dpdk-testpmd", "testpmd")),
        build=(BINARY,),
        quick=(mode, link) == ("io", "vhost"),
    )


def startup(name, who):
    command = f"{SCRIPTS}startup.py {who}" + WITH_BINARY
    return Contender(name, command, cpus=2, needs=("root", "testpmd"))


def trips(name, way):
    """Round trips between two processes, one under way at a time."""
    command = "python3 {root}/tests/bench/roundtrip.py " + way
    needs = ("root", "two-cpus", "hugepages", "testpmd")
    return Contender(name, command, f"{command} --count 20000", cpus=2, needs=needs)


TRIPS = (BINARY, example("lcore", "kernel_rtt"))
ORDERS = (
    Benchmark(
        "order-to-ack",
        "Orders",
        "an order to its acknowledgement, OUCH over SoupBinTCP over TCP, through our venue over "
        "virtio-user and vhost; the floor is an equal frame that dpdk-testpmd sends back",
        (
            Figure("rtt_p50", "ns", "round trip, p50", aim=at_most(1.15)),
            Figure("rtt_p99_9", "ns", "round trip, p99.9", aim=at_most(1.5)),
        ),
        (trips(OURS, "virtio venue"), trips("dpdk-testpmd macswap", "virtio floor")),
        build=TRIPS,
    ),
    Benchmark(
        "kernel-af_xdp",
        "Orders",
        "order to ack for a client of the kernel's TCP over a veth pair: our venue over af_xdp, "
        "and the same venue over the kernel's sockets",
        (
            Figure("rtt_p50", "ns", "round trip, p50"),
            Figure("rtt_p99", "ns", "round trip, p99", aim=times(3)),
        ),
        (trips(OURS, "socket venue"), trips("kernel sockets, epoll", "socket kernel")),
        build=TRIPS,
        quick=False,
    ),
    Benchmark(
        "kernel-virtio",
        "Orders",
        "order to ack with nobody's kernel between, over virtio-user; and over its sockets",
        (
            Figure("rtt_p50", "ns", "round trip, p50"),
            Figure("rtt_p99", "ns", "round trip, p99", aim=times(20)),
        ),
        (trips(OURS, "virtio venue"), trips("kernel sockets, epoll", "socket kernel")),
        build=TRIPS,
        quick=False,
    ),
)

LOOPBACK = (
    forward("io", "vhost"),
    forward("macswap", "vhost"),
    forward("io", "memif"),
    forward("macswap", "memif"),
    Benchmark(
        "startup",
        "Ports",
        "from the start of the process to the first frame forwarded, over veth; 16,384 mbufs",
        (
            Figure("first-frame", "ms", "start to first frame", aim=at_most(1)),
            Figure("memory", "MB", "most memory, hugepages included", aim=at_most(2)),
            Figure("own-memory", "MB", "memory, shared pages by their share", aim=at_most(2)),
            Figure("file", "MB", "the program, without symbols and libraries", aim=at_most(2)),
            Figure("mapped", "MB", "the program and all libraries it maps", aim=at_most(2)),
        ),
        (startup(OURS, "peregrine"), startup("dpdk-testpmd", "testpmd")),
        build=(BINARY,),
    ),
)

BURSTS = (1, 4, 32)
PORTS = (
    Benchmark(
        "rxtx",
        "Ports",
        "send a frame on one side of a net_ring pair, receive it on the other and touch it",
        tuple(Figure(f"burst-{n}", "ns", f"a frame, bursts of {n}", aim=times(1)) for n in BURSTS),
        (
            ours(EXAMPLES + "/rxtx", cpus=2),
            Contender("C", "{target}/bench-c/rxtx", cpus=2),
        ),
        build=(
            example("dpdk", "rxtx"),
            "{root}/tests/bench/build_c.sh {root}/tests/bench/rxtx.c {target}/bench-c/rxtx "
            "-lrte_net_ring",
        ),
    ),
    Benchmark(
        "venue",
        "Ports",
        "a message through a whole venue: TCP, SoupBinTCP, OUCH, gate, engine, answer, tape",
        tuple(
            Figure(f"message-{n}-{burst}", "ns", f"a message, {n} sessions, bursts of {burst}")
            for n, burst in ((1, 1), (64, 1), (4096, 1), (64, 32), (4096, 32))
        ),
        (ours(EXAMPLES + "/venue_ns", cpus=2),),
        build=(example("lcore", "venue_ns"),),
        quick=False,
    ),
    Benchmark(
        "echo",
        "Ports",
        "our TCP: a frame in, 64 bytes read and written back, a frame out; no port",
        tuple(
            Figure(f"echo-{n}{how}", "ns", f"an echo, {n} connections{said}")
            for n in (1, 64, 1024, 4096)
            for how, said in (("", ""), ("-in-bursts", ", in bursts of 32"))
        ),
        (ours(EXAMPLES + "/echo_ns"),),
        build=(example("net", "echo_ns"),),
    ),
)

BUILD_RINGS = "{root}/tests/bench/build_c.sh {root}/tests/bench/rings.c {target}/bench-c/rings"
MBUFS = EXAMPLES + "/mbuf_ns"
# What Go calls a buffered channel is crossbeam-channel's bounded one: any number at either end.
CHANNELS = {
    "rtrb": "rtrb",
    "crossbeam ArrayQueue": "array-queue",
    "crossbeam-channel, bounded": "channel",
    "std sync_channel": "sync-channel",
    "flume, bounded": "flume",
    "std Mutex<VecDeque>": "mutex-vec",
    "OS pipe": "pipe",
}


def dpdk_rings(name, what):
    """DPDK's own, in C."""
    command = "{target}/bench-c/rings " + what
    return Contender(name, command, command + " 50")


def ring_peers(cores):
    peers_ = [crate(name, f"ring {who} {cores}", quick="50") for name, who in CHANNELS.items()]
    return (dpdk_rings("rte_ring", cores), *peers_)


def hops(name, cpus, needs, what, figures):
    """An item over a ring of 1,024, by threads that ask again when they find nothing."""
    command = EXAMPLES + f"/ring_ns {name}"
    contenders = (ours(command, quick=command + " 50"), *ring_peers(name))
    return Benchmark(
        f"ring-{name}",
        "Rings",
        what,
        figures,
        tuple(dataclasses.replace(c, cpus=cpus, needs=needs) for c in contenders),
        build=(example("spsc", "ring_ns"), BUILD_RINGS, PEERS),
    )


RINGS = (
    hops(
        "one-core",
        1,
        (),
        "a hop within a thread: an item of 64 bits pushed and popped",
        (
            Figure("one_core", "ns", "an item, one at a time", aim=times(1)),
            Figure("one_core_burst", "ns", "an item, bursts of 32", aim=times(1)),
        ),
    ),
    hops(
        "two-cores",
        2,
        ("two-cpus",),
        "a hop from one core to another: half of a round trip, and items one way",
        (
            Figure("two_cores", "ns", "a hop, half of a round trip", aim=times(1)),
            Figure("stream", "ns", "an item one way, one at a time", aim=times(1)),
            Figure("stream_burst", "ns", "an item one way, bursts of 32", aim=times(1)),
        ),
    ),
    Benchmark(
        "slots",
        "Rings",
        "a slot of a store of 4,096: 1,024 taken, given back; and one for another in turn",
        (
            Figure("acquire", "ns", "a slot taken", aim=absolute(2)),
            Figure("release", "ns", "a slot given back"),
            Figure("turn", "ns", "one taken and one given back, 32 held", aim=times(1)),
        ),
        (
            ours(EXAMPLES + "/slot_ns", quick=EXAMPLES + "/slot_ns 50"),
            crate("crossbeam ArrayQueue", "slot array-queue", quick="50"),
            crate("std Mutex<Vec>", "slot mutex-vec", quick="50"),
            crate("slab", "slot slab", quick="50"),
            dpdk_rings("rte_mempool, cache of 512", "mempool"),
            dpdk_rings("rte_ring", "free-ring"),
            # An mbuf is more than a slot: it comes reset, and through a call into C.
            Contender("our mbufs", MBUFS, MBUFS + " 50", judged=False),
        ),
        build=(example("book", "slot_ns"), example("dpdk", "mbuf_ns"), BUILD_RINGS, PEERS),
    ),
)

BENCHMARKS = FEED + ENGINE + TRADER + QUICKSTART + ORDERS + LOOPBACK + PORTS + RINGS

# What has no file of its own named is run on the sample, which the caches hold, and on a made-up
# day, which they do not.
MADE = "{target}/bench/day.itch"
MAKE = (example("market", "day_file"), EXAMPLES + "/day_file " + MADE)

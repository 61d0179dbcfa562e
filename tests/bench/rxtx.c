/*
 * The cost of DPDK itself: frames sent on one side of a net_ring pair, received on the other and
 * touched, in nanoseconds a frame. ffi/dpdk/examples/rxtx.rs does the same work through the
 * bindings, and `scripts/bench.sh --only rxtx` sets one against the other.
 *
 *   tests/bench/build_c.sh tests/bench/rxtx.c rxtx -lrte_net_ring && ./rxtx
 *
 * Prints one line a burst size, in ns a frame.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#define FRAME_LEN 60
#define SLOTS 256
#define FRAMES_WARM 1000000
#define FRAMES_TIMED 20000000
#define BURST_MAX 32

static void check(int ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "rxtx: cannot %s\n", what);
		exit(1);
	}
}

static void start(uint16_t port, struct rte_mempool *pool)
{
	struct rte_eth_conf conf;

	memset(&conf, 0, sizeof(conf));
	check(rte_eth_dev_configure(port, 1, 1, &conf) == 0, "configure");
	check(rte_eth_rx_queue_setup(port, 0, SLOTS, 0, NULL, pool) == 0, "set up rx");
	check(rte_eth_tx_queue_setup(port, 0, SLOTS, 0, NULL) == 0, "set up tx");
	check(rte_eth_dev_start(port) == 0, "start");
}

/* Sends the burst round until so many frames have passed; each has its first word counted up. */
static __attribute__((noinline)) uint64_t pass(uint16_t a, uint16_t b, struct rte_mbuf **burst,
					       uint16_t size, uint64_t frames)
{
	uint64_t done = 0, sum = 0;
	uint16_t got = size, i;

	while (done < frames) {
		/* As any forwarder, what came in goes out: the count is not a constant. */
		uint16_t sent = rte_eth_tx_burst(a, 0, burst, got);

		check(sent == got, "send");
		got = rte_eth_rx_burst(b, 0, burst, BURST_MAX);
		check(got != 0, "receive");
		for (i = 0; i < got; i++) {
			uint64_t *word = rte_pktmbuf_mtod(burst[i], uint64_t *);

			check(rte_pktmbuf_data_len(burst[i]) >= sizeof(*word), "read");
			*word += 1;
			sum += *word;
		}
		done += got;
	}
	return sum;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int main(void)
{
	char *args[] = { "rxtx",       "--lcores=0@0", "--no-huge", "--no-shconf", "-m64",
			 "--no-pci",   "--iova-mode=va", "--no-telemetry",
			 "--log-level=*:error" };
	static const uint16_t sizes[] = { 1, 4, 32 };
	struct rte_mbuf *burst[BURST_MAX];
	struct rte_ring *ab, *ba;
	struct rte_mempool *pool;
	uint64_t sum = 0;
	int a, b;
	size_t s;

	check(rte_eal_init(sizeof(args) / sizeof(args[0]), args) >= 0, "start EAL");
	pool = rte_pktmbuf_pool_create("frames", 1023, 64, 0, RTE_MBUF_DEFAULT_BUF_SIZE, -1);
	ab = rte_ring_create("ab", SLOTS, -1, RING_F_SP_ENQ | RING_F_SC_DEQ);
	ba = rte_ring_create("ba", SLOTS, -1, RING_F_SP_ENQ | RING_F_SC_DEQ);
	check(pool && ab && ba, "make the pool and the rings");
	a = rte_eth_from_rings("a", &ba, 1, &ab, 1, 0);
	b = rte_eth_from_rings("b", &ab, 1, &ba, 1, 0);
	check(a >= 0 && b >= 0, "make the ports");
	start((uint16_t)a, pool);
	start((uint16_t)b, pool);

	for (s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		uint64_t begin, end;
		uint16_t i;

		check(rte_pktmbuf_alloc_bulk(pool, burst, sizes[s]) == 0, "take mbufs");
		for (i = 0; i < sizes[s]; i++)
			memset(rte_pktmbuf_append(burst[i], FRAME_LEN), 0, FRAME_LEN);
		sum += pass((uint16_t)a, (uint16_t)b, burst, sizes[s], FRAMES_WARM);
		begin = now_ns();
		sum += pass((uint16_t)a, (uint16_t)b, burst, sizes[s], FRAMES_TIMED);
		end = now_ns();
		rte_pktmbuf_free_bulk(burst, sizes[s]);
		printf("FIGURE burst-%u %.3f ns\n", sizes[s], (double)(end - begin) / FRAMES_TIMED);
	}
	fprintf(stderr, "sum %" PRIu64 "\n", sum);
	return 0;
}

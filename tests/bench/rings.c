/*
 * What a hop over DPDK's own ring costs, and a slot of its own pools: rte_ring and rte_mempool in
 * C, inlined as its users have them. ffi/spsc/examples/ring_ns and strategy/book/examples/slot_ns
 * do the same work with ours, and say how it is measured; `scripts/bench.sh --only rings` sets one
 * against the other.
 *
 *   tests/bench/build_c.sh tests/bench/rings.c rings && ./rings WHAT [MILLISECONDS]
 *
 * WHAT being one-core, two-cores, mempool or free-ring.
 *
 * Prints medians over short batches, in ns; ends with 2 when an argument cannot be used.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_eal.h>
#include <rte_mempool.h>
#include <rte_pause.h>
#include <rte_ring.h>

#define ITEMS_MAX 1024
#define BURST 32
#define END UINT64_MAX
#define BATCH 4096
#define TRIPS 32
#define ALONE 16
#define BATCHES_MIN 1000
#define PATIENCE 10
#define BATCHES_MAX (1u << 20)

#define SLOTS 4096
#define HELD 1024
#define UNDER_WAY 32
#define CACHE 512

static uint64_t time_ns;
static int cpus[2], cpu_count;
static uint64_t batches[BATCHES_MAX];
static uint32_t batch_count;

static void check(int ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "rings: cannot %s\n", what);
		exit(1);
	}
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void keep(uint64_t ns)
{
	if (batch_count < BATCHES_MAX)
		batches[batch_count++] = ns;
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* The median of what a batch took, for each of its count. */
static void tell(const char *name, uint64_t count)
{
	check(batch_count > 0, "finish a batch in so short a time");
	qsort(batches, batch_count, sizeof(batches[0]), compare);
	while (batches[batch_count - 1] > batches[0] * ALONE)
		batch_count--;
	printf("FIGURE %s %.3f ns\n", name, (double)batches[batch_count / 2] / (double)count);
	batch_count = 0;
}

/* Whether a measurement across two cores that has so many batches goes on. */
static int goes_on(uint64_t begin, uint64_t count)
{
	uint64_t elapsed = now_ns() - begin;

	return elapsed < time_ns || (count < BATCHES_MIN && elapsed < time_ns * PATIENCE);
}

static void pin(int thread)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpus[thread], &set);
	check(pthread_setaffinity_np(pthread_self(), sizeof(set), &set) == 0, "pin a thread");
}

static inline void push(struct rte_ring *ring, uint64_t item)
{
	while (rte_ring_sp_enqueue(ring, (void *)(uintptr_t)item) != 0)
		rte_pause();
}

static inline uint64_t pop(struct rte_ring *ring)
{
	void *item;

	while (rte_ring_sc_dequeue(ring, &item) != 0)
		rte_pause();
	return (uint64_t)(uintptr_t)item;
}

static __attribute__((noinline)) void one_core(struct rte_ring *ring)
{
	uint64_t begin = now_ns(), next = 0;

	while (now_ns() - begin < time_ns) {
		uint64_t start = now_ns();
		int i;

		for (i = 0; i < BATCH; i++, next++) {
			push(ring, next);
			check(pop(ring) == next, "keep the order");
		}
		keep(now_ns() - start);
	}
	tell("one_core", BATCH);
}

static __attribute__((noinline)) void one_core_burst(struct rte_ring *ring)
{
	uint64_t begin = now_ns(), next = 0, items[BURST], got[BURST];

	while (now_ns() - begin < time_ns) {
		uint64_t start = now_ns();
		int i, j;

		for (i = 0; i < BATCH / BURST; i++, next += BURST) {
			for (j = 0; j < BURST; j++)
				items[j] = next + (uint64_t)j;
			check(rte_ring_sp_enqueue_burst(ring, (void **)items, BURST, NULL) == BURST,
			      "push");
			check(rte_ring_sc_dequeue_burst(ring, (void **)got, BURST, NULL) == BURST,
			      "pop");
			check(memcmp(items, got, sizeof(items)) == 0, "keep the order");
		}
		keep(now_ns() - start);
	}
	tell("one_core_burst", BATCH);
}

struct rings {
	struct rte_ring *there, *back;
	int burst;
};

static void *echo(void *arg)
{
	struct rings *rings = arg;
	uint64_t item;

	pin(1);
	do {
		item = pop(rings->there);
		push(rings->back, item);
	} while (item != END);
	return NULL;
}

static void two_cores(struct rings *rings)
{
	uint64_t begin = now_ns(), next = 0;
	pthread_t other;

	check(pthread_create(&other, NULL, echo, rings) == 0, "start a thread");
	while (goes_on(begin, batch_count)) {
		uint64_t start = now_ns();
		int i;

		for (i = 0; i < TRIPS; i++, next++) {
			push(rings->there, next);
			check(pop(rings->back) == next, "keep the order");
		}
		keep(now_ns() - start);
	}
	push(rings->there, END);
	pop(rings->back);
	pthread_join(other, NULL);
	tell("two_cores", 2 * TRIPS);
}

static void *send_all(void *arg)
{
	struct rings *rings = arg;
	uint64_t begin, next = 0, items[BURST];
	int i, j;

	pin(1);
	begin = now_ns();
	while (goes_on(begin, next / BATCH)) {
		for (i = 0; i < BATCH / rings->burst; i++, next += (uint64_t)rings->burst) {
			unsigned int sent = 0;

			if (rings->burst == 1) {
				push(rings->there, next);
				continue;
			}
			for (j = 0; j < BURST; j++)
				items[j] = next + (uint64_t)j;
			while (sent < BURST) {
				unsigned int count = rte_ring_sp_enqueue_burst(
					rings->there, (void **)items + sent, BURST - sent, NULL);

				if (count == 0)
					rte_pause();
				sent += count;
			}
		}
	}
	push(rings->there, END);
	return NULL;
}

static void stream(struct rings *rings, int burst)
{
	uint64_t start, next = 0, due = BATCH, items[BURST];
	pthread_t other;

	rings->burst = burst;
	check(pthread_create(&other, NULL, send_all, rings) == 0, "start a thread");
	start = now_ns();
	for (;;) {
		unsigned int i, got = 1;

		if (burst == 1)
			items[0] = pop(rings->there);
		else
			got = rte_ring_sc_dequeue_burst(rings->there, (void **)items, BURST, NULL);
		if (got == 0)
			rte_pause();
		for (i = 0; i < got; i++) {
			if (items[i] == END)
				goto ended;
			check(items[i] == next++, "keep the order");
		}
		if (next >= due) {
			uint64_t now = now_ns();

			keep(now - start);
			start = now;
			due += BATCH;
		}
	}
ended:
	pthread_join(other, NULL);
	tell(burst == 1 ? "stream" : "stream_burst", BATCH);
}

static struct rte_ring *make(const char *name)
{
	struct rte_ring *ring = rte_ring_create(name, ITEMS_MAX, SOCKET_ID_ANY,
						RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);

	check(ring != NULL, "make a ring");
	return ring;
}

static void hops_on_one(void)
{
	struct rte_ring *ring = make("ring");

	one_core(ring);
	one_core_burst(ring);
}

static void hops_across_two(void)
{
	struct rings rings = { make("there"), make("back"), 1 };

	check(cpu_count == 2, "use more than one CPU: nothing is measured across two");
	two_cores(&rings);
	stream(&rings, 1);
	stream(&rings, BURST);
}

/* The store is a mempool with its cache, or a ring that holds the free slots. */
static struct rte_mempool *pool;
static struct rte_ring *spare;

static inline void *acquire(int of_pool)
{
	void *slot = NULL;

	if (of_pool)
		check(rte_mempool_get(pool, &slot) == 0, "acquire");
	else
		check(rte_ring_sc_dequeue(spare, &slot) == 0, "acquire");
	return slot;
}

static inline void release(int of_pool, void *slot)
{
	if (of_pool)
		rte_mempool_put(pool, slot);
	else
		check(rte_ring_sp_enqueue(spare, slot) == 0, "release");
}

static inline __attribute__((always_inline)) void slots(int of_pool)
{
	static void *held[HELD];
	static uint64_t releases[BATCHES_MAX];
	uint64_t begin = now_ns();
	uint32_t i, count = 0;

	while (now_ns() - begin < time_ns) {
		uint64_t start = now_ns(), middle;

		for (i = 0; i < HELD; i++)
			held[i] = acquire(of_pool);
		middle = now_ns();
		for (i = 0; i < HELD; i++)
			release(of_pool, held[i]);
		if (count < BATCHES_MAX)
			releases[count++] = now_ns() - middle;
		keep(middle - start);
	}
	tell("acquire", HELD);
	memcpy(batches, releases, count * sizeof(batches[0]));
	batch_count = count;
	tell("release", HELD);
	for (i = 0; i < UNDER_WAY; i++)
		held[i] = acquire(of_pool);
	begin = now_ns();
	while (now_ns() - begin < time_ns) {
		uint64_t start = now_ns();

		for (i = 0; i < BATCH; i++) {
			void *slot = acquire(of_pool);

			release(of_pool, held[i % UNDER_WAY]);
			held[i % UNDER_WAY] = slot;
		}
		keep(now_ns() - start);
	}
	tell("turn", BATCH);
}

static void free_ring(void)
{
	uintptr_t i;

	spare = rte_ring_create("spare", SLOTS, SOCKET_ID_ANY,
				RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
	check(spare != NULL, "make the ring");
	for (i = 1; i <= SLOTS; i++)
		release(0, (void *)i);
	slots(0);
}

static void mempool(void)
{
	pool = rte_mempool_create("slots", SLOTS - 1, 32, CACHE, 0, NULL, NULL, NULL, NULL,
				  SOCKET_ID_ANY, RTE_MEMPOOL_F_SP_PUT | RTE_MEMPOOL_F_SC_GET);
	check(pool != NULL, "make the pool");
	slots(1);
}

static void start(void)
{
	char lcores[32];
	char *args[] = { "rings",    lcores,         "--no-huge",	"--no-shconf",	    "-m64",
			 "--no-pci", "--iova-mode=va", "--no-telemetry", "--log-level=*:error" };
	cpu_set_t set;
	int cpu;

	check(sched_getaffinity(0, sizeof(set), &set) == 0, "read the CPUs");
	for (cpu = 0; cpu < CPU_SETSIZE && cpu_count < 2; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpus[cpu_count++] = cpu;
	snprintf(lcores, sizeof(lcores), "--lcores=0@%d", cpus[0]);
	check(rte_eal_init(sizeof(args) / sizeof(args[0]), args) >= 0, "start EAL");
	pin(0);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	long ms = argc > 2 ? atol(argv[2]) : 300;
	void (*measure)(void) = strcmp(what, "one-core") == 0	 ? hops_on_one
				: strcmp(what, "two-cores") == 0 ? hops_across_two
				: strcmp(what, "mempool") == 0	 ? mempool
				: strcmp(what, "free-ring") == 0 ? free_ring
								 : NULL;

	if (measure == NULL || ms <= 0) {
		fprintf(stderr, "rings one-core|two-cores|mempool|free-ring [MILLISECONDS]\n");
		return 2;
	}
	time_ns = (uint64_t)ms * 1000000u;
	start();
	measure();
	return 0;
}

/*
 * What Rust sees of DPDK.
 *
 * Inline functions and macros of DPDK cannot be called from Rust, and some of its structures have
 * changed shape between 22.11 and 25.11. Both are given one shape here. bindgen reads this header,
 * so whatever it declares with a pg_ or PG_ name becomes part of the bindings.
 */
#ifndef PEREGRINE_DPDK_SHIM_H
#define PEREGRINE_DPDK_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_ring.h>
#include <rte_version.h>

/* Macros, which bindgen does not evaluate when they contain casts or other macros. */
static const uint64_t PG_RX_OFFLOAD_IPV4_CKSUM = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM;
static const uint64_t PG_RX_OFFLOAD_UDP_CKSUM = RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
static const uint64_t PG_RX_OFFLOAD_TCP_CKSUM = RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
static const uint64_t PG_RX_OFFLOAD_TIMESTAMP = RTE_ETH_RX_OFFLOAD_TIMESTAMP;
static const uint64_t PG_RX_OFFLOAD_RSS_HASH = RTE_ETH_RX_OFFLOAD_RSS_HASH;
static const uint64_t PG_TX_OFFLOAD_IPV4_CKSUM = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
static const uint64_t PG_TX_OFFLOAD_UDP_CKSUM = RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
static const uint64_t PG_TX_OFFLOAD_TCP_CKSUM = RTE_ETH_TX_OFFLOAD_TCP_CKSUM;

static const uint64_t PG_MBUF_RX_IP_CKSUM_MASK = RTE_MBUF_F_RX_IP_CKSUM_MASK;
static const uint64_t PG_MBUF_RX_IP_CKSUM_BAD = RTE_MBUF_F_RX_IP_CKSUM_BAD;
static const uint64_t PG_MBUF_RX_IP_CKSUM_GOOD = RTE_MBUF_F_RX_IP_CKSUM_GOOD;
static const uint64_t PG_MBUF_RX_L4_CKSUM_MASK = RTE_MBUF_F_RX_L4_CKSUM_MASK;
static const uint64_t PG_MBUF_RX_L4_CKSUM_BAD = RTE_MBUF_F_RX_L4_CKSUM_BAD;
static const uint64_t PG_MBUF_RX_L4_CKSUM_GOOD = RTE_MBUF_F_RX_L4_CKSUM_GOOD;
static const uint64_t PG_MBUF_RX_RSS_HASH = RTE_MBUF_F_RX_RSS_HASH;
static const uint64_t PG_MBUF_TX_IP_CKSUM = RTE_MBUF_F_TX_IP_CKSUM;
static const uint64_t PG_MBUF_TX_IPV4 = RTE_MBUF_F_TX_IPV4;
static const uint64_t PG_MBUF_TX_TCP_CKSUM = RTE_MBUF_F_TX_TCP_CKSUM;
static const uint64_t PG_MBUF_TX_UDP_CKSUM = RTE_MBUF_F_TX_UDP_CKSUM;
static const uint64_t PG_MBUF_EXTERNAL = RTE_MBUF_F_EXTERNAL;

static const uint16_t PG_MBUF_HEADROOM = RTE_PKTMBUF_HEADROOM;
static const uint16_t PG_MBUF_PORT_INVALID = RTE_MBUF_PORT_INVALID;
static const uint16_t PG_PORTS_MAX = RTE_MAX_ETHPORTS;
static const uint32_t PG_MEMPOOL_CACHE_MAX = RTE_MEMPOOL_CACHE_MAX_SIZE;
static const uint32_t PG_LCORE_ANY = LCORE_ID_ANY;
static const uint32_t PG_SPEED_UNKNOWN = RTE_ETH_SPEED_NUM_UNKNOWN;
static const uint32_t PG_RING_SP_SC = RING_F_SP_ENQ | RING_F_SC_DEQ;
static const uint32_t PG_L2_LEN_BITS = RTE_MBUF_L2_LEN_BITS;
static const uint32_t PG_L3_LEN_BITS = RTE_MBUF_L3_LEN_BITS;

/*
 * The fields of an mbuf that Rust reads and writes, where they lie in memory. rte_mbuf itself is a
 * nest of unions whose shape differs between releases; the offsets do not, and shim.c asserts so.
 */
struct pg_mbuf {
	uint8_t *buf_addr;
	uint64_t unused_iova;
	uint16_t data_off;
	uint16_t refcnt;
	uint16_t nb_segs;
	uint16_t port;
	uint64_t ol_flags;
	uint32_t packet_type;
	uint32_t pkt_len;
	uint16_t data_len;
	uint16_t vlan_tci;
	uint32_t hash_rss;
	uint32_t unused_hash;
	uint16_t vlan_tci_outer;
	uint16_t buf_len;
	struct rte_mempool *pool;
	uint64_t unused_next;
	uint64_t tx_offload;
};

/* What a device says of itself. */
struct pg_port_info {
	char driver[32];
	uint8_t mac[6];
	bool link_up;
	int32_t socket;
	uint32_t kernel_index;
	uint32_t speed_mbps;
	uint16_t max_rx_queues;
	uint16_t max_tx_queues;
	uint16_t rx_slots_min;
	uint16_t rx_slots_max;
	uint16_t tx_slots_min;
	uint16_t tx_slots_max;
	uint16_t mtu;
	uint16_t mtu_min;
	uint16_t mtu_max;
	uint64_t rx_offloads;
	uint64_t tx_offloads;
	uint64_t rss_functions;
};

struct pg_link {
	bool up;
	bool full_duplex;
	uint32_t speed_mbps;
};

struct pg_stats {
	uint64_t rx_packets;
	uint64_t tx_packets;
	uint64_t rx_bytes;
	uint64_t tx_bytes;
	uint64_t rx_missed;
	uint64_t rx_errors;
	uint64_t tx_errors;
	uint64_t rx_no_mbuf;
};

/* A counter of a driver's own. */
struct pg_xstat {
	char name[64];
	uint64_t value;
};

/* What is asked of a port: offloads that the device does not have are left out. mtu 0: as it is. */
struct pg_port_conf {
	uint16_t rx_queues;
	uint16_t tx_queues;
	uint16_t rx_slots;
	uint16_t tx_slots;
	uint16_t mtu;
	uint64_t rx_offloads;
	uint64_t tx_offloads;
};

/* What became of it. step names the call that failed. */
struct pg_port_done {
	const char *step;
	uint16_t rx_slots;
	uint16_t tx_slots;
	uint16_t mtu;
	uint64_t rx_offloads;
	uint64_t tx_offloads;
};

/* The calling thread's rte_errno. */
int pg_errno(void);
/* The calling thread's lcore id, or PG_LCORE_ANY. */
uint32_t pg_lcore_id(void);

const char *pg_mempool_name(const struct rte_mempool *pool);
uint32_t pg_mempool_size(const struct rte_mempool *pool);

struct rte_mbuf *pg_mbuf_alloc(struct rte_mempool *pool);
/* 0, or a negative errno: all or nothing. */
int pg_mbuf_alloc_bulk(struct rte_mempool *pool, struct rte_mbuf **mbufs, uint32_t count);
void pg_mbuf_free(struct rte_mbuf *mbuf);
void pg_mbuf_free_bulk(struct rte_mbuf **mbufs, uint32_t count);

/* The whole inline functions, for queues that have callbacks. */
uint16_t pg_rx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **mbufs, uint16_t count);
uint16_t pg_tx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **mbufs, uint16_t count);
uint16_t pg_tx_prepare(uint16_t port, uint16_t queue, struct rte_mbuf **mbufs, uint16_t count);

/* The first port at or after this one, or PG_PORTS_MAX. */
uint16_t pg_port_next(uint16_t port);
int pg_port_info(uint16_t port, struct pg_port_info *info);
int pg_port_link(uint16_t port, struct pg_link *link);
int pg_port_stats(uint16_t port, struct pg_stats *stats);
/* Fills at most room counters; returns how many there are, or a negative errno. */
int pg_port_xstats(uint16_t port, struct pg_xstat *stats, uint32_t room);
int pg_port_configure(uint16_t port, const struct pg_port_conf *conf, struct rte_mempool *pool,
		      struct pg_port_done *done);

/* Sends DPDK's log to a buffer of bounded size, from which pg_log_text reads. */
int pg_log_capture(void);
/* From here on what DPDK logs goes to standard error; below warnings it is muted when quiet. */
void pg_log_release(bool quiet);
/* Copies what was captured, at most size - 1 bytes and a NUL; returns the length. */
size_t pg_log_text(char *out, size_t size);

#endif

/*
 * Inline functions of DPDK given an address, and calls whose structures differ between releases.
 * Everything here is cold, but for pg_mbuf_alloc* and pg_mbuf_free*, which need the thread-local
 * lcore id that Rust cannot name.
 */
#include "shim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* struct pg_mbuf lies over struct rte_mbuf: each field where DPDK has it, and of the same size. */
#define SAME_FIELD(ours, theirs)                                                                   \
	_Static_assert(offsetof(struct pg_mbuf, ours) == offsetof(struct rte_mbuf, theirs) &&     \
			       sizeof(((struct pg_mbuf *)0)->ours) ==                              \
				       sizeof(((struct rte_mbuf *)0)->theirs),                     \
		       "pg_mbuf." #ours " does not lie over rte_mbuf." #theirs)
SAME_FIELD(buf_addr, buf_addr);
SAME_FIELD(data_off, data_off);
SAME_FIELD(refcnt, refcnt);
SAME_FIELD(nb_segs, nb_segs);
SAME_FIELD(port, port);
SAME_FIELD(ol_flags, ol_flags);
SAME_FIELD(packet_type, packet_type);
SAME_FIELD(pkt_len, pkt_len);
SAME_FIELD(data_len, data_len);
SAME_FIELD(vlan_tci, vlan_tci);
SAME_FIELD(hash_rss, hash.rss);
SAME_FIELD(vlan_tci_outer, vlan_tci_outer);
SAME_FIELD(buf_len, buf_len);
SAME_FIELD(pool, pool);
SAME_FIELD(tx_offload, tx_offload);
_Static_assert(sizeof(struct pg_mbuf) <= sizeof(struct rte_mbuf), "pg_mbuf outgrew rte_mbuf");

int pg_errno(void)
{
	return rte_errno;
}

uint32_t pg_lcore_id(void)
{
	return rte_lcore_id();
}

const char *pg_mempool_name(const struct rte_mempool *pool)
{
	return pool->name;
}

uint32_t pg_mempool_size(const struct rte_mempool *pool)
{
	return pool->size;
}

struct rte_mbuf *pg_mbuf_alloc(struct rte_mempool *pool)
{
	return rte_pktmbuf_alloc(pool);
}

int pg_mbuf_alloc_bulk(struct rte_mempool *pool, struct rte_mbuf **mbufs, uint32_t count)
{
	return rte_pktmbuf_alloc_bulk(pool, mbufs, count);
}

void pg_mbuf_free(struct rte_mbuf *mbuf)
{
	rte_pktmbuf_free(mbuf);
}

void pg_mbuf_free_bulk(struct rte_mbuf **mbufs, uint32_t count)
{
	rte_pktmbuf_free_bulk(mbufs, count);
}

uint16_t pg_rx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **mbufs, uint16_t count)
{
	return rte_eth_rx_burst(port, queue, mbufs, count);
}

uint16_t pg_tx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **mbufs, uint16_t count)
{
	return rte_eth_tx_burst(port, queue, mbufs, count);
}

uint16_t pg_tx_prepare(uint16_t port, uint16_t queue, struct rte_mbuf **mbufs, uint16_t count)
{
	return rte_eth_tx_prepare(port, queue, mbufs, count);
}

uint16_t pg_port_next(uint16_t port)
{
	uint64_t found = rte_eth_find_next_owned_by(port, RTE_ETH_DEV_NO_OWNER);

	return found < RTE_MAX_ETHPORTS ? (uint16_t)found : RTE_MAX_ETHPORTS;
}

int pg_port_link(uint16_t port, struct pg_link *link)
{
	struct rte_eth_link found;
	int rc;

	memset(&found, 0, sizeof(found));
	rc = rte_eth_link_get_nowait(port, &found);
	if (rc != 0)
		return rc;
	link->up = found.link_status == RTE_ETH_LINK_UP;
	link->full_duplex = found.link_duplex == RTE_ETH_LINK_FULL_DUPLEX;
	link->speed_mbps = found.link_speed;
	return 0;
}

int pg_port_info(uint16_t port, struct pg_port_info *info)
{
	struct rte_eth_dev_info dev;
	struct rte_ether_addr mac;
	struct pg_link link;
	int rc;

	memset(info, 0, sizeof(*info));
	memset(&dev, 0, sizeof(dev));
	rc = rte_eth_dev_info_get(port, &dev);
	if (rc != 0)
		return rc;
	snprintf(info->driver, sizeof(info->driver), "%s", dev.driver_name ? dev.driver_name : "");
	if (rte_eth_macaddr_get(port, &mac) == 0)
		memcpy(info->mac, mac.addr_bytes, sizeof(info->mac));
	if (pg_port_link(port, &link) == 0) {
		info->link_up = link.up;
		info->speed_mbps = link.speed_mbps;
	} else {
		info->speed_mbps = RTE_ETH_SPEED_NUM_UNKNOWN;
	}
	info->socket = rte_eth_dev_socket_id(port);
	info->kernel_index = dev.if_index;
	info->max_rx_queues = dev.max_rx_queues;
	info->max_tx_queues = dev.max_tx_queues;
	info->rx_slots_min = dev.rx_desc_lim.nb_min;
	info->rx_slots_max = dev.rx_desc_lim.nb_max;
	info->tx_slots_min = dev.tx_desc_lim.nb_min;
	info->tx_slots_max = dev.tx_desc_lim.nb_max;
	rte_eth_dev_get_mtu(port, &info->mtu);
	info->mtu_min = dev.min_mtu;
	info->mtu_max = dev.max_mtu;
	info->rx_offloads = dev.rx_offload_capa;
	info->tx_offloads = dev.tx_offload_capa;
	info->rss_functions = dev.flow_type_rss_offloads;
	return 0;
}

int pg_port_stats(uint16_t port, struct pg_stats *stats)
{
	struct rte_eth_stats found;
	int rc;

	memset(&found, 0, sizeof(found));
	rc = rte_eth_stats_get(port, &found);
	if (rc != 0)
		return rc;
	stats->rx_packets = found.ipackets;
	stats->tx_packets = found.opackets;
	stats->rx_bytes = found.ibytes;
	stats->tx_bytes = found.obytes;
	stats->rx_missed = found.imissed;
	stats->rx_errors = found.ierrors;
	stats->tx_errors = found.oerrors;
	stats->rx_no_mbuf = found.rx_nombuf;
	return 0;
}

int pg_port_xstats(uint16_t port, struct pg_xstat *stats, uint32_t room)
{
	struct rte_eth_xstat_name *names = NULL;
	struct rte_eth_xstat *values = NULL;
	int count, got, i;

	count = rte_eth_xstats_get(port, NULL, 0);
	if (count <= 0 || room == 0)
		return count;
	names = calloc((size_t)count, sizeof(*names));
	values = calloc((size_t)count, sizeof(*values));
	got = -ENOMEM;
	if (names == NULL || values == NULL)
		goto out;
	got = rte_eth_xstats_get_names(port, names, (unsigned int)count);
	if (got != count)
		goto out;
	got = rte_eth_xstats_get(port, values, (unsigned int)count);
	if (got != count)
		goto out;
	for (i = 0; i < count && (uint32_t)i < room; i++) {
		/* The id of a value is the index of its name. */
		if (values[i].id < (uint64_t)count)
			snprintf(stats[i].name, sizeof(stats[i].name), "%s",
				 names[values[i].id].name);
		stats[i].value = values[i].value;
	}
out:
	free(names);
	free(values);
	return got;
}

static int set_up_queues(uint16_t port, const struct pg_port_conf *conf, struct rte_mempool *pool,
			 struct pg_port_done *done)
{
	unsigned int socket = (unsigned int)rte_eth_dev_socket_id(port);
	uint16_t queue;
	int rc;

	done->step = "set up a receive queue";
	for (queue = 0; queue < conf->rx_queues; queue++) {
		rc = rte_eth_rx_queue_setup(port, queue, done->rx_slots, socket, NULL, pool);
		if (rc != 0)
			return rc;
	}
	done->step = "set up a transmit queue";
	for (queue = 0; queue < conf->tx_queues; queue++) {
		rc = rte_eth_tx_queue_setup(port, queue, done->tx_slots, socket, NULL);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* A device without an operation for it takes any MTU that it was configured with. */
static int set_mtu(uint16_t port, uint16_t before, struct pg_port_done *done)
{
	int rc;

	done->step = "set the MTU";
	if (before == done->mtu)
		return 0;
	rc = rte_eth_dev_set_mtu(port, done->mtu);
	return rc == -ENOTSUP ? 0 : rc;
}

int pg_port_configure(uint16_t port, const struct pg_port_conf *conf, struct rte_mempool *pool,
		      struct pg_port_done *done)
{
	struct rte_eth_dev_info dev;
	struct rte_eth_conf eth;
	uint16_t mtu_before = 0;
	int rc;

	memset(done, 0, sizeof(*done));
	memset(&dev, 0, sizeof(dev));
	memset(&eth, 0, sizeof(eth));
	done->step = "ask for its abilities";
	rc = rte_eth_dev_info_get(port, &dev);
	if (rc != 0)
		return rc;
	done->step = "ask for its MTU";
	rc = rte_eth_dev_get_mtu(port, &mtu_before);
	if (rc != 0)
		return rc;
	done->mtu = conf->mtu != 0 ? conf->mtu : mtu_before;
	done->rx_offloads = conf->rx_offloads & dev.rx_offload_capa;
	done->tx_offloads = conf->tx_offloads & dev.tx_offload_capa;
	eth.rxmode.mtu = done->mtu;
	eth.rxmode.offloads = done->rx_offloads;
	eth.txmode.offloads = done->tx_offloads;
	if (conf->rx_queues > 1) {
		uint64_t hashes = RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_TCP;

		eth.rx_adv_conf.rss_conf.rss_hf = hashes & dev.flow_type_rss_offloads;
		if (eth.rx_adv_conf.rss_conf.rss_hf != 0)
			eth.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	}
	done->step = "configure";
	rc = rte_eth_dev_configure(port, conf->rx_queues, conf->tx_queues, &eth);
	if (rc != 0)
		return rc;
	done->step = "set the sizes of its queues";
	done->rx_slots = conf->rx_slots;
	done->tx_slots = conf->tx_slots;
	rc = rte_eth_dev_adjust_nb_rx_tx_desc(port, &done->rx_slots, &done->tx_slots);
	if (rc != 0)
		return rc;
	rc = set_up_queues(port, conf, pool, done);
	if (rc != 0)
		return rc;
	return set_mtu(port, mtu_before, done);
}

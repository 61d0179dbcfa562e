//! Hugepage arenas outside DPDK.

//! The safe face of DPDK.

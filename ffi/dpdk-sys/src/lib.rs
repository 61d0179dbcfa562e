//! Raw bindings to libdpdk and the cold C shims.
//!
//! Only what the `dpdk` crate uses is here, in three kinds:
//! * functions of DPDK that a library exports, bound as they are;
//! * `pg_*` functions from `c/shim.c`: inline functions of DPDK, and calls whose structures differ
//!   between releases, brought to one shape for all releases from 22.11 on;
//! * data the hot path reads without a call: `rte_eth_fp_ops`, and `pg_mbuf`, our name for the
//!   fields of an mbuf. The C compiler checks its layout against that of `rte_mbuf`.
//!
//! Nothing here is safe to call as it stands: the `dpdk` crate is the safe face.
#![allow(non_camel_case_types, non_upper_case_globals, non_snake_case)]
#![allow(missing_docs, unreachable_pub, dead_code)]
#![allow(clippy::all, clippy::undocumented_unsafe_blocks)]

/// A frame's buffer; its fields are those of [`pg_mbuf`].
#[repr(C)]
#[derive(Debug)]
pub struct rte_mbuf {
    opaque: [u8; 0],
}

/// A pool of mbufs.
#[repr(C)]
#[derive(Debug)]
pub struct rte_mempool {
    opaque: [u8; 0],
}

/// A ring of pointers.
#[repr(C)]
#[derive(Debug)]
pub struct rte_ring {
    opaque: [u8; 0],
}

include!(concat!(env!("OUT_DIR"), "/bindings.rs"));

//! The poll loops: what each role does on its lcore, from `rx_burst` to `tx_burst`.
//!
//! Why it exists: a role is one loop that nothing is handed to or from. Here the pieces meet: a
//! port ([`port_io`]), the network on it (`net`), sessions (`session`), and what decides
//! (`strategy/*`).
//!
//! Layout: [`duty`] runs roles on a thread and follows the run's phase ([`control`]); [`venue`],
//! [`trader`], [`loadgen`], [`impair`] and [`switch`] are the roles, each an [`Agent`]; what two of
//! them share stands beside them. From `poll` to its return nothing allocates, blocks, formats or
//! calls the kernel.
//!
//! Failure modes: frames, messages and answers may be anything, and are counted where they end.
//! What a port does not take waits; what no pool holds is a counted refusal.
#![forbid(unsafe_code)]

pub mod agent;
pub mod control;
pub mod duty;
pub mod feed_port;
pub mod impair;
pub mod laps;
pub mod loadgen;
pub mod loopback;
pub mod market_data;
pub mod order_link;
pub mod port_io;
pub mod prober;
pub mod replica_port;
pub mod replicated;
pub mod switch;
pub mod trader;
pub mod venue;

pub use agent::{Agent, Now, WorkCount};
pub use control::{Control, Fault, Phase};

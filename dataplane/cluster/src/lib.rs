//! A node of a replicated venue, sans-I/O: consensus, matching, what sessions and feed are sent,
//! and what of it may leave.
//!
//! Why it exists: an acknowledged order has to survive the node that acknowledged it. So everything
//! that changes a venue's state is an input with a stamp ([`venue::Core::enact`]), and the nodes
//! agree on the inputs and their order ([`replica`]). [`Member`] is where both meet. A polling
//! lcore drives it over DPDK, and the simulator on a virtual clock: there is no clock, port, thread
//! or disk in it.
//!
//! # The way of a message
//!
//! On the leader, a client's message is decoded, gated, stamped once, proposed, and enacted at
//! once: its replies lie in their stores under their numbers, *held*. When a quorum has the
//! proposal on disk, it is committed, and what came of it is released. Several are under way. A
//! follower enacts what is committed, and so has the same bytes under the same numbers; nothing
//! leaves it.
//!
//! The index of an entry in the replicated log is the number of the input at the core
//! ([`venue::Core::inputs`]): an entry that is no input (a leader's first, a change of the members)
//! uses up a number.
//!
//! # Who serves
//!
//! [`Standing`] says what a node is to clients. A new leader serves when an entry of its term is
//! committed and everything before is enacted; it goes on with the sessions and the feed at their
//! next numbers. Connections are not replicated: clients log in again, for the message behind the
//! last that they have. What an old leader had not committed was acknowledged to nobody; a client
//! asks where it is (OUCH's account query), or sends again, and OUCH's rule that numbers rise makes
//! the second of two the one that is ignored.
//!
//! A leader whose lease ran out is [`Standing::Muted`]: it may have been succeeded. It sends
//! nothing until it has the lease again, in the same term; when it has lost the term it stands by.
//!
//! # Going back
//!
//! A leader that is deposed may have enacted what its successor never heard of. Nobody was told,
//! but the state has it, and an engine cannot go back. The member says [`Host::state_wanted`];
//! until it has one ([`Member::install`]) it takes part in consensus, enacts nothing and serves
//! nobody. A snapshot that a leader sent to a node that was too far behind goes the same way.
//!
//! # Limits
//!
//! Inputs under way are bounded ([`MemberConfig::inflight_max`], the log's and the batch's size):
//! [`Member::has_room`] is false then, and messages stay with the transport. Entries enacted by a
//! follower in one poll are bounded as well ([`MemberConfig::enact_max`]).
//!
//! # Failure modes
//!
//! A slow quorum: replies are held, [`Member::is_stalled`] says so, and clients hear no heartbeats.
//! That is the one policy here, `stall`; `replica` knows `provisional`, and a member that is
//! configured for it stalls as well.
//! Whatever is refused is counted in [`Counts`].
#![forbid(unsafe_code)]

mod config;
mod counts;
mod host;
mod keep;
mod member;

pub use config::{Due, MemberConfig};
pub use counts::Counts;
pub use host::{Host, Need, Standing, State, Time, Why};
pub use keep::{Recovery, RecoveryError, to_journal};
pub use member::{Member, MemberError, NotTaken};

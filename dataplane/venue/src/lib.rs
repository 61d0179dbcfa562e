//! Everything of a venue that stands behind its ports, sans-I/O: OUCH in, the gate, the engine,
//! replies and tape.
//!
//! Why it exists: what a venue does with a message must be the same on a DPDK port, over the
//! kernel's sockets, in the cluster's simulator on a virtual clock, and when it is replayed from a
//! journal. So there is one function that changes what is replicated, [`Core::enact`], and all that
//! reaches it is an [`Input`] and a stamp: the same inputs with the same stamps make the same
//! engine, the same bytes under the same numbers of every session, and the same feed. Around it,
//! [`Core::on_message`] makes inputs of what clients say.
//!
//! Layout: the engine and what its events become ([`Core`]); sessions and publisher are lent
//! ([`Stores`]), since connections and ports read them too; clocks and a journal stand beside
//! ([`Beside`]).
//!
//! Limits: a full store evicts its oldest message; a full engine rejects; neither grows.
//!
//! Failure modes: a message that cannot be read is counted and dropped ([`entry::Unreadable`]); a
//! reply that no store takes is counted.
#![forbid(unsafe_code)]

mod by_type;
mod core;
mod counters;
mod dirty;
pub mod entry;
mod image;
mod listing;
mod out;
mod replies;
mod tape;

pub use crate::core::{Beside, Core, CoreParts, Day, Stores, ToOperator};
pub use by_type::ByType;
pub use counters::{VenueCounter, VenueCounts, VenueStage};
pub use dirty::Dirty;
pub use image::ImageError;
pub use listing::Listing;
pub use replies::{Repeated, repeated};
pub use types::{Echo, Input, Open};

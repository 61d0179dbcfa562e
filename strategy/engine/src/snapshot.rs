//! A snapshot: all state of an engine as bytes, and an engine from them.
//!
//! Why it exists: with a snapshot, a replay starts from a state and not from the morning, and an
//! engine can be moved into one with more room. What comes back behaves as what was taken: the same
//! commands give the same events and the same [`Engine::state_hash`].
//!
//! Layout of the bytes: the header with the magic `PERESNP1`, the version and the number of orders
//! (`sealed.rs`), then an rkyv archive of an image (`snapshot/image.rs`), 56 bytes an order. Equal
//! states give equal bytes.
//!
//! What is not in it: the configuration (capacities, limits, tick tables, lots, self-match
//! prevention), which is the reader's, and calls that broke the ledger's contract. The reader's
//! engine may be larger in every capacity, have more sessions and list more instruments; accounts
//! must be as many. More sessions or instruments give another hash, as they are part of the state.
//!
//! Failure modes: everything is checked, the archive before it is read and each order before it is
//! put in, so that an image that nobody's engine can have had is an error and never a panic, now or
//! later. What is checked is what the engine relies on, not that a market could have come about.
//!
//! Limits: neither is for the hot path; both allocate, about the snapshot's size once more.

mod image;
mod restore;

#[cfg(test)]
mod tests;

use crate::Engine;
use crate::config::EngineConfig;
use crate::ledger::ImageError;
use crate::sealed::{self, Kind, SealedError};
use crate::view::Broken;
use image::{ArchivedImage, ArchivedOrderImage, Image};
use rkyv::rancor::Error as RkyvError;
use types::{MatchId, OrderId, SessionId, SymbolId};

const KIND: Kind = Kind { magic: *b"PERESNP1", version: 1 };

/// Why there is no snapshot, or no engine from one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// The bytes are no snapshot, or not the bytes that were written.
    #[error("snapshot: {0}")]
    Sealed(#[from] SealedError),
    /// More than the configuration has room for.
    #[error("the snapshot has {image} {what} and the configuration room for {config}")]
    Capacity {
        /// Of what.
        what: &'static str,
        /// How many there are.
        image: u64,
        /// How many would fit; for trades and levels, the whole capacity.
        config: u64,
    },
    /// The configuration has no instrument of this id and name.
    #[error("instrument {0} of the snapshot is not configured under its id and name")]
    UnknownSymbol(SymbolId),
    /// An instrument's prices or stamps are out of range, or it is told of twice.
    #[error("instrument {0} of the snapshot cannot be")]
    Instrument(SymbolId),
    /// A session's numbers disagree with each other or with its orders.
    #[error("session {0} of the snapshot cannot be")]
    Session(SessionId),
    /// A firm that is switched off is blank, there twice, or on a session that is not there.
    #[error("firm {0} of those switched off in the snapshot cannot be")]
    FirmOff(usize),
    /// An order that no engine can hold.
    #[error("order {order} of the snapshot cannot be: {fault}")]
    Order {
        /// Which.
        order: OrderId,
        /// Why not.
        fault: OrderFault,
    },
    /// Conditions of no order, or of one that has others.
    #[error("condition {0} of the snapshot belongs to no order")]
    Condition(usize),
    /// A trade out of range, out of order, or of someone who is not there.
    #[error("trade {0} of the snapshot cannot be")]
    Trade(MatchId),
    /// The clock, a counter, or the numbers given out are out of range.
    #[error("{0} of the snapshot is out of range")]
    Number(&'static str),
    /// One of snapshot and configuration has a ledger.
    #[error("the snapshot {} a ledger and the configuration {}", has(*.image), has(!*.image))]
    LedgerMissing {
        /// Whether it is the snapshot that has one.
        image: bool,
    },
    /// The ledger's part cannot be.
    #[error("the snapshot's ledger: {0}")]
    Ledger(#[from] ImageError),
    /// What the ledger says is working is not what is in the books.
    #[error("the snapshot's ledger and its books disagree about working orders")]
    Working,
    /// The engine would not pass [`Engine::check`].
    #[error("the snapshot's state does not hold: {0}")]
    Broken(#[from] Broken),
}

/// What is wrong with an order of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderFault {
    /// Its instrument is not listed.
    #[error("its instrument is not listed")]
    Symbol,
    /// Its session or account is not there.
    #[error("its session or account is not there")]
    Owner,
    /// Its number was not given out, or is another's.
    #[error("its number was not given out, or is another's")]
    Number,
    /// Neither a limit in range nor, where that can rest, a market order.
    #[error("its price is out of range")]
    Price,
    /// No shares, or more than an order may have.
    #[error("its quantities are out of range")]
    Quantity,
    /// Terms on which no order rests, or that contradict each other.
    #[error("no order rests on its terms")]
    Terms,
    /// It stands before one that is served earlier.
    #[error("it is out of the order in which orders are served")]
    Place,
}

fn has(image: bool) -> &'static str {
    if image { "has" } else { "has not" }
}

impl Engine {
    /// All state as bytes for a file. Allocates.
    ///
    /// # Errors
    /// The archive could not be made.
    pub fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        let image = Image::of(self);
        let size = image.orders.len() * size_of::<ArchivedOrderImage>() + image.rest_len();
        let bytes = rkyv::api::high::to_bytes_in::<_, RkyvError>(&image, sealed::begin(size));
        let mut bytes = bytes.map_err(SealedError::from)?;
        sealed::seal(KIND, image.orders.len(), &mut bytes);
        Ok(bytes)
    }

    /// An engine with a snapshot's state and `config`'s capacities and rules, which may be larger
    /// than those of the engine that was snapshotted. Trusts nothing in `bytes`: what comes out
    /// passes [`Engine::check`].
    ///
    /// # Errors
    /// Bytes that are no snapshot or damaged, a state that cannot be, or one that `config` has no
    /// room for.
    ///
    /// # Panics
    /// As [`Engine::new`], if `config` cannot be.
    pub fn restore(config: &EngineConfig, bytes: &[u8]) -> Result<Engine, SnapshotError> {
        let opened = sealed::open(KIND, bytes)?;
        let image = rkyv::access::<ArchivedImage, RkyvError>(opened.archive());
        let image = image.map_err(SealedError::from)?;
        opened.expect(image.orders.len())?;
        let engine = restore::read(config, image)?;
        engine.check()?;
        Ok(engine)
    }
}

//! What is true: the log as it was first committed, and the one venue that comes of it.
//!
//! Every node's committed entries are held against it as they are seen, every node's state, and
//! every byte that leaves.

use crate::floor::{self, CLIENTS, Floor};
use crate::outcome::{Check, Violation};
use cluster::State;
use journal::decode_proposal;
use replica::{Entry, EntryKind};
use session::{ReplayStore, SessionId};
use std::collections::BTreeMap;
use types::{Command, Input, UserRef};

/// What was agreed on at an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Agreed {
    term: u64,
    payload: u64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Oracle {
    floor: Floor,
    state: State,
    log: Vec<Agreed>,
    /// The engine's hash behind each entry, from none on.
    hashes: Vec<u64>,
    /// Where each order of a client is in the log first.
    orders: BTreeMap<(u16, u32), u64>,
}

/// FNV-1a over bytes.
pub(crate) fn digest(bytes: &[u8], from: u64) -> u64 {
    bytes.iter().fold(from, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

pub(crate) const DIGEST_BEGIN: u64 = 0xcbf2_9ce4_8422_2325;

impl Oracle {
    pub(crate) fn new() -> Oracle {
        let (floor, state) = floor::new();
        let hashes = vec![state.core.engine().state_hash()];
        Oracle { floor, state, log: Vec::new(), hashes, orders: BTreeMap::new() }
    }

    /// Entries that were committed by anybody.
    pub(crate) fn committed(&self) -> u64 {
        self.log.len() as u64
    }

    /// A node says that an entry is committed; whether it is the first to say so.
    pub(crate) fn agree(&mut self, node: u64, entry: &Entry<'_>) -> Result<bool, Violation> {
        let payload = digest(entry.payload, DIGEST_BEGIN ^ entry.kind as u64);
        let agreed = Agreed { term: entry.term, payload };
        let at = entry.index as usize - 1;
        if let Some(before) = self.log.get(at) {
            if *before != agreed {
                return Err(Check::CommittedPrefix.broken(format!(
                    "node {node} has entry {} of term {} committed, where it is of term {}{}",
                    entry.index,
                    entry.term,
                    before.term,
                    if before.term == agreed.term { ", with other bytes" } else { "" },
                )));
            }
            return Ok(false);
        }
        if at != self.log.len() {
            let what = format!("node {node} has entry {} committed, far ahead", entry.index);
            return Err(Check::CommittedPrefix.broken(what));
        }
        self.log.push(agreed);
        self.enact(entry)?;
        Ok(true)
    }

    fn enact(&mut self, entry: &Entry<'_>) -> Result<(), Violation> {
        let decoded = match entry.kind {
            EntryKind::Opaque => decode_proposal(entry.payload),
            EntryKind::Noop | EntryKind::Change => Some((self.state.stamp, Input::Nothing)),
        };
        let Some((stamp, input)) = decoded else {
            let what = format!("entry {} is no input", entry.index);
            return Err(Check::CommittedPrefix.broken(what));
        };
        if stamp < self.state.stamp {
            return Err(Check::Stamps.broken(format!("entry {} goes back in time", entry.index)));
        }
        let order = match &input {
            Input::Command(Command::Enter(e), _) => Some((e.session.0, e.user_ref.0)),
            Input::Command(Command::Replace(r), _) => Some((r.session.0, r.user_ref.0)),
            Input::Command(Command::Refused(r), _) => Some((r.session.0, r.user_ref.0)),
            _ => None,
        };
        if let Some(order) = order {
            self.orders.entry(order).or_insert(entry.index);
        }
        self.state.core.enact(stamp, &input, self.floor.stores(), None);
        self.state.stamp = stamp;
        self.hashes.push(self.state.core.engine().state_hash());
        Ok(())
    }

    /// A node has enacted all entries up to `index`, and none behind it.
    pub(crate) fn hold(&self, node: u64, index: u64, hash: u64) -> Result<(), Violation> {
        if self.hashes.get(index as usize) == Some(&hash) {
            return Ok(());
        }
        Err(Check::StateHash.broken(format!("node {node} has another state behind entry {index}")))
    }

    /// A message of a session that is to leave.
    pub(crate) fn said(&self, who: u16, seq: u64, bytes: &[u8]) -> Result<(), Violation> {
        let store = self.floor.sessions.store(SessionId(who));
        match store.and_then(|store| store.get(seq)) {
            Some(agreed) if agreed == bytes => Ok(()),
            Some(_) => {
                let what = format!("client {who}: message {seq} is not what was agreed on");
                Err(Check::ClientStream.broken(what))
            }
            None => {
                let what = format!("client {who} is told message {seq}, which may be taken back");
                Err(Check::Acknowledged.broken(what))
            }
        }
    }

    /// A message of the feed that is to leave.
    pub(crate) fn published(&self, seq: u64, bytes: &[u8]) -> Result<(), Violation> {
        match self.floor.publisher.store().get(seq) {
            Some(agreed) if agreed == bytes => Ok(()),
            found => {
                let other = if found.is_some() { "is another" } else { "may be taken back" };
                Err(Check::Feed.broken(format!("message {seq} of the feed {other}")))
            }
        }
    }

    /// Messages that were published so far.
    pub(crate) fn feed_next(&self) -> u64 {
        self.floor.publisher.next_seq()
    }

    /// Messages that a client is to have by the end.
    pub(crate) fn session_next(&self, who: u16) -> u64 {
        self.floor.sessions.store(SessionId(who)).map_or(1, ReplayStore::next_seq)
    }

    /// Where a client's order is in the log.
    pub(crate) fn order(&self, who: u16, user_ref: u32) -> Option<u64> {
        self.orders.get(&(who, user_ref)).copied()
    }

    /// The highest number of a client's that was taken.
    pub(crate) fn last_user_ref(&self, who: u16) -> UserRef {
        self.state.core.engine().last_user_ref(SessionId(who))
    }

    /// Orders, ledger and tables add up.
    pub(crate) fn audit(&self) -> Result<(), Violation> {
        let checked = self.state.core.engine().check();
        checked.map_err(|broken| Check::Ledger.broken(broken.to_string()))
    }

    /// A node's stores have the same bytes under the same numbers.
    pub(crate) fn same_stores(&self, node: u64, floor: &Floor) -> Result<(), Violation> {
        for who in 0..CLIENTS {
            let of = |floor: &Floor| -> Option<u64> {
                let store = floor.sessions.store(SessionId(who))?;
                Some(store_digest(store))
            };
            if of(floor) != of(&self.floor) {
                let what = format!("node {node} has other messages for client {who}");
                return Err(Check::ClientStream.broken(what));
            }
        }
        let feed = |floor: &Floor| store_digest(floor.publisher.store());
        if feed(floor) != feed(&self.floor) {
            return Err(Check::Feed.broken(format!("node {node} has another feed")));
        }
        Ok(())
    }

    /// A number for all that was agreed on.
    pub(crate) fn digest(&self) -> u64 {
        let stores = store_digest(self.floor.publisher.store());
        let hash = self.hashes.last().copied().unwrap_or_default();
        digest(&[stores, hash].map(u64::to_le_bytes).concat(), DIGEST_BEGIN)
    }
}

fn store_digest(store: &ReplayStore) -> u64 {
    let range = store.oldest_seq()..store.next_seq();
    let begin = DIGEST_BEGIN ^ range.end;
    range.filter_map(|seq| store.get(seq)).fold(begin, |hash, bytes| digest(bytes, hash))
}

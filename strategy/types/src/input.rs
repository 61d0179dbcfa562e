//! What changes a venue's replicated state: its engine, what its sessions are sent, its feed.
//!
//! Whoever applies the same inputs with the same stamps has the same orders, and the same bytes
//! under the same numbers of every session and of the feed. Logins, heartbeats and connections are
//! none of it.

use crate::{ClOrdId, Command, Operation, SessionId};

/// One input of a venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// Something for the engine, as the gate let it through, and what its replies repeat.
    Command(Command, Echo<'a>),
    /// What the operator had said beforehand, which is now due. Counted, so that who goes on from
    /// here knows what is still to come.
    Scheduled(Operation),
    /// A session asks which number comes next; the answer is a message of its own.
    AccountQuery(SessionId),
    /// The day begins: the feed's start, the instruments, each session's start.
    Open(Open),
    /// The day ends: nothing more is said to anyone after it.
    Close,
    /// Nothing but a number that is used up.
    Nothing,
}

/// How a day begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
    /// Whether orders match from the start.
    pub trades: bool,
    /// The day that stamps count from, in days since 1970.
    pub date: u32,
    /// What tells one configuration from another, where it decides what comes of an input: who goes
    /// on from here must have the same.
    pub config: u64,
}

/// What an accepted order's reply repeats of the request, and the engine has no use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo<'a> {
    /// Display letter.
    pub display: u8,
    /// Capacity letter.
    pub capacity: u8,
    /// Inter-market sweep eligibility.
    pub iso: u8,
    /// The client's free text; the command's.
    pub cl_ord_id: ClOrdId,
    /// Its optional fields, as OUCH has them, where they lie.
    pub optional: &'a [u8],
}

impl Default for Echo<'_> {
    fn default() -> Self {
        let (cl_ord_id, optional) = (ClOrdId::default(), &[][..]);
        Echo { display: b'Y', capacity: b'O', iso: b'N', cl_ord_id, optional }
    }
}

impl Input<'_> {
    /// What the operator wants now.
    pub fn operate(operation: Operation) -> Input<'static> {
        Input::Command(Command::Operate(operation), Echo::default())
    }
}

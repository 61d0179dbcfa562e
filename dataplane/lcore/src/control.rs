//! What the supervisor and the lcores tell each other: one phase, a few counts, one fault.
//!
//! The supervisor alone moves the phase forward; lcores read it once a duty cycle. Nothing here is
//! waited for on an lcore, and nothing but plain atomics is touched there.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    /// Roles resolve addresses and log in.
    Connecting = 0,
    /// The measured part.
    Running = 1,
    /// Nothing new is begun.
    Draining = 2,
    /// Peers are told goodbye.
    Closing = 3,
}

impl Phase {
    fn from_code(code: u8) -> Phase {
        match code {
            0 => Phase::Connecting,
            1 => Phase::Running,
            2 => Phase::Draining,
            _ => Phase::Closing,
        }
    }
}

/// What a role could not go on after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[repr(u8)]
pub enum Fault {
    /// SoupBinTCP login rejected with A.
    #[error(
        "the venue refused the login: user or password is wrong (or the user is logged in already)"
    )]
    LoginNotAuthorized = 1,
    /// SoupBinTCP login rejected with S.
    #[error("the venue refused the login: no such session, or its messages from there on are gone")]
    LoginNoSession = 2,
    /// An ITCH file ended inside a message, or could not be read on.
    #[error("an input file is damaged or could not be read to its end")]
    BadInput = 3,
}

impl Fault {
    fn from_code(code: u8) -> Option<Fault> {
        match code {
            1 => Some(Fault::LoginNotAuthorized),
            2 => Some(Fault::LoginNoSession),
            3 => Some(Fault::BadInput),
            _ => None,
        }
    }
}

/// Shared by the supervisor and all lcores.
#[derive(Debug, Default)]
pub struct Control {
    phase: AtomicU8,
    /// `role << 8 | fault`; 0 is none.
    fault: AtomicU32,
    lcores_ready: AtomicU32,
    /// The question under way whether everything has drained; 0 is none.
    round: AtomicU32,
    /// Lcores that have answered it.
    answers: AtomicU32,
    replays_done: AtomicU32,
    /// Signs of life of the control plane: whoever supervises the run counts it up.
    pub beats: AtomicU64,
    /// Input bytes replayed, for the progress bar.
    pub bytes_replayed: AtomicU64,
    /// Input messages replayed, for the progress bar.
    pub messages_replayed: AtomicU64,
    /// Fills seen by traders, for the progress bar.
    pub fills: AtomicU64,
}

impl Control {
    /// Where the run is.
    pub fn phase(&self) -> Phase {
        Phase::from_code(self.phase.load(Ordering::Relaxed))
    }

    /// Moves on; never back.
    pub fn enter(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::Release);
    }

    /// An lcore's roles are all ready.
    pub fn lcore_ready(&self) {
        self.lcores_ready.fetch_add(1, Ordering::Release);
    }

    /// Lcores whose roles are all ready.
    pub fn lcores_ready(&self) -> u32 {
        self.lcores_ready.load(Ordering::Acquire)
    }

    /// Asks all lcores to say when they have nothing in flight; only when all have answered before.
    pub fn ask_round(&self) {
        self.answers.store(0, Ordering::Relaxed);
        self.round.fetch_add(1, Ordering::Release);
    }

    /// The question under way; a number for each, 0 before the first.
    pub fn round(&self) -> u32 {
        self.round.load(Ordering::Acquire)
    }

    /// An lcore had nothing in flight since it was asked; once for each question.
    pub fn answer_round(&self) {
        self.answers.fetch_add(1, Ordering::Release);
    }

    /// Lcores that have answered.
    pub fn answers(&self) -> u32 {
        self.answers.load(Ordering::Acquire)
    }

    /// A loadgen has replayed everything.
    pub fn replay_done(&self) {
        self.replays_done.fetch_add(1, Ordering::Release);
    }

    /// Loadgens that have replayed everything.
    pub fn replays_done(&self) -> u32 {
        self.replays_done.load(Ordering::Acquire)
    }

    /// Records the first fault and the role that met it.
    pub fn fail(&self, role: u32, fault: Fault) {
        let code = role << 8 | fault as u32;
        // A second fault is the first one's consequence more often than not.
        let _ = self.fault.compare_exchange(0, code, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// The first fault, if any, and the index of the role that met it.
    pub fn fault(&self) -> Option<(u32, Fault)> {
        let code = self.fault.load(Ordering::Acquire);
        Some((code >> 8, Fault::from_code(code as u8)?))
    }
}

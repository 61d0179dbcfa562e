//! Strategies against recorded markets, with a queue-position fill model.
//!
//! Why it exists: a strategy is judged by what it would have done. So the trader's own core
//! (`desk::Core`: market, strategy, gate, orders) is fed a recording of ITCH as it would have come,
//! and its OUCH goes to a simulated venue that stands in for the recorded one. Nothing of the
//! strategy or of the risk is rewritten here; what is made up is the venue and the time in flight.
//!
//! Layout: [`Backtest`] keeps the clock (`run.rs`) over four sources of events: the recording and
//! three ways with latencies (`delayed.rs`, `link.rs`). The venue (`venue.rs`) holds the recorded
//! books at the exchange's time (`shown.rs`) and our resting orders (`ghosts.rs`), and answers in
//! OUCH (`answers.rs`). [`Outcome`] is what was noted (`record.rs`). `docs/backtest.md` has the
//! rules of filling, and what they cannot know.
//!
//! Pure: no clock, no I/O; jitter is drawn from a seed. The same messages and settings give the
//! same [`Outcome`], to the bit.
//!
//! Failure modes: whatever does not fit ends the backtest with an [`Overflow`]; bytes may be
//! anything.
#![forbid(unsafe_code)]

mod answers;
mod delayed;
mod ghosts;
mod link;
mod outcome;
mod record;
mod run;
mod settings;
mod shown;
mod venue;

pub use outcome::{Outcome, PerShare, SymbolOutcome, Traded};
pub use record::{FillRecord, POINTS_MAX, Point};
pub use run::{Backtest, FeedCounts, Progress};
pub use settings::{
    Fees, FillModel, HORIZONS_MAX, HiddenPrints, Latencies, Overflow, Settings, Start,
};
pub use venue::VenueCounts;

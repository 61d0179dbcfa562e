//! Whether a run may pass.

use lcore::loopback::Mode;
use lcore::loopback::soup::OrderCounter;
use lcore::loopback::trips::TripCounter;
use serde::Serialize;

use super::session::{Session, View};
use super::stats::{EventKind, Snapshot};

/// The least part of the asked rate that will do.
const RATE_LEAST: f64 = 0.99;
/// Its counter of frames that could not be sent counts each time that its ring was full: these
/// frames wait, or are counted where they are dropped.
const COUNTS_FULL_AS_ERROR: &str = "net_vhost";

/// Something that was held up to the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Verdict {
    /// What should be.
    pub(crate) name: &'static str,
    /// Whether it is.
    pub(crate) passed: bool,
    /// What was found.
    pub(crate) detail: String,
}

/// Judges what a session forwarded, once it has stopped. `leaked` are mbufs that did not come back.
pub(crate) fn judge(
    session: &Session<'_, '_>,
    forwarded: &Snapshot,
    allow_loss: bool,
) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    if session.mode.is_lossless() && !allow_loss {
        verdicts.push(nothing_lost(forwarded));
    }
    if session.mode.times_trips() && !allow_loss {
        verdicts.push(all_answered(session));
    }
    if session.mode == Mode::Soup {
        verdicts.extend([venue_reached(session), none_rejected(session)]);
    }
    let troubles = session.watch.troubles();
    verdicts.push(Verdict {
        name: "every port is there and its peer reads",
        passed: troubles.is_empty(),
        detail: if troubles.is_empty() { "all are".to_owned() } else { troubles.join("; ") },
    });
    if let (true, Some(asked)) = (session.mode.generates(), session.plan.rate) {
        verdicts.push(rate_kept(session, forwarded, asked));
    }
    let allocations: u64 = session.facts.iter().map(|facts| facts.allocations_hot).sum();
    verdicts.push(Verdict {
        name: "hot path does not allocate",
        passed: allocations == 0,
        detail: format!("{allocations} heap allocations while forwarding"),
    });
    verdicts
}

fn nothing_lost(forwarded: &Snapshot) -> Verdict {
    let totals = forwarded.totals();
    let mut lost: Vec<String> =
        totals.drops.nonzero().map(|(cause, count)| format!("{cause} {count}")).collect();
    for port in &forwarded.ports {
        if port.device.rx_missed > 0 {
            lost.push(format!("port {} rx_missed {}", port.id, port.device.rx_missed));
        }
        if port.device.tx_errors > 0 && port.driver != COUNTS_FULL_AS_ERROR {
            lost.push(format!("port {} tx_errors {}", port.id, port.device.tx_errors));
        }
    }
    Verdict {
        name: "nothing lost",
        passed: lost.is_empty(),
        detail: if lost.is_empty() { "no frame".to_owned() } else { lost.join(", ") },
    }
}

fn all_answered(session: &Session<'_, '_>) -> Verdict {
    let count = |counter| -> u64 {
        session.views.iter().map(|view| view.stats.trips.counters.get(counter)).sum()
    };
    let lost: u64 = session.views.iter().map(|view| view.stats.trips.lost()).sum();
    let sent = count(TripCounter::Sent);
    let detail = match (sent, count(TripCounter::Late)) {
        (0, _) => "nothing was sent".to_owned(),
        (_, 0) => format!("{lost} of {sent} were lost"),
        (_, late) => format!("{lost} of {sent} were lost, {late} came late"),
    };
    Verdict { name: "everything sent was answered", passed: lost == 0 && sent > 0, detail }
}

fn venue_reached(session: &Session<'_, '_>) -> Verdict {
    let error = session.views.iter().find_map(|view| view.stats.error());
    let detail = error.map_or("logged in".to_owned(), |error| error.to_string());
    Verdict { name: "the venue took us in", passed: error.is_none(), detail }
}

fn none_rejected(session: &Session<'_, '_>) -> Verdict {
    let rejected = |view: &View| view.stats.answers.get(OrderCounter::Rejected);
    let rejected: u64 = session.views.iter().map(rejected).sum();
    let detail = match rejected {
        0 => "no order".to_owned(),
        n => format!("{n} orders: is the symbol traded there, and the price within its limits?"),
    };
    Verdict { name: "nothing rejected", passed: rejected == 0, detail }
}

fn rate_kept(session: &Session<'_, '_>, forwarded: &Snapshot, asked: u64) -> Verdict {
    let rates = forwarded.rates();
    // The last frames are due at the very end.
    let passed = rates.tx_pps >= asked as f64 * RATE_LEAST || session.plan.count.is_some();
    let passed = passed && !session.has_seen(EventKind::RateMissed);
    let detail = format!("{:.0} frames a second of {asked} left", rates.tx_pps);
    Verdict { name: "rate kept", passed, detail }
}

/// Whether all mbufs came back.
pub(crate) fn mbufs_came_back(left: u32) -> Verdict {
    let detail = format!("{left} mbufs are missing");
    Verdict { name: "every mbuf came back", passed: left == 0, detail }
}

//! The trader's loop: ITCH in, books, strategy, risk gate, OUCH out.
//!
//! One poll takes a burst from each line of the feed and one from the venue. Each ITCH message goes
//! through the books; where it tells something, the strategy is asked at once, and what it wants
//! passes the gate and is written into TCP's ring. When the burst is done the ring is flushed: that
//! is the trade in tick-to-trade, and the clock stops when the device has taken the frame.
//!
//! Everything that decides is [`desk::Core`], the same as in a backtest; here are its ports: lines,
//! the retransmission server, snapshots, the venue, the operator.

mod clocks;
mod ears;
mod operator;

pub use clocks::{Clocks, RefusalLog, TraderStage};
pub use operator::TraderLine;

use crate::agent::{Agent, Now, WorkCount};
use crate::control::{Control, Fault};
use crate::feed_port::{FeedPort, Origin};
use crate::order_link::{Inbox, Item, OrderLink};
use crate::port_io::{Burst, PortIo};
use algos::Strategy;
use clocks::Way;
use desk::{Core, Silence};
use ears::Ears;
use feed::{Feed, FeedState, Line};
use market::{Currency, Market};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use wire::moldudp64;

/// A trader on its ports.
pub struct Trader<'e, S> {
    name: String,
    feed_ports: Vec<FeedPort<'e>>,
    feed: Feed,
    link: OrderLink<'e>,
    inbox: Inbox,
    core: Core<S>,
    clocks: Clocks,
    refusals: RefusalLog,
    operator: Option<TraderLine>,
    silent_after_ns: u64,
    /// Messages were lost for good, and no snapshot has mended it since.
    lossy: bool,
    beat: Beat,
    /// When it began to listen.
    started_ns: u64,
    /// Heartbeats of the feed when it was last asked whether all has drained.
    heartbeats_before: u64,
    control: Arc<Control>,
    burst: Burst<'e>,
}

/// When the control plane was last seen alive.
#[derive(Clone, Copy, Debug, Default)]
struct Beat {
    count: u64,
    seen_ns: u64,
}

/// The parts a [`Trader`] is made of.
pub struct TraderParts<'e, S> {
    /// The role's name.
    pub name: String,
    /// Where the feed comes in: one port for both lines, or one each.
    pub feed_ports: Vec<FeedPort<'e>>,
    /// Sequence, lines, recovery.
    pub feed: Feed,
    /// The way to the venue.
    pub link: OrderLink<'e>,
    /// What decides.
    pub core: Core<S>,
    /// Stage clocks.
    pub clocks: Clocks,
    /// Where refused orders are written down.
    pub refusals: RefusalLog,
    /// The operator's line.
    pub operator: Option<TraderLine>,
    /// Silence of every line after which the feed is taken for silent, in ns; 0 never.
    pub silent_after_ns: u64,
    /// The run's progress.
    pub control: Arc<Control>,
}

impl<'e, S: Strategy> Trader<'e, S> {
    /// Puts a trader together.
    pub fn new(parts: TraderParts<'e, S>) -> Trader<'e, S> {
        Trader {
            name: parts.name,
            feed_ports: parts.feed_ports,
            feed: parts.feed,
            link: parts.link,
            inbox: Inbox::default(),
            core: parts.core,
            clocks: parts.clocks,
            refusals: parts.refusals,
            operator: parts.operator,
            silent_after_ns: parts.silent_after_ns,
            lossy: false,
            beat: Beat::default(),
            started_ns: 0,
            heartbeats_before: 0,
            control: parts.control,
            burst: Burst::new(),
        }
    }

    /// The role's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The feed, for the report.
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// The feed's ports, for the report.
    pub fn feed_ports(&self) -> &[FeedPort<'e>] {
        &self.feed_ports
    }

    /// Market, orders, positions, for the report.
    pub fn core(&self) -> &Core<S> {
        &self.core
    }

    /// The link to the venue, for the report.
    pub fn link(&self) -> &OrderLink<'e> {
        &self.link
    }

    /// Stage clocks, for the report.
    pub fn clocks(&self) -> &Clocks {
        &self.clocks
    }

    /// Answers of the venue that found no room in the inbox: 0.
    pub fn unread(&self) -> u64 {
        self.inbox.lost()
    }

    /// Refusals that were not written down.
    pub fn refusals_lost(&self) -> u64 {
        self.refusals.lost
    }

    /// Takes the role apart for its ports: the feed's, then the orders'.
    pub fn into_ports(self) -> Vec<PortIo<'e>> {
        let feed = self.feed_ports.into_iter().map(FeedPort::into_io);
        feed.chain([self.link.into_io()]).collect()
    }

    /// A burst of the feed, message by message through book, strategy and gate.
    fn hear(&mut self, now: Now) -> usize {
        let mut heard = 0;
        for at in 0..self.feed_ports.len() {
            let got = self.feed_ports[at].rx(&mut self.burst);
            if got > 0 {
                heard += got;
                self.hear_burst(now, at);
            }
        }
        heard
    }

    fn hear_burst(&mut self, now: Now, at: usize) {
        self.clocks.laps.start(now.tsc);
        self.clocks.laps.lap(TraderStage::Rx);
        self.clocks.on_tick = true;
        let port = &mut self.feed_ports[at];
        for mbuf in self.burst.drain(..) {
            if let Some((origin, payload)) = port.open(now, &mbuf) {
                let way = Way {
                    link: &mut self.link,
                    clocks: &mut self.clocks,
                    refusals: &mut self.refusals,
                    now,
                };
                let mut ears = Ears { core: &mut self.core, lossy: &mut self.lossy, way };
                match origin {
                    Origin::Line(line) => {
                        warm(&self.feed, ears.core.market(), payload);
                        self.feed.on_packet(line, now.ns, payload, &mut ears);
                    }
                    Origin::Server => self.feed.on_retransmission(now.ns, payload, &mut ears),
                }
            }
            port.recycle(mbuf);
        }
        self.clocks.laps.lap(TraderStage::Packet);
        self.clocks.on_tick = false;
        self.send(now);
    }

    /// Hands what was written to the device, and stops its clocks.
    #[inline]
    fn send(&mut self, now: Now) {
        if self.clocks.has_unsent() {
            self.link.flush(now);
            self.clocks.sent(now);
        }
    }

    /// What the venue says, in the order it said it.
    fn answers(&mut self, now: Now) -> usize {
        let got = self.link.receive(now, &mut self.burst, &mut self.inbox);
        if got == 0 {
            return 0;
        }
        self.clocks.laps.start(now.tsc);
        let way = Way {
            link: &mut self.link,
            clocks: &mut self.clocks,
            refusals: &mut self.refusals,
            now,
        };
        let mut ears = Ears { core: &mut self.core, lossy: &mut self.lossy, way };
        while let Some(item) = self.inbox.take() {
            match item {
                Item::Sequenced(message) => ears.core.on_ouch(now.ns, message, &mut ears.way),
                Item::Snapshot(message) => {
                    self.feed.on_snapshot_message(now.ns, message, &mut ears);
                }
                Item::Accepted { session, next_seq } => {
                    ears.core.on_login(now.ns, &session, next_seq);
                }
            }
        }
        let fills = self.core.desk().counters().fills;
        self.control.fills.store(fills, Ordering::Relaxed);
        self.send(now);
        got
    }

    /// What the feed owes: timers, requests, a snapshot.
    fn recover(&mut self, now: Now) -> usize {
        let way = Way {
            link: &mut self.link,
            clocks: &mut self.clocks,
            refusals: &mut self.refusals,
            now,
        };
        let mut ears = Ears { core: &mut self.core, lossy: &mut self.lossy, way };
        let work = self.feed.poll(now.ns, &mut ears);
        let mut request = [0; 20];
        while self.feed.next_request(now.ns, &mut request) {
            if let Some(port) = self.feed_ports.iter_mut().find(|port| port.asks()) {
                port.request(now, &request);
            }
        }
        if self.link.take_snapshot_closed() {
            self.feed.on_snapshot_closed(now.ns);
        }
        self.link.want_snapshot(self.feed.wants_snapshot());
        work
    }

    /// Watchdogs, timers, the operator; at most one command a poll.
    fn look_after(&mut self, now: Now) -> usize {
        let silence = self.silence(now);
        self.clocks.laps.start(now.tsc);
        let mut way = Way {
            link: &mut self.link,
            clocks: &mut self.clocks,
            refusals: &mut self.refusals,
            now,
        };
        if way.link.take_closed() {
            self.core.on_disconnected(now.ns, &mut way);
        }
        let silent = self.silent_after_ns > 0 && silence.feed_ns > self.silent_after_ns;
        let silent_now = self.core.feed() == Currency::Silent;
        if silent && self.core.feed() == Currency::Current {
            self.core.on_feed(now.ns, Currency::Silent, &mut way);
        } else if silent_now && !silent {
            self.core.on_feed(now.ns, Currency::Current, &mut way);
        }
        let work = self.core.tick(now.ns, silence, &mut way);
        let asked = match &mut self.operator {
            Some(line) => line.attend(now.ns, &mut self.core, &mut way),
            None => 0,
        };
        work + asked
    }

    fn silence(&mut self, now: Now) -> Silence {
        let lines = Line::ALL.iter().filter_map(|line| self.feed.line_silence_ns(*line, now.ns));
        let beats = self.control.beats.load(Ordering::Relaxed);
        if beats != self.beat.count || self.beat.seen_ns == 0 {
            self.beat = Beat { count: beats, seen_ns: now.ns };
        }
        Silence {
            // A feed that was never heard has been silent all the time.
            feed_ns: lines.min().unwrap_or(now.ns.saturating_sub(self.started_ns)),
            control_ns: now.ns.saturating_sub(self.beat.seen_ns),
        }
    }
}

/// Brings into the cache what the packet's messages will need of the books, all at once: the waits
/// for memory overlap. Not for one message alone, nor for what the other line has brought.
#[inline]
fn warm(feed: &Feed, market: &Market, payload: &[u8]) {
    let Ok(packet) = moldudp64::parse(payload) else { return };
    let is_new = feed.expected_seq().is_none_or(|seq| packet.next_sequence() > seq);
    if packet.count() > 1 && is_new {
        market.warm(packet.messages().flatten().map(|block| block.data));
    }
}

impl<S: Strategy> Agent for Trader<'_, S> {
    fn start(&mut self, now: Now) {
        self.started_ns = now.ns;
        self.feed_ports.iter_mut().for_each(|port| port.start(now));
        self.link.start(now);
    }

    fn poll(&mut self, now: Now) -> WorkCount {
        let mut work = self.hear(now) + self.answers(now);
        for port in &mut self.feed_ports {
            work += port.tend(now);
        }
        work += self.link.tend(now) + self.recover(now) + self.look_after(now);
        self.send(now);
        self.link.flush(now);
        work
    }

    fn is_ready(&self) -> bool {
        self.core.desk().can_trade() || self.core.desk().killed().is_some()
    }

    fn drain(&mut self, now: Now) {
        let mut way = Way {
            link: &mut self.link,
            clocks: &mut self.clocks,
            refusals: &mut self.refusals,
            now,
        };
        self.core.close(now.ns, &mut way);
        self.link.flush(now);
    }

    fn on_round(&mut self) {
        self.heartbeats_before = self.feed.counters().heartbeats;
    }

    fn is_drained(&self) -> bool {
        // A gap that is being closed is under way as well; one that nothing closes is told as lost.
        let whole = matches!(self.feed.state(), FeedState::Start | FeedState::Live);
        // A feed that has lost something may have lost its last: a heartbeat tells where it ends.
        let counters = self.feed.counters();
        let ends_here = counters.gaps == 0
            || counters.heartbeats > self.heartbeats_before
            || self.feed.is_ended();
        let is_idle = self.core.desk().live_orders() == 0 && self.link.is_acknowledged();
        whole && ends_here && is_idle
    }

    fn stop(&mut self, _now: Now) -> bool {
        self.link.leave()
    }

    fn fault(&self) -> Option<Fault> {
        self.link.fault()
    }
}

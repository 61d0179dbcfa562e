//! The loadgen's loop: recorded ITCH out as a feed, the same flow out as orders, and a venue's own
//! feed in to be checked.
//!
//! Replay is open loop: each message has a due time that no receiver can move, and both how late it
//! left and how long its order took are counted from then. So a receiver that stalls is charged for
//! everything that queued meanwhile (no coordinated omission). What a port does not take waits
//! here: nothing is dropped, and the lateness shows.

pub mod flow;
mod pace;
mod source;
mod synthetic;
mod watch;

pub use flow::{Flow, FlowCounts};
pub use pace::{Pace, Schedule};
pub use source::{Chunk, Peek, SourceRx, SourceTx, source};
pub use synthetic::{Synthetic, synthetic};
pub use watch::Watch;

use crate::agent::{Agent, Now, WorkCount};
use crate::control::{Control, Fault, Phase};
use crate::laps::Laps;
use crate::market_data::MarketDataPort;
use crate::order_link::{LinkHandler, OrderLink};
use crate::port_io::{Burst, PortIo};
use desk::requests::REQUEST_LEN_MAX;
use hugemem::{HugePolicy, HugeSlab};
use session::ClientHandler;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use telemetry::CounterSet;
use wire::itch::{self, Message};
use wire::ouch::outbound;

/// Messages taken from the file in one poll at most.
const BATCH_MAX: usize = 64;
/// Messages that may wait for the feed's port.
const BACKLOG_MAX: u64 = 1_024;
/// Orders whose due time is remembered; a power of two.
const DUE_SLOTS: usize = 1 << 16;

telemetry::keys! {
    /// What a loadgen clocks.
    pub enum LoadgenStage in "loadgen" {
        /// From a message's due time to its packing: how late the replay runs.
        Lag = "replay_lag",
        /// From an order's due time to its answer.
        DueToAck = "order_due_to_ack",
    }
}

telemetry::keys! {
    /// What a loadgen counts.
    pub enum LoadgenCounter in "loadgen" {
        /// Messages replayed.
        Messages = "messages",
        /// Messages of the file that are no ITCH: replayed as they are.
        Unreadable = "unreadable",
        /// Polls that could not go on because a port or the venue had no room.
        Held = "held_back",
        /// Orders the venue accepted, replacements included.
        Accepted = "orders_accepted",
        /// Orders the venue rejected.
        Rejected = "orders_rejected",
        /// Fills of the flow's orders.
        Fills = "fills",
        /// Shares of those.
        SharesFilled = "shares_filled",
        /// Orders canceled, in whole or in part.
        Canceled = "orders_canceled",
        /// Answers that could not be read; the aim is 0.
        UnreadableAnswers = "answers_unreadable",
    }
}

/// The flow's connection and what it makes of messages.
pub struct FlowLink<'e> {
    link: OrderLink<'e>,
    flow: Flow,
    due_ns: HugeSlab<u64>,
    answers_due: u64,
}

impl<'e> FlowLink<'e> {
    /// Sends `flow` over `link`.
    ///
    /// # Errors
    /// Hugepages are required and there are too few.
    pub fn new(
        link: OrderLink<'e>,
        flow: Flow,
        policy: HugePolicy,
    ) -> Result<FlowLink<'e>, hugemem::Error> {
        let due_ns = HugeSlab::new(DUE_SLOTS, 0, policy)?;
        Ok(FlowLink { link, flow, due_ns, answers_due: 0 })
    }

    /// The link, for the report.
    pub fn link(&self) -> &OrderLink<'e> {
        &self.link
    }

    /// The flow, for the report.
    pub fn flow(&self) -> &Flow {
        &self.flow
    }

    /// Sends what a client would at this message. There is room: it was asked for.
    #[inline]
    fn send(&mut self, now: Now, due_ns: u64, message: &Message<'_>) {
        let mut out = [0; REQUEST_LEN_MAX];
        let before = self.flow.last_user_ref();
        let len = self.flow.translate(message, &mut out);
        if len == 0 {
            return;
        }
        self.link.send(now, &out[..len]);
        let user_ref = self.flow.last_user_ref();
        if user_ref != before {
            self.due_ns[user_ref as usize % DUE_SLOTS] = due_ns;
            self.answers_due += 1;
        }
    }
}

/// A loadgen on its ports.
pub struct Loadgen<'e> {
    name: String,
    source: SourceRx,
    pace: Pace,
    schedule: Option<Schedule>,
    /// Due time of the message at hand, once it was asked for.
    due_ns: Option<u64>,
    ended: bool,
    fault: Option<Fault>,
    feed: Option<MarketDataPort<'e>>,
    flow: Option<FlowLink<'e>>,
    watch: Option<Watch<'e>>,
    control: Arc<Control>,
    counters: CounterSet<LoadgenCounter>,
    laps: Laps<LoadgenStage>,
    burst: Burst<'e>,
}

/// The parts a [`Loadgen`] is made of.
pub struct LoadgenParts<'e> {
    /// The role's name.
    pub name: String,
    /// What is replayed.
    pub source: SourceRx,
    /// How fast.
    pub pace: Pace,
    /// Where the messages go as they are.
    pub feed: Option<MarketDataPort<'e>>,
    /// Where they go as orders.
    pub flow: Option<FlowLink<'e>>,
    /// A venue's feed to be checked.
    pub watch: Option<Watch<'e>>,
    /// The run's phase and progress.
    pub control: Arc<Control>,
    /// Stage clocks.
    pub laps: Laps<LoadgenStage>,
}

impl<'e> Loadgen<'e> {
    /// Puts a loadgen together.
    pub fn new(parts: LoadgenParts<'e>) -> Loadgen<'e> {
        Loadgen {
            name: parts.name,
            source: parts.source,
            pace: parts.pace,
            schedule: None,
            due_ns: None,
            ended: false,
            fault: None,
            feed: parts.feed,
            flow: parts.flow,
            watch: parts.watch,
            control: parts.control,
            counters: CounterSet::new(),
            laps: parts.laps,
            burst: Burst::new(),
        }
    }

    /// The role's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What was counted.
    pub fn counters(&self) -> &CounterSet<LoadgenCounter> {
        &self.counters
    }

    /// Stage clocks, for the report.
    pub fn laps(&self) -> &Laps<LoadgenStage> {
        &self.laps
    }

    /// The feed, for the report.
    pub fn feed(&self) -> Option<&MarketDataPort<'e>> {
        self.feed.as_ref()
    }

    /// The order flow, for the report.
    pub fn flow(&self) -> Option<&FlowLink<'e>> {
        self.flow.as_ref()
    }

    /// The watched feed, for the report.
    pub fn watch(&self) -> Option<&Watch<'e>> {
        self.watch.as_ref()
    }

    /// Takes the role apart for its ports: feed, orders and watch, those there are.
    pub fn into_ports(self) -> Vec<PortIo<'e>> {
        let feed = self.feed.map(MarketDataPort::into_ios);
        let flow = self.flow.map(|f| f.link.into_io());
        let watch = self.watch.map(Watch::into_io);
        feed.into_iter().flatten().chain(flow).chain(watch).collect()
    }

    /// Whether feed and venue would take one more message.
    #[inline]
    fn has_room(&mut self) -> bool {
        let feed = self.feed.as_mut().is_none_or(|f| f.backlog() < BACKLOG_MAX && f.has_room());
        feed && self.flow.as_ref().is_none_or(|f| f.link.has_room(REQUEST_LEN_MAX))
    }

    /// Packs and sends what is due.
    fn replay(&mut self, now: Now) -> usize {
        let mut done = 0;
        while done < BATCH_MAX {
            if !self.has_room() {
                self.counters.inc(LoadgenCounter::Held);
                break;
            }
            if !self.replay_one(now) {
                break;
            }
            done += 1;
        }
        if done > 0 {
            let taken = self.source.taken_bytes();
            self.control.bytes_replayed.store(taken, Ordering::Relaxed);
            let messages = self.counters.get(LoadgenCounter::Messages);
            self.control.messages_replayed.store(messages, Ordering::Relaxed);
        }
        done
    }

    /// The next message, if there is one and it is due.
    #[inline]
    fn replay_one(&mut self, now: Now) -> bool {
        let (pace, schedule) = (self.pace, &mut self.schedule);
        let bytes = match self.source.peek() {
            Peek::Message(bytes) => bytes,
            Peek::Wait => return false,
            end @ (Peek::End | Peek::Failed) => {
                self.fault = (end == Peek::Failed).then_some(Fault::BadInput);
                self.ended = true;
                self.control.replay_done();
                return false;
            }
        };
        let message = itch::parse(bytes);
        let due = *self.due_ns.get_or_insert_with(|| {
            let stamp = message.as_ref().map_or(0, |m| m.head().timestamp.get());
            schedule.get_or_insert_with(|| Schedule::new(pace, now.ns)).due_ns(stamp)
        });
        if due > now.ns {
            return false;
        }
        self.due_ns = None;
        if let Some(feed) = &mut self.feed {
            feed.publisher_mut().publish(bytes);
        }
        match (&message, &mut self.flow) {
            (Ok(message), Some(flow)) => flow.send(now, due, message),
            (Err(_), _) => self.counters.inc(LoadgenCounter::Unreadable),
            _ => {}
        }
        self.counters.inc(LoadgenCounter::Messages);
        if pace != Pace::Max {
            self.laps.span_ns(LoadgenStage::Lag, now.ns - due);
        }
        self.source.advance();
        true
    }

    fn answers(&mut self, now: Now) -> usize {
        let Some(FlowLink { link, flow, due_ns, answers_due }) = &mut self.flow else { return 0 };
        let (counters, laps) = (&self.counters, &mut self.laps);
        let mut answers = Answers { flow, due_ns, answers_due, counters, laps, now };
        let got = link.receive(now, &mut self.burst, &mut answers);
        link.tend(now);
        link.flush(now);
        got
    }
}

impl Agent for Loadgen<'_> {
    fn start(&mut self, now: Now) {
        if let Some(feed) = &mut self.feed {
            feed.start(now);
        }
        if let Some(flow) = &mut self.flow {
            flow.link.start(now);
        }
        if let Some(watch) = &mut self.watch {
            watch.start(now);
        }
    }

    fn poll(&mut self, now: Now) -> WorkCount {
        let mut work = 0;
        if !self.ended && self.control.phase() == Phase::Running {
            work += self.replay(now);
        }
        if let Some(feed) = &mut self.feed {
            work += feed.pump(now) + feed.receive(now, &mut self.burst);
        }
        work += self.answers(now);
        if let Some(watch) = &mut self.watch {
            work += watch.poll(now, &mut self.burst);
        }
        work
    }

    fn is_ready(&self) -> bool {
        self.source.is_primed() && self.flow.as_ref().is_none_or(|f| f.link.is_open())
    }

    fn drain(&mut self, _now: Now) {}

    fn is_drained(&self) -> bool {
        let fed = self.feed.as_ref().is_none_or(MarketDataPort::is_sent);
        let flow = self.flow.as_ref();
        fed && flow.is_none_or(|f| f.answers_due == 0 && f.link.is_acknowledged())
    }

    fn stop(&mut self, now: Now) -> bool {
        let told = self.feed.as_mut().is_none_or(|f| {
            f.publisher_mut().end_session(now.ns);
            f.publisher().counters().ends > 0
        });
        self.flow.as_mut().is_none_or(|f| f.link.leave()) && told
    }

    fn fault(&self) -> Option<Fault> {
        self.fault.or_else(|| self.flow.as_ref().and_then(|f| f.link.fault()))
    }
}

/// The venue's answers to the flow.
struct Answers<'a> {
    flow: &'a mut Flow,
    due_ns: &'a [u64],
    answers_due: &'a mut u64,
    counters: &'a CounterSet<LoadgenCounter>,
    laps: &'a mut Laps<LoadgenStage>,
    now: Now,
}

impl Answers<'_> {
    fn answered(&mut self, user_ref: u32, counter: LoadgenCounter) {
        self.counters.inc(counter);
        *self.answers_due = self.answers_due.saturating_sub(1);
        let due = self.due_ns[user_ref as usize % DUE_SLOTS];
        self.laps.span_ns(LoadgenStage::DueToAck, self.now.ns.saturating_sub(due));
    }
}

impl LinkHandler for Answers<'_> {}

impl ClientHandler for Answers<'_> {
    #[inline]
    fn on_sequenced(&mut self, _seq: u64, message: &[u8]) {
        match outbound::parse(message) {
            Ok(outbound::Message::OrderAccepted(m, _)) => {
                self.answered(m.user_ref_num.get(), LoadgenCounter::Accepted);
            }
            Ok(outbound::Message::OrderReplaced(m, _)) => {
                self.answered(m.user_ref_num.get(), LoadgenCounter::Accepted);
            }
            Ok(outbound::Message::Rejected(m)) => {
                self.answered(m.user_ref_num.get(), LoadgenCounter::Rejected);
            }
            Ok(outbound::Message::OrderExecuted(m, _)) => {
                self.counters.inc(LoadgenCounter::Fills);
                self.counters.add(LoadgenCounter::SharesFilled, m.quantity.get().into());
                self.flow.on_executed(m.user_ref_num.get(), m.quantity.get());
            }
            Ok(outbound::Message::OrderCanceled(_)) => self.counters.inc(LoadgenCounter::Canceled),
            Ok(_) => {}
            Err(_) => self.counters.inc(LoadgenCounter::UnreadableAnswers),
        }
    }
}

//! The backtest's clock: recording, orders, answers and timers in the order of their times.
//!
//! At equal times the recording comes first, then our orders at the exchange, then the feed at the
//! strategy, then answers, then timers. The strategy takes no time to think: what it takes belongs
//! to the order latency.

use crate::link::{Link, PLACE};
use crate::outcome::Outcome;
use crate::venue::Heard;
use crate::{Overflow, Settings, Start};
use algos::Strategy;
use desk::{Core, Silence};
use types::Ticker;
use wire::IntoBytes;
use wire::itch::{self, Message, SystemEvent};
use wire::ouch::outbound::OrderExecuted;

/// The venue's session, in the login.
const SESSION: &[u8; 10] = b"BACKTEST  ";
/// 09:30 and 16:00, in ns since midnight.
const HOURS_NS: std::ops::Range<u64> = 34_200_000_000_000..57_600_000_000_000;
/// Rounds of orders and answers at the end; an order has two, and a strategy that is closed sends
/// none.
const ROUNDS_MAX: usize = 1 << 20;

/// Whether more of the recording is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is.
    Running,
    /// The time is over, every order off, every mark-out made.
    Over,
}

/// What was told of the recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedCounts {
    /// Messages.
    pub messages: u64,
    /// Those of symbols that are not traded, which nobody here looks at.
    pub others: u64,
    /// Those that cannot be read.
    pub unreadable: u64,
    /// Those about orders from before the recording, left out.
    pub left_out: u64,
    /// Time of the first, in ns since midnight.
    pub first_ns: u64,
    /// Time of the last, in ns since midnight.
    pub last_ns: u64,
    /// Whether the recording was taken to begin in the middle of a day.
    pub in_the_middle: bool,
}

/// A strategy against a recording. Messages in, an [`Outcome`] out.
#[derive(Debug)]
pub struct Backtest<S> {
    core: Core<S>,
    link: Link,
    settings: Settings,
    now_ns: u64,
    counts: FeedCounts,
    /// Whether messages about unknown orders are left out; `None` while that is open.
    in_the_middle: Option<bool>,
    /// Whether market hours were told that the recording does not tell.
    hours_told: bool,
    logged_in: bool,
    closed: bool,
    timer_at_ns: u64,
}

impl<S: Strategy> Backtest<S> {
    /// Joins a core, not yet logged in, to a venue. The core's market must be of the settings'
    /// tickers in their order, and be big enough for them.
    pub fn new(core: Core<S>, settings: Settings) -> Backtest<S> {
        Backtest {
            core,
            link: Link::new(&settings),
            in_the_middle: match settings.start {
                Start::Auto => None,
                Start::Beginning => Some(false),
                Start::Middle => Some(true),
            },
            settings,
            now_ns: 0,
            counts: FeedCounts::default(),
            hours_told: false,
            logged_in: false,
            closed: false,
            timer_at_ns: u64::MAX,
        }
    }

    /// Takes the recording's next message.
    ///
    /// # Errors
    /// Something did not fit.
    #[inline]
    pub fn on_message(&mut self, bytes: &[u8]) -> Result<Progress, Overflow> {
        let Ok(message) = itch::parse(bytes) else {
            self.counts.messages += 1;
            self.counts.unreadable += 1;
            self.link.tell(self.now_ns, bytes);
            return self.progress();
        };
        // A time that goes back is the market's to complain of; the exchange's clock stands still.
        let at_ns = message.head().timestamp.get().max(self.now_ns);
        if self.counts.messages == 0 {
            self.counts.first_ns = at_ns;
        }
        self.counts.messages += 1;
        if at_ns >= self.settings.to_ns && !self.closed {
            // On time, not with the next message: the recording may be silent.
            self.run_until(self.settings.to_ns);
            self.close(self.settings.to_ns);
        }
        self.run_until(at_ns);
        self.now_ns = at_ns;
        let venue = &self.link.venue;
        self.link.record.mark_out(at_ns, |ticker| venue.middle_twice(ticker));
        self.hear(at_ns, &message, bytes)?;
        self.progress()
    }

    #[inline]
    fn hear(&mut self, at_ns: u64, message: &Message<'_>, bytes: &[u8]) -> Result<(), Overflow> {
        let in_the_middle = match self.in_the_middle {
            Some(known) if !known || self.hours_told => known,
            _ => self.find_place(at_ns, message),
        };
        let heard = self.link.on_itch(at_ns, message, bytes);
        if !self.logged_in && heard != Heard::Others && is_order_or_trade(message) {
            self.log_in(at_ns);
        }
        match heard {
            Heard::Ours => {}
            Heard::Others => self.counts.others += 1,
            Heard::Unknown if in_the_middle => self.counts.left_out += 1,
            Heard::Unknown => self.link.tell(at_ns, bytes),
            Heard::Full => {
                let book::Capacity { orders, levels, .. } = self.settings.capacity;
                return Err(Overflow::Books { orders, levels });
            }
        }
        Ok(())
    }

    /// Finds out where in a day the recording begins, by its first order or trade; and tells the
    /// market hours that were told before it.
    #[cold]
    fn find_place(&mut self, at_ns: u64, message: &Message<'_>) -> bool {
        if let Message::SystemEvent(m) = message {
            if matches!(m.event_code, b'Q' | b'M') && self.in_the_middle.is_none() {
                self.in_the_middle = Some(false);
            }
            return false;
        }
        if !is_order_or_trade(message) {
            return self.in_the_middle == Some(true);
        }
        let in_the_middle = self.in_the_middle.unwrap_or(HOURS_NS.contains(&at_ns));
        self.in_the_middle = Some(in_the_middle);
        if in_the_middle {
            self.hours_told = true;
            let head = SystemEvent::head(0, at_ns);
            let event = SystemEvent { head, event_code: b'Q' };
            self.link.tell(at_ns, event.as_bytes());
        }
        in_the_middle
    }

    #[inline]
    fn progress(&self) -> Result<Progress, Overflow> {
        if let Some(overflow) = self.link.ways.overflow {
            return Err(overflow);
        }
        let ways = &self.link.ways;
        let is_over = self.closed
            && ways.orders.is_empty()
            && ways.answers.is_empty()
            && self.link.venue.resting() == 0
            && !self.link.record.awaits_marks();
        Ok(if is_over { Progress::Over } else { Progress::Running })
    }

    /// The strategy logs in with the first order or trade of its symbols from the time set on:
    /// timers before it would go off over nothing.
    #[inline]
    fn log_in(&mut self, now_ns: u64) {
        if self.closed || now_ns < self.settings.from_ns {
            return;
        }
        self.logged_in = true;
        self.core.on_login(now_ns, SESSION, 1);
        self.core.tick(now_ns, Silence::default(), &mut self.link.ways);
        self.set_timer(now_ns);
    }

    #[cold]
    fn close(&mut self, now_ns: u64) {
        self.closed = true;
        self.timer_at_ns = u64::MAX;
        if self.logged_in {
            self.core.close(now_ns, &mut self.link.ways);
        }
    }

    fn set_timer(&mut self, now_ns: u64) {
        self.timer_at_ns = match self.core.strategy().timer_ns() {
            0 => u64::MAX,
            ns => now_ns.saturating_add(ns),
        };
    }

    /// Lets everything happen that comes before the recording's message of `until_ns`.
    #[inline]
    fn run_until(&mut self, until_ns: u64) {
        loop {
            let ways = &self.link.ways;
            let (orders, feed, answers) =
                (ways.orders.next_ns(), ways.feed.next_ns(), ways.answers.next_ns());
            let next_ns = orders.min(feed).min(answers).min(self.timer_at_ns);
            if next_ns >= until_ns {
                return;
            }
            self.note_until(next_ns);
            if orders == next_ns {
                self.link.on_order(next_ns);
            } else if feed == next_ns {
                self.on_feed(next_ns);
            } else if answers == next_ns {
                self.on_answer(next_ns);
            } else {
                self.set_timer(next_ns);
                self.tick(next_ns);
            }
        }
    }

    /// Notes the account where a point of the curves is due.
    #[inline]
    fn note_until(&mut self, now_ns: u64) {
        if self.logged_in && self.link.record.is_point_due(now_ns) {
            self.note(now_ns);
        }
    }

    #[cold]
    fn note(&mut self, now_ns: u64) {
        let gate = self.core.desk().gate();
        let tickers = self.settings.tickers.len();
        let position = |ticker: Ticker| gate.position(ticker);
        self.link.record.point(now_ns, tickers, position, gate.profit());
    }

    #[inline]
    fn on_feed(&mut self, now_ns: u64) {
        let Some(message) = self.link.ways.feed.take() else { return };
        if message.tag == PLACE {
            return self.link.ways.see_place(message.bytes());
        }
        self.core.on_itch(now_ns, message.bytes(), &mut self.link.ways);
        self.tick(now_ns);
    }

    fn on_answer(&mut self, now_ns: u64) {
        let Some(message) = self.link.ways.answers.take() else { return };
        self.core.on_ouch(now_ns, message.bytes(), &mut self.link.ways);
        if message.bytes().first() == Some(&OrderExecuted::TYPE) {
            let gate = self.core.desk().gate();
            let position = |ticker: Ticker| gate.position(ticker);
            self.link.record.know_fill(position, gate.profit());
        }
        self.tick(now_ns);
    }

    /// As a live loop does after each burst.
    #[inline]
    fn tick(&mut self, now_ns: u64) {
        if self.logged_in {
            self.core.tick(now_ns, Silence::default(), &mut self.link.ways);
        }
    }

    /// The recording is over: orders are taken off, what is under way is finished, and all that
    /// happened is told.
    ///
    /// # Errors
    /// Something did not fit.
    pub fn finish(mut self) -> Result<Outcome, Overflow> {
        self.counts.last_ns = self.now_ns;
        self.counts.in_the_middle = self.in_the_middle == Some(true);
        self.timer_at_ns = u64::MAX;
        // Not longer: a strategy may go on for ever answering answers.
        let end_ns = self.now_ns.max(self.link.ways.feed.last_ns());
        self.run_until(end_ns.saturating_add(1));
        if !self.closed {
            self.close(end_ns);
        }
        for _ in 0..ROUNDS_MAX {
            let ways = &self.link.ways;
            if ways.orders.is_empty() && ways.answers.is_empty() && ways.feed.is_empty() {
                break;
            }
            self.run_until(u64::MAX);
        }
        if self.logged_in {
            self.note(self.link.ways.answers.last_ns().max(end_ns));
        }
        match self.link.ways.overflow {
            Some(overflow) => Err(overflow),
            None => Ok(Outcome::of(&self.core, self.link, &self.settings, self.counts)),
        }
    }

    /// The recording's time reached, in ns since midnight.
    pub fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// Fills so far.
    pub fn fills(&self) -> usize {
        self.link.record.fills.len()
    }

    /// Profit so far as the strategy knows it, fees taken off, in 1/10000 dollar.
    pub fn total(&self) -> i64 {
        let profit = self.core.desk().gate().profit();
        profit.realised.saturating_add(profit.open) - self.link.record.fees_e6() / 100
    }

    /// The core that decides.
    pub fn core(&self) -> &Core<S> {
        &self.core
    }
}

#[inline]
fn is_order_or_trade(message: &Message<'_>) -> bool {
    let kind = message.head().message_type;
    matches!(kind, b'A' | b'F' | b'E' | b'C' | b'X' | b'D' | b'U' | b'P')
}

#[cfg(test)]
mod tests;

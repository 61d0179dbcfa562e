//! The trader's core: market, strategy, gate and orders as one deterministic machine.
//!
//! Why it exists: live on DPDK ports and in a backtest the same messages at the same times must
//! lead to the same orders. So everything that decides is here, and what differs is outside: ITCH
//! and OUCH come in as bytes, time as a parameter, orders go out through an [`OrderWire`].
//!
//! Who is told when: books first, then the gate's mark, then the strategy (status, trade, book).
//! Whatever trips the kill switch takes effect before the call returns: orders are asked to be
//! taken off, as far as the wire has room, and the gate admits nothing more. Logins and snapshots
//! come without a wire: what they lead to is sent and told by the next tick.
//!
//! Which clock: `now_ns` is the host's everywhere here and below, in the gate and the desk. What a
//! strategy is told is the exchange's, from the feed's stamps: see `core/clock.rs`.
//!
//! Failure modes: a lying feed marks a symbol suspect, a lossy or silent one all of them; the gate
//! then refuses what the limits say. Each call is bounded work.

mod clock;
mod hands;
mod operator;

use crate::{Desk, DeskEvent, OrderWire, Step};
use algos::{SessionEvent, Strategy};
use clock::FeedClock;
use hands::Hands;
use market::{Currency, Market, News};
pub use operator::{Answer, Command};
use risk::KillReason;
use types::{Price, Ticker};

/// When the core pulls its own plug. A time of 0 never does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoreConfig {
    /// Kill when messages of the feed were lost for good.
    pub kill_on_lossy_feed: bool,
    /// Kill when no line of the feed has said anything for so long, in ns.
    pub kill_feed_silence_ns: u64,
    /// Kill when the control plane has been silent for so long, in ns.
    pub kill_control_silence_ns: u64,
    /// Kill when the connection to the venue has been down for so long, in ns, once it was up.
    pub kill_disconnected_ns: u64,
    /// Take off a symbol's orders when the feed has lied about it.
    pub cancel_on_suspect: bool,
}

impl Default for CoreConfig {
    /// Suspicion takes orders off; nothing kills.
    fn default() -> CoreConfig {
        CoreConfig {
            kill_on_lossy_feed: false,
            kill_feed_silence_ns: 0,
            kill_control_silence_ns: 0,
            kill_disconnected_ns: 0,
            cancel_on_suspect: true,
        }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Core<S> {
    market: Market,
    desk: Desk,
    strategy: S,
    config: CoreConfig,
    feed: Currency,
    clock: FeedClock,
    /// When the timer goes off next; 0 before the first look at the clock.
    timer_at_ns: u64,
    /// Logged in.
    up: bool,
    /// Since when there is no connection, once there was one.
    down_since_ns: Option<u64>,
    market_hours: bool,
    /// The market changed without a wire at hand: the tick looks at the day and at suspicions.
    unheard: bool,
    /// Whether the strategy was told of the kill that is in force.
    kill_told: bool,
    /// Cancels of suspect symbols' orders found no room.
    cancels_owed: bool,
}

/// A strategy's context over parts of the core, so that the strategy itself is still to be had.
macro_rules! hands {
    ($core:ident, $now_ns:ident, $wire:ident) => {
        Hands {
            market: &$core.market,
            desk: &mut $core.desk,
            wire: $wire,
            host_ns: $now_ns,
            feed_ns: $core.clock.now_ns($now_ns),
        }
    };
}

/// Events of the desk told in one poll at most.
const EVENTS_PER_POLL: usize = 64;

impl<S: Strategy> Core<S> {
    /// Joins the parts.
    pub fn new(market: Market, desk: Desk, strategy: S, config: CoreConfig) -> Core<S> {
        Core {
            market,
            desk,
            strategy,
            config,
            feed: Currency::Current,
            clock: FeedClock::default(),
            timer_at_ns: 0,
            up: false,
            down_since_ns: None,
            market_hours: false,
            unheard: false,
            kill_told: false,
            cancels_owed: false,
        }
    }

    /// Takes one ITCH message.
    #[inline]
    pub fn on_itch<W: OrderWire>(&mut self, now_ns: u64, message: &[u8], wire: &mut W) {
        let news = self.market.on_message(message);
        self.clock.hear(now_ns, self.market.stamp_ns());
        wire.passed(Step::Book);
        if !news.is_nothing() {
            self.hear(now_ns, news, wire);
            wire.passed(Step::Strategy);
        }
    }

    #[inline]
    fn hear<W: OrderWire>(&mut self, now_ns: u64, news: News, wire: &mut W) {
        if news.has(News::DAY) {
            self.hear_of_the_day(now_ns, wire);
        }
        let ticker = news.ticker;
        if ticker == News::NOBODY {
            return;
        }
        if news.has(News::TOP) {
            self.mark(ticker);
        }
        let mut hands = hands!(self, now_ns, wire);
        if news.has(News::STATUS) {
            if self.config.cancel_on_suspect && self.market.status(ticker).suspect.is_some() {
                self.cancels_owed |= !hands.cancel_in(ticker);
            }
            self.strategy.on_status(ticker, &mut hands);
        }
        if news.has(News::TRADE)
            && let Some(trade) = self.market.last_trade(ticker)
        {
            self.strategy.on_trade(ticker, &trade, &mut hands);
        }
        if news.has(News::BOOK | News::TOP) {
            self.strategy.on_book(ticker, news, &mut hands);
        }
        if self.desk.killed().is_some() && !self.kill_told {
            self.settle(now_ns, wire);
        }
    }

    /// What is held is worth the middle of the book; one side's touch where there is but one.
    #[inline]
    fn mark(&mut self, ticker: Ticker) {
        let top = self.market.top(ticker);
        let mark = match (top.bid, top.ask) {
            (Some(bid), Some(ask)) => Price(bid.price.0.midpoint(ask.price.0)),
            (Some(one), None) | (None, Some(one)) => one.price,
            (None, None) => return,
        };
        self.desk.gate_mut().mark(ticker, mark);
    }

    #[cold]
    fn hear_of_the_day<W: OrderWire>(&mut self, now_ns: u64, wire: &mut W) {
        let open = self.market.tickers() > 0 && self.market.status(Ticker(0)).market_hours;
        if open != self.market_hours {
            self.market_hours = open;
            let event = if open { SessionEvent::MarketOpen } else { SessionEvent::MarketClose };
            self.tell(now_ns, event, wire);
        }
    }

    /// Takes one sequenced OUCH message.
    #[inline]
    pub fn on_ouch<W: OrderWire>(&mut self, now_ns: u64, message: &[u8], wire: &mut W) {
        if let Some(event) = self.desk.on_message(now_ns, message, wire) {
            self.on_desk(now_ns, event, wire);
        }
        if self.desk.killed().is_some() && !self.kill_told {
            self.settle(now_ns, wire);
        }
    }

    /// The login at the venue was accepted.
    pub fn on_login(&mut self, now_ns: u64, session: &[u8; 10], next_seq: u64) {
        (self.up, self.down_since_ns) = (true, None);
        self.desk.on_login(now_ns, session, next_seq);
    }

    /// The connection to the venue is lost. One that was never logged in is no loss.
    pub fn on_disconnected<W: OrderWire>(&mut self, now_ns: u64, wire: &mut W) {
        self.desk.on_disconnected(now_ns);
        if self.up {
            (self.up, self.down_since_ns) = (false, Some(now_ns));
            self.tell(now_ns, SessionEvent::Disconnected, wire);
        }
    }

    /// How far the feed can be relied on has changed.
    pub fn on_feed<W: OrderWire>(&mut self, now_ns: u64, feed: Currency, wire: &mut W) {
        if feed == self.feed {
            return;
        }
        self.feed = feed;
        self.market.set_currency(feed);
        if feed == Currency::Lossy && self.config.kill_on_lossy_feed {
            self.desk.kill(now_ns, KillReason::Feed);
        }
        if feed == Currency::Current {
            // Nobody was told of the tops that a snapshot built.
            (0..hands::count(&self.market)).for_each(|ticker| self.mark(Ticker(ticker)));
        }
        let event = match feed {
            Currency::Current => SessionEvent::FeedCurrent,
            Currency::Behind | Currency::Silent => SessionEvent::FeedBehind,
            Currency::Lossy => SessionEvent::FeedLossy,
        };
        self.tell(now_ns, event, wire);
        self.settle(now_ns, wire);
    }

    /// The feed's session is over.
    pub fn on_feed_end<W: OrderWire>(&mut self, now_ns: u64, wire: &mut W) {
        self.tell(now_ns, SessionEvent::FeedEnded, wire);
    }

    /// A snapshot of the market follows, as ITCH, through [`Core::on_snapshot`].
    pub fn on_snapshot_begin(&mut self) {
        self.market.clear();
    }

    /// A message of a snapshot: books are built, nobody is asked to decide on half a market.
    #[inline]
    pub fn on_snapshot(&mut self, now_ns: u64, message: &[u8]) {
        let news = self.market.on_message(message);
        self.clock.hear(now_ns, self.market.stamp_ns());
        self.unheard |= news.has(News::DAY | News::STATUS);
    }

    /// A session of the feed begins: nothing of a former one holds, its losses and its time of day
    /// no more than its books.
    pub fn on_feed_session<W: OrderWire>(&mut self, now_ns: u64, wire: &mut W) {
        if self.market.counters().messages > 0 {
            self.market.clear_day();
            self.clock = FeedClock::default();
            self.hear_of_the_day(now_ns, wire);
            self.tell(now_ns, SessionEvent::FeedSession, wire);
        }
        self.on_feed(now_ns, Currency::Current, wire);
    }

    /// Timer, watchdogs and what the desk has to send; once a poll.
    pub fn tick<W: OrderWire>(&mut self, now_ns: u64, silence: Silence, wire: &mut W) -> usize {
        self.watch(now_ns, silence);
        if self.unheard {
            self.catch_up(now_ns, wire);
        }
        let timer_ns = self.strategy.timer_ns();
        let mut work = 0;
        // A period that was shortened holds at once, and a clock that went back stops nothing.
        self.timer_at_ns = self.timer_at_ns.min(now_ns.saturating_add(timer_ns));
        if timer_ns > 0 && now_ns >= self.timer_at_ns {
            // A late look at the clock does not make up for what was missed.
            if self.timer_at_ns > 0 {
                let mut hands = hands!(self, now_ns, wire);
                self.strategy.on_timer(&mut hands);
                work += 1;
            }
            self.timer_at_ns = now_ns.saturating_add(timer_ns);
        }
        if self.cancels_owed {
            self.cancel_suspect(now_ns, wire);
        }
        work + self.settle(now_ns, wire)
    }

    /// Hears of what a snapshot or another session of the feed has changed.
    #[cold]
    fn catch_up<W: OrderWire>(&mut self, now_ns: u64, wire: &mut W) {
        self.unheard = false;
        self.cancels_owed |= self.config.cancel_on_suspect;
        self.hear_of_the_day(now_ns, wire);
    }

    #[cold]
    fn cancel_suspect<W: OrderWire>(&mut self, now_ns: u64, wire: &mut W) {
        let mut hands = hands!(self, now_ns, wire);
        self.cancels_owed = (0..hands::count(&self.market))
            .map(Ticker)
            .any(|ticker| self.market.status(ticker).suspect.is_some() && !hands.cancel_in(ticker));
    }

    /// Pulls the plug where something has been silent or gone for too long.
    #[inline]
    fn watch(&mut self, now_ns: u64, silence: Silence) {
        let config = &self.config;
        let over = |limit_ns: u64, ns: u64| limit_ns > 0 && ns > limit_ns;
        let down_ns = self.down_since_ns.map_or(0, |since| now_ns.saturating_sub(since));
        let reason = if over(config.kill_feed_silence_ns, silence.feed_ns) {
            KillReason::Feed
        } else if over(config.kill_control_silence_ns, silence.control_ns) {
            KillReason::ControlPlane
        } else if over(config.kill_disconnected_ns, down_ns) {
            KillReason::OrderConnection
        } else {
            return;
        };
        if self.desk.killed().is_none() {
            self.desk.kill(now_ns, reason);
        }
    }

    /// Lets the desk send what it owes, and tells the strategy what came of it.
    #[inline]
    fn settle<W: OrderWire>(&mut self, now_ns: u64, wire: &mut W) -> usize {
        for done in 0..EVENTS_PER_POLL {
            match self.desk.poll(now_ns, wire) {
                Some(event) => self.on_desk(now_ns, event, wire),
                None => return done,
            }
        }
        EVENTS_PER_POLL
    }

    #[inline]
    fn on_desk<W: OrderWire>(&mut self, now_ns: u64, event: DeskEvent, wire: &mut W) {
        let mut hands = hands!(self, now_ns, wire);
        match event {
            DeskEvent::Fill(fill) => self.strategy.on_fill(&fill, &mut hands),
            DeskEvent::Order(report) => self.strategy.on_order(&report, &mut hands),
            DeskEvent::Connected => self.strategy.on_session(SessionEvent::Connected, &mut hands),
            DeskEvent::Killed(reason) => {
                self.kill_told = true;
                self.strategy.on_session(SessionEvent::Killed(reason), &mut hands);
            }
        }
    }

    #[cold]
    fn tell<W: OrderWire>(&mut self, now_ns: u64, event: SessionEvent, wire: &mut W) {
        let mut hands = hands!(self, now_ns, wire);
        self.strategy.on_session(event, &mut hands);
    }

    /// Takes no more orders of the strategy and asks for all that live to be taken off.
    pub fn close<W: OrderWire>(&mut self, now_ns: u64, wire: &mut W) {
        self.desk.close_entry();
        self.desk.cancel_all();
        self.settle(now_ns, wire);
    }

    /// How far the feed can be relied on.
    #[inline]
    pub fn feed(&self) -> Currency {
        self.feed
    }

    /// The exchange's time, in ns since its midnight; 0 while it is not known.
    pub fn feed_ns(&mut self, now_ns: u64) -> u64 {
        self.clock.now_ns(now_ns)
    }

    /// The market.
    pub fn market(&self) -> &Market {
        &self.market
    }

    /// Orders, positions, the gate.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// What decides.
    pub fn strategy(&self) -> &S {
        &self.strategy
    }
}

/// How long those have been silent whose silence is dangerous, in ns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Silence {
    /// Every line of the feed.
    pub feed_ns: u64,
    /// The control plane.
    pub control_ns: u64,
}

#[cfg(test)]
mod tests;

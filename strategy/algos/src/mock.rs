//! A toy market, an order table and a venue with a wire between, for tests.
//!
//! What a strategy asks waits on the way up until [`Mock::reach_venue`], what becomes of it on the
//! way down until [`Mock::hear`]: so fills meet cancels and replacements, as they do. The table
//! knows what was heard, the venue what is true. The venue is the least kind that a strategy could
//! meet: a replacement has all its shares, whatever the order that it replaces traded meanwhile.

use crate::{Context, Fill, OrderReport, OrderState, OrderView, SessionEvent, Strategy, What};
use book::{LevelView, Top};
use market::{Ahead, Breakers, Currency, Lie, News, Notices, Status, Trade};
use risk::{Ask, Position, Refusal};
use std::collections::VecDeque;
use types::{
    MatchId, OrderId, OrderSide, Price, Qty, Side, Ticker, TimeInForce, TradingState, UserRef,
};

/// What a strategy asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Enter(Ask),
    Replace(UserRef, Qty, Price),
    Cancel(UserRef),
}

/// How the venue answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Accept,
    Reject,
    PostOnlyCancel,
}

#[derive(Clone, Copy, Debug)]
enum Up {
    Enter(UserRef),
    Cancel(UserRef),
    Replace { old: UserRef, new: UserRef },
}

#[derive(Clone, Copy, Debug)]
enum Down {
    Fill(UserRef, Qty),
    Order(UserRef, What),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub(crate) view: OrderView,
    pub(crate) ask: Ask,
    /// Whether the table shows it.
    pub(crate) known: bool,
    /// Shares that can trade at the venue.
    pub(crate) venue: u32,
    /// Shares still on their way up.
    pub(crate) on_way: u32,
    /// The order whose place it is to take.
    pub(crate) replaces: Option<UserRef>,
}

/// How far the host's clock is ahead: nobody may hold the two against each other.
const HOST_AHEAD_NS: u64 = 25_200_000_000_000;

pub(crate) struct Mock {
    /// The exchange's time.
    pub(crate) now_ns: u64,
    pub(crate) books: Vec<[Vec<LevelView>; 2]>,
    pub(crate) status: Vec<Status>,
    /// Shares held as heard, and as is true.
    pub(crate) held: Vec<i64>,
    pub(crate) truth: Vec<i64>,
    pub(crate) orders: Vec<Order>,
    pub(crate) asked: Vec<Asked>,
    pub(crate) can_trade: bool,
    pub(crate) refuse: bool,
    pub(crate) no_room: bool,
    pub(crate) ahead: Option<u64>,
    /// Whether a replacement is in the table before it is accepted.
    pub(crate) shows_new: bool,
    up: VecDeque<Up>,
    down: VecDeque<Down>,
}

pub(crate) fn level(price: u32, qty: u64, orders: u32) -> LevelView {
    LevelView { price: Price(price), qty, orders }
}

impl Mock {
    /// `tickers` sound symbols at 100.00 by 100.02, at noon.
    pub(crate) fn new(tickers: u16) -> Mock {
        let n = usize::from(tickers);
        let status = Status { market_hours: true, ..Status::default() };
        let book = [vec![level(1_000_000, 1_000, 5)], vec![level(1_000_200, 1_000, 5)]];
        Mock {
            now_ns: 43_200_000_000_000,
            books: vec![book; n],
            status: vec![status; n],
            held: vec![0; n],
            truth: vec![0; n],
            orders: Vec::new(),
            asked: Vec::new(),
            can_trade: true,
            refuse: false,
            no_room: false,
            ahead: None,
            shows_new: false,
            up: VecDeque::new(),
            down: VecDeque::new(),
        }
    }

    pub(crate) fn pass_ms(&mut self, ms: u64) {
        self.now_ns += ms * 1_000_000;
    }

    /// Sets a book's best levels and tells.
    pub(crate) fn quote<S: Strategy>(&mut self, s: &mut S, ticker: u16, bid: u32, ask: u32) {
        self.quote_qty(s, ticker, (bid, 1_000), (ask, 1_000));
    }

    pub(crate) fn quote_qty<S: Strategy>(
        &mut self,
        s: &mut S,
        ticker: u16,
        bid: (u32, u64),
        ask: (u32, u64),
    ) {
        self.books[usize::from(ticker)] =
            [vec![level(bid.0, bid.1, 5)], vec![level(ask.0, ask.1, 5)]];
        self.tick(s, ticker);
    }

    pub(crate) fn tick<S: Strategy>(&mut self, s: &mut S, ticker: u16) {
        s.on_book(Ticker(ticker), News::new(Ticker(ticker), News::TOP | News::BOOK), self);
    }

    /// The orders that the table shows, of a symbol and side.
    pub(crate) fn live(&self, ticker: u16, side: Side) -> Vec<OrderView> {
        let of = |o: &&Order| o.known && o.view.ticker.0 == ticker && o.view.side.side() == side;
        self.orders.iter().filter(of).map(|o| o.view).collect()
    }

    /// Shares that may trade yet on a side, by all that is true: at the venue or on the way to it.
    pub(crate) fn may_trade(&self, ticker: u16, side: Side) -> i64 {
        let lives = |of: UserRef| self.orders[of.0 as usize - 1].venue > 0;
        let of = |o: &&Order| o.view.ticker.0 == ticker && o.view.side.side() == side;
        let shares = |o: &Order| match o.replaces {
            Some(old) if !lives(old) => i64::from(o.venue),
            _ => i64::from(o.venue + o.on_way),
        };
        self.orders.iter().filter(of).map(shares).sum()
    }

    pub(crate) fn entered(&self) -> Vec<Ask> {
        let enter = |asked: &Asked| match asked {
            Asked::Enter(ask) => Some(*ask),
            _ => None,
        };
        self.asked.iter().filter_map(enter).collect()
    }

    fn order_mut(&mut self, user_ref: UserRef) -> &mut Order {
        &mut self.orders[user_ref.0 as usize - 1]
    }

    fn add(&mut self, ask: Ask, known: bool, on_way: u32) -> UserRef {
        let user_ref = UserRef(self.orders.len() as u32 + 1);
        let view = OrderView {
            user_ref,
            ticker: ask.ticker,
            side: ask.side,
            price: ask.price,
            leaves: ask.qty,
            executed: Qty::ZERO,
            state: OrderState::Sent,
            reference: None,
            entered_ns: self.host_ns(),
        };
        self.orders.push(Order { view, ask, known, venue: 0, on_way, replaces: None });
        user_ref
    }

    /// Lets the venue read the next request; `false` when there is none.
    pub(crate) fn reach_venue(&mut self, fate: Fate) -> bool {
        let Some(up) = self.up.pop_front() else { return false };
        match up {
            Up::Enter(user_ref) => self.venue_enters(user_ref, fate),
            Up::Cancel(user_ref) => {
                let qty = Qty(std::mem::take(&mut self.order_mut(user_ref).venue));
                if qty > Qty::ZERO {
                    self.tell(user_ref, What::Canceled { qty, reason: b'U' });
                }
            }
            Up::Replace { old, new } => {
                let qty = std::mem::take(&mut self.order_mut(new).on_way);
                if self.order_mut(old).venue == 0 || fate == Fate::Reject {
                    self.tell(old, What::ReplaceFailed { new, reason: 1 });
                } else {
                    self.order_mut(old).venue = 0;
                    self.order_mut(new).venue = qty;
                    self.tell(new, What::Replaced { old });
                }
            }
        }
        true
    }

    fn venue_enters(&mut self, user_ref: UserRef, fate: Fate) {
        let order = self.order_mut(user_ref);
        let qty = std::mem::take(&mut order.on_way);
        let ask = order.ask;
        if fate == Fate::Reject {
            return self.tell(user_ref, What::Rejected { reason: 1 });
        }
        self.order_mut(user_ref).venue = qty;
        self.tell(user_ref, What::Accepted);
        let ioc = ask.tif == TimeInForce::Ioc;
        if ioc {
            let shares = if fate == Fate::Accept { qty } else { qty / 2 };
            self.fill(user_ref, shares);
        }
        if ioc || (ask.post_only && fate == Fate::PostOnlyCancel) {
            let rest = Qty(std::mem::take(&mut self.order_mut(user_ref).venue));
            if rest > Qty::ZERO {
                let reason = if ioc { b'I' } else { b'F' };
                self.tell(user_ref, What::Canceled { qty: rest, reason });
            }
        }
    }

    fn tell(&mut self, user_ref: UserRef, what: What) {
        self.down.push_back(Down::Order(user_ref, what));
    }

    /// Shares of an order trade at the venue, as many as it has.
    pub(crate) fn fill(&mut self, user_ref: UserRef, shares: u32) {
        let order = self.order_mut(user_ref);
        let shares = shares.min(order.venue);
        if shares == 0 {
            return;
        }
        order.venue -= shares;
        let OrderView { ticker, side, .. } = order.view;
        self.truth[usize::from(ticker.0)] += signed(side.side(), shares);
        self.down.push_back(Down::Fill(user_ref, Qty(shares)));
    }

    /// Hears the next of the venue's answers; `false` when there is none.
    pub(crate) fn hear<S: Strategy>(&mut self, s: &mut S) -> bool {
        match self.down.pop_front() {
            None => return false,
            Some(Down::Fill(user_ref, qty)) => self.hear_fill(s, user_ref, qty),
            Some(Down::Order(user_ref, what)) => self.hear_order(s, user_ref, what),
        }
        true
    }

    fn hear_fill<S: Strategy>(&mut self, s: &mut S, user_ref: UserRef, qty: Qty) {
        let at_ns = self.now_ns;
        let order = self.order_mut(user_ref);
        order.view.leaves.0 -= qty.0;
        order.view.executed.0 += qty.0;
        order.known &= order.view.leaves > Qty::ZERO;
        let OrderView { ticker, side, price, leaves, .. } = order.view;
        let side = side.side();
        self.held[usize::from(ticker.0)] += signed(side, qty.0);
        let (liquidity, match_id) = (b'A', MatchId(1));
        s.on_fill(
            &Fill { user_ref, ticker, side, qty, price, liquidity, match_id, at_ns, leaves },
            self,
        );
    }

    fn hear_order<S: Strategy>(&mut self, s: &mut S, user_ref: UserRef, what: What) {
        let order = self.order_mut(user_ref);
        let was = order.view.state;
        match what {
            What::Accepted => {
                order.view.reference = Some(OrderId(u64::from(user_ref.0)));
                if was == OrderState::Sent {
                    order.view.state = OrderState::Live;
                }
            }
            What::Canceled { qty, .. } => {
                order.view.leaves.0 -= qty.0;
                order.known &= order.view.leaves > Qty::ZERO;
            }
            What::Rejected { .. } | What::Lost => {
                order.view.leaves = Qty::ZERO;
                order.known = false;
            }
            What::Replaced { old } => {
                order.known = true;
                order.view.state = OrderState::Live;
                let old = self.order_mut(old);
                old.known = false;
            }
            What::ReplaceFailed { new, .. } => {
                if was == OrderState::Replacing {
                    order.view.state = OrderState::Live;
                }
                self.order_mut(new).known = false;
            }
            _ => {}
        }
        let order = self.order_mut(user_ref).view;
        s.on_order(&OrderReport { order, what }, self);
    }

    /// Lets everything on the way arrive.
    pub(crate) fn settle<S: Strategy>(&mut self, s: &mut S) {
        for _ in 0..10_000 {
            if !self.reach_venue(Fate::Accept) && !self.hear(s) {
                return;
            }
        }
        panic!("the strategy never comes to rest");
    }

    /// Loses the connection, what was on its way up with it, and comes back.
    pub(crate) fn reconnect<S: Strategy>(&mut self, s: &mut S) {
        self.can_trade = false;
        s.on_session(SessionEvent::Disconnected, self);
        let lost: Vec<Up> = self.up.drain(..).collect();
        while self.hear(s) {}
        for up in lost {
            match up {
                Up::Enter(user_ref) => {
                    self.order_mut(user_ref).on_way = 0;
                    self.hear_order(s, user_ref, What::Lost);
                }
                Up::Cancel(user_ref) => {
                    let order = self.order_mut(user_ref);
                    if order.view.state == OrderState::Canceling {
                        order.view.state = OrderState::Live;
                    }
                }
                Up::Replace { old, new } => {
                    self.order_mut(new).on_way = 0;
                    self.hear_order(s, old, What::ReplaceFailed { new, reason: 0 });
                }
            }
        }
        self.can_trade = true;
        s.on_session(SessionEvent::Connected, self);
    }

    /// An order from before a restart turns up.
    pub(crate) fn recover<S: Strategy>(&mut self, s: &mut S, ticker: u16, side: OrderSide) {
        let ask = Ask {
            ticker: Ticker(ticker),
            side,
            qty: Qty(10),
            price: Price(990_000),
            tif: TimeInForce::Day,
            post_only: false,
        };
        let user_ref = self.add(ask, true, 0);
        self.order_mut(user_ref).venue = 10;
        self.order_mut(user_ref).view.state = OrderState::Live;
        self.hear_order(s, user_ref, What::Recovered);
    }
}

fn signed(side: Side, shares: u32) -> i64 {
    if side == Side::Buy { i64::from(shares) } else { -i64::from(shares) }
}

impl Context for Mock {
    fn now_ns(&self) -> u64 {
        self.now_ns
    }

    fn host_ns(&self) -> u64 {
        self.now_ns + HOST_AHEAD_NS
    }

    fn tickers(&self) -> u16 {
        self.books.len() as u16
    }

    fn top(&self, ticker: Ticker) -> Top {
        let [bids, asks] = &self.books[usize::from(ticker.0)];
        Top { bid: bids.first().copied(), ask: asks.first().copied() }
    }

    fn levels(&self, ticker: Ticker, side: Side, out: &mut [LevelView]) -> usize {
        let levels = &self.books[usize::from(ticker.0)][side as usize];
        out.iter_mut().zip(levels).map(|(slot, level)| *slot = *level).count()
    }

    fn level(&self, ticker: Ticker, side: Side, price: Price) -> Option<LevelView> {
        let levels = &self.books[usize::from(ticker.0)][side as usize];
        levels.iter().find(|level| level.price == price).copied()
    }

    fn queue(
        &self,
        _: Ticker,
        _: Side,
        _: Price,
    ) -> impl Iterator<Item = book::OrderView<OrderId>> {
        std::iter::empty()
    }

    fn status(&self, ticker: Ticker) -> &Status {
        &self.status[usize::from(ticker.0)]
    }

    fn notices(&self, _: Ticker) -> Notices {
        Notices::default()
    }

    fn breakers(&self) -> Breakers {
        Breakers::default()
    }

    fn last_trade(&self, _: Ticker) -> Option<Trade> {
        None
    }

    fn prints(&self) -> impl DoubleEndedIterator<Item = (Ticker, Trade)> {
        std::iter::empty()
    }

    fn position(&self, ticker: Ticker) -> Position {
        let open = |side| self.live(ticker.0, side).iter().map(|o| u64::from(o.leaves.0)).sum();
        Position {
            shares: self.held[usize::from(ticker.0)],
            open_buy: open(Side::Buy),
            open_sell: open(Side::Sell),
            ..Position::default()
        }
    }

    fn order(&self, user_ref: UserRef) -> Option<OrderView> {
        let order = self.orders.get((user_ref.0 as usize).checked_sub(1)?)?;
        let sent = self.shows_new && order.on_way > 0;
        (order.known || sent).then_some(order.view)
    }

    fn ahead(&self, user_ref: UserRef) -> Option<Ahead> {
        self.order(user_ref)?;
        Some(Ahead { shares: self.ahead?, orders: 1, at_least: false })
    }

    fn can_trade(&self) -> bool {
        self.can_trade
    }

    fn enter(&mut self, ask: &Ask) -> Result<UserRef, Refusal> {
        assert!((1..=Qty::ORDER_MAX.0).contains(&ask.qty.0), "{ask:?}");
        assert!((1..=Price::LIMIT_MAX.0).contains(&ask.price.0), "{ask:?}");
        if self.refuse || self.no_room || !self.can_trade {
            return Err(Refusal::OrderRate);
        }
        self.asked.push(Asked::Enter(*ask));
        let user_ref = self.add(*ask, true, ask.qty.0);
        self.up.push_back(Up::Enter(user_ref));
        Ok(user_ref)
    }

    fn replace(&mut self, user_ref: UserRef, qty: Qty, price: Price) -> Result<UserRef, Refusal> {
        let stands = self.order(user_ref).is_some_and(|o| o.state == OrderState::Live);
        if self.refuse || self.no_room || !self.can_trade || !stands {
            return Err(Refusal::UnknownOrder);
        }
        self.asked.push(Asked::Replace(user_ref, qty, price));
        let order = self.order_mut(user_ref);
        order.view.state = OrderState::Replacing;
        let ask = Ask { qty, price, ..order.ask };
        let new = self.add(ask, false, qty.0);
        self.order_mut(new).replaces = Some(user_ref);
        self.up.push_back(Up::Replace { old: user_ref, new });
        Ok(new)
    }

    fn cancel(&mut self, user_ref: UserRef) -> bool {
        let Some(order) = self.order(user_ref) else { return false };
        if self.no_room || !self.can_trade || order.state == OrderState::Canceling {
            return false;
        }
        self.asked.push(Asked::Cancel(user_ref));
        self.order_mut(user_ref).view.state = OrderState::Canceling;
        self.up.push_back(Up::Cancel(user_ref));
        true
    }
}

/// A step of a random day.
pub(crate) type Step = (u8, u16, u16);

/// Carries out a step; every kind of trouble there is.
pub(crate) fn step<S: Strategy>(mock: &mut Mock, s: &mut S, (kind, a, b): Step) {
    let ticker = a % mock.tickers();
    let index = usize::from(ticker);
    let fates = [Fate::Accept, Fate::Accept, Fate::Accept, Fate::Reject, Fate::PostOnlyCancel];
    match kind % 24 {
        0..=5 => {
            let bid = 1_000_000 + u32::from(b % 30) * 100;
            let ask = bid + 100 * (1 + u32::from(b / 30 % 3));
            let (bids, asks) = (u64::from(a / 7) + 1, u64::from(b / 7) + 1);
            mock.quote_qty(s, ticker, (bid, bids), (ask, asks));
        }
        6..=9 => {
            mock.reach_venue(fates[usize::from(a) % fates.len()]);
        }
        10..=13 => {
            mock.hear(s);
        }
        14..=15 if !mock.orders.is_empty() => {
            let at = usize::from(a) % mock.orders.len().min(6);
            let user_ref = mock.orders[mock.orders.len() - 1 - at].view.user_ref;
            mock.fill(user_ref, u32::from(b % 150));
        }
        16..=17 => mock.pass_ms(u64::from(a % 200)),
        18 => s.on_timer(mock),
        19 => {
            let status = &mut mock.status[index];
            status.volume += u64::from(b);
            match b % 6 {
                0 => status.trading = TradingState::Halted,
                1 => status.suspect = Some(Lie::Crossed),
                2 => status.currency = Currency::Behind,
                _ => *status = Status { market_hours: true, ..Status::default() },
            }
            s.on_status(Ticker(ticker), mock);
        }
        20 => mock.reconnect(s),
        21 => (mock.refuse, mock.no_room) = (b % 4 == 0, b % 5 == 0),
        22 => {
            let odd = [level(u32::MAX, u64::MAX, 1), level(0, 0, 0), level(1, 1, 1)];
            let side = |pick: u16| match pick % 4 {
                3 => Vec::new(),
                pick => vec![odd[usize::from(pick)]; 2],
            };
            mock.books[index] = [side(a), side(b)];
            mock.ahead = (b % 2 == 0).then_some(u64::from(b));
            mock.tick(s, ticker);
        }
        _ => mock.ahead = (b % 3 > 0).then_some(u64::from(b)),
    }
}

/// Ends all trouble and lets everything arrive.
pub(crate) fn calm<S: Strategy>(mock: &mut Mock, s: &mut S) {
    (mock.refuse, mock.no_room, mock.can_trade) = (false, false, true);
    for status in &mut mock.status {
        *status = Status { market_hours: true, ..Status::default() };
    }
    for ticker in 0..mock.tickers() {
        mock.quote(s, ticker, 1_000_000, 1_000_200);
    }
    mock.settle(s);
}

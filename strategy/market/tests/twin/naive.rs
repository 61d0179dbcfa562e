//! The market's twin: maps and vectors, every answer searched for. Slow, and plainly right.

use super::say::{NAMES, Told};
use market::{Counters, LevelView, Lie, News, Status, Top, Trade, TradeKind};
use std::collections::BTreeMap;
use types::{CrossKind, MatchId, OrderId, Price, Side, Symbol, Ticker, TradingState};

pub(crate) const BOOKS: u16 = 4;

#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) name: usize,
    told: TradingState,
    halted_here: bool,
    pub(crate) suspect: Option<Lie>,
}

impl Listed {
    fn of(name: usize) -> Listed {
        Listed { name, told: TradingState::Trading, halted_here: false, suspect: None }
    }

    pub(crate) fn trading(&self) -> TradingState {
        if self.halted_here { TradingState::Halted } else { self.told }
    }
}

#[derive(Clone, Copy, Debug)]
struct Order {
    locate: u16,
    side: Side,
    price: u32,
    qty: u32,
    /// Its turn: orders at a price are served in the order of their turns.
    turn: u64,
}

/// See the module.
pub(crate) struct Naive {
    orders_max: usize,
    levels_max: usize,
    /// Names that are tickers, in order.
    tickers: Vec<usize>,
    only_tickers: bool,
    pub(crate) listed: BTreeMap<u16, Listed>,
    orders: BTreeMap<u64, Order>,
    turn: u64,
    /// Of each ticker, what its status should be.
    pub(crate) status: Vec<Status>,
    pub(crate) last: Vec<Option<Trade>>,
    pub(crate) tape: Vec<(Ticker, Trade)>,
    tape_max: usize,
    pub(crate) lies: [u64; Lie::COUNT],
    pub(crate) counters: Counters,
    mark_ns: u64,
    pub(crate) market_hours: bool,
    /// What the message does to be told: flags of [`News`].
    what: u8,
    news_of: Ticker,
    /// A lie that is only told once the book has been looked at.
    afterwards: Option<Lie>,
}

type Room = (usize, usize, usize);

impl Naive {
    pub(crate) fn new(
        (orders_max, levels_max, tape_max): Room,
        tickers: &[usize],
        only: bool,
    ) -> Naive {
        Naive {
            orders_max,
            levels_max,
            tickers: tickers.to_vec(),
            only_tickers: only,
            listed: BTreeMap::new(),
            orders: BTreeMap::new(),
            turn: 0,
            status: vec![Status::default(); tickers.len()],
            last: vec![None; tickers.len()],
            tape: vec![],
            tape_max,
            lies: [0; Lie::COUNT],
            counters: Counters::default(),
            mark_ns: 0,
            market_hours: false,
            what: 0,
            news_of: News::NOBODY,
            afterwards: None,
        }
    }

    fn ticker_named(&self, name: usize) -> Option<usize> {
        self.tickers.iter().position(|other| *other == name)
    }

    fn ticker_at(&self, locate: u16) -> Option<usize> {
        self.listed.get(&locate).and_then(|listed| self.ticker_named(listed.name))
    }

    pub(crate) fn locate(&self, ticker: usize) -> Option<u16> {
        let mut found = self.listed.iter().filter(|(_, l)| l.name == self.tickers[ticker]);
        found.next().map(|(locate, _)| *locate)
    }

    fn side(&self, locate: u16, side: Side) -> Vec<(u64, Order)> {
        let mine = |order: &Order| order.locate == locate && order.side == side;
        let mut all: Vec<_> =
            self.orders.iter().filter(|(_, o)| mine(o)).map(|(id, o)| (*id, *o)).collect();
        let rank = |price| if side == Side::Buy { u32::MAX - price } else { price };
        all.sort_by_key(|(_, order)| (rank(order.price), order.turn));
        all
    }

    pub(crate) fn levels(&self, locate: u16, side: Side) -> Vec<LevelView> {
        let mut levels: Vec<LevelView> = vec![];
        for (_, order) in self.side(locate, side) {
            match levels.last_mut().filter(|level| level.price.0 == order.price) {
                Some(level) => {
                    level.qty += u64::from(order.qty);
                    level.orders += 1;
                }
                None => levels.push(LevelView {
                    price: Price(order.price),
                    qty: u64::from(order.qty),
                    orders: 1,
                }),
            }
        }
        levels
    }

    pub(crate) fn queue(&self, locate: u16, side: Side, price: Price) -> Vec<(OrderId, u32)> {
        let all = self.side(locate, side).into_iter();
        all.filter(|(_, o)| o.price == price.0).map(|(id, o)| (OrderId(id), o.qty)).collect()
    }

    pub(crate) fn top(&self, locate: u16) -> Top {
        let best = |side| self.levels(locate, side).first().copied();
        Top { bid: best(Side::Buy), ask: best(Side::Sell) }
    }

    pub(crate) fn len(&self) -> usize {
        self.orders.len()
    }

    fn lie(&mut self, locate: u16, lie: Lie) {
        self.lies[lie as usize] += 1;
        let ticker = self.ticker_at(locate);
        let Some(listed) = self.listed.get_mut(&locate) else { return };
        if listed.suspect.is_none() {
            listed.suspect = Some(lie);
            self.what |= News::STATUS;
            if let Some(ticker) = ticker {
                self.status[ticker].suspect = Some(lie);
            }
        }
    }

    /// Applies a message and says what the market should say.
    pub(crate) fn on_message(&mut self, locate: u16, at_ns: u64, told: &Told) -> News {
        self.counters.messages += 1;
        self.what = 0;
        let ticker = self.ticker_at(locate);
        self.news_of = ticker.map_or(News::NOBODY, |t| Ticker(t as u16));
        if at_ns < self.mark_ns {
            self.lie(locate, Lie::TimeWentBack);
        }
        self.mark_ns = at_ns;
        let is_common = matches!(told, Told::Event { .. } | Told::Breach { .. });
        match told {
            Told::Directory { name, lot } => self.directory(locate, at_ns, *name, *lot),
            _ if !self.listed.contains_key(&locate) && !is_common => {
                self.lie(locate, Lie::UnlistedSymbol);
                if let Some(named) = name(told).and_then(|name| self.ticker_named(name)) {
                    self.news_of = Ticker(named as u16);
                    self.suspect(named, Lie::UnlistedSymbol);
                }
            }
            _ if self.only_tickers
                && !is_common
                && ticker.is_none()
                && self.listed.contains_key(&locate) =>
            {
                self.counters.skipped += 1;
            }
            _ => {
                if let Some(ticker) = ticker {
                    self.status[ticker].updated_ns = at_ns;
                }
                self.apply(locate, at_ns, told);
            }
        }
        News::new(self.news_of, self.what)
    }

    fn directory(&mut self, locate: u16, at_ns: u64, name: usize, lot: u32) {
        let named = self.ticker_named(name);
        if self.news_of == News::NOBODY {
            self.news_of = named.map_or(News::NOBODY, |t| Ticker(t as u16));
        }
        if locate == 0 {
            return self.lie(locate, Lie::WrongSymbol);
        }
        let renamed = self.listed.get(&locate).is_some_and(|listed| listed.name != name);
        let moved = named.and_then(|t| self.locate(t)).is_some_and(|other| other != locate);
        let full = !self.listed.contains_key(&locate) && locate >= BOOKS;
        if renamed || moved || full {
            let lie = if renamed || moved { Lie::WrongSymbol } else { Lie::NoRoom };
            self.counters.books_full += u64::from(lie == Lie::NoRoom);
            self.lie(locate, lie);
            let Some(named) = named else { return };
            return self.suspect(named, lie);
        }
        let suspect = named.and_then(|t| self.status[t].suspect);
        self.listed.entry(locate).or_insert_with(|| Listed { suspect, ..Listed::of(name) });
        self.what |= News::LISTED;
        let Some(named) = named else { return };
        self.status[named].updated_ns = at_ns;
        match lot {
            0 => self.lie(locate, Lie::ZeroShares),
            lot => self.status[named].round_lot = lot,
        }
    }

    fn suspect(&mut self, named: usize, lie: Lie) {
        if self.status[named].suspect.is_none() {
            self.what |= News::STATUS;
            self.status[named].suspect = Some(lie);
            if let Some(locate) = self.locate(named) {
                self.listed.get_mut(&locate).expect("listed").suspect = Some(lie);
            }
        }
    }

    fn apply(&mut self, locate: u16, at_ns: u64, told: &Told) {
        let before = self.top(locate);
        match *told {
            Told::Add { id, letter, qty, name, price, .. } => {
                self.add(locate, id, letter, qty, name, price);
            }
            Told::Execute { id, qty, of } => self.execute(locate, at_ns, (id, qty, of), None, b'Y'),
            Told::ExecuteAt { id, qty, of, printable, price } => {
                self.execute(locate, at_ns, (id, qty, of), Some(price), printable);
            }
            Told::Cancel { id, qty } => {
                if qty == 0 {
                    self.lie(locate, Lie::ZeroShares);
                } else {
                    self.take(locate, id, qty, Lie::CanceledBeyondSize);
                }
            }
            Told::Delete { id } => {
                let all = self.orders.get(&id).map_or(1, |order| order.qty);
                self.take(locate, id, all, Lie::CanceledBeyondSize);
            }
            Told::Replace { old, new, qty, price } => self.replace(locate, old, new, qty, price),
            Told::Trade { letter, qty, name, price, of } => {
                if self.listed[&locate].name != name {
                    self.lie(locate, Lie::WrongSymbol);
                } else if !matches!(letter, b'B' | b'S') {
                    self.lie(locate, Lie::BadSide);
                } else if let Some(lie) = bad(qty, price) {
                    self.lie(locate, lie);
                } else {
                    self.counters.off_book += 1;
                    let qty = u64::from(qty);
                    self.print(locate, trade(at_ns, qty, price, of, TradeKind::Hidden));
                }
            }
            _ => self.rare(locate, at_ns, told),
        }
        self.look(locate, before);
        if let Some(lie) = self.afterwards.take() {
            self.lie(locate, lie);
        }
    }

    /// Whether the top changed, and is crossed.
    fn look(&mut self, locate: u16, before: Top) {
        let top = self.top(locate);
        if top == before {
            return;
        }
        self.what |= News::TOP;
        self.counters.ticks += 1;
        let continuous =
            self.market_hours && self.listed[&locate].trading() == TradingState::Trading;
        if let (Some(bid), Some(ask)) = (top.bid, top.ask)
            && bid.price > ask.price
            && continuous
        {
            self.lie(locate, Lie::Crossed);
        }
    }

    fn add(&mut self, locate: u16, id: u64, letter: u8, qty: u32, name: usize, price: u32) {
        if self.listed[&locate].name != name {
            return self.lie(locate, Lie::WrongSymbol);
        }
        let side = match letter {
            b'B' => Side::Buy,
            b'S' => Side::Sell,
            _ => return self.lie(locate, Lie::BadSide),
        };
        match bad(qty, price) {
            Some(lie) => self.lie(locate, lie),
            None => self.enter(locate, id, side, qty, price),
        }
    }

    fn enter(&mut self, locate: u16, id: u64, side: Side, qty: u32, price: u32) {
        if self.orders.contains_key(&id) {
            return self.lie(locate, Lie::DuplicateReference);
        }
        if self.orders.len() >= self.orders_max {
            self.counters.orders_full += 1;
            return self.lie(locate, Lie::NoRoom);
        }
        let levels: usize = (0..BOOKS)
            .flat_map(|at| [Side::Buy, Side::Sell].map(|side| self.levels(at, side).len()))
            .sum();
        if levels >= self.levels_max && self.queue(locate, side, Price(price)).is_empty() {
            self.counters.levels_full += 1;
            return self.lie(locate, Lie::NoRoom);
        }
        self.turn += 1;
        self.orders.insert(id, Order { locate, side, price, qty, turn: self.turn });
        self.what |= News::BOOK;
    }

    /// Takes shares off an order: what it was before.
    fn take(&mut self, locate: u16, id: u64, qty: u32, beyond: Lie) -> Option<Order> {
        let Some(order) = self.orders.get_mut(&id) else {
            self.lie(locate, Lie::UnknownReference);
            return None;
        };
        if order.locate != locate {
            self.lie(locate, Lie::WrongSymbol);
            return None;
        }
        let before = *order;
        order.qty = order.qty.saturating_sub(qty);
        if order.qty == 0 {
            self.orders.remove(&id);
        }
        self.what |= News::BOOK;
        if qty > before.qty {
            self.lie(locate, beyond);
        }
        Some(before)
    }

    fn execute(
        &mut self,
        locate: u16,
        at_ns: u64,
        (id, qty, of): (u64, u32, u64),
        at: Option<u32>,
        printable: u8,
    ) {
        if !matches!(printable, b'Y' | b'N') {
            return self.lie(locate, Lie::Unreadable);
        }
        if qty == 0 {
            return self.lie(locate, Lie::ZeroShares);
        }
        let Some(order) = self.take(locate, id, qty, Lie::ExecutedBeyondSize) else { return };
        let price = at.unwrap_or(order.price);
        self.afterwards = bad(qty, price);
        if self.afterwards.is_some() {
            return;
        }
        let mut trade = trade(at_ns, u64::from(qty), price, of, TradeKind::Book);
        trade.resting = Some(order.side);
        trade.printable = printable == b'Y';
        self.print(locate, trade);
    }

    fn replace(&mut self, locate: u16, old: u64, new: u64, qty: u32, price: u32) {
        let whole = self.orders.get(&old).map_or(1, |order| order.qty);
        let Some(order) = self.take(locate, old, whole, Lie::CanceledBeyondSize) else { return };
        match bad(qty, price) {
            Some(lie) => self.lie(locate, lie),
            None => self.enter(locate, new, order.side, qty, price),
        }
    }

    fn print(&mut self, locate: u16, trade: Trade) {
        self.counters.trades += 1;
        self.what |= News::TRADE;
        let Some(ticker) = self.ticker_at(locate) else { return };
        self.status[ticker].volume += if trade.printable { trade.qty } else { 0 };
        self.last[ticker] = Some(trade);
        self.tape.push((Ticker(ticker as u16), trade));
    }

    fn rare(&mut self, locate: u16, at_ns: u64, told: &Told) {
        let own = self.listed.get(&locate).map_or(usize::MAX, |listed| listed.name);
        match *told {
            Told::Cross { name, .. }
            | Told::State { name, .. }
            | Told::Halt { name, .. }
            | Told::RegSho { name, .. }
            | Told::Imbalance { name, .. }
                if name != own =>
            {
                self.lie(locate, Lie::WrongSymbol);
            }
            Told::Cross { qty, price, of, letter, .. } => {
                self.cross(locate, at_ns, (qty, price), of, letter);
            }
            Told::Broken { of } => self.broken(locate, of),
            Told::State { letter, .. } => match state(letter) {
                Some(told) => {
                    self.listed.get_mut(&locate).expect("listed").told = told;
                    self.show(locate);
                }
                None => self.lie(locate, Lie::Unreadable),
            },
            Told::Halt { market, letter, .. } => match (market, letter) {
                (b'Q', b'H' | b'T') => {
                    self.listed.get_mut(&locate).expect("listed").halted_here = letter == b'H';
                    self.show(locate);
                }
                (b'B' | b'X', b'H' | b'T') => {}
                _ => self.lie(locate, Lie::Unreadable),
            },
            Told::RegSho { letter: letter @ b'0'..=b'2', .. } => {
                let restricted = letter != b'0';
                let Some(ticker) = self.ticker_at(locate) else {
                    self.what |= News::STATUS;
                    return;
                };
                if self.status[ticker].short_restricted != restricted {
                    self.what |= News::STATUS;
                    self.status[ticker].short_restricted = restricted;
                }
            }
            Told::Imbalance { side, shares, letter, .. }
                if b"BSNOP".contains(&side) && b"OCHA".contains(&letter) =>
            {
                self.imbalance(locate, at_ns, side, shares, letter);
            }
            Told::Event { letter } if b"OSQMEC".contains(&letter) => {
                match letter {
                    b'Q' => self.market_hours = true,
                    b'M' => self.market_hours = false,
                    _ => {}
                }
                self.what |= News::DAY;
                self.status.iter_mut().for_each(|status| status.market_hours = self.market_hours);
            }
            Told::Breach { letter: b'1'..=b'3' } => self.what |= News::DAY,
            _ => self.lie(locate, Lie::Unreadable),
        }
        // A message of the whole market is told of nobody where its locate is not listed.
        if !self.listed.contains_key(&locate) {
            self.news_of = News::NOBODY;
        }
    }

    fn show(&mut self, locate: u16) {
        let trading = self.listed[&locate].trading();
        match self.ticker_at(locate) {
            Some(ticker) if self.status[ticker].trading == trading => {}
            Some(ticker) => {
                self.status[ticker].trading = trading;
                self.what |= News::STATUS;
            }
            None => self.what |= News::STATUS,
        }
    }

    fn imbalance(&mut self, locate: u16, at_ns: u64, side: u8, shares: u64, letter: u8) {
        self.what |= News::STATUS;
        let Some(ticker) = self.ticker_at(locate) else { return };
        self.status[ticker].imbalance = Some(market::Imbalance {
            at_ns,
            paired: 7,
            shares,
            side: match side {
                b'B' => Some(Side::Buy),
                b'S' => Some(Side::Sell),
                _ => None,
            },
            far: Price(1),
            near: Price(2),
            reference: Price(3),
            kind: CrossKind::from_letter(letter).unwrap_or_default(),
        });
    }

    fn cross(&mut self, locate: u16, at_ns: u64, (qty, price): (u64, u32), of: u64, letter: u8) {
        if !b"OCHA".contains(&letter) {
            return self.lie(locate, Lie::Unreadable);
        }
        if let Some(ticker) = self.ticker_at(locate)
            && self.status[ticker].imbalance.is_some()
        {
            self.status[ticker].imbalance = None;
            self.what |= News::STATUS;
        }
        if qty == 0 {
            self.counters.empty_crosses += 1;
        } else if let Some(lie) = bad(1, price) {
            self.lie(locate, lie);
        } else {
            self.counters.off_book += 1;
            let kind = TradeKind::Cross(CrossKind::from_letter(letter).unwrap_or_default());
            self.print(locate, trade(at_ns, qty, price, of, kind));
        }
    }

    fn broken(&mut self, locate: u16, of: u64) {
        let held = self.tape.len().saturating_sub(self.tape_max);
        let ticker = self.ticker_at(locate);
        let mut found = vec![];
        for (whose, trade) in &mut self.tape[held..] {
            if ticker.is_some_and(|t| usize::from(whose.0) == t)
                && trade.match_id == MatchId(of)
                && !trade.broken
            {
                trade.broken = true;
                found.push(*trade);
            }
        }
        let (Some(ticker), false) = (ticker, found.is_empty()) else {
            self.counters.broken_unknown += 1;
            return;
        };
        self.what |= News::STATUS;
        self.counters.broken += found.len() as u64;
        let volume: u64 = found.iter().filter(|t| t.printable).map(|t| t.qty).sum();
        self.status[ticker].volume -= volume;
        if let Some(last) = self.last[ticker].as_mut().filter(|last| last.match_id == MatchId(of)) {
            last.broken = true;
        }
    }

    pub(crate) fn clear(&mut self) {
        self.orders.clear();
        self.mark_ns = 0;
        for listed in self.listed.values_mut() {
            *listed = Listed::of(listed.name);
        }
        for status in &mut self.status {
            status.trading = TradingState::Trading;
            status.suspect = None;
            status.imbalance = None;
            status.updated_ns = 0;
        }
    }

    pub(crate) fn clear_day(&mut self) {
        self.clear();
        self.listed.clear();
        self.tape.clear();
        self.market_hours = false;
        self.last.fill(None);
        for status in &mut self.status {
            *status = Status { currency: status.currency, ..Status::default() };
        }
    }

    pub(crate) fn absolve(&mut self, ticker: usize) {
        self.status[ticker].suspect = None;
        if let Some(locate) = self.locate(ticker) {
            self.listed.get_mut(&locate).expect("listed").suspect = None;
        }
    }

    pub(crate) fn symbol(&self, ticker: usize) -> Symbol {
        Symbol(*NAMES[self.tickers[ticker]])
    }
}

fn trade(at_ns: u64, qty: u64, price: u32, of: u64, kind: TradeKind) -> Trade {
    let (price, match_id) = (Price(price), MatchId(of));
    Trade { at_ns, qty, price, resting: None, match_id, kind, printable: true, broken: false }
}

fn bad(qty: u32, price: u32) -> Option<Lie> {
    match (qty, price) {
        (_, 0) => Some(Lie::ZeroPrice),
        (_, 2_000_000_001..) => Some(Lie::PriceBeyondMax),
        (0, _) => Some(Lie::ZeroShares),
        _ => None,
    }
}

fn state(letter: u8) -> Option<TradingState> {
    use TradingState::{Halted, Paused, Quotation, Trading};
    [Halted, Paused, Quotation, Trading].into_iter().find(|state| state.letter() == letter)
}

/// The name that a message gives its symbol.
fn name(told: &Told) -> Option<usize> {
    match *told {
        Told::Add { name, .. }
        | Told::Trade { name, .. }
        | Told::Cross { name, .. }
        | Told::State { name, .. }
        | Told::Halt { name, .. }
        | Told::RegSho { name, .. }
        | Told::Imbalance { name, .. } => Some(name),
        _ => None,
    }
}

//! What replies and tape say, added up and held against the engine.

use book::Capacity;
use engine::Engine;
use market::{Lie, Market, MarketConfig};
use session::{ReplayStore, SessionId, Sessions};
use std::collections::{BTreeMap, HashMap};
use types::{Price, Side, Symbol, SymbolId, UserRef};
use venue::Core;
use wire::ouch::outbound::Message;
use wire::{itch, ouch};

/// An order as its replies tell of it.
#[derive(Clone, Copy, Debug)]
struct Order {
    side: u8,
    limit: u64,
    entered: u64,
    left: u64,
    executed: u64,
    taken_off: u64,
    reference: u64,
}

/// One side of a match.
#[derive(Clone, Copy, Debug)]
struct Half {
    buys: bool,
    shares: u32,
    price: u64,
}

type Number = (u16, u32);

/// See the module.
pub(crate) struct Audit {
    /// By session: the next reply to hear.
    cursors: Vec<u64>,
    next_published: u64,
    orders: HashMap<Number, Order>,
    /// Matches told to one side so far.
    halves: HashMap<u64, Half>,
    /// Orders that the last message changed.
    touched: Vec<Number>,
    market: Market,
    symbols: u16,
    last_match: u64,
    heard: HashMap<u8, u64>,
    /// Rejects by OUCH's reason.
    reasons: BTreeMap<u16, u64>,
    published: HashMap<u8, u64>,
}

type Wrong = Result<(), String>;

/// A market whose directory has been told, as a venue does before its first order.
fn market(capacity: Capacity, symbols: u16) -> Market {
    let (tickers, only_tickers, tape_len) = (Vec::new(), false, 1);
    let config = MarketConfig { capacity, tickers, only_tickers, tape_len };
    let mut market = Market::new(&config).expect("a market");
    for (locate, name) in (1..=symbols).zip(crate::NAMES) {
        let mut listing = [0; size_of::<itch::StockDirectory>()];
        listing[0] = itch::StockDirectory::TYPE;
        listing[1..3].copy_from_slice(&locate.to_be_bytes());
        listing[11..19].copy_from_slice(&Symbol::new(name).expect("a symbol").0);
        market.on_message(&listing);
    }
    market
}

impl Audit {
    /// Of so many sessions, and symbols numbered from 1.
    pub(crate) fn new(sessions: usize, symbols: u16) -> Audit {
        let books = u32::from(symbols) + 1;
        let capacity = Capacity { orders: 4_096, levels: 2_048, books };
        Audit {
            cursors: vec![1; sessions],
            next_published: 1,
            orders: HashMap::new(),
            halves: HashMap::new(),
            touched: Vec::new(),
            market: market(capacity, symbols),
            symbols,
            last_match: 0,
            heard: HashMap::new(),
            reasons: BTreeMap::new(),
            published: HashMap::new(),
        }
    }

    /// The highest number of a match that was told.
    pub(crate) fn last_match(&self) -> u64 {
        self.last_match
    }

    /// Takes in what was said since the last time.
    pub(crate) fn hear(&mut self, sessions: &Sessions, tape: &ReplayStore) -> Wrong {
        self.touched.clear();
        for who in 0..self.cursors.len() as u16 {
            let store = sessions.store(SessionId(who)).ok_or("no store")?;
            while self.cursors[usize::from(who)] < store.next_seq() {
                let at = self.cursors[usize::from(who)];
                let reply = store.get(at).ok_or("a reply was evicted before it was read")?;
                let reply = ouch::outbound::parse(reply).map_err(|e| format!("a reply: {e}"))?;
                self.reply(who, &reply).map_err(|wrong| format!("{wrong}: {reply:?}"))?;
                self.cursors[usize::from(who)] += 1;
            }
        }
        while self.next_published < tape.next_seq() {
            let message = tape.get(self.next_published).ok_or("the tape was evicted")?;
            itch::parse(message).map_err(|e| format!("the tape: {e}"))?;
            *self.published.entry(message[0]).or_default() += 1;
            self.market.on_message(message);
            self.next_published += 1;
        }
        // An operator may send one symbol back before its opening, which no message tells: its book
        // may cross there, and the engine's own check says where it may not.
        let lies = Lie::ALL.iter().zip(self.market.lies()).filter(|(lie, _)| **lie != Lie::Crossed);
        match lies.map(|(_, count)| count).sum::<u64>() {
            0 => Ok(()),
            _ => Err(format!("the tape contradicts itself: {:?}", self.market.lies())),
        }
    }

    fn reply(&mut self, who: u16, reply: &Message<'_>) -> Wrong {
        *self.heard.entry(letter(reply)).or_default() += 1;
        match reply {
            Message::OrderAccepted(m, _) => {
                let (number, quantity) = (m.user_ref_num.get(), u64::from(m.quantity.get()));
                self.open(
                    (who, number),
                    Order {
                        side: m.side,
                        limit: m.price.get(),
                        entered: quantity,
                        left: quantity,
                        executed: 0,
                        taken_off: 0,
                        reference: m.order_reference_number.get(),
                    },
                )
            }
            Message::OrderReplaced(m, _) => {
                let old = self.orders.remove(&(who, m.orig_user_ref_num.get()));
                let old = old.ok_or("replaces what was not live")?;
                let left = u64::from(m.quantity.get());
                let order = Order {
                    limit: m.price.get(),
                    entered: old.executed + left,
                    left,
                    executed: old.executed,
                    taken_off: 0,
                    reference: m.order_reference_number.get(),
                    ..old
                };
                self.open((who, m.user_ref_num.get()), order)
            }
            Message::OrderExecuted(m, _) => {
                let shares = m.quantity.get();
                let buys = self.execute((who, m.user_ref_num.get()), shares, m.price.get())?;
                self.half(m.match_number.get(), Half { buys, shares, price: m.price.get() })
            }
            Message::OrderCanceled(m) => self.take_off((who, m.user_ref_num.get()), m.quantity),
            Message::AiqCanceled(m) => {
                self.take_off((who, m.user_ref_num.get()), m.decrement_shares)
            }
            Message::OrderModified(m) => {
                let quantity = u64::from(m.quantity.get());
                let order = self.touch((who, m.user_ref_num.get()))?;
                let left = quantity.checked_sub(order.executed).ok_or("below what executed")?;
                order.taken_off += order.left.checked_sub(left).ok_or("modified to more")?;
                (order.left, order.side) = (left, m.side);
                Ok(())
            }
            Message::OrderRestated(m, fields) => {
                let order = self.touch((who, m.user_ref_num.get()))?;
                for field in fields.known() {
                    if let ouch::Optional::SecondaryOrdRefNum(reference) = field {
                        order.reference = reference;
                    }
                }
                Ok(())
            }
            Message::Rejected(m) => {
                *self.reasons.entry(m.rejected_order_reason.get()).or_default() += 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, number: Number, order: Order) -> Wrong {
        if order.left == 0 {
            return Err("an order of nothing".into());
        }
        self.touched.push(number);
        match self.orders.insert(number, order) {
            None => Ok(()),
            Some(old) => Err(format!("the number of {old:?} again")),
        }
    }

    fn touch(&mut self, number: Number) -> Result<&mut Order, String> {
        self.touched.push(number);
        let live = self.orders.get_mut(&number).filter(|order| order.left > 0);
        live.ok_or_else(|| "of no live order".into())
    }

    /// Whether it was a buyer.
    fn execute(&mut self, number: Number, shares: u32, price: u64) -> Result<bool, String> {
        let order = self.touch(number)?;
        order.left = order.left.checked_sub(u64::from(shares)).ok_or("more than was left")?;
        order.executed += u64::from(shares);
        let buys = order.side == b'B';
        let worse = if buys { price > order.limit } else { price < order.limit };
        let is_market = order.limit == u64::from(Price::MARKET.0);
        if shares == 0 || price == 0 || (worse && !is_market) {
            return Err(format!("executed beyond what {order:?} said"));
        }
        Ok(buys)
    }

    fn half(&mut self, number: u64, half: Half) -> Wrong {
        self.last_match = self.last_match.max(number);
        let Some(other) = self.halves.remove(&number) else {
            self.halves.insert(number, half);
            return Ok(());
        };
        let agree = other.shares == half.shares && other.price == half.price;
        if agree && other.buys != half.buys { Ok(()) } else { Err(format!("{other:?} {half:?}")) }
    }

    fn take_off(&mut self, number: Number, shares: wire::field::U32) -> Wrong {
        let shares = u64::from(shares.get());
        let order = self.touch(number)?;
        order.left = order.left.checked_sub(shares).ok_or("more than was left")?;
        order.taken_off += shares;
        if shares > 0 { Ok(()) } else { Err("nothing was taken off".into()) }
    }

    /// What can be checked after each message.
    pub(crate) fn quick(&mut self, core: &Core) -> Wrong {
        let engine = core.engine();
        if !self.halves.is_empty() {
            return Err(format!("told to one side only: {:?}", self.halves));
        }
        for id in (1..=self.symbols).map(SymbolId) {
            engine.check_symbol(id).map_err(|e| e.to_string())?;
            if engine.top(id) != self.market.books().top(id) {
                return Err(format!("the tape has another top of {}", id.0));
            }
        }
        let ledger = engine.ledger().ok_or("no ledger")?;
        ledger.audit().map_err(|e| e.to_string())?;
        for number in std::mem::take(&mut self.touched) {
            // Replaced since.
            let Some(order) = self.orders.get(&number) else { continue };
            Self::agree(engine, number, order)?;
            if order.left == 0 {
                self.orders.remove(&number);
            }
        }
        if engine.live_orders() != self.orders.len() {
            return Err(format!("{} live, {} told", engine.live_orders(), self.orders.len()));
        }
        Ok(())
    }

    /// Entered is executed, taken off and left; and the engine has it so.
    fn agree(engine: &Engine, number: Number, order: &Order) -> Wrong {
        if order.entered != order.executed + order.taken_off + order.left {
            return Err(format!("shares came or went: {order:?}"));
        }
        let live = engine.order(SessionId(number.0), UserRef(number.1));
        let same = match &live {
            None => order.left == 0,
            Some(live) => {
                let shares = (u64::from(live.leaves.0), u64::from(live.executed.0));
                shares == (order.left, order.executed)
                    && live.party.order_id.0 == order.reference
                    && live.side.letter() == order.side
            }
        };
        if same { Ok(()) } else { Err(format!("{order:?} is {live:?}")) }
    }

    /// Every order and every book.
    pub(crate) fn thorough(&self, core: &Core) -> Wrong {
        let engine = core.engine();
        for (number, order) in &self.orders {
            Self::agree(engine, *number, order)?;
        }
        let books = self.market.books();
        for id in (1..=self.symbols).map(SymbolId) {
            for side in [Side::Buy, Side::Sell] {
                let alike = engine.levels(id, side).eq(books.levels(id, side))
                    && engine.levels(id, side).all(|level| {
                        let rebuilt = books.orders(id, side, level.price);
                        let rebuilt = rebuilt.map(|order| (order.payload, order.qty));
                        engine.queue(id, side, level.price).eq(rebuilt)
                    });
                if !alike {
                    return Err(format!("the tape has another book of {}", id.0));
                }
            }
        }
        Ok(())
    }

    /// The stream was no monotone one: nearly all that a venue can say was said.
    pub(crate) fn everything_happened(&self, core: &Core) {
        let engine = core.engine().counters();
        println!("{engine:?}");
        println!("replies {:?}", shown(&self.heard));
        println!("rejects {:?}", self.reasons);
        println!("tape {:?}", shown(&self.published));
        let unreadable = core.counts().unreadable.readings();
        println!("{unreadable:?}");
        for kind in *b"AUCDEBFJMRQXGK" {
            assert!(self.heard.contains_key(&kind), "no reply {}", char::from(kind));
        }
        for kind in *b"AFECXDUPQBIHSKW" {
            assert!(self.published.contains_key(&kind), "no {} on the tape", char::from(kind));
        }
        assert!(unreadable.iter().all(|reading| reading.value > 0), "{unreadable:?}");
        let counts = [engine.rejected, engine.duplicates, engine.superfluous, engine.full];
        assert!(counts.iter().all(|count| *count > 0), "{engine:?}");
    }
}

fn shown(counts: &HashMap<u8, u64>) -> BTreeMap<char, u64> {
    counts.iter().map(|(kind, count)| (char::from(*kind), *count)).collect()
}

fn letter(reply: &Message<'_>) -> u8 {
    match reply {
        Message::SystemEvent(m) => m.message_type,
        Message::OrderCanceled(m) => m.message_type,
        Message::AiqCanceled(m) => m.message_type,
        Message::BrokenTrade(m) => m.message_type,
        Message::TradeCorrection(m) => m.message_type,
        Message::Rejected(m) => m.message_type,
        Message::OrderModified(m) => m.message_type,
        Message::AccountQueryResponse(m) => m.message_type,
        Message::OrderAccepted(m, _) => m.message_type,
        Message::OrderReplaced(m, _) => m.message_type,
        Message::OrderExecuted(m, _) => m.message_type,
        Message::OrderRestated(m, _) => m.message_type,
        Message::MassCancelResponse(m, _) => m.message_type,
        Message::DisableOrderEntryResponse(m, _) => m.message_type,
        Message::EnableOrderEntryResponse(m, _) => m.message_type,
        other => panic!("the venue never says {other:?}"),
    }
}

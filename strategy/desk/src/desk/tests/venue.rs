//! A naive venue: keeps every order and every message, answers when told to, loses what is in
//! flight when a connection goes, and keeps a ledger of its own.

use std::collections::{BTreeMap, VecDeque};
use types::Symbol;
use wire::IntoBytes;
use wire::ouch::inbound::{self, EnterOrder, ReplaceOrder};
use wire::ouch::outbound::*;

/// An order as the venue has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stands {
    pub(super) symbol: [u8; 8],
    pub(super) side: u8,
    pub(super) price: u32,
    pub(super) leaves: u32,
    pub(super) executed: u32,
    pub(super) reference: u64,
}

/// A trade that may be broken.
#[derive(Clone, Debug)]
pub(super) struct Deal {
    user_ref: u32,
    match_id: u64,
    symbol: [u8; 8],
    buys: bool,
    qty: u32,
    price: u32,
}

/// Shares and cash by symbol.
pub(super) type Ledger = BTreeMap<[u8; 8], (i64, i64)>;

/// See the module.
pub(super) struct Venue {
    pub(super) session: [u8; 10],
    pub(super) next: u32,
    pub(super) live: BTreeMap<u32, Stands>,
    pub(super) deals: Vec<Deal>,
    /// Every message, with what it did to the ledger.
    pub(super) log: Vec<(Vec<u8>, [u8; 8], i64, i64)>,
    /// Requests on their way.
    pub(super) inbox: VecDeque<Vec<u8>>,
    /// The next order or replacement is rejected.
    pub(super) rejects: bool,
    /// The next order or replacement is taken at another price.
    pub(super) slides: bool,
    /// The next order or replacement is taken and over at once.
    pub(super) kills: bool,
    /// A replacement of an order that is gone is passed over without a word.
    pub(super) silent: bool,
    serial: u64,
}

const NOBODY: [u8; 8] = [0; 8];

impl Venue {
    pub(super) fn new() -> Venue {
        Venue {
            session: *b"DAY1      ",
            next: 1,
            live: BTreeMap::new(),
            deals: Vec::new(),
            log: Vec::new(),
            inbox: VecDeque::new(),
            rejects: false,
            slides: false,
            kills: false,
            silent: false,
            serial: 0,
        }
    }

    fn say(&mut self, message: &[u8]) {
        self.log.push((message.to_vec(), NOBODY, 0, 0));
    }

    fn number(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    pub(super) fn nth(&self, at: usize) -> Option<u32> {
        let count = self.live.len();
        (count > 0).then(|| *self.live.keys().nth(at % count).unwrap())
    }

    /// Takes the next request.
    pub(super) fn take(&mut self) -> bool {
        let Some(request) = self.inbox.pop_front() else { return false };
        match inbound::parse(&request).unwrap() {
            inbound::Message::EnterOrder(m, _) => self.enter(m),
            inbound::Message::ReplaceOrder(m, _) => self.replace(m),
            inbound::Message::CancelOrder(m, ..) => {
                let (user_ref, to) = (m.user_ref_num.get(), m.quantity.get());
                if let Some(order) = self.live.get(&user_ref) {
                    let stays = to.saturating_sub(order.executed).min(order.leaves);
                    self.cancel(user_ref, order.leaves - stays, b'U');
                }
            }
            inbound::Message::AccountQuery(..) => {
                let answer = AccountQueryResponse {
                    message_type: AccountQueryResponse::TYPE,
                    timestamp: 1.into(),
                    next_user_ref_num: self.next.into(),
                };
                self.say(answer.as_bytes());
            }
            other => panic!("{other:?}"),
        }
        true
    }

    fn reject(&mut self, user_ref: u32, reason: u16) {
        let m = Rejected {
            message_type: Rejected::TYPE,
            timestamp: 1.into(),
            user_ref_num: user_ref.into(),
            rejected_order_reason: reason.into(),
            clordid: [b' '; 14],
        };
        self.say(m.as_bytes());
    }

    fn slid(&mut self, price: u64, side: u8) -> u32 {
        let price = price as u32;
        match (std::mem::take(&mut self.slides), side) {
            (false, _) => price,
            (true, b'B') => price - 1,
            (true, _) => price + 1,
        }
    }

    fn enter(&mut self, m: &EnterOrder) {
        let user_ref = m.user_ref_num.get();
        if user_ref < self.next {
            return;
        }
        self.next = user_ref + 1;
        if std::mem::take(&mut self.rejects) {
            return self.reject(user_ref, 7);
        }
        let dead = std::mem::take(&mut self.kills);
        let (price, reference) = (self.slid(m.price.get(), m.side), self.number());
        let answer = OrderAccepted {
            message_type: OrderAccepted::TYPE,
            timestamp: 1.into(),
            user_ref_num: m.user_ref_num,
            side: m.side,
            quantity: m.quantity,
            symbol: m.symbol,
            price: u64::from(price).into(),
            time_in_force: m.time_in_force,
            display: m.display,
            order_reference_number: reference.into(),
            capacity: m.capacity,
            inter_market_sweep_eligibility: b'N',
            cross_type: b'N',
            order_state: if dead { b'D' } else { b'L' },
            clordid: m.clordid,
            appendage_length: 0.into(),
        };
        self.say(answer.as_bytes());
        let (symbol, side, leaves) = (m.symbol, m.side, m.quantity.get());
        if !dead {
            let order = Stands { symbol, side, price, leaves, executed: 0, reference };
            self.live.insert(user_ref, order);
        }
        if m.time_in_force == b'3' && !dead {
            self.cancel(user_ref, leaves, b'I');
        }
    }

    fn replace(&mut self, m: &ReplaceOrder) {
        let (orig, user_ref) = (m.orig_user_ref_num.get(), m.user_ref_num.get());
        if user_ref < self.next {
            return;
        }
        self.next = user_ref + 1;
        let Some(old) = self.live.get(&orig).cloned() else {
            if !self.silent {
                self.reject(user_ref, 0x15);
            }
            return;
        };
        let leaves = m.quantity.get().saturating_sub(old.executed);
        if leaves == 0 {
            return self.cancel(orig, old.leaves, b'U');
        }
        if std::mem::take(&mut self.rejects) {
            return self.reject(user_ref, 0x1D);
        }
        let dead = std::mem::take(&mut self.kills);
        let (price, reference) = (self.slid(m.price.get(), old.side), self.number());
        let answer = OrderReplaced {
            message_type: OrderReplaced::TYPE,
            timestamp: 1.into(),
            orig_user_ref_num: m.orig_user_ref_num,
            user_ref_num: m.user_ref_num,
            side: old.side,
            quantity: leaves.into(),
            symbol: old.symbol,
            price: u64::from(price).into(),
            time_in_force: m.time_in_force,
            display: m.display,
            order_reference_number: reference.into(),
            capacity: b'P',
            inter_market_sweep_eligibility: b'N',
            cross_type: b'N',
            order_state: if dead { b'D' } else { b'L' },
            clordid: m.clordid,
            appendage_length: 0.into(),
        };
        self.say(answer.as_bytes());
        self.live.remove(&orig);
        if !dead {
            self.live.insert(user_ref, Stands { price, leaves, reference, ..old });
        }
    }

    fn reduce(&mut self, user_ref: u32, qty: u32) {
        let order = self.live.get_mut(&user_ref).unwrap();
        order.leaves -= qty;
        if order.leaves == 0 {
            self.live.remove(&user_ref);
        }
    }

    pub(super) fn cancel(&mut self, user_ref: u32, qty: u32, reason: u8) {
        if qty == 0 {
            return;
        }
        let m = OrderCanceled {
            message_type: OrderCanceled::TYPE,
            timestamp: 1.into(),
            user_ref_num: user_ref.into(),
            quantity: qty.into(),
            cancel_order_reason: reason,
        };
        self.say(m.as_bytes());
        self.reduce(user_ref, qty);
    }

    /// Takes shares off because their owner would have met himself.
    pub(super) fn aiq(&mut self, user_ref: u32, qty: u32) {
        let m = AiqCanceled {
            message_type: AiqCanceled::TYPE,
            timestamp: 1.into(),
            user_ref_num: user_ref.into(),
            decrement_shares: qty.into(),
            order_cancel_reason: b'Q',
            quantity_prevented_from_trading: qty.into(),
            execution_price: 1.into(),
            liquidity_flag: b'A',
        };
        self.say(m.as_bytes());
        self.reduce(user_ref, qty);
    }

    pub(super) fn fill(&mut self, user_ref: u32, qty: u32, better: u32) {
        let order = self.live.get_mut(&user_ref).unwrap();
        let buys = order.side == b'B';
        let price = if buys { order.price - better } else { order.price + better };
        order.executed += qty;
        let symbol = order.symbol;
        let match_id = self.number();
        self.say_fill(user_ref, match_id, qty, price);
        self.note(symbol, buys, qty, price);
        self.deals.push(Deal { user_ref, match_id, symbol, buys, qty, price });
        self.reduce(user_ref, qty);
    }

    pub(super) fn say_fill(&mut self, user_ref: u32, match_id: u64, qty: u32, price: u32) {
        let m = OrderExecuted {
            message_type: OrderExecuted::TYPE,
            timestamp: 1.into(),
            user_ref_num: user_ref.into(),
            quantity: qty.into(),
            price: u64::from(price).into(),
            liquidity_flag: b'A',
            match_number: match_id.into(),
            appendage_length: 0.into(),
        };
        self.say(m.as_bytes());
    }

    /// What the last message did to the ledger, on top of what it is said to have done.
    pub(super) fn note(&mut self, symbol: [u8; 8], buys: bool, qty: u32, price: u32) {
        let sign = if buys { 1 } else { -1 };
        let (_, of, shares, cash) = self.log.last_mut().unwrap();
        *of = symbol;
        *shares += sign * i64::from(qty);
        *cash -= sign * i64::from(qty) * i64::from(price);
    }

    pub(super) fn bust(&mut self, at: usize) {
        if self.deals.is_empty() {
            return;
        }
        let deal = self.deals.swap_remove(at % self.deals.len());
        let m = BrokenTrade {
            message_type: BrokenTrade::TYPE,
            timestamp: 1.into(),
            user_ref_num: deal.user_ref.into(),
            match_number: deal.match_id.into(),
            broken_trade_reason: b'E',
            clordid: [b' '; 14],
        };
        self.say(m.as_bytes());
        self.note(deal.symbol, !deal.buys, deal.qty, deal.price);
    }

    pub(super) fn correct(&mut self, at: usize, price: u32) {
        let count = self.deals.len();
        let Some(deal) = self.deals.get_mut(at % count.max(1)) else { return };
        let was = deal.clone();
        deal.price = price;
        let m = TradeCorrection {
            message_type: TradeCorrection::TYPE,
            timestamp: 1.into(),
            user_ref_num: was.user_ref.into(),
            quantity: was.qty.into(),
            price: u64::from(price).into(),
            liquidity_flag: b'A',
            match_number: was.match_id.into(),
            trade_correction_reason: b'E',
            clordid: [b' '; 14],
        };
        self.say(m.as_bytes());
        self.note(was.symbol, !was.buys, was.qty, was.price);
        self.note(was.symbol, was.buys, was.qty, price);
    }

    pub(super) fn prioritise(&mut self, user_ref: u32) {
        let reference = self.number();
        let order = self.live.get_mut(&user_ref).unwrap();
        order.reference = reference;
        order.price = if order.side == b'B' { order.price - 1 } else { order.price + 1 };
        let m = OrderPriorityUpdate {
            message_type: OrderPriorityUpdate::TYPE,
            timestamp: 1.into(),
            user_ref_num: user_ref.into(),
            price: u64::from(order.price).into(),
            display: b'Y',
            order_reference_number: reference.into(),
        };
        self.say(m.as_bytes());
    }

    pub(super) fn modify(&mut self, user_ref: u32, off: u32) {
        let order = self.live.get_mut(&user_ref).unwrap();
        order.leaves -= off.min(order.leaves - 1);
        let m = OrderModified {
            message_type: OrderModified::TYPE,
            timestamp: 1.into(),
            user_ref_num: user_ref.into(),
            side: order.side,
            quantity: (order.leaves + order.executed).into(),
        };
        self.say(m.as_bytes());
    }

    pub(super) fn restate(&mut self, user_ref: u32) {
        let m = OrderRestated {
            message_type: OrderRestated::TYPE,
            timestamp: 1.into(),
            user_ref_num: user_ref.into(),
            order_restated_reason: b'R',
            appendage_length: 0.into(),
        };
        self.say(m.as_bytes());
    }

    /// Tells of a cancel that waits, or that it will not be.
    pub(super) fn answer_cancel(&mut self, user_ref: u32, refused: bool) {
        let kind = if refused { CancelReject::TYPE } else { CancelPending::TYPE };
        let m = CancelPending {
            message_type: kind,
            timestamp: 1.into(),
            user_ref_num: user_ref.into(),
        };
        self.say(m.as_bytes());
    }

    /// What all messages so far say was done.
    pub(super) fn ledger(&self, upto: usize) -> Ledger {
        let mut ledger = Ledger::new();
        for (_, symbol, shares, cash) in &self.log[..upto] {
            if *symbol != NOBODY {
                let row = ledger.entry(*symbol).or_default();
                row.0 += shares;
                row.1 += cash;
            }
        }
        ledger
    }
}

pub(super) fn names() -> Vec<Symbol> {
    ["AAPL", "MSFT"].map(|name| Symbol::new(name).unwrap()).to_vec()
}

//! The last trades, so that an operator can break or adjust them.
//!
//! Layout: a ring of a power of two of records, addressed by match number.

use rkyv::{Archive, Deserialize, Serialize};
use types::{AccountId, ClOrdId, MatchId, Price, Qty, SessionId, Side, SymbolId, UserRef};

/// One side of a trade.
#[derive(Clone, Copy, Debug, Archive, Serialize, Deserialize)]
pub(crate) struct TradeParty {
    pub(crate) session: SessionId,
    pub(crate) account: AccountId,
    pub(crate) user_ref: UserRef,
    pub(crate) cl_ord_id: ClOrdId,
    pub(crate) liquidity: u8,
}

/// One trade.
#[derive(Clone, Copy, Debug, Archive, Serialize, Deserialize)]
pub(crate) struct Trade {
    /// 0 for no trade.
    pub(crate) match_id: MatchId,
    pub(crate) price: Price,
    pub(crate) qty: Qty,
    pub(crate) symbol: SymbolId,
    /// The first party's side.
    pub(crate) side: Side,
    pub(crate) broken: bool,
    pub(crate) parties: [TradeParty; 2],
}

const NOBODY: TradeParty = TradeParty {
    session: SessionId(0),
    account: AccountId(0),
    user_ref: UserRef(0),
    cl_ord_id: ClOrdId([b' '; 14]),
    liquidity: b' ',
};

const BLANK: Trade = Trade {
    match_id: MatchId(0),
    price: Price(0),
    qty: Qty(0),
    symbol: SymbolId(0),
    side: Side::Buy,
    broken: false,
    parties: [NOBODY; 2],
};

impl Trade {
    /// The buyer's and the seller's accounts.
    pub(crate) fn accounts(&self) -> (AccountId, AccountId) {
        let [first, second] = self.parties;
        match self.side {
            Side::Buy => (first.account, second.account),
            Side::Sell => (second.account, first.account),
        }
    }
}

/// The ring.
#[derive(Clone, Debug)]
pub(crate) struct Trades {
    ring: Box<[Trade]>,
}

impl Trades {
    pub(crate) fn new(capacity: u32) -> Trades {
        let len = (capacity.max(1) as usize).next_power_of_two();
        Trades { ring: vec![BLANK; len].into_boxed_slice() }
    }

    #[inline]
    pub(crate) fn push(&mut self, trade: &Trade) {
        let at = self.at(trade.match_id);
        self.ring[at] = *trade;
    }

    /// A trade that is known and not broken.
    pub(crate) fn get_mut(&mut self, match_id: MatchId) -> Option<&mut Trade> {
        let at = self.at(match_id);
        let trade = &mut self.ring[at];
        (trade.match_id == match_id && match_id.0 > 0 && !trade.broken).then_some(trade)
    }

    /// All that are known, the oldest first, for hashes and snapshots. Allocates. Crosses take
    /// match numbers too and leave older trades in place, so places tell no order.
    pub(crate) fn all(&self) -> Vec<Trade> {
        let mut all: Vec<Trade> = self.ring.iter().filter(|t| t.match_id.0 > 0).copied().collect();
        all.sort_unstable_by_key(|t| t.match_id);
        all
    }

    /// Puts back a trade; `false` when its place is taken.
    pub(crate) fn put(&mut self, trade: &Trade) -> bool {
        let free = self.ring[self.at(trade.match_id)].match_id.0 == 0;
        if free {
            self.push(trade);
        }
        free
    }

    fn at(&self, match_id: MatchId) -> usize {
        match_id.0 as usize & (self.ring.len() - 1)
    }
}

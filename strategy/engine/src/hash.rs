//! A hash of all state that can influence what comes; equal for engines that behave alike.

use crate::Engine;
use crate::ledger::Ledger;
use types::SymbolId;

impl Engine {
    /// A hash of books, owners, conditions, sessions, instruments, the ledger and the numbers given
    /// out. It does not depend on where in memory orders lie.
    pub fn state_hash(&self) -> u64 {
        let books = self.book.state_hash(|o| {
            let who = u64::from(o.session.0) << 32 | u64::from(o.user_ref.0);
            let kind = u64::from_be_bytes([
                o.capacity as u8,
                o.side as u8,
                o.tif as u8,
                o.display as u8,
                o.firm.0[0],
                o.firm.0[1],
                o.firm.0[2],
                o.firm.0[3],
            ]);
            let extra = self.extras.get(o.extra);
            let conditions = mix(
                u64::from(extra.reserve.0) << 32 | u64::from(extra.max_floor.0),
                u64::from(extra.min_qty.0) << 32 | u64::from(extra.expire_s),
            );
            let terms = u64::from(o.executed) << 16 | u64::from(o.account.0);
            mix(mix(mix(mix(o.order_id.0, who), terms), kind), conditions)
        });
        let mut hash = mix(mix(books, self.next_order), self.next_match);
        hash = mix(mix(hash, self.now_ns), u64::from(self.clock_s));
        let (clients, firms_off) = self.clients.all();
        for client in clients {
            hash = mix(hash, u64::from(client.last.0) << 1 | u64::from(client.off));
        }
        for (who, firm) in firms_off {
            let firm = u64::from(u32::from_be_bytes(firm.0));
            hash = mix(hash, u64::from(who.0) << 32 | firm);
        }
        for id in 0..self.instruments.ids() {
            hash = mix(hash, self.instrument_hash(SymbolId(id as u16)));
        }
        for trade in self.trades.all() {
            hash = mix(hash, trade.match_id.0 << 1 | u64::from(trade.broken));
            hash = mix(hash, u64::from(trade.price.0) << 32 | u64::from(trade.qty.0));
        }
        mix(hash, self.ledger.as_ref().map_or(0, Ledger::hash))
    }

    fn instrument_hash(&self, id: SymbolId) -> u64 {
        let i = self.instruments.get(id);
        let state = u64::from(i.phase as u8) << 8 | u64::from(i.state as u8);
        let prices = mix(
            u64::from(i.reference.0) << 32 | u64::from(i.last.0),
            u64::from(i.lower.0) << 32 | u64::from(i.upper.0),
        );
        mix(mix(mix(state, prices), i.limit_since_ns), i.resume_ns)
    }
}

/// Folds a word into a hash (multiply and rotate; for telling states apart, not for secrets).
pub(crate) fn mix(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (hash >> 29)
}

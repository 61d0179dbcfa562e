//! What the venue says of its instruments: at the day's start, and to whoever joins late.

use crate::core::Core;
use crate::out::{publish, system_event};
use crate::tape;
use session::{ImageWriter, MoldPublisher};
use types::{Firm, Nanos, Phase, State, Symbol, SymbolId};
use wire::IntoBytes;

/// What the venue says of its symbols when the day opens.
#[derive(Debug)]
pub enum Listing {
    /// A directory message to be repeated as it is, with the time set to now.
    Copied(wire::itch::StockDirectory),
    /// A symbol with nothing known but its name.
    Plain(SymbolId, Symbol),
}

impl Listing {
    /// The instrument's number and name.
    pub fn id(&self) -> (SymbolId, Symbol) {
        match self {
            Listing::Copied(m) => (SymbolId(m.head.stock_locate.get()), Symbol(m.stock)),
            Listing::Plain(id, symbol) => (*id, *symbol),
        }
    }
}

impl Core {
    /// The latest phase that any instrument is in.
    pub(crate) fn phase_reached(&self) -> Phase {
        let phases = self.listings.iter().filter_map(|l| self.engine.instrument(l.id().0));
        phases.map(|i| i.phase).max().unwrap_or_default()
    }

    /// Announces every instrument, and whether it trades.
    pub(crate) fn announce(&self, now: Nanos, publisher: &mut MoldPublisher) {
        let mut say = |message: &[u8]| {
            publish(publisher, &self.counts, message);
            true
        };
        self.describe(now, &mut say);
        // Those of a state that was loaded: whoever hears the feed from here is to know them.
        self.list_orders(now, say);
    }

    /// The directory and the trading states, message by message, until `say` has heard enough.
    fn describe(&self, now: Nanos, mut say: impl FnMut(&[u8]) -> bool) -> bool {
        self.listings.iter().all(|listing| {
            let directory = match listing {
                Listing::Copied(message) => {
                    let mut message = *message;
                    message.head.timestamp = now.0.into();
                    message
                }
                Listing::Plain(id, symbol) => tape::directory(now.0, *id, *symbol),
            };
            let id = SymbolId(directory.head.stock_locate.get());
            let view = self.engine.instrument(id);
            let state = view.map(|i| i.state).unwrap_or_default();
            let state = State { symbol: id, state, reason: *b"    " };
            say(directory.as_bytes())
                && say(tape::state(now.0, &state, Symbol(directory.stock)).as_bytes())
        })
    }

    /// Everything that a late joiner needs: instruments, states, and the shown orders in the order
    /// they are served. Gives the feed's next sequence number; `None` when it does not fit.
    #[cold]
    pub fn write_snapshot(
        &self,
        now: Nanos,
        publisher: &MoldPublisher,
        image: &mut ImageWriter<'_>,
    ) -> Option<u64> {
        let told = self.describe(now, |message| image.push(message));
        // Who joins now has missed the event that opened the market, or closed it.
        let told = told
            && system_event(self.phase_reached())
                .is_none_or(|code| image.push(tape::system_event(now.0, code).as_bytes()));
        let all = told && self.list_orders(now, |message| image.push(message));
        all.then(|| publisher.next_seq())
    }

    /// The shown orders, message by message, in the order they are served.
    fn list_orders(&self, now: Nanos, mut say: impl FnMut(&[u8]) -> bool) -> bool {
        self.listings.iter().all(|listing| {
            let (id, symbol) = listing.id();
            let mut shown = self.engine.orders(id).filter(|order| order.displayed.0 > 0);
            shown.all(|order| {
                let add = types::BookAdd {
                    order_id: order.party.order_id,
                    side: order.side.side(),
                    qty: order.displayed,
                    symbol: id,
                    price: order.price,
                    firm: Firm::BLANK,
                };
                say(tape::add(now.0, &add, symbol).as_bytes())
            })
        })
    }
}

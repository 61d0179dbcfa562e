//! Reading ahead over a burst of an order port: everything on a message's way that lies by
//! connection, session or order is asked of memory before the first message is taken.
//!
//! Nothing is decided here. A frame is looked at as if it were plain and began with one whole OUCH
//! message, as mostly it does; where it is not, something was asked for in vain.

use super::behind::Desk;
use crate::port_io::{BURST, Burst};
use arrayvec::ArrayVec;
use net::Host;
use session::{Sessions, SoupServer};
use types::{OrderSide, Price, SessionId, Symbol, UserRef};
use wire::ouch::inbound::{self, Message};
use wire::{ether, ipv4, tcp};

const _: () = assert!(BURST <= net::AHEAD_MAX && BURST <= engine::AHEAD_MAX);

/// Where the message is in a plain frame: behind SoupBinTCP's length and type.
const MESSAGE_AT: usize = ether::HEADER_LEN + ipv4::HEADER_LEN + tcp::HEADER_LEN + 3;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct ReadAhead {
    conns: net::Ahead,
    orders: engine::Ahead,
}

impl ReadAhead {
    #[inline]
    pub(super) fn read(
        &mut self,
        burst: &Burst<'_>,
        host: &Host,
        servers: &[SoupServer],
        core: &impl Desk,
        sessions: &Sessions,
    ) {
        host.read_ahead(burst.iter().map(|mbuf| mbuf.data()), &mut self.conns);
        let known = || self.conns.conns().map(|conn| servers.get(conn?));
        known().flatten().for_each(SoupServer::ask);
        let who: ArrayVec<_, BURST> = known().map(|server| server?.session()).collect();
        who.iter().flatten().for_each(|who| sessions.ask(*who));
        if core.engine().wants_ahead() {
            for (who, mbuf) in who.iter().zip(burst) {
                note(&mut self.orders, *who, mbuf.data());
            }
            core.engine().ask(&self.orders);
            self.orders.clear();
        }
        who.iter().flatten().for_each(|who| sessions.ask_store(*who));
    }
}

/// Notes the order that a frame seems to be about.
#[inline]
fn note(orders: &mut engine::Ahead, who: Option<SessionId>, frame: &[u8]) {
    let (Some(who), Some([length @ .., _])) = (who, frame.get(MESSAGE_AT - 3..MESSAGE_AT)) else {
        return;
    };
    let length = usize::from(u16::from_be_bytes([length[0], length[1]])).saturating_sub(1);
    let Some(message) = frame.get(MESSAGE_AT..MESSAGE_AT + length) else { return };
    let price = |price: u64| Price(u32::try_from(price).unwrap_or(0));
    match inbound::parse(message) {
        Ok(Message::EnterOrder(m, _)) => {
            let side = OrderSide::from_letter(m.side).unwrap_or(OrderSide::Buy).side();
            let number = (who, UserRef(m.user_ref_num.get()));
            orders.note_enter(number, Symbol(m.symbol), side, price(m.price.get()));
        }
        Ok(Message::ReplaceOrder(m, _)) => {
            let [orig, new] = [m.orig_user_ref_num, m.user_ref_num].map(|n| UserRef(n.get()));
            orders.note_replace(who, orig, new, price(m.price.get()));
        }
        Ok(Message::CancelOrder(m, _)) => orders.note_known(who, UserRef(m.user_ref_num.get())),
        _ => {}
    }
}

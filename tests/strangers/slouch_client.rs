//! An OUCH 5.0 client on the crate `slouch`, which the test runs as a process of its own inside a
//! network namespace.
//!
//! Ours are the SoupBinTCP packets, as bytes and by none of our codecs: `slouch` has no session
//! layer. What to know of `slouch` 0.0.3 (read before it was trusted):
//!
//! * its own `OuchClient` writes OUCH onto the stream bare, and takes one `read` for one message,
//!   so only its messages are used here;
//! * it ends every request in an appendage's length, also Cancel, Modify and Account Query, as
//!   newer texts of OUCH 5.0 allow;
//! * it reads an appendage up to the end of the input whatever its length says, and fails on more
//!   than one field;
//! * its AIQ Canceled has a byte more than ours (the strategy), so that it cannot read ours;
//! * its market price is 2,000,000,000 (0x7FFFFFFF it has for crosses; the venue takes both), and
//!   its displays are `Y`, `N` and `A` alone.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use slouch::msg::{OuchRequest, OuchResponse};
use slouch::types::{
    Capacity, CrossType, Display, Liquidity, OrderToken, Price, RejectReason, Side, StockSymbol,
    TimeInForce, UserRefNum,
};
use slouch::{account_query, cancel, enter, modify, replace};

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(20);
const DOLLAR: u64 = 10_000;

/// A logged-in session.
struct Session {
    stream: TcpStream,
    next: UserRefNum,
}

impl Session {
    fn login(venue: &str, user: &str, password: &str) -> Session {
        let stream = TcpStream::connect(venue).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let mut session = Session { stream, next: UserRefNum::new() };
        session.send(b'L', format!("{user:6}{password:10}{:10}{:>20}", "", 1).as_bytes());
        let (kind, payload) = session.read_packet();
        assert_eq!((kind, payload.len()), (b'A', 30));
        // Every session begins with the day.
        assert!(matches!(session.hear(), OuchResponse::SystemEvent(_)));
        session
    }

    fn send(&mut self, kind: u8, payload: &[u8]) {
        let mut packet = ((payload.len() + 1) as u16).to_be_bytes().to_vec();
        packet.push(kind);
        packet.extend(payload);
        self.stream.write_all(&packet).expect("sent");
    }

    fn ask(&mut self, request: &OuchRequest) {
        self.send(b'U', &request.encode());
    }

    /// The next packet that is no heartbeat.
    fn read_packet(&mut self) -> (u8, Vec<u8>) {
        loop {
            let mut length = [0; 2];
            self.stream.read_exact(&mut length).expect("a length");
            let mut packet = vec![0; usize::from(u16::from_be_bytes(length))];
            self.stream.read_exact(&mut packet).expect("a packet");
            let kind = packet.remove(0);
            if kind != b'H' {
                return (kind, packet);
            }
        }
    }

    /// The next reply, as `slouch` reads it; nothing of it may be left over.
    fn hear(&mut self) -> OuchResponse {
        let (kind, payload) = self.read_packet();
        assert_eq!(kind, b'S', "{payload:?}");
        let (rest, response) = OuchResponse::parse(&payload).expect("a message of OUCH 5.0");
        // It says an empty appendage's length is left over.
        assert!(rest.is_empty() || rest == [0, 0], "{response:?} and {rest:?}");
        response
    }

    fn number(&mut self) -> UserRefNum {
        let number = self.next;
        self.next.increment();
        number
    }

    fn order(&mut self, side: Side, quantity: u32, dollars: u64, tif: TimeInForce) -> OuchRequest {
        enter! {
            user_ref_num: self.number(),
            side: side,
            quantity: quantity,
            symbol: StockSymbol::from("AAPL").expect("a symbol"),
            price: Price::new(dollars * DOLLAR).expect("a price"),
            time_in_force: tif,
            display: Display::Visible,
            capacity: Capacity::Agency,
            intermarket_sweep: false,
            cross_type: CrossType::ContinuousMarket,
            order_token: OrderToken::from("SLOUCH").expect("a token")
        }
    }
}

macro_rules! expect {
    ($session:expr, $kind:ident) => {
        match $session.hear() {
            OuchResponse::$kind(message) => message,
            other => panic!("expected {}, heard {other:?}", stringify!($kind)),
        }
    };
}

/// Logs in, enters, replaces, modifies, cancels and trades; every reply is what it must be.
pub(crate) fn main(venue: &str) {
    let mut maker = Session::login(venue, "MAKER", "maker-pass");
    let mut taker = Session::login(venue, "TAKER", "taker-pass");
    for session in [&mut maker, &mut taker] {
        session.ask(&account_query!());
        assert_eq!(expect!(session, AccountQueryResponse).next_user_ref_num(), session.next);
    }
    let resting = maker.next;
    let order = maker.order(Side::Buy, 100, 100, TimeInForce::Day);
    maker.ask(&order);
    let accepted = expect!(maker, OrderAccepted);
    assert_eq!((accepted.user_ref_num(), accepted.side()), (resting, Side::Buy));
    assert_eq!((accepted.quantity(), accepted.price().val()), (100, 100 * DOLLAR));
    assert_eq!(accepted.symbol().to_str(), "AAPL");
    assert_eq!(accepted.capacity(), Capacity::Agency);
    assert_eq!(accepted.order_token(), OrderToken::from("SLOUCH").expect("a token"));

    let newer = replaced(&mut maker, resting);
    traded(&mut maker, &mut taker, newer);
    refused(&mut taker);
    maker.ask(&cancel! { user_ref_num: newer, quantity: 0 });
    let canceled = expect!(maker, OrderCanceled);
    assert_eq!((canceled.user_ref_num(), canceled.quantity()), (newer, 80));
    shrunk(&mut maker);
    for session in [&mut maker, &mut taker] {
        session.send(b'O', b"");
    }
}

/// A replacement to 120 shares at a better price.
fn replaced(maker: &mut Session, old: UserRefNum) -> UserRefNum {
    let newer = maker.number();
    maker.ask(&replace! {
        old_ref_num: old,
        new_ref_num: newer,
        quantity: 120,
        price: Price::new(101 * DOLLAR).expect("a price"),
        time_in_force: TimeInForce::Day,
        display: Display::Visible,
        intermarket_sweep: false,
        order_token: OrderToken::from("SLOUCH 2").expect("a token")
    });
    let replaced = expect!(maker, OrderReplaced);
    assert_eq!((replaced.old_ref_num(), replaced.new_ref_num()), (old, newer));
    assert_eq!((replaced.quantity(), replaced.price().val()), (120, 101 * DOLLAR));
    newer
}

/// 40 of it trade with an order that will not wait.
fn traded(maker: &mut Session, taker: &mut Session, resting: UserRefNum) {
    let order = taker.order(Side::Sell, 40, 100, TimeInForce::ImmediateOrCancel);
    taker.ask(&order);
    assert_eq!(expect!(taker, OrderAccepted).time_in_force(), TimeInForce::ImmediateOrCancel);
    let (took, made) = (expect!(taker, OrderExecuted), expect!(maker, OrderExecuted));
    assert_eq!((took.quantity(), took.price().val()), (40, 101 * DOLLAR));
    assert_eq!((took.liquidity(), made.liquidity()), (Liquidity::Removed, Liquidity::Added));
    assert_eq!((made.user_ref_num(), made.match_number()), (resting, took.match_number()));
}

/// An order for a symbol that there is not.
fn refused(taker: &mut Session) {
    let number = taker.number();
    taker.ask(&enter! {
        user_ref_num: number,
        side: Side::Sell,
        quantity: 10,
        symbol: StockSymbol::from("NOSUCH").expect("a symbol"),
        price: Price::new(100 * DOLLAR).expect("a price"),
        time_in_force: TimeInForce::Day,
        display: Display::Visible,
        capacity: Capacity::Principal,
        intermarket_sweep: false,
        cross_type: CrossType::ContinuousMarket,
        order_token: OrderToken::from("").expect("a token")
    });
    let rejected = expect!(taker, OrderRejected);
    assert_eq!((rejected.user_ref_num(), rejected.reason()), (number, RejectReason::InvalidSymbol));
}

/// A sale that becomes a short one and shrinks, then shrinks by a cancel, then goes.
fn shrunk(maker: &mut Session) {
    let number = maker.next;
    let order = maker.order(Side::Sell, 100, 102, TimeInForce::Day);
    maker.ask(&order);
    expect!(maker, OrderAccepted);
    maker.ask(&modify! { user_ref_num: number, side: Side::SellShort, quantity: 70 });
    let modified = expect!(maker, OrderModified);
    assert_eq!((modified.side(), modified.quantity()), (Side::SellShort, 70));
    for (size, canceled) in [(50, 20), (0, 50)] {
        maker.ask(&cancel! { user_ref_num: number, quantity: size });
        assert_eq!(expect!(maker, OrderCanceled).quantity(), canceled);
    }
}

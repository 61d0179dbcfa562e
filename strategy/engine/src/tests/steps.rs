//! Random commands: mostly ones that do something to each other, some that cannot be.

use super::*;
use proptest::sample::select;

/// A command before it is known which numbers the session has reached.
#[derive(Clone, Copy, Debug)]
struct Step {
    kind: u8,
    session: u16,
    /// How far above the session's last number the new one is; 0 repeats it.
    ahead: u32,
    /// How far below the last number the order meant is.
    behind: u32,
    side: OrderSide,
    qty: u32,
    price: u32,
    terms: Terms,
    cross: CrossKind,
    symbol: Symbol,
    firm: Firm,
    account: u16,
    operation: Operation,
    wait_ns: u64,
}

/// Which kinds of commands a test wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Menu {
    /// Everything there is.
    All,
    /// Everything but minimum quantities.
    NoMinimum,
    /// Everything but orders that follow the midpoint.
    NoPegs,
}

impl Step {
    fn command(&self, last_refs: &BTreeMap<u16, u32>) -> Command {
        let session = SessionId(self.session);
        let last = last_refs.get(&self.session).copied().unwrap_or(0);
        let user_ref = UserRef(last.saturating_add(self.ahead));
        let known = UserRef(last.saturating_sub(self.behind));
        let Step { side, terms, symbol, firm, operation, cross, .. } = *self;
        let (qty, price, cl_ord_id) = (Qty(self.qty), Price(self.price), ClOrdId([self.kind; 14]));
        let account = AccountId(self.account);
        let capacity = [OrderCapacity::Agency, OrderCapacity::Principal][self.kind as usize % 2];
        match self.kind {
            0..=13 => Command::Enter(Enter {
                session,
                user_ref,
                account,
                firm,
                side,
                qty,
                symbol,
                price,
                terms,
                cross,
                capacity,
                cl_ord_id,
            }),
            14..=17 => {
                let orig = known;
                Command::Replace(Replace { session, orig, user_ref, qty, price, terms, cl_ord_id })
            }
            18 => Command::Cancel(Cancel { session, user_ref: known, qty: Qty(self.qty % 4) }),
            19 => Command::Cancel(Cancel { session, user_ref: known, qty }),
            20 | 21 => Command::Modify(Modify { session, user_ref: known, side, qty }),
            22 => {
                let symbol = if self.ahead.is_multiple_of(2) { Symbol([b' '; 8]) } else { symbol };
                Command::MassCancel(MassCancel { session, user_ref, firm, symbol })
            }
            23 => Command::Permit(Permit {
                session,
                user_ref,
                firm,
                enable: !self.qty.is_multiple_of(4),
            }),
            24 => {
                let reason = RejectReason::Halted;
                Command::Refused(Refused { session, user_ref, reason, cl_ord_id })
            }
            _ => Command::Operate(operation),
        }
    }
}

fn number(command: &Command) -> Option<UserRef> {
    match command {
        Command::Enter(c) => Some(c.user_ref),
        Command::Replace(c) => Some(c.user_ref),
        Command::Refused(c) => Some(c.user_ref),
        Command::MassCancel(c) => Some(c.user_ref),
        Command::Permit(c) => Some(c.user_ref),
        Command::Cancel(_) | Command::Modify(_) | Command::Operate(_) => None,
    }
}

/// Stamped commands; shown one a line when a test fails.
#[derive(Clone)]
pub(super) struct Script(pub(super) Vec<Record>);

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|record| writeln!(f, "{record:?}"))
    }
}

/// Turns steps into stamped commands, keeping each session's numbers.
fn records(steps: &[Step]) -> Vec<Record> {
    let mut last_refs = BTreeMap::new();
    let mut now_ns = 0u64;
    let mut records = Vec::with_capacity(steps.len());
    for step in steps {
        let command = step.command(&last_refs);
        if let Some(user_ref) = number(&command) {
            last_refs.insert(step.session, user_ref.0);
        }
        now_ns = now_ns.saturating_add(step.wait_ns);
        records.push(Record { now: Nanos(now_ns), command });
    }
    records
}

fn price() -> impl Strategy<Value = u32> {
    let limit = Price::LIMIT_MAX.0;
    let odd = vec![0, 1, limit, limit + 1, Price::MARKET.0 - 1, Price::MARKET.0 + 1, u32::MAX];
    prop_oneof![40 => 95u32..105, 4 => Just(Price::MARKET.0), 1 => select(odd)]
}

fn qty() -> impl Strategy<Value = u32> {
    let odd = vec![0, 999_999, 1_000_000, u32::MAX, u32::MAX - 1];
    prop_oneof![40 => 1u32..12, 1 => select(odd)]
}

fn terms(menu: Menu) -> impl Strategy<Value = Terms> {
    use {PostOnly::*, TimeInForce::*};
    let tif = prop_oneof![6 => Just(Day), 2 => Just(Ioc), 1 => Just(Gtx), 1 => Just(Gtt)];
    let display = prop_oneof![
        6 => Just(Display::Visible),
        1 => Just(Display::Attributable),
        2 => Just(Display::Hidden),
    ];
    let pegs = u32::from(menu != Menu::NoPegs);
    let minima = u32::from(menu != Menu::NoMinimum);
    let peg = prop_oneof![5 => Just(Peg::None), pegs => Just(Peg::Midpoint)];
    let post = prop_oneof![8 => Just(No), 1 => Just(Reject), 1 => Just(Slide)];
    let min_qty = prop_oneof![
        8 => Just(0u32),
        2 * minima => 1u32..12,
        minima => Just(u32::MAX),
    ];
    let max_floor = prop_oneof![6 => Just(0u32), 2 => 1u32..5, 1 => Just(u32::MAX)];
    let expire_s = prop_oneof![9 => 0u32..60, 1 => Just(u32::MAX)];
    (tif, display, peg, post, min_qty, max_floor, expire_s).prop_map(
        |(tif, display, peg, post_only, min_qty, max_floor, expire_s)| Terms {
            tif,
            display,
            peg,
            post_only,
            min_qty: Qty(min_qty),
            max_floor: Qty(max_floor),
            expire_s,
        },
    )
}

fn symbol_id() -> impl Strategy<Value = SymbolId> {
    prop_oneof![6 => Just(SYMBOLS[0]), 2 => Just(SYMBOLS[1]), 3 => Just(SymbolId(0)),
        1 => select(vec![SymbolId(2), SymbolId(9), SymbolId(u16::MAX)])]
}

fn account_id() -> impl Strategy<Value = AccountId> {
    prop_oneof![12 => 0u16..3, 1 => select(vec![3, u16::MAX])].prop_map(AccountId)
}

fn operation() -> impl Strategy<Value = Operation> {
    use Phase::*;
    let kinds =
        select(vec![CrossKind::None, CrossKind::Opening, CrossKind::Closing, CrossKind::Halt]);
    let phase = prop_oneof![
        4 => Just(Continuous), 2 => Just(PreOpen), 1 => select(vec![Start, Closed, End]),
    ];
    let amount = prop_oneof![8 => 0u64..5_000, 1 => select(vec![u64::MAX, 1 << 63])];
    let id = symbol_id;
    prop_oneof![
        2 => Just(Operation::Clock),
        5 => (id(), phase).prop_map(|(symbol, phase)| Operation::Phase { symbol, phase }),
        2 => id().prop_map(|symbol| Operation::Halt { symbol, reason: *b"T1  " }),
        1 => (id(), any::<u32>(), price()).prop_map(|(symbol, release_s, price)| Operation::Quote {
            symbol,
            release_s,
            price: Price(price)
        }),
        4 => id().prop_map(|symbol| Operation::Resume { symbol }),
        3 => (id(), kinds).prop_map(|(symbol, kind)| Operation::Cross { symbol, kind }),
        2 => id().prop_map(|symbol| Operation::Imbalance { symbol }),
        1 => (id(), price())
            .prop_map(|(symbol, p)| Operation::Reference { symbol, price: Price(p) }),
        2 => (id(), price(), price()).prop_map(|(symbol, a, b)| Operation::Bands {
            symbol,
            lower: Price(a),
            upper: Price(b)
        }),
        2 => (id(), 94u32..100, 100u32..106).prop_map(|(symbol, a, b)| Operation::Bands {
            symbol,
            lower: Price(a),
            upper: Price(b)
        }),
        1 => id().prop_map(|symbol| Operation::Bands { symbol, lower: Price(0), upper: Price(0) }),
        1 => (0u8..5).prop_map(|level| Operation::Breaker { level }),
        3 => (0u64..40).prop_map(|m| Operation::Bust { match_id: MatchId(m), reason: b'E' }),
        2 => (0u64..40, price()).prop_map(|(m, p)| Operation::Adjust {
            match_id: MatchId(m),
            price: Price(p),
            reason: b'S'
        }),
        1 => (account_id(), account_id(), amount.clone())
            .prop_map(|(from, to, amount)| Operation::TransferCash { from, to, amount }),
        1 => (account_id(), account_id(), id(), amount.clone())
            .prop_map(|(from, to, symbol, qty)| {
                Operation::TransferShares { from, to, symbol, qty }
            }),
        1 => (account_id(), amount).prop_map(|(to, amount)| Operation::Deposit { to, amount }),
        1 => (0u16..5).prop_map(|s| Operation::CancelSession { session: SessionId(s) }),
    ]
}

fn step(menu: Menu) -> impl Strategy<Value = Step> {
    use CrossKind::*;
    use OrderSide::{Buy, Sell, SellShort, SellShortExempt};
    let session = prop_oneof![60 => 0..SESSIONS, 1 => Just(SESSIONS), 1 => Just(u16::MAX)];
    let ahead = prop_oneof![400 => Just(1u32), 20 => 2u32..5, 20 => Just(0)];
    let behind = prop_oneof![40 => 0u32..8, 1 => Just(u32::MAX)];
    let side = select(&[Buy, Buy, Buy, Sell, SellShort, SellShortExempt][..]);
    let cross = prop_oneof![9 => Just(None), 3 => select(vec![Opening, Closing, Halt])];
    let symbol = prop_oneof![
        10 => Just(NAMES[0]),
        5 => Just(NAMES[1]),
        1 => select(vec![Symbol(*b"NOBODY  "), Symbol([0; 8]), Symbol([0xFF; 8])]),
    ];
    let firm =
        prop_oneof![2 => Just(Firm::BLANK), 1 => select(vec![Firm(*b"ONE "), Firm(*b"TWO ")])];
    let wait_ns = prop_oneof![9 => Just(1u64), 3 => Just(900_000_000), 1 => Just(20_000_000_000)];
    let who = (session, ahead, behind, firm, account_id());
    let what = (side, qty(), price(), terms(menu), cross, symbol);
    (0..30u8, who, what, operation(), wait_ns).prop_map(|(kind, who, what, operation, wait_ns)| {
        let (session, ahead, behind, firm, account) = who;
        let (side, qty, price, terms, cross, symbol) = what;
        Step {
            kind,
            session,
            ahead,
            behind,
            side,
            qty,
            price,
            terms,
            cross,
            symbol,
            firm,
            account: account.0,
            operation,
            wait_ns,
        }
    })
}

/// Up to so many commands.
pub(super) fn script(menu: Menu, most: usize) -> impl Strategy<Value = Script> {
    prop::collection::vec(step(menu), 1..most).prop_map(|steps| Script(records(&steps)))
}

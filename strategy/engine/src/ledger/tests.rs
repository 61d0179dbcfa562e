use super::*;
use types::RejectReason;

mod naive;
mod twin;

const A: AccountId = AccountId(0);
const B: AccountId = AccountId(1);
const NOBODY: AccountId = AccountId(9);
const X: SymbolId = SymbolId(1);
const Y: SymbolId = SymbolId(7);
const S: SessionId = SessionId(0);

fn config(limits: AccountLimits, positions: u32) -> LedgerConfig {
    LedgerConfig { accounts: vec![AccountTerms { cash: 1_000_000, limits }; 2], positions }
}

fn ledger(limits: AccountLimits) -> Ledger {
    Ledger::new(&config(limits, 8), 2, &SessionLimits::default())
}

fn order(account: AccountId, side: Side, price: u32) -> Working {
    Working { account, session: S, symbol: X, side, price: Price(price) }
}

fn fill(price: u32, qty: u32) -> Fill {
    Fill { buyer: A, seller: B, symbol: X, price: Price(price), qty: Qty(qty) }
}

fn cash(ledger: &Ledger, id: AccountId) -> i128 {
    ledger.account(id).unwrap().cash
}

#[test]
fn a_fill_moves_cash_and_shares_and_its_bust_undoes_it() {
    let mut ledger = ledger(AccountLimits::default());
    let start = ledger.hash();
    let (buy, sell) = (order(A, Side::Buy, 120), order(B, Side::Sell, 100));
    ledger.open(&buy, Qty(50));
    ledger.open(&sell, Qty(30));
    assert_eq!(ledger.account(A).unwrap().open_notional_buy, 6_000);
    assert_eq!(ledger.session(S).unwrap(), SessionView { open_notional: 9_000, open_orders: 2 });
    ledger.settle(&fill(120, 30));
    ledger.release(&buy, Qty(30), false);
    ledger.release(&sell, Qty(30), true);
    assert_eq!((cash(&ledger, A), cash(&ledger, B)), (996_400, 1_003_600));
    let held = PositionView { shares: 30, open_buy: 20, open_sell: 0 };
    assert_eq!(ledger.position(A, X), held);
    assert_eq!(ledger.position(B, X).shares, -30);
    assert_eq!(ledger.account(B).unwrap().traded, 30);
    ledger.audit().unwrap();
    ledger.release(&buy, Qty(20), true);
    ledger.unsettle(&fill(120, 30)).unwrap();
    ledger.audit().unwrap();
    assert_eq!(ledger.hash(), start);
    assert_eq!(ledger.positions_free(), 8);
}

#[test]
fn each_limit_has_its_breach() {
    let free = AccountLimits::default();
    let check = |limits: AccountLimits, side, price, qty| {
        ledger(limits).check(&order(A, side, price), Qty(qty))
    };
    let cases = [
        (AccountLimits { order_qty_max: 9, ..free }, Side::Buy, LimitBreach::AccountOrderQty),
        (
            AccountLimits { order_notional_max: 999, ..free },
            Side::Buy,
            LimitBreach::AccountOrderNotional,
        ),
        (AccountLimits { open_orders_max: 0, ..free }, Side::Buy, LimitBreach::AccountOpenOrders),
        (
            AccountLimits { open_notional_max: 999, ..free },
            Side::Sell,
            LimitBreach::AccountOpenNotional,
        ),
        (AccountLimits { position_max: 9, ..free }, Side::Buy, LimitBreach::Position),
        (AccountLimits { position_max: 9, ..free }, Side::Sell, LimitBreach::Position),
        (AccountLimits { short_allowed: false, ..free }, Side::Sell, LimitBreach::ShortSale),
        (AccountLimits { cash_floor: 999_001, ..free }, Side::Buy, LimitBreach::BuyingPower),
    ];
    for (limits, side, breach) in cases {
        assert_eq!(check(limits, side, 100, 10), Err(breach));
    }
    let at_the_bound = AccountLimits {
        order_qty_max: 10,
        order_notional_max: 1_000,
        open_orders_max: 1,
        open_notional_max: 1_000,
        position_max: 10,
        cash_floor: 999_000,
        short_allowed: false,
    };
    assert_eq!(check(at_the_bound, Side::Buy, 100, 10), Ok(()));
}

#[test]
fn a_session_has_limits_over_all_its_accounts() {
    let limits = SessionLimits {
        open_orders_max: 2,
        order_qty_max: 10,
        order_notional_max: 1_000,
        open_notional_max: 1_500,
    };
    let mut ledger = Ledger::new(&config(AccountLimits::default(), 8), 2, &limits);
    let buy = order(A, Side::Buy, 100);
    assert_eq!(ledger.check(&buy, Qty(11)), Err(LimitBreach::SessionOrderQty));
    let dear = order(A, Side::Buy, 101);
    assert_eq!(ledger.check(&dear, Qty(10)), Err(LimitBreach::SessionOrderNotional));
    ledger.open(&buy, Qty(10));
    let other = order(B, Side::Sell, 100);
    assert_eq!(ledger.check(&other, Qty(6)), Err(LimitBreach::SessionOpenNotional));
    assert_eq!(ledger.check(&other, Qty(5)), Ok(()));
    assert_eq!(ledger.check(&Working { session: SessionId(1), ..other }, Qty(10)), Ok(()));
    ledger.open(&other, Qty(5));
    assert_eq!(ledger.check(&buy, Qty(1)), Err(LimitBreach::SessionOpenOrders));
    let lost = Working { session: SessionId(2), ..buy };
    assert_eq!(ledger.check(&lost, Qty(1)), Err(LimitBreach::UnknownSession));
    let lost = Working { account: OUTSIDE, ..buy };
    assert_eq!(ledger.check(&lost, Qty(1)), Err(LimitBreach::UnknownAccount));
}

#[test]
fn breaches_are_dense_and_named_once() {
    for (at, breach) in LimitBreach::ALL.iter().enumerate() {
        assert_eq!(*breach as usize, at);
        let same = LimitBreach::ALL.iter().filter(|b| b.name() == breach.name());
        assert_eq!(same.count(), 1);
    }
    assert_eq!(LimitBreach::Position.reject_reason(), RejectReason::SharesExceedThreshold);
}

#[test]
fn a_position_is_reserved_at_acceptance_and_freed_when_flat() {
    let mut ledger =
        Ledger::new(&config(AccountLimits::default(), 2), 1, &SessionLimits::default());
    let (buy, sell) = (order(A, Side::Buy, 100), order(B, Side::Sell, 100));
    ledger.open(&buy, Qty(5));
    ledger.open(&sell, Qty(5));
    let other = Working { symbol: Y, ..buy };
    assert_eq!(ledger.check(&other, Qty(1)), Err(LimitBreach::PositionsFull));
    assert_eq!(ledger.check(&buy, Qty(1)), Ok(()));
    ledger.settle(&fill(100, 5));
    ledger.release(&buy, Qty(5), true);
    ledger.release(&sell, Qty(5), true);
    assert_eq!(ledger.check(&other, Qty(1)), Err(LimitBreach::PositionsFull));
    ledger.unsettle(&fill(100, 5)).unwrap();
    assert_eq!(ledger.check(&other, Qty(1)), Ok(()));
    ledger.open(&other, Qty(1));
    assert_eq!(ledger.unsettle(&fill(100, 5)), Err(TransferError::PositionsFull));
    ledger.audit().unwrap();
}

#[test]
fn one_account_on_both_sides_changes_nothing_but_its_volume() {
    let mut ledger = ledger(AccountLimits::default());
    let own = Fill { seller: A, ..fill(100, 5) };
    ledger.settle(&own);
    let after = ledger.account(A).unwrap();
    assert_eq!((after.cash, after.traded), (1_000_000, 10));
    ledger.unsettle(&own).unwrap();
    assert_eq!(ledger.account(A).unwrap().traded, 0);
    ledger.audit().unwrap();
}

#[test]
fn transfers_are_refused_when_short() {
    let mut ledger =
        ledger(AccountLimits { cash_floor: 0, short_allowed: false, ..Default::default() });
    let short = |account, free, wanted| Err(TransferError::CashShort { account, free, wanted });
    assert_eq!(ledger.transfer_cash(A, B, 1_000_001), short(A, 1_000_000, 1_000_001));
    ledger.transfer_cash(A, B, 1_000_000).unwrap();
    assert_eq!(ledger.withdraw(A, 1), short(A, 0, 1));
    ledger.open(&order(B, Side::Buy, 100), Qty(100));
    assert_eq!(ledger.withdraw(B, 1_990_001), short(B, 1_990_000, 1_990_001));
    ledger.withdraw(B, 1_990_000).unwrap();
    ledger.deposit_shares(A, X, 10).unwrap();
    ledger.open(&order(A, Side::Sell, 100), Qty(4));
    let refused = TransferError::SharesShort { account: A, free: 6, wanted: 7 };
    assert_eq!(ledger.transfer_shares(A, B, X, 7), Err(refused));
    ledger.transfer_shares(A, B, X, 6).unwrap();
    assert_eq!(ledger.position(B, X).shares, 6);
    assert_eq!(ledger.position(OUTSIDE, X).shares, -10);
    let unknown = |id| Err(TransferError::UnknownAccount(id));
    assert_eq!(ledger.deposit(NOBODY, 1), unknown(NOBODY));
    assert_eq!(ledger.transfer_cash(OUTSIDE, A, 1), unknown(OUTSIDE));
    assert_eq!(ledger.transfer_shares(B, OUTSIDE, X, 1), unknown(OUTSIDE));
    ledger.audit().unwrap();
}

#[test]
fn nothing_overflows_at_the_ends_of_the_range() {
    let mut ledger = ledger(AccountLimits::default());
    let largest = fill(u32::MAX, u32::MAX);
    for _ in 0..1_000 {
        ledger.settle(&largest);
    }
    assert_eq!(cash(&ledger, A), 1_000_000 - 1_000 * i128::from(u32::MAX).pow(2));
    ledger.audit().unwrap();
    assert_eq!(ledger.deposit_shares(A, Y, u64::MAX), Err(TransferError::OutOfRange(A)));
    ledger.deposit_shares(A, Y, SHARES_MAX as u64).unwrap();
    let more = Working { symbol: Y, ..order(A, Side::Buy, 1) };
    assert_eq!(ledger.check(&more, Qty(1)), Err(LimitBreach::Position));
    assert_eq!(ledger.deposit_shares(A, Y, 1), Err(TransferError::OutOfRange(OUTSIDE)));
    let most = order(B, Side::Buy, u32::MAX);
    ledger.open(&most, Qty(u32::MAX));
    assert_eq!(ledger.check(&most, Qty(u32::MAX)), Err(LimitBreach::AccountOpenNotional));
    ledger.audit().unwrap();
}

#[test]
fn a_caller_at_fault_changes_nothing_and_is_told_of() {
    let mut ledger = ledger(AccountLimits::default());
    let before = ledger.image();
    let buy = order(A, Side::Buy, 100);
    ledger.release(&buy, Qty(1), true);
    ledger.open(&Working { account: NOBODY, ..buy }, Qty(1));
    ledger.open(&Working { session: SessionId(5), ..buy }, Qty(1));
    ledger.settle(&Fill { buyer: NOBODY, ..fill(1, 1) });
    ledger.settle(&Fill { seller: OUTSIDE, ..fill(1, 1) });
    assert_eq!(ledger.image(), before);
    assert_eq!(ledger.audit(), Err(Imbalance::Faults(5)));
}

#[test]
fn images_that_cannot_be_are_refused() {
    let config = config(AccountLimits::default(), 2);
    let session_limits = SessionLimits::default();
    let mut ledger = Ledger::new(&config, 1, &session_limits);
    ledger.deposit_shares(A, X, 10).unwrap();
    let good = ledger.image();
    let read = |image: &LedgerImage| Ledger::from_image(&config, 1, &session_limits, image);
    assert_eq!(read(&good).unwrap().hash(), ledger.hash());
    let refused = |change: fn(&mut LedgerImage)| {
        let mut image = good.clone();
        change(&mut image);
        read(&image).unwrap_err()
    };
    let accounts = ImageError::Accounts { image: 1, config: 2 };
    assert_eq!(refused(|i| i.accounts.truncate(1)), accounts);
    assert_eq!(refused(|i| i.sessions.clear()), ImageError::Sessions { image: 0, config: 1 });
    assert_eq!(refused(|i| i.outside_cash = i128::MIN), ImageError::Cash(OUTSIDE));
    assert_eq!(refused(|i| i.accounts[1].cash += 1), ImageError::Imbalance(Imbalance::Cash(1)));
    assert_eq!(refused(|i| i.positions.reverse()), ImageError::Position(1));
    assert_eq!(refused(|i| i.positions[1].open_buy = 1), ImageError::Position(1));
    assert_eq!(refused(|i| i.positions[0].account = NOBODY), ImageError::Position(0));
    assert_eq!(refused(|i| i.positions[0].shares = i64::MIN), ImageError::Position(0));
    let full = ImageError::PositionsFull { image: 3, config: 2 };
    assert_eq!(refused(|i| i.positions.push(i.positions[0])), full);
    let off = Imbalance::Shares { symbol: X, shares: 1 };
    assert_eq!(refused(|i| i.positions[0].shares += 1), ImageError::Imbalance(off));
    let off = Imbalance::OpenOrders { accounts: 0, sessions: 1 };
    assert_eq!(refused(|i| i.sessions[0].open_orders = 1), ImageError::Imbalance(off));
    let off = Imbalance::NoOrder(A);
    assert_eq!(refused(|i| i.positions[0].open_sell = 1), ImageError::Imbalance(off));
}

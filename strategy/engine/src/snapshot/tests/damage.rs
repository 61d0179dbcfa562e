//! Snapshots that were damaged, and such as no engine can have had.

use super::*;
use crate::snapshot::KIND;

/// The bytes of an image that may be nobody's, sealed.
fn sealed_image(image: &Image) -> Vec<u8> {
    let bytes = rkyv::api::high::to_bytes_in::<_, RkyvError>(image, sealed::begin(0));
    let mut bytes = bytes.unwrap();
    sealed::seal(KIND, image.orders.len(), &mut bytes);
    bytes
}

#[test]
fn no_byte_of_a_snapshot_can_change_go_missing_or_follow() {
    let bytes = busy().snapshot().unwrap();
    let config = config(true);
    let refused =
        |bytes: &[u8]| matches!(Engine::restore(&config, bytes), Err(SnapshotError::Sealed(_)));
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        for bit in 0..8 {
            flipped[at] ^= 1 << bit;
            assert!(refused(&flipped), "byte {at} bit {bit}");
            flipped[at] ^= 1 << bit;
        }
        assert!(refused(&bytes[..at]), "{at} bytes");
    }
    assert!(refused(&[&bytes[..], b"x"].concat()));
    assert!(refused(&[&bytes[..], &bytes[..]].concat()));
    let error = |bytes: &[u8]| Engine::restore(&config, bytes).unwrap_err();
    let log = CommandLog::with_capacity(1).to_bytes().unwrap();
    assert_eq!(error(&log), SealedError::Header.into());
    let mut newer = bytes.clone();
    newer[8] += 1;
    assert_eq!(error(&newer), SealedError::Version { found: 2, known: 1 }.into());
    // Counts that disagree, an archive of nothing, and one of noise, under seals that hold.
    let mut counted = bytes.clone();
    let orders = u64::from_le_bytes(bytes[24..HEADER_LEN].try_into().unwrap());
    sealed::seal(KIND, 7_000, &mut counted);
    assert_eq!(error(&counted), SealedError::Count { found: orders, expected: 7_000 }.into());
    for len in [0, 1, 64, 1_000] {
        let mut noise = vec![0xA5; HEADER_LEN + len];
        sealed::seal(KIND, 0, &mut noise);
        assert!(matches!(error(&noise), SnapshotError::Sealed(SealedError::Archive(_))));
    }
}

/// What becomes of an image after a change to it.
fn changed(change: impl FnOnce(&mut Image)) -> SnapshotError {
    let mut image = Image::of(&busy());
    change(&mut image);
    Engine::restore(&config(true), &sealed_image(&image)).unwrap_err()
}

fn fault(change: impl FnOnce(&mut Image)) -> OrderFault {
    match changed(change) {
        SnapshotError::Order { fault, .. } => fault,
        other => panic!("{other}"),
    }
}

#[test]
fn orders_that_cannot_be_are_refused() {
    use OrderFault as F;
    assert_eq!(fault(|i| i.orders[0].symbol = SymbolId(2)), F::Symbol);
    assert_eq!(fault(|i| i.orders[0].symbol = SymbolId(u16::MAX)), F::Symbol);
    assert_eq!(fault(|i| i.orders[0].session = SessionId(3)), F::Owner);
    assert_eq!(fault(|i| i.orders[0].account = AccountId(3)), F::Owner);
    assert_eq!(fault(|i| i.orders[1].order_id = i.orders[0].order_id), F::Number);
    assert_eq!(fault(|i| i.orders[0].order_id = OrderId(i.next_order)), F::Number);
    assert_eq!(fault(|i| i.orders[0].user_ref = UserRef(u32::MAX)), F::Number);
    let twins = |i: &mut Image| {
        let orders = &mut i.orders;
        (orders[1].session, orders[1].user_ref) = (orders[0].session, orders[0].user_ref);
    };
    assert_eq!(fault(twins), F::Number);
    for price in [0, Price::LIMIT_MAX.0 + 1, Price::MARKET.0 + 1, u32::MAX] {
        assert_eq!(fault(|i| i.orders[0].price = Price(price)), F::Price);
    }
    assert_eq!(fault(|i| i.orders[0].qty = Qty(0)), F::Quantity);
    assert_eq!(fault(|i| i.orders[0].qty = Qty(u32::MAX)), F::Quantity);
    assert_eq!(fault(|i| i.orders[0].executed = u32::MAX), F::Quantity);
    assert_eq!(fault(|i| i.orders[0].tif = TimeInForce::Ioc), F::Terms);
    let turned = |i: &mut Image| {
        let conditional: Vec<_> = i.extras.iter().map(|e| e.order as usize).collect();
        let mut plain = (0..i.orders.len()).filter(|at| !conditional.contains(at));
        let (first, last) = (plain.next().unwrap(), plain.next_back().unwrap());
        i.orders.swap(first, last);
    };
    assert_eq!(fault(turned), F::Place);
    let late = |i: &mut Image| i.extras.iter_mut().for_each(|e| e.expire_s = u32::MAX);
    assert_eq!(fault(late), F::Terms);
}

#[test]
fn states_that_cannot_be_are_refused() {
    use SnapshotError as E;
    let named = |name| move |i: &mut Image| i.instruments[0].name = name;
    assert_eq!(changed(named(NAMES[1])), E::UnknownSymbol(SymbolId(1)));
    assert_eq!(changed(|i| i.instruments.swap(0, 1)), E::Instrument(SymbolId(1)));
    assert_eq!(changed(|i| i.instruments[1].last = Price(u32::MAX)), E::Instrument(SymbolId(4)));
    assert_eq!(changed(|i| i.instruments[1].lower = Price(9_999)), E::Instrument(SymbolId(4)));
    assert_eq!(changed(|i| i.instruments[0].limit_since_ns = u64::MAX), E::Instrument(SymbolId(1)));
    assert_eq!(changed(|i| i.clients[0].floor.0 = u32::MAX), E::Session(SessionId(0)));
    assert_eq!(changed(|i| i.clients[2].live += 1), E::Session(SessionId(2)));
    assert_eq!(changed(|i| i.extras[0].order = u32::MAX), E::Condition(0));
    assert_eq!(changed(|i| i.extras[1].order = i.extras[0].order), E::Condition(1));
    assert!(matches!(changed(|i| i.trades.swap(0, 1)), E::Trade(_)));
    assert!(matches!(changed(|i| i.trades[0].symbol = SymbolId(3)), E::Trade(_)));
    assert!(matches!(changed(|i| i.trades[0].parties[1].session = SessionId(9)), E::Trade(_)));
    assert!(matches!(changed(|i| i.trades[0].parties[0].account = AccountId(9)), E::Trade(_)));
    assert!(matches!(changed(|i| i.next_match = 1), E::Trade(_)));
    assert!(matches!(changed(|i| i.next_match = u64::MAX), E::Number(_)));
    assert!(matches!(changed(|i| i.next_order = 0), E::Number(_)));
    assert!(matches!(changed(|i| i.clock_s = u32::MAX), E::Number(_)));
    assert!(matches!(changed(|i| i.counters.full = u64::MAX), E::Number(_)));
    assert_eq!(changed(|i| i.ledger = None), E::LedgerMissing { image: false });
    let cash = |i: &mut Image| i.ledger.as_mut().unwrap().outside_cash += 1;
    assert!(matches!(changed(cash), E::Ledger(_)));
    assert_eq!(changed(|i| i.orders[0].qty.0 += 1), E::Working);
    let off = |i: &mut Image| {
        i.firms_off.clear();
        i.firms_off.push(super::super::image::FirmOff { session: SessionId(0), firm: Firm::BLANK });
    };
    assert_eq!(changed(off), E::FirmOff(0));
}

#[test]
fn more_than_the_config_has_room_for_is_refused() {
    let bytes = busy().snapshot().unwrap();
    let refused = |change: fn(&mut EngineConfig)| {
        let mut small = config(true);
        change(&mut small);
        match Engine::restore(&small, &bytes) {
            Err(SnapshotError::Capacity { what, .. }) => what,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(|c| c.orders = 3), "orders");
    assert_eq!(refused(|c| c.levels = 2), "price levels or more");
    assert_eq!(refused(|c| c.conditional_orders = 3), "conditional orders");
    assert_eq!(refused(|c| c.sessions = 2), "sessions");
    assert_eq!(refused(|c| c.trades = 1), "trades");
    let mut small = config(true);
    small.ledger = None;
    let missing = SnapshotError::LedgerMissing { image: true };
    assert_eq!(Engine::restore(&small, &bytes).unwrap_err(), missing);
    small = config(true);
    small.instruments.remove(1);
    let unknown = SnapshotError::UnknownSymbol(SymbolId(4));
    assert_eq!(Engine::restore(&small, &bytes).unwrap_err(), unknown);
}

//! Random markets: the venue and its naive twin must tell the same fills.

use super::naive::Naive;
use super::*;
use crate::FillModel;
use proptest::prelude::*;
use std::collections::HashMap;

#[derive(Clone, Debug)]
enum Op {
    Add { side: Side, qty: u32, price: u32 },
    Execute { at: usize, qty: u32 },
    Reduce { at: usize, qty: u32 },
    Delete { at: usize },
    Replace { at: usize, qty: u32, price: u32 },
    Print { qty: u32, price: u32 },
    Enter { side: Side, qty: u32, price: u32, ioc: bool },
    Cancel { at: usize },
}

fn op() -> impl Strategy<Value = Op> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let (qty, price, at) = (1_u32..200, 995_u32..1_006, any::<usize>());
    prop_oneof![
        6 => (side.clone(), qty.clone(), price.clone())
            .prop_map(|(side, qty, price)| Op::Add { side, qty, price }),
        4 => (at, qty.clone()).prop_map(|(at, qty)| Op::Execute { at, qty }),
        1 => (at, qty.clone()).prop_map(|(at, qty)| Op::Reduce { at, qty }),
        2 => at.prop_map(|at| Op::Delete { at }),
        1 => (at, qty.clone(), price.clone())
            .prop_map(|(at, qty, price)| Op::Replace { at, qty, price }),
        1 => (qty.clone(), price.clone()).prop_map(|(qty, price)| Op::Print { qty, price }),
        3 => (side, qty, price, any::<bool>())
            .prop_map(|(side, qty, price, ioc)| Op::Enter { side, qty, price, ioc }),
        1 => at.prop_map(|at| Op::Cancel { at }),
    ]
}

/// What others showed and traded, and what we had of it.
#[derive(Default)]
struct Sums {
    shown: u64,
    traded: u64,
    numbers: u32,
    ids: u64,
}

fn step(op: &Op, market: &mut Market, naive: &mut Naive, sums: &mut Sums) {
    let pick = |at: usize, sums: &Sums| at as u64 % (sums.ids + 1);
    match *op {
        Op::Add { side, qty, price } => {
            sums.ids += 1;
            sums.shown += u64::from(qty);
            market.add(sums.ids, side, qty, price);
            naive.add(sums.ids, side, qty, price);
        }
        Op::Execute { at, qty } => {
            let id = pick(at, sums);
            sums.traded += u64::from(qty);
            market.execute(id, qty);
            naive.execute(id, qty);
        }
        Op::Reduce { at, qty } => {
            let id = pick(at, sums);
            market.reduce(id, qty);
            naive.reduce(id, qty);
        }
        Op::Delete { at } => {
            let id = pick(at, sums);
            market.delete(id);
            naive.reduce(id, u32::MAX);
        }
        Op::Replace { at, qty, price } => {
            let old = pick(at, sums);
            sums.ids += 1;
            sums.shown += u64::from(qty);
            market.replace(old, sums.ids, qty, price);
            naive.replace(old, sums.ids, qty, price);
        }
        Op::Print { qty, price } => {
            sums.traded += u64::from(qty);
            market.print(qty, price);
            naive.print(qty, price);
        }
        Op::Enter { side, qty, price, ioc } => {
            sums.numbers += 1;
            let tif = if ioc { TimeInForce::Ioc } else { TimeInForce::Day };
            market.enter_as(sums.numbers, side, qty, price, tif, false);
            naive.enter(sums.numbers, side, qty, price, ioc);
        }
        Op::Cancel { at } => {
            let number = at as u32 % (sums.numbers + 1);
            market.cancel(number);
            naive.cancel(number);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_venue_fills_as_its_twin_does(ops in prop::collection::vec(op(), 1..250)) {
        let mut market = Market::new(FillModel::Queue, HiddenPrints::Through);
        let (mut naive, mut sums) = (Naive::default(), Sums::default());
        for op in &ops {
            step(op, &mut market, &mut naive, &mut sums);
            prop_assert_eq!(&market.notes.told(), &naive.fills, "after {:?}", op);
            for number in 1..=sums.numbers {
                prop_assert_eq!(market.place(number), naive.place(number), "{} {:?}", number, op);
            }
        }
        // Shares of ours: at most what others showed or traded, and each order's own at most.
        let rested: u64 = market.notes.fills.iter()
            .filter(|fill| fill.liquidity == b'A').map(|fill| u64::from(fill.qty)).sum();
        let took: u64 = market.notes.fills.iter()
            .filter(|fill| fill.liquidity == b'R').map(|fill| u64::from(fill.qty)).sum();
        prop_assert!(took <= sums.shown && rested <= sums.traded + sums.shown);
        let mut filled: HashMap<u32, u32> = HashMap::new();
        for fill in &market.notes.fills {
            *filled.entry(fill.user_ref).or_default() += fill.qty;
        }
        let entered = ops.iter().filter_map(|op| match op {
            Op::Enter { qty, .. } => Some(*qty),
            _ => None,
        });
        for (number, qty) in (1..).zip(entered) {
            prop_assert!(filled.get(&number).is_none_or(|shares| *shares <= qty));
        }
    }

    #[test]
    fn no_bytes_panic(
        bytes in prop::collection::vec(
            (any::<u8>(), any::<bool>(), prop::collection::vec(any::<u8>(), 0..80)), 1..200)
    ) {
        let mut market = Market::new(FillModel::Queue, HiddenPrints::AtPrice);
        market.enter(1, Side::Buy, 100, 1_000);
        for (at, ours, mut bytes) in bytes {
            let types = feed::TYPES;
            let (letter, _, len) = types[usize::from(at) % types.len()];
            if ours {
                market.say(&bytes);
                continue;
            }
            bytes.resize(len, at);
            bytes[0] = letter;
            bytes[1..3].copy_from_slice(&LOCATE.to_be_bytes());
            market.hear(&bytes);
        }
    }
}

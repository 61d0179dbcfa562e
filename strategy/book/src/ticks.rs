//! Ticks: prices counted so that neighbours in a book are neighbours in number.
//!
//! A tick is a cent from a dollar on and the hundredth of a cent below, as the rules have it. On
//! either side of a book the greater tick, and the greater key, is the better price. What lies
//! between two ticks has a key alone.
//!
//! With a `BIT` of 1 a price is told twice as high, and its lowest bit tells who comes first at it:
//! in keys those that have the bit, on either side. Only they have ticks.

use types::{Price, Side};

/// Below a dollar a tick is the unit of prices.
const DOLLAR: u32 = 10_000;
const CENT: u32 = 100;
/// What a dollar's cents are less than its units.
const SHIFT: u32 = DOLLAR - DOLLAR / CENT;
/// The tick of the highest price there can be.
const fn top<const BIT: u32>() -> u32 {
    (u32::MAX >> BIT) / CENT + SHIFT
}

/// The tick of a price between two ticks: far from every window.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// A price as the index has it: its key and its tick, both greater where the price is better.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    pub(crate) key: u32,
    pub(crate) tick: u32,
}

impl Spot {
    #[inline]
    pub(crate) fn new<const BIT: u32>(side: Side, price: Price) -> Spot {
        let (floor, is_whole) = floor_tick(price.0 >> BIT);
        let (key, tick) = (key(side, price), turn::<BIT>(side, floor));
        Spot { key, tick: if is_whole && key & BIT == BIT { tick } else { NOWHERE } }
    }
}

/// A price as the index orders it: greater is better on either side. Its own inverse.
#[inline]
pub(crate) const fn key(side: Side, price: Price) -> u32 {
    price.0 ^ flip(side)
}

/// All bits for sells: which side it is, is anyone's guess, so nothing branches on it.
#[inline]
const fn flip(side: Side) -> u32 {
    0u32.wrapping_sub(side as u32)
}

/// How many ticks there are up to a price, and whether it is one.
#[inline]
const fn floor_tick(price: u32) -> (u32, bool) {
    let cents = price / CENT;
    if price < DOLLAR { (price, true) } else { (cents + SHIFT, cents * CENT == price) }
}

/// A tick as a side orders it. Its own inverse.
#[inline]
const fn turn<const BIT: u32>(side: Side, tick: u32) -> u32 {
    // Less than nothing is all bits turned, and one more.
    (tick ^ flip(side)).wrapping_add((top::<BIT>() + 1) & flip(side))
}

/// The key of a tick.
#[inline]
pub(crate) const fn key_of<const BIT: u32>(side: Side, tick: u32) -> u32 {
    let tick = turn::<BIT>(side, tick);
    let price = if tick < DOLLAR { tick } else { (tick - SHIFT) * CENT };
    key(side, Price(price << BIT)) | BIT
}

/// The lowest tick that is at least as good as a key.
pub(crate) fn tick_from<const BIT: u32>(side: Side, of: u32) -> u32 {
    let (floor, is_whole) = floor_tick(key(side, Price(of)) >> BIT);
    let rounded = side == Side::Buy && !is_whole;
    turn::<BIT>(side, floor) + u32::from(rounded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn price() -> impl Strategy<Value = u32> {
        prop_oneof![0..200u32, 9_900..10_300u32, any::<u32>(), (0..200u32).prop_map(|n| !n)]
    }

    fn are_in_order<const BIT: u32>(a: u32, b: u32) -> Result<(), TestCaseError> {
        for side in [Side::Buy, Side::Sell] {
            let [x, y] = [a, b].map(|price| Spot::new::<BIT>(side, Price(price)));
            prop_assert_eq!(key(side, Price(x.key)), a);
            let from = tick_from::<BIT>(side, x.key);
            prop_assert!(from > top::<BIT>() || key_of::<BIT>(side, from) >= x.key);
            if x.tick != NOWHERE {
                prop_assert_eq!((key_of::<BIT>(side, x.tick), from), (x.key, x.tick));
            }
            if x.tick != NOWHERE && y.tick != NOWHERE {
                prop_assert_eq!(x.tick.cmp(&y.tick), x.key.cmp(&y.key));
                prop_assert!(y.tick < from || y.key >= x.key);
                prop_assert!(y.key < x.key || y.tick >= from);
            }
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn ticks_are_in_the_order_of_keys(a in price(), b in price()) {
            are_in_order::<0>(a, b)?;
            are_in_order::<1>(a, b)?;
            are_in_order::<1>(a << 1 | 1, b << 1)?;
        }
    }
}

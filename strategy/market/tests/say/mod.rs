//! ITCH messages in words: what tests tell a market.
#![allow(dead_code, reason = "no test tells everything")]

use proptest::prelude::*;

/// What a message says beside its head.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    Add { id: u64, letter: u8, qty: u32, name: usize, price: u32, mpid: bool },
    Execute { id: u64, qty: u32, of: u64 },
    ExecuteAt { id: u64, qty: u32, of: u64, printable: u8, price: u32 },
    Cancel { id: u64, qty: u32 },
    Delete { id: u64 },
    Replace { old: u64, new: u64, qty: u32, price: u32 },
    Trade { letter: u8, qty: u32, name: usize, price: u32, of: u64 },
    Cross { qty: u64, name: usize, price: u32, of: u64, letter: u8 },
    Broken { of: u64 },
    Directory { name: usize, lot: u32 },
    State { name: usize, letter: u8 },
    Halt { name: usize, market: u8, letter: u8 },
    RegSho { name: usize, letter: u8 },
    Event { letter: u8 },
    Imbalance { name: usize, side: u8, shares: u64, letter: u8 },
    Breach { letter: u8 },
}

/// The names there are; the last stands for none that is listed at first.
pub(crate) const NAMES: [&[u8; 8]; 5] =
    [b"AAA     ", b"BBB     ", b"CCC     ", b"DDDDDDDD", b"\0\xff bad  "];

/// The message's bytes.
pub(crate) fn bytes(locate: u16, at_ns: u64, told: &Told) -> Vec<u8> {
    let mut out = vec![0];
    out.extend(locate.to_be_bytes());
    out.extend([0, 0]);
    out.extend(&at_ns.to_be_bytes()[2..]);
    out[0] = body(&mut out, told);
    out
}

fn body(out: &mut Vec<u8>, told: &Told) -> u8 {
    match *told {
        Told::Add { id, letter, qty, name, price, mpid } => {
            out.extend(id.to_be_bytes());
            out.push(letter);
            out.extend(qty.to_be_bytes());
            out.extend(NAMES[name]);
            out.extend(price.to_be_bytes());
            out.extend(if mpid { &b"FIRM"[..] } else { b"" });
            if mpid { b'F' } else { b'A' }
        }
        Told::Execute { id, qty, of } => {
            out.extend(id.to_be_bytes());
            out.extend(qty.to_be_bytes());
            out.extend(of.to_be_bytes());
            b'E'
        }
        Told::ExecuteAt { id, qty, of, printable, price } => {
            body(out, &Told::Execute { id, qty, of });
            out.push(printable);
            out.extend(price.to_be_bytes());
            b'C'
        }
        Told::Cancel { id, qty } => {
            out.extend(id.to_be_bytes());
            out.extend(qty.to_be_bytes());
            b'X'
        }
        Told::Delete { id } => {
            out.extend(id.to_be_bytes());
            b'D'
        }
        Told::Replace { old, new, qty, price } => {
            out.extend(old.to_be_bytes());
            out.extend(new.to_be_bytes());
            out.extend(qty.to_be_bytes());
            out.extend(price.to_be_bytes());
            b'U'
        }
        Told::Trade { letter, qty, name, price, of } => {
            body(out, &Told::Add { id: 0, letter, qty, name, price, mpid: false });
            out.extend(of.to_be_bytes());
            b'P'
        }
        _ => rare(out, told),
    }
}

fn rare(out: &mut Vec<u8>, told: &Told) -> u8 {
    match *told {
        Told::Cross { qty, name, price, of, letter } => {
            out.extend(qty.to_be_bytes());
            out.extend(NAMES[name]);
            out.extend(price.to_be_bytes());
            out.extend(of.to_be_bytes());
            out.push(letter);
            b'Q'
        }
        Told::Broken { of } => {
            out.extend(of.to_be_bytes());
            b'B'
        }
        Told::Directory { name, lot } => {
            out.extend(NAMES[name]);
            out.extend(b"QN");
            out.extend(lot.to_be_bytes());
            out.extend(b"NCZ PN 1N\0\0\0\0N");
            b'R'
        }
        Told::State { name, letter } => {
            out.extend(NAMES[name]);
            out.extend([letter, b' ', b' ', b' ', b' ', b' ']);
            b'H'
        }
        Told::Halt { name, market, letter } => {
            out.extend(NAMES[name]);
            out.extend([market, letter]);
            b'h'
        }
        Told::RegSho { name, letter } => {
            out.extend(NAMES[name]);
            out.push(letter);
            b'Y'
        }
        Told::Imbalance { name, side, shares, letter } => {
            out.extend(7u64.to_be_bytes());
            out.extend(shares.to_be_bytes());
            out.push(side);
            out.extend(NAMES[name]);
            out.extend([1u32, 2, 3].map(u32::to_be_bytes).concat());
            out.extend([letter, b'L']);
            b'I'
        }
        Told::Breach { letter } => {
            out.push(letter);
            b'W'
        }
        Told::Event { letter } => {
            out.push(letter);
            b'S'
        }
        _ => unreachable!("said in `body`"),
    }
}

fn letter(good: &'static [u8]) -> impl Strategy<Value = u8> {
    prop_oneof![30 => prop::sample::select(good), 1 => any::<u8>()]
}

fn qty() -> impl Strategy<Value = u32> {
    prop_oneof![20 => 1u32..6, 1 => Just(0), 1 => Just(u32::MAX)]
}

fn price() -> impl Strategy<Value = u32> {
    let odd = [0u32, 1, 2_000_000_000, 2_000_000_001, u32::MAX];
    prop_oneof![20 => 60u32..68, 1 => prop::sample::select(odd.to_vec())]
}

fn id() -> impl Strategy<Value = u64> {
    prop_oneof![30 => 0u64..24, 1 => Just(u64::MAX)]
}

/// Anything, mostly of the symbol's own `name`.
pub(crate) fn told(name: usize) -> impl Strategy<Value = Told> {
    let name = move || prop_oneof![30 => Just(name), 1 => 0..NAMES.len()];
    let of = || 0u64..12;
    prop_oneof![
        12 => (id(), letter(b"BS"), qty(), name(), price(), any::<bool>()).prop_map(
            |(id, letter, qty, name, price, mpid)| Told::Add { id, letter, qty, name, price, mpid }
        ),
        3 => (id(), qty(), of()).prop_map(|(id, qty, of)| Told::Execute { id, qty, of }),
        1 => (id(), qty(), of(), letter(b"YN"), price()).prop_map(
            |(id, qty, of, printable, price)| Told::ExecuteAt { id, qty, of, printable, price }
        ),
        2 => (id(), qty()).prop_map(|(id, qty)| Told::Cancel { id, qty }),
        4 => id().prop_map(|id| Told::Delete { id }),
        3 => (id(), id(), qty(), price())
            .prop_map(|(old, new, qty, price)| Told::Replace { old, new, qty, price }),
        1 => (letter(b"BS"), qty(), name(), price(), of())
            .prop_map(|(letter, qty, name, price, of)| {
                Told::Trade { letter, qty, name, price, of }
            }),
        1 => (0..9u64, name(), price(), of(), letter(b"OCHA"))
            .prop_map(|(qty, name, price, of, letter)| {
                Told::Cross { qty, name, price, of, letter }
            }),
        1 => of().prop_map(|of| Told::Broken { of }),
        2 => (name(), 0..3u32).prop_map(|(name, lot)| Told::Directory { name, lot }),
        2 => (name(), letter(b"HPQT")).prop_map(|(name, letter)| Told::State { name, letter }),
        1 => (name(), letter(b"QBX"), letter(b"HT"))
            .prop_map(|(name, market, letter)| Told::Halt { name, market, letter }),
        1 => (name(), letter(b"012")).prop_map(|(name, letter)| Told::RegSho { name, letter }),
        1 => letter(b"OSQMEC").prop_map(|letter| Told::Event { letter }),
        1 => (name(), letter(b"BSNOP"), any::<u64>(), letter(b"OCHA")).prop_map(
            |(name, side, shares, letter)| Told::Imbalance { name, side, shares, letter }
        ),
        1 => letter(b"123").prop_map(|letter| Told::Breach { letter }),
    ]
}

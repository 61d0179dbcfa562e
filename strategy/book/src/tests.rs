use crate::naive::Naive;
use crate::{BookCore, BookError, BookId, Books, Capacity, Change, FeedError, Refusal, Top};
use proptest::prelude::*;
use types::{OrderId, Price, Qty, Side, SymbolId};

/// One message of a feed that need not make sense.
#[derive(Clone, Copy, Debug)]
enum Op {
    Add { id: u64, symbol: u16, side: Side, qty: u32, price: u32 },
    Execute { id: u64, qty: u32 },
    Cancel { id: u64, qty: u32 },
    Delete { id: u64 },
    Replace { old: u64, new: u64, qty: u32, price: u32 },
}

fn id() -> impl Strategy<Value = u64> {
    prop_oneof![20 => 0u64..48, 1 => Just(u64::MAX), 1 => Just(u64::MAX - 1), 1 => Just(1 << 32)]
}

fn qty() -> impl Strategy<Value = u32> {
    prop_oneof![20 => 1u32..6, 1 => Just(0), 1 => Just(u32::MAX)]
}

/// Few prices, so that levels fill; some far apart.
fn price() -> impl Strategy<Value = u32> {
    prop_oneof![
        12 => 60u32..70,
        6 => prop::sample::select(&[1u32, 63, 64, 4095, 4096, 1 << 18, 1 << 24, 1 << 30][..]),
        1 => prop::sample::select(&[0u32, u32::MAX, u32::MAX - 1, (1 << 30) - 1][..]),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let symbol = prop_oneof![15 => 0u16..2, 1 => Just(2u16), 1 => Just(u16::MAX)];
    prop_oneof![
        6 => (id(), symbol, side, qty(), price())
            .prop_map(|(id, symbol, side, qty, price)| Op::Add { id, symbol, side, qty, price }),
        1 => (id(), qty()).prop_map(|(id, qty)| Op::Execute { id, qty }),
        1 => (id(), qty()).prop_map(|(id, qty)| Op::Cancel { id, qty }),
        2 => id().prop_map(|id| Op::Delete { id }),
        2 => (id(), id(), qty(), price())
            .prop_map(|(old, new, qty, price)| Op::Replace { old, new, qty, price }),
    ]
}

fn apply(books: &mut Books, op: Op) -> Result<Change, FeedError> {
    match op {
        Op::Add { id, symbol, side, qty, price } => {
            books.add(OrderId(id), SymbolId(symbol), side, Qty(qty), Price(price))
        }
        Op::Execute { id, qty } => books.execute(OrderId(id), Qty(qty)),
        Op::Cancel { id, qty } => books.cancel(OrderId(id), Qty(qty)),
        Op::Delete { id } => books.delete(OrderId(id)),
        Op::Replace { old, new, qty, price } => {
            books.replace(OrderId(old), OrderId(new), Qty(qty), Price(price))
        }
    }
}

fn apply_naive(books: &mut Naive, op: Op) -> Result<Change, FeedError> {
    match op {
        Op::Add { id, symbol, side, qty, price } => {
            books.add(OrderId(id), SymbolId(symbol), side, Qty(qty), Price(price))
        }
        Op::Execute { id, qty } | Op::Cancel { id, qty } => books.reduce(OrderId(id), Qty(qty)),
        Op::Delete { id } => books.delete(OrderId(id)),
        Op::Replace { old, new, qty, price } => {
            books.replace(OrderId(old), OrderId(new), Qty(qty), Price(price))
        }
    }
}

fn assert_same(books: &Books, naive: &Naive) {
    assert_eq!(books.len(), naive.len());
    assert_eq!(books.is_empty(), naive.len() == 0);
    for symbol in (0..3).map(SymbolId) {
        assert_eq!(books.top(symbol), naive.top(symbol));
        for side in [Side::Buy, Side::Sell] {
            let levels: Vec<_> = books.levels(symbol, side).collect();
            assert_eq!(levels, naive.levels(symbol, side));
            assert_eq!(books.best(symbol, side), levels.first().copied());
            for level in levels {
                let queue: Vec<_> =
                    books.orders(symbol, side, level.price).map(|o| (o.payload, o.qty)).collect();
                assert_eq!(queue, naive.queue(symbol, side, level.price));
                assert_eq!(books.level(symbol, side, level.price), Some(level));
                let mut shares = 0;
                for (at, (id, qty)) in (0u32..).zip(queue) {
                    assert_eq!(books.ahead(id, u32::MAX), Some((shares, at, false)));
                    assert_eq!(books.ahead(id, 0), Some((0, 0, at > 0)));
                    shares += u64::from(qty.0);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn books_are_their_naive_twin(
        orders in 0u32..24,
        levels in 0u32..12,
        ops in prop::collection::vec(op(), 0..160),
        cleared_at in prop::collection::vec(0usize..160, 0..3),
    ) {
        let capacity = Capacity { orders, levels, books: 2 };
        let (mut books, mut naive) = (Books::with_capacity(capacity), Naive::new(capacity));
        for (at, op) in ops.into_iter().enumerate() {
            if cleared_at.contains(&at) {
                books.clear();
                naive = Naive::new(capacity);
                assert_same(&books, &naive);
            }
            let (got, expected) = (apply(&mut books, op), apply_naive(&mut naive, op));
            prop_assert_eq!(got, expected, "{:?}", op);
            assert_same(&books, &naive);
        }
    }

    /// Levels wide apart, and exactly as many as there is room for: the index never lacks a node.
    #[test]
    fn every_level_of_the_capacity_can_be_used(
        prices in prop::collection::btree_set(1u32..u32::MAX, 1..40),
        symbols in 1u16..5,
    ) {
        let levels = prices.len() as u32;
        let capacity = Capacity { orders: levels + 1, levels, books: u32::from(symbols) };
        let mut books = Books::with_capacity(capacity);
        for (i, price) in prices.iter().enumerate() {
            let (id, symbol) = (OrderId(i as u64), SymbolId(i as u16 % symbols));
            prop_assert!(books.add(id, symbol, Side::Sell, Qty(1), Price(*price)).is_ok());
        }
        let one_more = books.add(OrderId(99), SymbolId(0), Side::Buy, Qty(1), Price(7));
        prop_assert_eq!(one_more, Err(FeedError::LevelsFull));
    }

    /// The hash is of what can be seen: two histories that end in the same books have the same.
    #[test]
    fn the_hash_does_not_know_the_slots(
        noise in prop::collection::vec((1u32..99, any::<bool>()), 0..30),
        kept in prop::collection::vec((1u32..99, 1u32..9), 1..30),
    ) {
        let capacity = Capacity { orders: 64, levels: 64, books: 1 };
        let mut plain = Books::with_capacity(capacity);
        let mut worn = Books::with_capacity(capacity);
        let side = |buy| if buy { Side::Buy } else { Side::Sell };
        for (i, (price, buy)) in noise.iter().enumerate() {
            let id = OrderId(1_000 + i as u64);
            worn.add(id, SymbolId(0), side(*buy), Qty(1), Price(*price)).unwrap();
        }
        for (i, (price, qty)) in kept.iter().enumerate() {
            for books in [&mut plain, &mut worn] {
                let (id, qty) = (OrderId(i as u64), Qty(*qty));
                books.add(id, SymbolId(0), Side::Buy, qty, Price(*price)).unwrap();
            }
        }
        for i in 0..noise.len() {
            worn.delete(OrderId(1_000 + i as u64)).unwrap();
        }
        prop_assert_eq!(plain.state_hash(), worn.state_hash());
        let before = plain.state_hash();
        plain.delete(OrderId(0)).unwrap();
        prop_assert_ne!(plain.state_hash(), before);
    }
}

fn core(orders: u32, levels: u32) -> BookCore<u8> {
    BookCore::new(Capacity { orders, levels, books: 1 })
}

const BOOK: BookId = BookId(0);

#[test]
fn a_refused_order_leaves_nothing_behind() {
    let mut book = core(2, 1);
    let add = |book: &mut BookCore<u8>, symbol, price| {
        book.insert(BookId(symbol), Side::Buy, Price(price), Qty(5), 7).map(|(slot, _)| slot)
    };
    let first = add(&mut book, 0, 10).unwrap();
    let before = book.state_hash(|p| u64::from(*p));
    assert_eq!(add(&mut book, 0, 11), Err(BookError::LevelsFull));
    assert_eq!(add(&mut book, 1, 10), Err(BookError::UnknownBook));
    assert_eq!(book.state_hash(|p| u64::from(*p)), before);
    add(&mut book, 0, 10).unwrap();
    assert_eq!(add(&mut book, 0, 10), Err(BookError::OrdersFull));
    assert_eq!(book.has_room(BOOK, Side::Buy, Price(10)), Err(BookError::OrdersFull));
    // Two orders share the only level: neither can go to another price, both can stay.
    assert_eq!(book.has_room_instead(first, Price(11)), Err(BookError::LevelsFull));
    assert_eq!(book.has_room_instead(first, Price(10)), Ok(()));
    book.remove(first);
    let last = book.front(BOOK, Side::Buy).unwrap();
    assert_eq!(book.has_room_instead(last, Price(11)), Ok(()));
    book.remove(last);
    assert!(book.is_empty() && book.front(BOOK, Side::Buy).is_none());
    assert_eq!(book.top(BOOK), Top::default());
}

#[test]
fn no_room_at_all_is_no_panic() {
    let mut none = BookCore::<u8>::new(Capacity { orders: 0, levels: 0, books: 0 });
    let refused = none.insert(BOOK, Side::Buy, Price(1), Qty(1), 0);
    assert_eq!(refused, Err(BookError::UnknownBook));
    assert_eq!((none.books(), none.best(BOOK, Side::Sell)), (0, None));
    let mut no_levels = core(1, 0);
    let refused = no_levels.insert(BOOK, Side::Buy, Price(1), Qty(1), 0);
    assert_eq!(refused, Err(BookError::LevelsFull));
}

#[test]
fn an_order_is_what_it_was_entered_as() {
    let mut book = core(4, 4);
    let (slot, change) = book.insert(BOOK, Side::Sell, Price(9), Qty(5), 1).unwrap();
    assert!(change.top_changed());
    *book.payload_mut(slot) = 2;
    let view = book.order(slot);
    assert_eq!((view.book, view.side, view.price), (BOOK, Side::Sell, Price(9)));
    assert_eq!((view.qty, view.payload), (Qty(5), 2));
    // Nothing taken off is nothing changed.
    assert!(!book.reduce(slot, Qty(0)).top_changed());
    assert!(book.reduce(slot, Qty(1)).top_changed());
    assert_eq!(book.order(slot).qty, Qty(4));
}

#[test]
fn a_replacement_that_changes_nothing_visible_is_no_tick() {
    let mut books = Books::with_capacity(Capacity { orders: 4, levels: 4, books: 1 });
    books.add(OrderId(1), SymbolId(0), Side::Buy, Qty(5), Price(10)).unwrap();
    let change = books.replace(OrderId(1), OrderId(2), Qty(5), Price(10)).unwrap();
    assert!(!change.top_changed());
    let change = books.replace(OrderId(2), OrderId(3), Qty(5), Price(9)).unwrap();
    assert!(change.top_changed());
}

#[test]
fn an_order_is_only_touched_in_its_own_symbols_name() {
    let mut books = Books::with_capacity(Capacity { orders: 4, levels: 4, books: 2 });
    let (mine, other) = (SymbolId(1), SymbolId(0));
    books.add(OrderId(1), mine, Side::Buy, Qty(5), Price(10)).unwrap();
    let wrong = Refusal { why: FeedError::WrongSymbol, did: None };
    assert_eq!(books.reduce_of(other, OrderId(1), Qty(1)), Err(wrong));
    assert_eq!(books.delete_of(other, OrderId(1)), Err(FeedError::WrongSymbol));
    assert_eq!(books.replace_of(other, OrderId(1), OrderId(2), Qty(1), Price(1)), Err(wrong));
    assert_eq!(books.order(OrderId(1)).map(|order| order.qty), Some(Qty(5)));
    assert!(books.replace_of(mine, OrderId(1), OrderId(2), Qty(4), Price(11)).is_ok());
    let beyond = books.reduce_of(mine, OrderId(2), Qty(9)).unwrap_err();
    assert_eq!(beyond.why, FeedError::QtyExceedsOrder);
    assert!(beyond.did.is_some_and(|change| change.top_changed() && change.price() == Price(11)));
    assert!(books.is_empty());
}

#[test]
fn names_of_feed_errors_are_distinct_and_in_order() {
    for (at, error) in FeedError::ALL.iter().enumerate() {
        assert_eq!(*error as usize, at);
        let same = FeedError::ALL.iter().filter(|other| other.name() == error.name()).count();
        assert_eq!(same, 1);
    }
}

/// What is done, with which order, on which side, for how many shares, at which price.
fn step() -> impl Strategy<Value = (u8, usize, bool, u32, u32)> {
    (0u8..4, 0usize..32, any::<bool>(), 1u32..9, price())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// An order that is shifted is where it would be had it been taken out and put in again.
    #[test]
    fn a_shift_is_a_removal_and_an_insertion(
        levels in prop_oneof![1 => 1u32..6, 2 => Just(64u32)],
        steps in prop::collection::vec(step(), 0..120),
    ) {
        let capacity = Capacity { orders: 32, levels, books: 2 };
        let mut first: BookCore<u64, 1> = BookCore::new(capacity);
        let mut second = first.clone();
        let mut live = Vec::new();
        for (at, (kind, which, buys, qty, price)) in steps.into_iter().enumerate() {
            let side = if buys { Side::Buy } else { Side::Sell };
            let (qty, price) = (Qty(qty), Price(price));
            let book = BookId(u32::from(kind) % 2);
            if kind < 2 || live.is_empty() {
                let put = first.insert(book, side, price, qty, at as u64);
                prop_assert_eq!(put, second.insert(book, side, price, qty, at as u64));
                live.extend(put.map(|(slot, _)| slot));
                continue;
            }
            let slot = live.swap_remove(which % live.len());
            let order = second.order(slot);
            let removed = second.remove(slot);
            if kind == 3 {
                prop_assert_eq!(first.remove(slot), removed);
                continue;
            }
            first.ask_around(slot);
            first.ask_back(first.ask_beside(slot, |_| price));
            let put = second.insert(order.book, order.side, price, qty, order.payload);
            let shifted = first.shift(slot, price, qty);
            prop_assert_eq!(shifted, put.map(|(_, change)| [removed, change]));
            live.extend(put.map(|(slot, _)| slot));
            prop_assert_eq!(first.state_hash(|at| *at), second.state_hash(|at| *at));
        }
        for book in [BookId(0), BookId(1)] {
            prop_assert_eq!(first.top(book), second.top(book));
        }
    }
}

//! ITCH out: what the engine says to everyone. See the table in `types::Event`.

use types::{
    BookAdd, BookRemove, BookReplace, Broken, Corrected, CrossDone, Executed, Imbalance, OrderId,
    Price, Qty, Side, State, Symbol, SymbolId,
};
use wire::itch::{
    AddOrder, AddOrderMpid, BrokenTrade, CrossTrade, IpoQuotingPeriod, LuldCollar, MwcbStatus,
    NetOrderImbalance, OrderCancel, OrderDelete, OrderExecuted, OrderExecutedPrice, OrderReplace,
    StockDirectory, StockTradingAction, SystemEvent, Trade,
};

/// System Event; the letters are ITCH's event codes.
pub(crate) fn system_event(now_ns: u64, event_code: u8) -> SystemEvent {
    SystemEvent { head: SystemEvent::head(0, now_ns), event_code }
}

/// Stock Directory of a symbol that this venue opened without a directory to copy from.
pub(crate) fn directory(now_ns: u64, id: SymbolId, symbol: Symbol) -> StockDirectory {
    StockDirectory {
        head: StockDirectory::head(id.0, now_ns),
        stock: symbol.0,
        market_category: b' ',
        financial_status_indicator: b' ',
        round_lot_size: 100.into(),
        round_lots_only: b'N',
        issue_classification: b'C',
        issue_sub_type: *b"Z ",
        authenticity: b'P',
        short_sale_threshold_indicator: b'N',
        ipo_flag: b' ',
        luld_reference_price_tier: b' ',
        etp_flag: b'N',
        etp_leverage_factor: 0.into(),
        inverse_indicator: b'N',
    }
}

/// Add Order.
#[inline]
pub(crate) fn add(now_ns: u64, e: &BookAdd, symbol: Symbol) -> AddOrder {
    AddOrder {
        head: AddOrder::head(e.symbol.0, now_ns),
        order_reference_number: e.order_id.0.into(),
        buy_sell_indicator: Side::letter(e.side),
        shares: e.qty.0.into(),
        stock: symbol.0,
        price: narrow(e.price),
    }
}

/// Add Order with MPID: the firm's name with it.
#[inline]
pub(crate) fn add_attributed(now_ns: u64, e: &BookAdd, symbol: Symbol) -> AddOrderMpid {
    AddOrderMpid {
        head: AddOrderMpid::head(e.symbol.0, now_ns),
        order_reference_number: e.order_id.0.into(),
        buy_sell_indicator: Side::letter(e.side),
        shares: e.qty.0.into(),
        stock: symbol.0,
        price: narrow(e.price),
        attribution: e.firm.0,
    }
}

/// Order Executed with Price: one side of a cross, which its own message prints.
#[inline]
pub(crate) fn executed_in_cross(now_ns: u64, e: &Executed, order: OrderId) -> OrderExecutedPrice {
    OrderExecutedPrice {
        head: OrderExecutedPrice::head(e.symbol.0, now_ns),
        order_reference_number: order.0.into(),
        executed_shares: e.qty.0.into(),
        match_number: e.match_id.0.into(),
        printable: b'N',
        execution_price: narrow(e.price),
    }
}

/// Trade, against an order that nobody saw. Since 2014 the number is 0 and the side is B.
#[inline]
pub(crate) fn trade(now_ns: u64, e: &Executed, symbol: Symbol) -> Trade {
    Trade {
        head: Trade::head(e.symbol.0, now_ns),
        order_reference_number: 0.into(),
        buy_sell_indicator: b'B',
        shares: e.qty.0.into(),
        stock: symbol.0,
        price: narrow(e.price),
        match_number: e.match_id.0.into(),
    }
}

/// Trade, in the place of one that was at the wrong price.
pub(crate) fn corrected(now_ns: u64, e: &Corrected, symbol: Symbol) -> Trade {
    Trade {
        head: Trade::head(e.symbol.0, now_ns),
        order_reference_number: 0.into(),
        buy_sell_indicator: b'B',
        shares: e.qty.0.into(),
        stock: symbol.0,
        price: narrow(e.price),
        match_number: e.match_id.0.into(),
    }
}

/// Broken Trade.
pub(crate) fn broken(now_ns: u64, symbol: SymbolId, match_number: u64) -> BrokenTrade {
    BrokenTrade { head: BrokenTrade::head(symbol.0, now_ns), match_number: match_number.into() }
}

/// Broken Trade, of an event.
pub(crate) fn busted(now_ns: u64, e: &Broken) -> BrokenTrade {
    broken(now_ns, e.symbol, e.match_id.0)
}

/// Cross Trade.
pub(crate) fn cross(now_ns: u64, e: &CrossDone, symbol: Symbol) -> CrossTrade {
    CrossTrade {
        head: CrossTrade::head(e.symbol.0, now_ns),
        cross_shares: e.qty.into(),
        stock: symbol.0,
        cross_price: narrow(e.price),
        match_number: e.match_id.0.into(),
        cross_type: e.kind.letter(),
    }
}

/// Net Order Imbalance Indicator. Far and near price are the same: orders of the book take part in
/// every cross here.
pub(crate) fn imbalance(now_ns: u64, e: &Imbalance, symbol: Symbol) -> NetOrderImbalance {
    let direction = match e.side {
        Some(side) => side.letter(),
        None if e.paired == 0 => b'O',
        None => b'N',
    };
    NetOrderImbalance {
        head: NetOrderImbalance::head(e.symbol.0, now_ns),
        paired_shares: e.paired.into(),
        imbalance_shares: e.imbalance.into(),
        imbalance_direction: direction,
        stock: symbol.0,
        far_price: narrow(e.price),
        near_price: narrow(e.price),
        current_reference_price: narrow(e.reference),
        cross_type: e.kind.letter(),
        price_variation_indicator: variation(e.price, e.reference),
    }
}

/// How far the price is from the reference, as ITCH's letter: L less than 1 %, then 1 to 9 for
/// whole percents, A to C for tens, blank where there is nothing to compare.
fn variation(price: Price, reference: Price) -> u8 {
    if price == Price(0) || reference == Price(0) {
        return b' ';
    }
    let percent = u64::from(price.0.abs_diff(reference.0)) * 100 / u64::from(reference.0);
    match percent {
        0 => b'L',
        1..=9 => b'0' + percent as u8,
        10..=19 => b'A',
        20..=29 => b'B',
        _ => b'C',
    }
}

/// Stock Trading Action.
pub(crate) fn state(now_ns: u64, e: &State, symbol: Symbol) -> StockTradingAction {
    StockTradingAction {
        head: StockTradingAction::head(e.symbol.0, now_ns),
        stock: symbol.0,
        trading_state: e.state.letter(),
        reserved: b' ',
        reason_code: e.reason,
    }
}

/// LULD Auction Collar.
pub(crate) fn collar(
    now_ns: u64,
    id: SymbolId,
    symbol: Symbol,
    [reference, lower, upper]: [Price; 3],
) -> LuldCollar {
    LuldCollar {
        head: LuldCollar::head(id.0, now_ns),
        stock: symbol.0,
        auction_collar_reference_price: narrow(reference),
        upper_auction_collar_price: narrow(upper),
        lower_auction_collar_price: narrow(lower),
        auction_collar_extension: 0.into(),
    }
}

/// IPO Quoting Period Update: A, the anticipated release.
pub(crate) fn offering(
    now_ns: u64,
    id: SymbolId,
    symbol: Symbol,
    release_s: u32,
    price: Price,
) -> IpoQuotingPeriod {
    IpoQuotingPeriod {
        head: IpoQuotingPeriod::head(id.0, now_ns),
        stock: symbol.0,
        ipo_quotation_release_time: release_s.into(),
        ipo_quotation_release_qualifier: b'A',
        ipo_price: narrow(price),
    }
}

/// MWCB Status.
pub(crate) fn breaker(now_ns: u64, level: u8) -> MwcbStatus {
    MwcbStatus { head: MwcbStatus::head(0, now_ns), breached_level: b'0' + level }
}

/// Order Executed, on the order that stood in the book.
#[inline]
pub(crate) fn executed(now_ns: u64, e: &Executed) -> OrderExecuted {
    OrderExecuted {
        head: OrderExecuted::head(e.symbol.0, now_ns),
        order_reference_number: e.resting.order_id.0.into(),
        executed_shares: e.qty.0.into(),
        match_number: e.match_id.0.into(),
    }
}

/// Order Cancel: shares came off, some are left.
#[inline]
pub(crate) fn cancel(now_ns: u64, symbol: SymbolId, order: OrderId, qty: Qty) -> OrderCancel {
    OrderCancel {
        head: OrderCancel::head(symbol.0, now_ns),
        order_reference_number: order.0.into(),
        canceled_shares: qty.0.into(),
    }
}

/// Order Delete.
#[inline]
pub(crate) fn delete(now_ns: u64, e: &BookRemove) -> OrderDelete {
    OrderDelete {
        head: OrderDelete::head(e.symbol.0, now_ns),
        order_reference_number: e.order_id.0.into(),
    }
}

/// Order Replace.
#[inline]
pub(crate) fn replace(now_ns: u64, e: &BookReplace) -> OrderReplace {
    OrderReplace {
        head: OrderReplace::head(e.symbol.0, now_ns),
        original_order_reference_number: e.old.0.into(),
        new_order_reference_number: e.new.0.into(),
        shares: e.qty.0.into(),
        price: narrow(e.price),
    }
}

fn narrow(price: Price) -> wire::field::Price4 {
    price.0.into()
}

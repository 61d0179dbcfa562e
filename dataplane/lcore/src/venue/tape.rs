//! ITCH out: what the engine says to everyone. See the table in `types::Event`.

use types::{BookAdd, BookRemove, BookReplace, OrderId, Price, Qty, Side, Symbol, SymbolId};
use wire::itch::{
    AddOrder, OrderCancel, OrderDelete, OrderExecuted, OrderReplace, StockDirectory, SystemEvent,
};

/// System Event; the letters are ITCH's event codes.
pub(super) fn system_event(now_ns: u64, event_code: u8) -> SystemEvent {
    SystemEvent { head: SystemEvent::head(0, now_ns), event_code }
}

/// Stock Directory of a symbol that this venue opened without a directory to copy from.
pub(super) fn directory(now_ns: u64, id: SymbolId, symbol: Symbol) -> StockDirectory {
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
pub(super) fn add(now_ns: u64, e: &BookAdd, symbol: Symbol) -> AddOrder {
    AddOrder {
        head: AddOrder::head(e.symbol.0, now_ns),
        order_reference_number: e.order_id.0.into(),
        buy_sell_indicator: Side::letter(e.side),
        shares: e.qty.0.into(),
        stock: symbol.0,
        price: narrow(e.price),
    }
}

/// Order Executed, on the resting order.
#[inline]
pub(super) fn executed(now_ns: u64, e: &types::Executed) -> OrderExecuted {
    OrderExecuted {
        head: OrderExecuted::head(e.symbol.0, now_ns),
        order_reference_number: e.resting.order_id.0.into(),
        executed_shares: e.qty.0.into(),
        match_number: e.match_id.0.into(),
    }
}

/// Order Cancel: shares came off, some are left.
#[inline]
pub(super) fn cancel(now_ns: u64, symbol: SymbolId, order: OrderId, qty: Qty) -> OrderCancel {
    OrderCancel {
        head: OrderCancel::head(symbol.0, now_ns),
        order_reference_number: order.0.into(),
        canceled_shares: qty.0.into(),
    }
}

/// Order Delete.
#[inline]
pub(super) fn delete(now_ns: u64, e: &BookRemove) -> OrderDelete {
    OrderDelete {
        head: OrderDelete::head(e.symbol.0, now_ns),
        order_reference_number: e.order_id.0.into(),
    }
}

/// Order Replace.
#[inline]
pub(super) fn replace(now_ns: u64, e: &BookReplace) -> OrderReplace {
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

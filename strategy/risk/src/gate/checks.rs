//! The checks, in the order they are made. The first that fails is the answer.
//!
//! | # | check | refusal | basis |
//! |---|---|---|---|
//! | 1 | kill switch | `Killed` | 15c3-5(c)(1)(i), the firm's own |
//! | 2 | known symbol, restricted list | `UnknownSymbol`, `Restricted` | 15c3-5(c)(2)(i), (ii) |
//! | 3 | halted, stale, suspect | `Halted`, `Stale`, `Suspect` | 15c3-5(c)(2)(i) |
//! | 4 | quantity | `OrderQty` | 15c3-5(c)(1)(ii) |
//! | 5 | price: market, range, tick | `MarketOrder`, `PriceInvalid` | Reg NMS 612 |
//! | 6 | orders open (not of a replacement) | `OpenOrders` | the firm's own |
//! | 7 | would meet an order of ours | `SelfCross` | FINRA 5210 |
//! | 8 | collar, worth | `PriceCollar`, `OrderNotional` | 15c3-5(c)(1)(ii) |
//! | 9 | close only | `CloseOnly` | 15c3-5(c)(2)(ii) |
//! | 10 | kind of sale | `ShortSaleFlag`, `Locate`, `ShortRestricted` | Reg SHO 200, 203, 201 |
//! | 11 | symbol: shares, worth | `Position`, `Exposure` | 15c3-5(c)(1)(i) |
//! | 12 | account: worth, shares | `AccountExposure`, `GrossShares` | 15c3-5(c)(1)(i) |
//! | 13 | duplicate (not of a replacement) | `Duplicate` | 15c3-5(c)(1)(ii) |
//! | 14 | messages, new orders a second | `MessageRate`, `OrderRate` | the firm's own |
//! | 15 | firm | `FirmExposure` | 15c3-5(c)(1)(i) |
//!
//! Cheap checks come first; the firm's is last because it writes what other threads read, and so
//! happens only for orders that pass everything else. Nothing changes on a refusal but its counter.
//!
//! A replacement is held to the limits on top of the order it replaces (see the parent module), but
//! to 9 and 10 in its place: a venue never has both, and a seller of all that is held could not
//! move the price otherwise.

use super::row::{Row, Weight, Working};
use super::{Gate, firm_share};
use crate::recent::Key;
use crate::{Ask, GateLimits, OpenOrder, Quote, Reference, Refusal, Restriction};
use types::{OrderSide, Price, Qty, Side, Ticker};

/// An order to be checked, new or in the place of another.
#[derive(Clone, Copy)]
struct Wish {
    ticker: Ticker,
    kind: OrderSide,
    side: Side,
    qty: Qty,
    price: Price,
    /// Shares of the order replaced.
    replaces: Qty,
}

/// What a symbol, and the account with it, come to with the order.
struct Outcome {
    working: Working,
    weight: Weight,
    exposure: u128,
    gross: u128,
}

impl Gate {
    #[inline]
    pub(super) fn check_new(&mut self, now_ns: u64, ask: &Ask, at: &Quote) -> Result<(), Refusal> {
        let Ask { ticker, side: kind, qty, price, .. } = *ask;
        let wish = Wish { ticker, kind, side: kind.side(), qty, price, replaces: Qty::ZERO };
        self.check::<true>(now_ns, &wish, at)
    }

    #[inline]
    pub(super) fn check_replacement(
        &mut self,
        now_ns: u64,
        old: &OpenOrder,
        qty: Qty,
        price: Price,
        at: &Quote,
    ) -> Result<(), Refusal> {
        let OpenOrder { ticker, side: kind, leaves: replaces, .. } = *old;
        let wish = Wish { ticker, kind, side: kind.side(), qty, price, replaces };
        self.check::<false>(now_ns, &wish, at)
    }

    #[inline]
    fn check<const NEW: bool>(
        &mut self,
        now_ns: u64,
        wish: &Wish,
        at: &Quote,
    ) -> Result<(), Refusal> {
        self.seen_ns = self.seen_ns.max(now_ns);
        // Time going back would let orders out of the window of duplicates.
        let now_ns = self.seen_ns;
        if self.killed.is_some() {
            return Err(Refusal::Killed);
        }
        let limits = &self.limits;
        let row = self.rows.get(usize::from(wish.ticker.0)).ok_or(Refusal::UnknownSymbol)?;
        check_market(limits, row, at)?;
        check_order(limits, row, wish)?;
        let full = self.account.open_orders >= limits.open_orders_max
            || row.open_orders >= row.limits.open_orders_max;
        if NEW && full {
            return Err(Refusal::OpenOrders);
        }
        check_price(limits, wish, at)?;
        check_kind(row, wish, at)?;
        let outcome = self.check_worst_case(row, wish)?;
        let key = duplicate_key(wish);
        let watched = limits.duplicate_window_ns > 0 && limits.duplicates_max > 0;
        let (window_ns, max) = (limits.duplicate_window_ns, limits.duplicates_max);
        if NEW && watched && self.recent.has(key, now_ns, window_ns, max) {
            return Err(Refusal::Duplicate);
        }
        self.check_rates::<NEW>(now_ns)?;
        self.commit(wish, &outcome)?;
        self.messages.take(self.limits.messages_per_second_max);
        if NEW {
            self.orders.take(self.limits.orders_per_second_max);
            if watched {
                self.recent.note(key, now_ns);
            }
            self.account.open_orders += 1;
            self.rows[usize::from(wish.ticker.0)].open_orders += 1;
        }
        Ok(())
    }

    #[inline]
    fn check_worst_case(&self, row: &Row, wish: &Wish) -> Result<Outcome, Refusal> {
        let working = row.working.with(wish.side, wish.qty, wish.price).ok_or(Refusal::Exposure)?;
        if row.worst(wish.side, &working) > row.limits.position_max {
            return Err(Refusal::Position);
        }
        let weight = row.weigh(&working);
        let was = row.weight;
        // Past a bound already, by the mark or by a change of it: what adds nothing may pass.
        if weight.exposure > row.limits.exposure_max && weight.exposure > was.exposure {
            return Err(Refusal::Exposure);
        }
        let account = &self.account;
        let exposure = account.exposure - u128::from(was.exposure) + u128::from(weight.exposure);
        let gross = account.gross - u128::from(was.gross) + u128::from(weight.gross);
        let limits = &self.limits;
        if exposure > u128::from(limits.account_exposure_max) && exposure > account.exposure {
            return Err(Refusal::AccountExposure);
        }
        if gross > u128::from(limits.account_gross_shares_max) && gross > account.gross {
            return Err(Refusal::GrossShares);
        }
        Ok(Outcome { working, weight, exposure, gross })
    }

    #[inline]
    fn check_rates<const NEW: bool>(&mut self, now_ns: u64) -> Result<(), Refusal> {
        if !self.messages.has_token(now_ns, self.limits.messages_per_second_max) {
            return Err(Refusal::MessageRate);
        }
        if NEW && !self.orders.has_token(now_ns, self.limits.orders_per_second_max) {
            return Err(Refusal::OrderRate);
        }
        Ok(())
    }

    /// The firm's check, and with it done, the row and the sums.
    #[inline]
    fn commit(&mut self, wish: &Wish, outcome: &Outcome) -> Result<(), Refusal> {
        if let Some(firm) = &self.firm
            && outcome.exposure != self.account.exposure
        {
            let share = firm_share(outcome.exposure);
            if !firm.reserve(self.account.firm_share, share) {
                return Err(Refusal::FirmExposure);
            }
            self.account.firm_share = share;
        }
        self.account.exposure = outcome.exposure;
        self.account.gross = outcome.gross;
        let row = &mut self.rows[usize::from(wish.ticker.0)];
        row.working = outcome.working;
        row.weight = outcome.weight;
        Ok(())
    }
}

/// Whether there is a market to trade in, and it may be traded in.
#[inline]
fn check_market(limits: &GateLimits, row: &Row, at: &Quote) -> Result<(), Refusal> {
    if row.limits.restriction == Restriction::NoTrade {
        return Err(Refusal::Restricted);
    }
    if at.halted {
        return Err(Refusal::Halted);
    }
    if at.stale && limits.stale_is_refused {
        return Err(Refusal::Stale);
    }
    if at.suspect && limits.suspect_is_refused {
        return Err(Refusal::Suspect);
    }
    Ok(())
}

/// What can be seen by the order alone.
#[inline]
fn check_order(limits: &GateLimits, row: &Row, wish: &Wish) -> Result<(), Refusal> {
    if !limits.order.qty_ok(wish.qty) {
        return Err(Refusal::OrderQty);
    }
    if wish.price.is_market() {
        return if limits.market_orders { Ok(()) } else { Err(Refusal::MarketOrder) };
    }
    let tick = row.limits.tick.0;
    let on_tick = tick <= 1 || wish.price < Price::DOLLAR || wish.price.0.is_multiple_of(tick);
    let in_range = wish.price.0 > 0 && wish.price <= Price::LIMIT_MAX;
    if in_range && on_tick { Ok(()) } else { Err(Refusal::PriceInvalid) }
}

/// Our own orders, the collar, and the order's worth.
#[inline]
fn check_price(limits: &GateLimits, wish: &Wish, at: &Quote) -> Result<(), Refusal> {
    let market = wish.price.is_market();
    // OUCH's market price is above every limit, as a buyer's should be; a seller's is below.
    let crosses = match wish.side {
        Side::Buy => at.own_ask.is_some_and(|own| wish.price >= own),
        Side::Sell => at.own_bid.is_some_and(|own| market || wish.price <= own),
    };
    if crosses {
        return Err(Refusal::SelfCross);
    }
    let reference = Reference { bid: at.bid, ask: at.ask };
    if limits.order.collar_ok(wish.side, wish.price, reference) != Some(true) {
        return Err(Refusal::PriceCollar);
    }
    let worth = if market {
        let touch = reference.touch(wish.side).ok_or(Refusal::PriceCollar)?;
        market_worth(wish, touch, limits.order.collar_bps)
    } else {
        wish.price.notional(wish.qty)
    };
    if worth > limits.order.notional_max { Err(Refusal::OrderNotional) } else { Ok(()) }
}

/// A market order is worth the touch, a buy the whole collar above it.
fn market_worth(wish: &Wish, touch: Price, collar_bps: u32) -> u64 {
    let slack = match wish.side {
        Side::Buy => u64::from(touch.0) * u64::from(collar_bps) / 10_000,
        Side::Sell => 0,
    };
    (u64::from(touch.0) + slack).saturating_mul(u64::from(wish.qty.0))
}

/// What may only be closed, and what may be sold how.
#[inline]
fn check_kind(row: &Row, wish: &Wish, at: &Quote) -> Result<(), Refusal> {
    let others = row.working.shares(wish.side).saturating_sub(u64::from(wish.replaces.0));
    let together = others.saturating_add(u64::from(wish.qty.0));
    let closable = row.closable(wish.side);
    if row.limits.restriction == Restriction::CloseOnly && together > closable {
        return Err(Refusal::CloseOnly);
    }
    match wish.kind {
        OrderSide::Buy => return Ok(()),
        // Rule 200(g): marked long only when the seller owns what this and his other orders sell.
        OrderSide::Sell if together > closable => return Err(Refusal::ShortSaleFlag),
        OrderSide::Sell => return Ok(()),
        OrderSide::SellShort | OrderSide::SellShortExempt => {}
    }
    // Rule 203(b)(1): no short sale without a locate; the exempt mark is exempt from 201 alone.
    let short = 0i64.saturating_sub(row.holding.shares).saturating_add_unsigned(together);
    if short > 0 && short as u64 > row.limits.locate_shares {
        return Err(Refusal::Locate);
    }
    if wish.kind == OrderSide::SellShort && at.short_restricted {
        // Rule 201(b)(1): not at or below the bid. Without a bid there is nothing to hold against.
        let above = at.bid.is_some_and(|bid| !wish.price.is_market() && wish.price > bid);
        if !above {
            return Err(Refusal::ShortRestricted);
        }
    }
    Ok(())
}

#[inline]
fn duplicate_key(wish: &Wish) -> Key {
    let what = u64::from(wish.ticker.0) << 40 | u64::from(wish.kind as u8) << 32;
    Key { what: what | u64::from(wish.qty.0), price: wish.price.0 }
}

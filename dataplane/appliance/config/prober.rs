//! The probers: clients that hold a venue to its word.

use lcore::prober::ProberConfig as Probes;
use toml::Spanned;
use types::{OrderSide, Symbol};

use super::ProberConfig;
use super::raw;
use super::roles::{LCORES, client, receiver};
use super::scope::Scope;

/// A hundred dollars, in 1/10000.
const PRICE: u32 = 1_000_000;

/// `[[prober]]`
pub(super) fn probers(scope: &mut Scope<'_>, raw: &[raw::Prober]) -> Vec<ProberConfig> {
    let one = |(index, raw)| prober(scope, &format!("prober[{index}]"), raw);
    raw.iter().enumerate().map(one).collect()
}

fn prober(scope: &mut Scope<'_>, table: &str, raw: &raw::Prober) -> ProberConfig {
    let symbol = scope.field((table, "symbol"), &raw.symbol, 8);
    let side = match raw.side.as_ref().map(Spanned::get_ref) {
        None | Some(raw::Side::Buy) => OrderSide::Buy,
        Some(raw::Side::Sell) => OrderSide::Sell,
    };
    let price =
        raw.price.as_ref().map(|price| scope.money((table, "price"), price, 1..=1_999_999_900));
    let pause_us: u64 =
        scope.int((table, "pause_us"), raw.pause_us.as_ref(), 1_000, 0..=10_000_000);
    let int = |scope: &mut Scope<'_>, key, value: &Option<raw::Int>, default, most| {
        scope.int((table, key), value.as_ref(), default, 1..=most)
    };
    let probes = Probes {
        symbol: Symbol::new(&symbol).map_or([b' '; 8], |symbol| symbol.0),
        side,
        price: price.flatten().and_then(|price| u32::try_from(price).ok()).unwrap_or(PRICE),
        shares: int(scope, "shares", &raw.shares, 100, 999_999),
        window: int(scope, "window", &raw.window, 16, 65_536),
        pause_ns: pause_us * 1_000,
        orders_max: int(scope, "orders_max", &raw.orders_max, 1 << 16, 1 << 24),
    };
    ProberConfig {
        name: scope.name((table, "name"), &raw.name),
        lcore: scope.int((table, "lcore"), Some(&raw.lcore), 0, LCORES),
        probes,
        orders: client(scope, &format!("{table}.orders"), &raw.orders),
        watch: raw.watch.as_ref().map(|watch| receiver(scope, &format!("{table}.watch"), watch)),
    }
}

//! The impairment stages, each a network of its own between two ports.

use lcore::impair::Rates;

use super::ImpairConfig;
use super::raw;
use super::roles::LCORES;
use super::scope::Scope;

/// Frames of a run that is lost, and frames that one may be let past.
const FRAMES_MAX: i64 = 1_000;
/// Longer delays would need more held frames than there is room for.
const DELAY_US_MAX: i64 = 10_000;

/// `[[impair]]`
pub(super) fn impairs(scope: &mut Scope<'_>, raw: &[raw::Impair]) -> Vec<ImpairConfig> {
    let one = |(index, raw)| impair(scope, &format!("impair[{index}]"), raw);
    raw.iter().enumerate().map(one).collect()
}

fn impair(scope: &mut Scope<'_>, table: &str, raw: &raw::Impair) -> ImpairConfig {
    ImpairConfig {
        name: scope.name((table, "name"), &raw.name),
        lcore: scope.int((table, "lcore"), Some(&raw.lcore), 0, LCORES),
        a: raw.a.get_ref().clone(),
        b: raw.b.get_ref().clone(),
        seed: scope.int((table, "seed"), raw.seed.as_ref(), 1, 0..=i64::MAX),
        a_to_b: rates(scope, &format!("{table}.a_to_b"), &raw.a_to_b),
        b_to_a: rates(scope, &format!("{table}.b_to_a"), &raw.b_to_a),
    }
}

fn rates(scope: &mut Scope<'_>, table: &str, raw: &raw::Rates) -> Rates {
    let none = Rates::default();
    let share = |scope: &mut Scope<'_>, name, value: Option<&raw::Num>| {
        scope.num((table, name), value, 0.0..=1.0).unwrap_or(0.0)
    };
    let frames = |scope: &mut Scope<'_>, name, value, default| {
        scope.int((table, name), value, default, 1..=FRAMES_MAX)
    };
    let delay_us: u64 = scope.int((table, "delay_us"), raw.delay_us.as_ref(), 0, 0..=DELAY_US_MAX);
    Rates {
        loss: share(scope, "loss", raw.loss.as_ref()),
        burst_loss: share(scope, "burst_loss", raw.burst_loss.as_ref()),
        burst_frames_max: frames(
            scope,
            "burst_frames_max",
            raw.burst_frames_max.as_ref(),
            none.burst_frames_max,
        ),
        duplicate: share(scope, "duplicate", raw.duplicate.as_ref()),
        reorder: share(scope, "reorder", raw.reorder.as_ref()),
        reorder_frames_max: frames(
            scope,
            "reorder_frames_max",
            raw.reorder_frames_max.as_ref(),
            none.reorder_frames_max,
        ),
        corrupt: share(scope, "corrupt", raw.corrupt.as_ref()),
        delay_ns: delay_us * 1_000,
        udp_port: raw
            .udp_port
            .as_ref()
            .map(|port| scope.int((table, "udp_port"), Some(port), 1, 1..=65_535)),
    }
}

//! Pictures of a latency, as SVG that takes its colours from the page.
//!
//! Two pictures: a histogram over a logarithmic axis of time, with the quantiles marked, and the
//! curve of the quantiles over an axis that gives each further nine the same room, as HDR plots do.
//! plotters writes colours into the SVG; the page's style sheet replaces each of them, so that the
//! same picture is right on a light and on a dark page.

use super::format::{count, ns_short};
use super::model::StageReport;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint};
use plotters::prelude::*;
use std::ops::Range;

const SIZE: (u32, u32) = (560, 230);
const BARS_MAX: usize = 72;
/// A bar is no narrower than a bucket, in decades, or the grid of the buckets would show.
const BAR_DECADES_MIN: f64 = 0.0068;
/// Ticks of the time axis at most.
const TICKS_MAX: usize = 9;

// Named again in style.css.
const BODY: RGBColor = RGBColor(0x25, 0x63, 0xeb);
const INK: RGBColor = RGBColor(0x47, 0x55, 0x69);
const GRID: RGBColor = RGBColor(0xe2, 0xe8, 0xf0);
const P50: RGBColor = RGBColor(0x0d, 0x94, 0x88);
const P99: RGBColor = RGBColor(0xd9, 0x77, 0x06);
const P999: RGBColor = RGBColor(0xdc, 0x26, 0x26);

type DrawError = Box<dyn std::error::Error>;

/// An axis whose ticks are chosen here and not by plotters.
struct Axis {
    range: Range<f64>,
    ticks: Vec<f64>,
}

impl Axis {
    fn new(range: Range<f64>, ticks: Vec<f64>) -> Self {
        Self { range, ticks }
    }
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let share = (value - self.range.start) / (self.range.end - self.range.start);
        limit.0 + (f64::from(limit.1 - limit.0) * share).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

/// The histogram of a latency over logarithmic time; none when nothing was counted.
pub(super) fn histogram(stage: &StageReport) -> Option<String> {
    let (low, high) = range(stage)?;
    let bars = bars(stage, low, high);
    let mut svg = String::new();
    draw_histogram(&mut svg, stage, &bars, (low, high)).ok()?;
    Some(svg)
}

/// The latency at each quantile; none when too little was counted to have a tail.
pub(super) fn quantile_curve(stage: &StageReport) -> Option<String> {
    let (low, high) = range(stage)?;
    let curve = curve(stage);
    let nines = curve.last()?.0;
    if nines < 1.0 {
        return None;
    }
    let mut svg = String::new();
    draw_curve(&mut svg, &curve, nines, (low, high)).ok()?;
    Some(svg)
}

/// The ends of the time axis as logarithms, a little beyond the first and the last bucket.
fn range(stage: &StageReport) -> Option<(f64, f64)> {
    let low = stage.buckets.first()?.0.max(1) as f64;
    let high = stage.buckets.last()?.1.max(1) as f64 + 1.0;
    Some(((low * 0.94).log10().max(0.0), (high * 1.06).log10()))
}

/// The share of all values in each bar, as left edge, right edge and share. A bucket that lies in
/// several bars is spread over them by its width.
fn bars(stage: &StageReport, low: f64, high: f64) -> Vec<(f64, f64, f64)> {
    let bars = (((high - low) / BAR_DECADES_MIN) as usize).clamp(8, BARS_MAX);
    let width = (high - low) / bars as f64;
    let total = stage.buckets.iter().map(|bucket| bucket.2 as f64).sum::<f64>().max(1.0);
    let mut shares = vec![0.0; bars];
    for &(from_ns, to_ns, count) in &stage.buckets {
        let from = (from_ns.max(1) as f64).log10().max(low);
        let to = (to_ns.max(1) as f64 + 1.0).log10().min(high);
        let share = count as f64 / total;
        let first = ((from - low) / width).max(0.0) as usize;
        for (index, bar) in shares.iter_mut().enumerate().skip(first) {
            let left = low + index as f64 * width;
            let overlap = to.min(left + width) - from.max(left);
            if left > to {
                break;
            }
            *bar += share * (overlap / (to - from).max(f64::EPSILON)).clamp(0.0, 1.0);
        }
    }
    let edge = |index: usize| low + index as f64 * width;
    shares.iter().enumerate().map(|(at, share)| (edge(at), edge(at + 1), *share)).collect()
}

/// Steps of the quantile curve as (log10 of 1/(1 − q), log10 of ns).
fn curve(stage: &StageReport) -> Vec<(f64, f64)> {
    let total: f64 = stage.buckets.iter().map(|bucket| bucket.2 as f64).sum();
    let mut points = Vec::with_capacity(2 * stage.buckets.len());
    let (mut below, mut nines) = (0.0, 0.0);
    for &(_, high_ns, count) in &stage.buckets {
        below += count as f64;
        let log_ns = (high_ns.min(stage.max_ns).max(1) as f64).log10();
        points.push((nines, log_ns));
        // The last value of n is at the quantile 1 − 1/n, as far as n values can tell.
        nines = (total / (total - below).max(1.0)).log10();
        points.push((nines, log_ns));
    }
    points
}

fn draw_histogram(
    svg: &mut String,
    stage: &StageReport,
    bars: &[(f64, f64, f64)],
    (low, high): (f64, f64),
) -> Result<(), DrawError> {
    let tallest = bars.iter().map(|bar| bar.2).fold(0.0, f64::max).max(1e-9);
    let top = tallest * 1.08;
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let mut chart = ChartBuilder::on(&root)
        .margin(8)
        .x_label_area_size(26)
        .y_label_area_size(46)
        .build_cartesian_2d(Axis::new(low..high, time_ticks(low, high)), 0.0..top)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(GRID)
        .y_labels(5)
        .label_style(("sans-serif", 12).into_font().color(&INK))
        .x_label_formatter(&|x| ns_short(10_f64.powf(*x)))
        .y_label_formatter(&|y| format!("{} %", (y * 1_000.0).round() / 10.0))
        .draw()?;
    chart.draw_series(bars.iter().filter(|bar| bar.2 > 0.0).map(|&(left, right, share)| {
        // Half a thousandth of the height at least: one value in a million is still seen.
        Rectangle::new([(left, 0.0), (right, share.max(top * 0.006))], BODY.filled())
    }))?;
    let marks = [(stage.p50_ns, P50), (stage.p99_ns, P99), (stage.p999_ns, P999)];
    for (quantile_ns, colour) in marks {
        let x = (quantile_ns.max(1) as f64).log10().clamp(low, high);
        chart.draw_series(LineSeries::new([(x, 0.0), (x, top)], colour.stroke_width(2)))?;
    }
    root.present()?;
    Ok(())
}

fn draw_curve(
    svg: &mut String,
    curve: &[(f64, f64)],
    nines: f64,
    (low, high): (f64, f64),
) -> Result<(), DrawError> {
    let marks: Vec<f64> = [0.0, 0.5_f64.recip().log10()]
        .into_iter()
        .chain((1..=9).map(f64::from))
        .filter(|mark| *mark <= nines)
        .collect();
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let mut chart = ChartBuilder::on(&root)
        .margin(8)
        .margin_right(22)
        .x_label_area_size(26)
        .y_label_area_size(58)
        .build_cartesian_2d(
            Axis::new(0.0..nines * 1.02, marks),
            Axis::new(low..high, time_ticks(low, high)),
        )?;
    chart
        .configure_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(GRID)
        .label_style(("sans-serif", 12).into_font().color(&INK))
        .x_label_formatter(&|x| quantile_label(*x))
        .y_label_formatter(&|y| ns_short(10_f64.powf(*y)))
        .draw()?;
    chart.draw_series(LineSeries::new(curve.iter().copied(), BODY.stroke_width(2)))?;
    root.present()?;
    Ok(())
}

/// `50 %`, `90 %`, `99 %`, `99.9 %`: the quantile that many nines stand for.
fn quantile_label(nines: f64) -> String {
    let places = (nines.round() as usize).saturating_sub(2);
    let percent = 100.0 - 100.0 / 10_f64.powf(nines);
    format!("{percent:.places$} %")
}

/// Ticks of a logarithmic time axis: round figures, few enough to be read.
fn time_ticks(low: f64, high: f64) -> Vec<f64> {
    let decades = high - low;
    if decades < 0.8 {
        return even_ticks(10_f64.powf(low), 10_f64.powf(high));
    }
    let first = low.floor() as i32;
    let last = high.ceil() as i32;
    let of = |steps: &[f64]| -> Vec<f64> {
        (first..=last)
            .flat_map(|decade| steps.iter().map(move |step| step.log10() + f64::from(decade)))
            .filter(|tick| (low..=high).contains(tick))
            .collect()
    };
    let candidates = [of(&[1.0, 2.0, 5.0]), of(&[1.0, 3.0]), of(&[1.0])];
    candidates
        .into_iter()
        .find(|ticks| ticks.len() <= TICKS_MAX)
        .unwrap_or_else(|| of(&[1.0]).into_iter().step_by(2).collect())
}

/// Ticks at even steps of time, for an axis of less than a decade.
fn even_ticks(low_ns: f64, high_ns: f64) -> Vec<f64> {
    let rough = ((high_ns - low_ns) / 5.0).max(1.0);
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|n| n * power).into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(10.0 * power);
    let first = (low_ns / step).ceil() as u64;
    let ticks = (first..first + 2 * TICKS_MAX as u64).map(|n| n as f64 * step);
    ticks.take_while(|tick| *tick <= high_ns).map(|tick| tick.max(1.0).log10()).collect()
}

/// What a picture shows, for those who cannot see it.
pub(super) fn alt(stage: &StageReport) -> String {
    let range = (ns_short(stage.min_ns as f64), ns_short(stage.max_ns as f64));
    format!("{} values from {} to {}", count(stage.count), range.0, range.1)
}

#[cfg(test)]
mod tests;

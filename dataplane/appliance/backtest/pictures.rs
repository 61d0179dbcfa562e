//! Curves over the time of day, as SVG that takes its colours from the page's style sheet.

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint};
use plotters::prelude::*;
use std::ops::Range;

const SIZE: (u32, u32) = (560, 230);
/// Points drawn at most; more would not be seen.
const POINTS_MAX: usize = 1_024;

// Named again in style.css.
pub(super) const BODY: RGBColor = RGBColor(0x25, 0x63, 0xeb);
pub(super) const SECOND: RGBColor = RGBColor(0x0d, 0x94, 0x88);
pub(super) const THIRD: RGBColor = RGBColor(0xd9, 0x77, 0x06);
pub(super) const FOURTH: RGBColor = RGBColor(0xdc, 0x26, 0x26);
const INK: RGBColor = RGBColor(0x47, 0x55, 0x69);
const GRID: RGBColor = RGBColor(0xe2, 0xe8, 0xf0);

/// Steps of the time axis, in seconds.
const STEPS_S: [u32; 15] =
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 10_800, 21_600];
/// Ticks of the time axis at most.
const TICKS_MAX: f64 = 7.0;

type DrawError = Box<dyn std::error::Error>;

/// A line: seconds since midnight and a value.
pub(super) struct Line {
    pub(super) colour: RGBColor,
    pub(super) points: Vec<(f64, f64)>,
}

/// An axis of time whose ticks are round.
struct Clock(Range<f64>);

impl Ranged for Clock {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let share = (value - self.0.start) / (self.0.end - self.0.start);
        limit.0 + (f64::from(limit.1 - limit.0) * share).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        let span = self.0.end - self.0.start;
        let steps = STEPS_S.into_iter().map(f64::from);
        let step = steps.clone().find(|step| span / step <= TICKS_MAX).unwrap_or(21_600.0);
        let first = (self.0.start / step).ceil() as u32;
        let ticks = (first..first + 2 * TICKS_MAX as u32).map(|n| f64::from(n) * step);
        ticks.take_while(|tick| *tick <= self.0.end).collect()
    }

    fn range(&self) -> Range<f64> {
        self.0.clone()
    }
}

/// The lines, each a staircase; none when there is nothing to see.
pub(super) fn curves(lines: &[Line], value: impl Fn(f64) -> String) -> Option<String> {
    let all = || lines.iter().flat_map(|line| &line.points);
    let first = all().map(|point| point.0).reduce(f64::min)?;
    let last = all().map(|point| point.0).reduce(f64::max)?.max(first + 1e-3);
    let low = all().map(|point| point.1).fold(0.0, f64::min);
    let high = all().map(|point| point.1).fold(0.0, f64::max);
    let room = ((high - low) * 0.06).max(0.005);
    let mut svg = String::new();
    let axes = (Clock(first..last), low - room..high + room);
    draw(&mut svg, lines, axes, &value).ok()?;
    Some(svg)
}

fn draw(
    svg: &mut String,
    lines: &[Line],
    (time, values): (Clock, Range<f64>),
    value: &impl Fn(f64) -> String,
) -> Result<(), DrawError> {
    let ends = (time.0.start, time.0.end);
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let mut chart = ChartBuilder::on(&root)
        .margin(8)
        .margin_right(22)
        .x_label_area_size(26)
        .y_label_area_size(66)
        .build_cartesian_2d(time, values)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(GRID)
        .y_labels(6)
        .label_style(("sans-serif", 12).into_font().color(&INK))
        .x_label_formatter(&|x| super::args::seconds_of_day(x.round() as u64))
        .y_label_formatter(&|y| value(*y))
        .draw()?;
    chart.draw_series(LineSeries::new([(ends.0, 0.0), (ends.1, 0.0)], INK.stroke_width(1)))?;
    for line in lines {
        let stairs = staircase(&thinned(&line.points));
        chart.draw_series(LineSeries::new(stairs, line.colour.stroke_width(2)))?;
    }
    root.present()?;
    Ok(())
}

/// Every so many points, and the last.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let every = points.len().div_ceil(POINTS_MAX).max(1);
    let last = points.len().saturating_sub(1);
    let kept = |at: &usize| at.is_multiple_of(every) || *at == last;
    (0..points.len()).filter(kept).map(|at| points[at]).collect()
}

/// A value holds until the next.
fn staircase(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut out = Vec::with_capacity(2 * points.len());
    for (at, point) in points.iter().enumerate() {
        if let Some(before) = at.checked_sub(1).map(|before| points[before].1) {
            out.push((point.0, before));
        }
        out.push(*point);
    }
    out
}

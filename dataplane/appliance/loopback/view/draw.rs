//! The picture, from what the view knows.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Cell, Paragraph, Row, Sparkline, Table};

use super::View;
use crate::loopback::stats::{PortQueue, PortSnapshot, Snapshot, StreamSnapshot};
use crate::report::format::{self, printable};

/// Rows of the curve, its frame included.
const CURVE_ROWS: u16 = 6;
/// Rows that losses and latencies have, their frame included.
const CAUSE_ROWS: u16 = 10;
/// Streams that are listed at most, so that the rest has room.
const STREAM_ROWS_MAX: usize = 16;
/// Columns of a latency's bar.
const BAR_COLUMNS: usize = 24;

const MUTED: Style = Style::new().fg(Color::DarkGray);
const GOOD: Style = Style::new().fg(Color::Green);
const BAD: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);

impl View {
    /// Draws it.
    pub(crate) fn draw(&self, frame: &mut Frame<'_>) {
        let ports = self.now.ports.len() as u16 + 3;
        let streams = self.now.streams.len().min(STREAM_ROWS_MAX) as u16 + 3;
        let parts = [
            Constraint::Length(1),
            Constraint::Length(CURVE_ROWS),
            Constraint::Length(ports),
            Constraint::Length(streams),
            Constraint::Length(CAUSE_ROWS),
            Constraint::Min(3),
        ];
        let [title, curve, ports, streams, causes, events] =
            Layout::vertical(parts).areas(frame.area());
        self.title(frame, title);
        self.curve(frame, curve);
        self.ports(frame, ports);
        self.streams(frame, streams);
        let halves = [Constraint::Percentage(40), Constraint::Percentage(60)];
        let [losses, latency] = Layout::horizontal(halves).areas(causes);
        self.losses(frame, losses);
        self.latency(frame, latency);
        self.events(frame, events);
    }

    fn title(&self, frame: &mut Frame<'_>, area: Rect) {
        let state = match (self.held, self.now.forwarding) {
            (true, _) => Span::styled("held", Style::new().fg(Color::Yellow)),
            (false, true) => Span::styled("forwarding", GOOD),
            (false, false) => Span::styled("stopped", BAD),
        };
        let time = format::duration(self.now.elapsed_ns as f64 / 1e9);
        let mode = Span::styled(self.now.mode.clone(), Modifier::BOLD);
        let line = Line::from(vec![
            " loopback ".into(),
            mode,
            "  ".into(),
            state,
            "  ".into(),
            time.into(),
        ]);
        frame.render_widget(line, area);
        let keys = "q quit  s stop/start  space hold  c clear ";
        frame.render_widget(Line::styled(keys, MUTED).right_aligned(), area);
    }

    fn curve(&self, frame: &mut Frame<'_>, area: Rect) {
        let rates = self.lately.rates();
        let title = format!(
            " rx {}  tx {}  lost {} ",
            packets(rates.rx_pps),
            packets(rates.tx_pps),
            format::count(self.now.totals().lost())
        );
        let block = boxed(title);
        let width = usize::from(block.inner(area).width);
        let from = self.curve.len().saturating_sub(width);
        let points: Vec<u64> = self.curve.iter().skip(from).copied().collect();
        let peak = points.iter().copied().max().unwrap_or(0);
        let block =
            block.title_top(Line::from(format!(" peak {} ", packets(peak as f64))).right_aligned());
        let curve =
            Sparkline::default().data(points).max(peak.max(1)).style(Style::new().fg(Color::Cyan));
        frame.render_widget(curve.block(block), area);
    }

    fn ports(&self, frame: &mut Frame<'_>, area: Rect) {
        let heads = [
            "port", "name", "driver", "link", "rx", "tx", "rx bits", "tx bits", "missed", "errors",
        ];
        let widths = [
            Constraint::Length(4),
            Constraint::Fill(2),
            Constraint::Fill(1),
            Constraint::Length(9),
            Constraint::Length(10),
            Constraint::Length(10),
            Constraint::Length(11),
            Constraint::Length(11),
            Constraint::Length(9),
            Constraint::Length(9),
        ];
        let rows = self.now.ports.iter().map(|port| self.port_row(port));
        let table = Table::new(rows, widths).header(heading(&heads)).block(boxed(" ports "));
        frame.render_widget(table, area);
    }

    fn port_row(&self, port: &PortSnapshot) -> Row<'static> {
        let rates = self.lately.port_rates(port.id);
        let link = match (port.started, port.link_up, port.speed_mbps) {
            (false, ..) => Cell::from("stopped").style(BAD),
            (_, false, _) => Cell::from("down").style(BAD),
            (_, true, None) => Cell::from("up").style(GOOD),
            (_, true, Some(mbps)) if mbps % 1_000 == 0 => {
                Cell::from(format!("{} Gbit/s", mbps / 1_000)).style(GOOD)
            }
            (_, true, Some(mbps)) => Cell::from(format!("{mbps} Mb/s")).style(GOOD),
        };
        let errors = port.device.rx_errors + port.device.tx_errors + port.device.rx_no_mbuf;
        Row::new(vec![
            Cell::from(port.id.to_string()),
            Cell::from(printable(&port.name)),
            Cell::from(port.driver.clone()),
            link,
            Cell::from(packets(rates.rx_pps)),
            Cell::from(packets(rates.tx_pps)),
            Cell::from(bits(rates.rx_bps)),
            Cell::from(bits(rates.tx_bps)),
            loss(port.device.rx_missed),
            loss(errors),
        ])
    }

    fn streams(&self, frame: &mut Frame<'_>, area: Rect) {
        let heads = ["lcore", "cpu", "from", "to", "rx", "tx", "lost", "waiting", "frames a burst"];
        let widths = [
            Constraint::Length(5),
            Constraint::Length(4),
            Constraint::Length(9),
            Constraint::Length(9),
            Constraint::Length(10),
            Constraint::Length(10),
            Constraint::Length(11),
            Constraint::Length(9),
            Constraint::Fill(1),
        ];
        let both = self.now.streams.iter().zip(&self.lately.streams);
        let rows =
            both.take(STREAM_ROWS_MAX).map(|(stream, lately)| self.stream_row(stream, lately));
        let title = match self.now.streams.len().saturating_sub(STREAM_ROWS_MAX) {
            0 => " streams ".to_owned(),
            more => format!(" streams, {more} more not shown "),
        };
        let table = Table::new(rows, widths).header(heading(&heads)).block(boxed(title));
        frame.render_widget(table, area);
    }

    fn stream_row(&self, stream: &StreamSnapshot, lately: &StreamSnapshot) -> Row<'static> {
        let seconds = self.lately.elapsed_ns as f64 / 1e9;
        let rate = |n: u64| if seconds > 0.0 { packets(n as f64 / seconds) } else { packets(0.0) };
        let end = |queue: Option<PortQueue>| match queue {
            Some(PortQueue { port, queue }) => format!("{port}/q{queue}"),
            None => "-".to_owned(),
        };
        Row::new(vec![
            Cell::from(stream.lcore.to_string()),
            Cell::from(stream.cpu.to_string()),
            Cell::from(end(stream.rx)),
            Cell::from(end(stream.tx)),
            Cell::from(rate(lately.rx_packets)),
            Cell::from(rate(lately.tx_packets)),
            loss(stream.drops.sum()),
            Cell::from(format::count(stream.waiting.sum())),
            Cell::from(bursts(lately)),
        ])
    }

    fn losses(&self, frame: &mut Frame<'_>, area: Rect) {
        let totals = self.now.totals();
        let mut lines: Vec<Line<'_>> = Vec::new();
        let mut tell = |cause: &str, count: u64, style: Style| {
            lines.push(Line::styled(format!(" {cause:<20} {:>14}", format::count(count)), style));
        };
        totals.drops.nonzero().for_each(|(cause, count)| tell(&format::words(cause), count, BAD));
        for (cause, count) in
            [("device missed", totals.rx_missed), ("device tx errors", totals.tx_errors)]
        {
            if count > 0 {
                tell(cause, count, BAD);
            }
        }
        let notes = notes(&self.now);
        notes.iter().for_each(|(note, count)| tell(&format::words(note), *count, Style::new()));
        if lines.is_empty() {
            lines.push(Line::styled(" nothing lost", GOOD));
        }
        frame.render_widget(
            Paragraph::new(lines).block(boxed(" losses and what else was counted ")),
            area,
        );
    }

    fn latency(&self, frame: &mut Frame<'_>, area: Rect) {
        let Some(latency) = self.now.latency.first() else {
            let lines = Line::styled(" this mode times nothing", MUTED);
            frame.render_widget(Paragraph::new(lines).block(boxed(" latency ")), area);
            return;
        };
        let most = bar_length(latency.max_ns).max(1.0);
        let lines = latency.quantiles().map(|(name, ns)| {
            let bar = (bar_length(ns) / most * BAR_COLUMNS as f64).round() as usize;
            let bar = Span::styled("█".repeat(bar.min(BAR_COLUMNS)), Style::new().fg(Color::Cyan));
            Line::from(vec![format!(" {name:>6} {:>10} ", format::ns(ns)).into(), bar])
        });
        let title = format!(" {}: {} timed ", latency.name, format::count(latency.count));
        frame.render_widget(Paragraph::new(lines.to_vec()).block(boxed(title)), area);
    }

    fn events(&self, frame: &mut Frame<'_>, area: Rect) {
        let mut lines: Vec<Line<'_>> = Vec::new();
        if !self.complaint.is_empty() {
            lines.push(Line::styled(format!(" {}", printable(&self.complaint)), BAD));
        }
        for event in self.now.events.iter().rev() {
            let at = format!(" {:>9.3} s  ", event.at_ns as f64 / 1e9);
            let style = if event.kind.is_good() { GOOD } else { BAD };
            lines.push(Line::from(vec![
                Span::styled(at, MUTED),
                Span::styled(printable(&event.text), style),
            ]));
        }
        if lines.is_empty() {
            lines.push(Line::styled(" nothing has happened", MUTED));
        }
        frame.render_widget(Paragraph::new(lines).block(boxed(" events ")), area);
    }
}

fn boxed<'t>(title: impl Into<Line<'t>>) -> Block<'t> {
    Block::new().borders(Borders::ALL).border_style(MUTED).title_top(title)
}

fn heading(heads: &[&'static str]) -> Row<'static> {
    Row::new(heads.to_vec()).style(MUTED)
}

/// A count that ought to be nothing.
fn loss(count: u64) -> Cell<'static> {
    let cell = Cell::from(format::count(count));
    if count > 0 { cell.style(BAD) } else { cell }
}

/// What all streams counted besides losses.
fn notes(now: &Snapshot) -> Vec<(String, u64)> {
    let mut all = crate::loopback::stats::Named::default();
    now.streams.iter().for_each(|stream| all.add(&stream.notes));
    all.nonzero().map(|(name, count)| (name.to_owned(), count)).collect()
}

/// The mean of a period's bursts that brought something, and how many polls found nothing.
fn bursts(lately: &StreamSnapshot) -> String {
    let counts = if lately.rx.is_some() { &lately.rx_bursts } else { &lately.tx_bursts };
    let all: u64 = counts.iter().map(|(_, count)| count).sum();
    let empty: u64 = counts.iter().filter(|(size, _)| *size == 0).map(|(_, count)| count).sum();
    let frames: u64 = counts.iter().map(|(size, count)| u64::from(*size) * count).sum();
    if all == empty {
        return "-".to_owned();
    }
    let mean = frames as f64 / (all - empty) as f64;
    format!("{mean:.1}, {} of polls empty", format::percent(empty, all))
}

/// Latencies span decades: a bar grows with the logarithm.
fn bar_length(ns: u64) -> f64 {
    (ns.max(1) as f64).log10()
}

fn packets(pps: f64) -> String {
    scaled(pps, "pps")
}

fn bits(bps: f64) -> String {
    scaled(bps, "bit/s")
}

/// To three digits, with the prefix that suits.
fn scaled(value: f64, unit: &str) -> String {
    const PREFIXES: [(f64, &str); 4] = [(1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G")];
    let prefix = PREFIXES.iter().find(|(scale, _)| value / scale < 999.5);
    let (scale, name) = prefix.unwrap_or(&PREFIXES[3]);
    match value / scale {
        s if s < 9.995 && *scale > 1.0 => format!("{s:.2} {name}{unit}"),
        s if s < 99.95 && *scale > 1.0 => format!("{s:.1} {name}{unit}"),
        s => format!("{s:.0} {name}{unit}"),
    }
}

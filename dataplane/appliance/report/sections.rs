//! What a report says, as tables, before it is known where they will be shown.

use super::format::{count, duration, ns, percent, plural, rate, words};
use super::model::{PortReport, RoleReport, RunReport, StageReport};

/// How many books or message types the terminal lists.
pub(crate) const TERMINAL_ROWS_MAX: usize = 12;
/// How many the page lists.
pub(crate) const PAGE_ROWS_MAX: usize = 500;

/// The heading of the table of verdicts, which the page puts first and the terminal last.
pub(crate) const VERDICTS: &str = "Verdicts";

/// What a figure means to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing in particular.
    Plain,
    /// As it should be.
    Good,
    /// Worth a look.
    Warn,
    /// Not as it should be.
    Bad,
    /// Beside the point.
    Muted,
}

/// One cell of a table.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    /// What it says, unescaped.
    pub(crate) text: String,
    /// What it means.
    pub(crate) tone: Tone,
}

/// Which way a column is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// Text.
    Left,
    /// Figures.
    Right,
}

/// A table with its heading.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    /// The heading.
    pub(crate) title: String,
    /// A sentence below it; may be empty.
    pub(crate) note: String,
    /// The columns' headings.
    pub(crate) columns: Vec<(&'static str, Align)>,
    /// The rows, each as long as `columns`.
    pub(crate) rows: Vec<Vec<Cell>>,
    /// Shown on the page alone, folded away: too long for a terminal.
    pub(crate) detail: bool,
}

/// A figure of the overview.
#[derive(Clone, Debug)]
pub(crate) struct Fact {
    /// What it is.
    pub(crate) label: &'static str,
    /// The figure.
    pub(crate) value: Cell,
}

use Align::{Left, Right};

impl Cell {
    pub(crate) fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone }
    }

    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self::new(text, Tone::Plain)
    }

    pub(crate) fn count(value: u64) -> Self {
        Self::plain(count(value))
    }

    /// A count that should be zero, and is shown when it is.
    fn zero_is_good(value: u64, otherwise: Tone) -> Self {
        Self::new(count(value), if value == 0 { Tone::Good } else { otherwise })
    }

    /// A dash for what there is none of.
    fn or_dash(text: &str) -> Self {
        match text {
            "" => Self::new("–", Tone::Muted),
            text => Self::plain(text),
        }
    }
}

/// One line about the run: when, for how long, on what.
pub(super) fn headline(report: &RunReport) -> String {
    let ending = if report.interrupted { ", interrupted" } else { "" };
    format!("{} · {}{ending}", report.started_utc, duration(report.wall_s))
}

/// The machine and the build, as label and value.
pub(super) fn host_lines(report: &RunReport) -> Vec<(&'static str, String)> {
    let host = &report.host;
    let memory = if host.huge { "hugepages" } else { "ordinary pages" };
    vec![
        ("Host", format!("{}, {}", host.cpu_model, plural(host.cpus as u64, "CPU"))),
        ("Kernel", host.kernel.clone()),
        ("DPDK", format!("{}, mbufs on {memory}", host.dpdk_version.trim_start_matches("DPDK "))),
        ("Build", format!("{} for {}", host.git_rev, host.rust_target)),
    ]
}

/// The verdicts in one line, and whether all of them held.
pub(super) fn outcome(report: &RunReport) -> Cell {
    let all = report.verdicts.len();
    let held = report.verdicts.iter().filter(|verdict| verdict.ok).count();
    match (held, all) {
        (_, 0) => Cell::new("no checks", Tone::Muted),
        _ if held == all => Cell::new(format!("all {all} checks passed"), Tone::Good),
        _ => Cell::new(format!("{} of {all} checks failed", all - held), Tone::Bad),
    }
}

/// The overview.
pub(super) fn facts(report: &RunReport) -> Vec<Fact> {
    let sum = &report.summary;
    let fact = |label, value| Fact { label, value };
    let mut facts = vec![
        fact("messages decoded", Cell::count(sum.messages_decoded)),
        fact("decoded a second", Cell::plain(rate(sum.messages_decoded, report.wall_s))),
        fact("books", Cell::count(sum.books)),
        fact("live orders", Cell::count(sum.live_orders)),
        fact("orders sent", Cell::count(sum.orders_sent)),
        fact("fills", Cell::count(sum.fills)),
    ];
    for (name, label) in
        [("tick_to_trade", "tick to trade p50"), ("order_to_ack", "order to ack p50")]
    {
        if let Some((_, latency)) = latencies(report).find(|(_, l)| l.name == name && l.count > 0) {
            facts.push(fact(label, Cell::plain(ns(latency.p50_ns))));
        }
    }
    facts.push(fact("drops", Cell::zero_is_good(sum.drops, Tone::Bad)));
    facts.push(fact("sequence gaps", Cell::zero_is_good(sum.gaps, Tone::Warn)));
    facts.push(fact("unknown order refs", Cell::zero_is_good(sum.unknown_order_refs, Tone::Warn)));
    let allocations = Cell::zero_is_good(sum.allocations_hot, Tone::Bad);
    facts.push(fact("hot-path allocations", allocations));
    facts
}

/// The end-to-end latencies with the role that measured them.
pub(super) fn latencies(report: &RunReport) -> impl Iterator<Item = (&RoleReport, &StageReport)> {
    report.roles.iter().flat_map(|role| role.latencies.iter().map(move |latency| (role, latency)))
}

/// Every table, in the order of reading; those without rows are left out.
pub(super) fn sections(report: &RunReport, rows_max: usize) -> Vec<Section> {
    let mut all = vec![
        placement(report),
        messages(report, rows_max),
        books(report, rows_max),
        orders(report),
        drops(report),
        end_to_end(report),
    ];
    all.extend(report.roles.iter().map(stages));
    all.push(hot_path(report));
    all.push(ports(report));
    all.push(notes(report));
    all.push(verdicts(report));
    all.extend(report.roles.iter().map(counters));
    all.retain(|section| !section.rows.is_empty());
    all
}

fn table(title: impl Into<String>, columns: &[(&'static str, Align)]) -> Section {
    let title = title.into();
    Section { title, note: String::new(), columns: columns.to_vec(), rows: vec![], detail: false }
}

fn placement(report: &RunReport) -> Section {
    let mut section = table(
        "What ran where",
        &[
            ("lcore", Right),
            ("CPU", Right),
            ("roles", Left),
            ("polls", Right),
            ("busy", Right),
            ("shared", Left),
        ],
    );
    section.rows = (report.lcores.iter())
        .map(|lcore| {
            vec![
                Cell::plain(lcore.lcore.to_string()),
                Cell::or_dash(&lcore.cpu.map_or(String::new(), |cpu| cpu.to_string())),
                Cell::plain(lcore.roles.join(", ")),
                Cell::count(lcore.polls),
                Cell::plain(percent(lcore.busy_polls, lcore.polls)),
                match lcore.shared_note.as_str() {
                    "" => Cell::new("no", Tone::Good),
                    note => Cell::new(note, Tone::Warn),
                },
            ]
        })
        .collect();
    section
}

fn messages(report: &RunReport, rows_max: usize) -> Section {
    let mut section = table(
        "Messages decoded, by type",
        &[("feed", Left), ("type", Left), ("message", Left), ("count", Right), ("share", Right)],
    );
    let mut types: Vec<_> = report.messages_by_type.iter().collect();
    types.sort_by_key(|message| std::cmp::Reverse(message.count));
    let total = types.iter().map(|message| message.count).fold(0, u64::saturating_add);
    section.note = left_out(types.len(), rows_max, "type");
    section.rows = (types.iter().take(rows_max))
        .map(|message| {
            vec![
                Cell::plain(&message.feed),
                Cell::plain(&message.code),
                Cell::plain(&message.name),
                Cell::count(message.count),
                Cell::plain(percent(message.count, total)),
            ]
        })
        .collect();
    section
}

fn books(report: &RunReport, rows_max: usize) -> Section {
    let mut section = table(
        "Books, by live orders",
        &[
            ("symbol", Left),
            ("live orders", Right),
            ("bid levels", Right),
            ("ask levels", Right),
            ("best bid", Right),
            ("best ask", Right),
        ],
    );
    let mut books: Vec<_> = report.books.iter().collect();
    books.sort_by_key(|book| std::cmp::Reverse(book.live_orders));
    section.note = left_out(books.len(), rows_max, "book");
    section.rows = (books.iter().take(rows_max))
        .map(|book| {
            vec![
                Cell::plain(&book.symbol),
                Cell::count(book.live_orders),
                Cell::count(book.bid_levels),
                Cell::count(book.ask_levels),
                Cell::or_dash(&book.best_bid),
                Cell::or_dash(&book.best_ask),
            ]
        })
        .collect();
    section
}

fn left_out(rows: usize, rows_max: usize, noun: &str) -> String {
    match rows.saturating_sub(rows_max) {
        0 => String::new(),
        more => format!("{} more in report.json", plural(more as u64, noun)),
    }
}

fn orders(report: &RunReport) -> Section {
    let sum = &report.summary;
    let mut section =
        table("Orders and fills", &[("", Left), ("count", Right), ("of sent", Right)]);
    let row = |label: &str, value, share: bool| {
        let share = if share { percent(value, sum.orders_sent) } else { String::new() };
        vec![Cell::plain(label), Cell::count(value), Cell::plain(share)]
    };
    section.rows = vec![
        row("orders sent", sum.orders_sent, false),
        row("accepted", sum.orders_accepted, true),
        row("rejected", sum.orders_rejected, true),
        row("fills", sum.fills, false),
        row("shares filled", sum.shares_filled, false),
    ];
    section
}

fn drops(report: &RunReport) -> Section {
    let over_ports = |figure: fn(&PortReport) -> u64| {
        report.ports.iter().map(figure).fold(0, u64::saturating_add)
    };
    let mut section = table("Drops and gaps", &[("", Left), ("count", Right)]);
    let row = |label: &str, value, tone| vec![Cell::plain(label), Cell::zero_is_good(value, tone)];
    section.rows = vec![
        row("dropped anywhere", report.summary.drops, Tone::Bad),
        row("sequence gaps", report.summary.gaps, Tone::Warn),
        row("messages about unknown orders", report.summary.unknown_order_refs, Tone::Warn),
        row("frames missed by a device", over_ports(|port| port.rx_dropped), Tone::Bad),
        row("frames not sent, queue full", over_ports(|port| port.tx_dropped), Tone::Bad),
        row("frames received broken", over_ports(|port| port.rx_errors), Tone::Bad),
        row("frames lost, pool empty", over_ports(|port| port.no_mbufs), Tone::Bad),
    ];
    section
}

const QUANTILES: [(&str, Align); 6] = [
    ("count", Right),
    ("p50", Right),
    ("p99", Right),
    ("p99.9", Right),
    ("max", Right),
    ("mean", Right),
];

fn quantiles(stage: &StageReport) -> Vec<Cell> {
    let figure = |value| match stage.count {
        0 => Cell::or_dash(""),
        _ => Cell::plain(ns(value)),
    };
    let mean = stage.mean_ns.max(0.0).round() as u64;
    vec![
        Cell::count(stage.count),
        figure(stage.p50_ns),
        figure(stage.p99_ns),
        figure(stage.p999_ns),
        figure(stage.max_ns),
        figure(mean),
    ]
}

fn end_to_end(report: &RunReport) -> Section {
    let columns = [&[("latency", Left), ("role", Left)], &QUANTILES[..]].concat();
    let mut section = table("Tick to trade, order to ack", &columns);
    section.rows = latencies(report)
        .map(|(role, latency)| {
            let names = vec![Cell::plain(words(&latency.name)), Cell::plain(&role.name)];
            [names, quantiles(latency)].concat()
        })
        .collect();
    section
}

fn stages(role: &RoleReport) -> Section {
    let columns = [&[("stage", Left)], &QUANTILES[..]].concat();
    let mut section = table(format!("Stages of {} ({}), rx to tx", role.name, role.kind), &columns);
    section.rows = (role.stages.iter())
        .map(|stage| [vec![Cell::plain(words(&stage.name))], quantiles(stage)].concat())
        .collect();
    section
}

fn hot_path(report: &RunReport) -> Section {
    let mut section = table(
        "Hot path, once warm",
        &[
            ("lcore", Right),
            ("allocations", Right),
            ("voluntary switches", Right),
            ("involuntary switches", Right),
        ],
    );
    section.rows = (report.lcores.iter())
        .map(|lcore| {
            vec![
                Cell::plain(lcore.lcore.to_string()),
                Cell::zero_is_good(lcore.allocations_hot, Tone::Bad),
                Cell::zero_is_good(lcore.voluntary_switches, Tone::Warn),
                Cell::zero_is_good(lcore.involuntary_switches, Tone::Warn),
            ]
        })
        .collect();
    section
}

fn ports(report: &RunReport) -> Section {
    let mut section = table(
        "Ports",
        &[
            ("port", Left),
            ("device", Left),
            ("driver", Left),
            ("rx", Right),
            ("tx", Right),
            ("missed", Right),
            ("unsent", Right),
            ("broken", Right),
            ("no mbuf", Right),
        ],
    );
    section.rows = (report.ports.iter())
        .map(|port| {
            let mut row = vec![
                Cell::plain(&port.name),
                Cell::plain(&port.device),
                Cell::plain(&port.driver),
                Cell::count(port.rx),
                Cell::count(port.tx),
            ];
            let losses = [port.rx_dropped, port.tx_dropped, port.rx_errors, port.no_mbufs];
            row.extend(losses.map(|value| Cell::zero_is_good(value, Tone::Bad)));
            row
        })
        .collect();
    section
}

fn notes(report: &RunReport) -> Section {
    let mut section = table("Notes", &[("role", Left), ("note", Left)]);
    let of_role = |role: &RoleReport| {
        let row = |note: &String| vec![Cell::plain(&role.name), Cell::plain(note)];
        role.notes.iter().map(row).collect::<Vec<_>>()
    };
    section.rows = report.roles.iter().flat_map(of_role).collect();
    section
}

fn verdicts(report: &RunReport) -> Section {
    let mut section = table(VERDICTS, &[("", Left), ("check", Left), ("measured", Left)]);
    section.rows = (report.verdicts.iter())
        .map(|verdict| {
            let mark = if verdict.ok { ("✓ pass", Tone::Good) } else { ("✗ fail", Tone::Bad) };
            let mark = Cell::new(mark.0, mark.1);
            vec![mark, Cell::plain(&verdict.name), Cell::plain(&verdict.detail)]
        })
        .collect();
    section
}

fn counters(role: &RoleReport) -> Section {
    let mut section = table(
        format!("Counters of {}", role.name),
        &[("group", Left), ("counter", Left), ("value", Right)],
    );
    section.detail = true;
    section.rows = (role.counters.iter())
        .map(|counter| {
            let tone = if counter.value == 0 { Tone::Muted } else { Tone::Plain };
            vec![
                Cell::plain(words(&counter.group)),
                Cell::new(words(&counter.name), tone),
                Cell::new(count(counter.value), tone),
            ]
        })
        .collect();
    section
}

#[cfg(test)]
mod tests;

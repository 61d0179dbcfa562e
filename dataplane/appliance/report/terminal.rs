//! The report on a terminal: tables of at most 100 columns.

use super::format::printable;
use super::model::RunReport;
use super::sections::{self, Align, Fact, Section, TERMINAL_ROWS_MAX, Tone};
use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ContentArrangement, LineStyle, Table, TableStyle,
};

/// Nothing is wider than this.
const COLUMNS_MAX: u16 = 100;
/// A heading, after the space before it.
const HEADING_COLUMNS_MAX: usize = COLUMNS_MAX as usize - 2;
/// The report's title: it leaves room for the outcome beside it.
const TITLE_COLUMNS_MAX: usize = 60;
/// Figures of the overview beside one another.
const FACTS_A_ROW: usize = 3;

/// The whole report as text, with a line feed at the end. `colour` is for a terminal; without it
/// there is not one escape sequence in it.
pub(crate) fn render(report: &RunReport, colour: bool) -> String {
    let mut out = String::new();
    let rule = "━".repeat(usize::from(COLUMNS_MAX));
    let outcome = sections::outcome(report);
    let mark = paint(&outcome.text, outcome.tone, colour);
    let title = bold(&fitted(&report.title, TITLE_COLUMNS_MAX), colour);
    out.push_str(&format!("{rule}\n {title}  {mark}\n {}\n{rule}\n", sections::headline(report)));
    for (label, value) in sections::host_lines(report) {
        out.push_str(&format!(" {label:<7} {}\n", fitted(&value, HEADING_COLUMNS_MAX - 8)));
    }
    out.push('\n');
    out.push_str(&overview(&sections::facts(report), colour));
    let all = sections::sections(report, TERMINAL_ROWS_MAX);
    for section in all.iter().filter(|section| !section.detail) {
        let heading = bold(&fitted(&section.title, HEADING_COLUMNS_MAX), colour);
        out.push_str(&format!("\n {heading}\n{}", body(section, colour)));
        if !section.note.is_empty() {
            out.push_str(&format!(" … {}\n", section.note));
        }
    }
    out
}

/// The figures of the overview, several pairs in a row.
pub(crate) fn overview(facts: &[Fact], colour: bool) -> String {
    let mut table = plain_table(colour);
    for facts in facts.chunks(FACTS_A_ROW) {
        let pairs = facts.iter().flat_map(|fact| {
            let value = cell(&fact.value.text, fact.value.tone);
            let value = value.set_alignment(CellAlignment::Right).add_attribute(Attribute::Bold);
            [cell(fact.label, Tone::Muted), value]
        });
        table.add_row(pairs);
    }
    // A gap after each pair, so that a label stands with its own figure.
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((1, if index % 2 == 1 { 4 } else { 1 }));
    }
    format!("{}\n", table.trim_fmt())
}

/// A section's table, with a line feed at the end.
pub(crate) fn body(section: &Section, colour: bool) -> String {
    let mut table = plain_table(colour);
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    if section.columns.iter().any(|(heading, _)| !heading.is_empty()) {
        let heading = |(text, align): &(&str, Align)| {
            cell(text, Tone::Muted).set_alignment(alignment(*align))
        };
        table.set_header(section.columns.iter().map(heading).collect::<Vec<_>>());
    }
    for row in &section.rows {
        let cells = row.iter().zip(&section.columns).map(|(content, (_, align))| {
            cell(&content.text, content.tone).set_alignment(alignment(*align))
        });
        table.add_row(cells);
    }
    format!("{}\n", table.trim_fmt())
}

fn plain_table(colour: bool) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    // Decided by the caller: what this process writes to need not be where it is read.
    table.force_no_tty();
    if colour {
        table.enforce_styling();
    }
    table.set_width(COLUMNS_MAX);
    table
}

fn cell(text: &str, tone: Tone) -> Cell {
    let cell = Cell::new(printable(text));
    match tone {
        Tone::Plain => cell,
        Tone::Good => cell.fg(Color::Green),
        Tone::Warn => cell.fg(Color::Yellow),
        Tone::Bad => cell.fg(Color::Red).add_attribute(Attribute::Bold),
        Tone::Muted => cell.add_attribute(Attribute::Dim),
    }
}

fn alignment(align: Align) -> CellAlignment {
    match align {
        Align::Left => CellAlignment::Left,
        Align::Right => CellAlignment::Right,
    }
}

/// Printable text, cut where it would be wider than `columns_max`.
fn fitted(text: &str, columns_max: usize) -> String {
    let text = printable(text);
    match text.chars().count() {
        n if n <= columns_max => text,
        _ => text.chars().take(columns_max - 1).chain(['…']).collect(),
    }
}

pub(crate) fn bold(text: &str, colour: bool) -> String {
    if colour { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
}

fn paint(text: &str, tone: Tone, colour: bool) -> String {
    let code = match tone {
        Tone::Good => "1;32",
        Tone::Warn => "1;33",
        Tone::Bad => "1;31",
        Tone::Plain | Tone::Muted => "2",
    };
    if colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

#[cfg(test)]
mod tests;

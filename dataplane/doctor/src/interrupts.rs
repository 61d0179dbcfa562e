//! `/proc/interrupts` and `/proc/softirqs`: how often each CPU was interrupted, and by what.
//!
//! Both are tables of a column for each online CPU, named in the first line, and a row for each
//! source. Some rows (`ERR`, `MIS`) have one number for the whole machine, and are left out.

use serde::Serialize;
use std::collections::BTreeMap;

/// A name is cut here.
const WHAT_CHARS_MAX: usize = 60;

/// One source, and how often it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// The kernel's name for it: `LOC`, `36`, `TIMER`.
    pub id: String,
    /// The same for people: the device, or the kernel's description.
    pub what: String,
    /// How often.
    pub count: u64,
}

/// A whole table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    cpus: Vec<usize>,
    rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    id: String,
    what: String,
    counts: Vec<u64>,
}

impl Table {
    /// Reads a table; lines that are none of it are left out.
    pub fn parse(text: &str) -> Table {
        let mut lines = text.lines();
        let head = lines.next().unwrap_or_default();
        let cpu = |word: &str| word.strip_prefix("CPU")?.parse().ok();
        let cpus: Vec<usize> = head.split_whitespace().map_while(cpu).collect();
        let rows = lines.filter_map(|line| Row::parse(line, cpus.len())).collect();
        Table { cpus, rows }
    }

    /// What came to `cpu` since `earlier`, the most frequent first; sources that were silent are
    /// left out, and so is one whose count went back, as when a driver was loaded anew.
    pub fn since(&self, earlier: &Table, cpu: usize) -> Vec<Taken> {
        let before: BTreeMap<&str, u64> = earlier
            .rows
            .iter()
            .filter_map(|row| Some((row.id.as_str(), earlier.at(row, cpu)?)))
            .collect();
        let taken = |row: &Row| {
            let count =
                self.at(row, cpu)?.saturating_sub(*before.get(row.id.as_str()).unwrap_or(&0));
            (count > 0).then(|| Taken { id: row.id.clone(), what: row.what.clone(), count })
        };
        let mut all: Vec<Taken> = self.rows.iter().filter_map(taken).collect();
        all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.id.cmp(&b.id)));
        all
    }

    /// Whether there is a column for `cpu`.
    pub fn has(&self, cpu: usize) -> bool {
        self.cpus.contains(&cpu)
    }

    fn at(&self, row: &Row, cpu: usize) -> Option<u64> {
        let column = self.cpus.iter().position(|&id| id == cpu)?;
        row.counts.get(column).copied()
    }
}

impl Row {
    fn parse(line: &str, columns: usize) -> Option<Row> {
        let (id, rest) = line.split_once(':')?;
        let mut words = rest.split_whitespace().peekable();
        let mut counts = Vec::with_capacity(columns);
        while counts.len() < columns
            && let Some(count) = words.peek().and_then(|word| word.parse().ok())
        {
            counts.push(count);
            words.next();
        }
        let id = id.trim();
        if id.is_empty() || counts.len() < columns {
            return None;
        }
        let words: Vec<&str> = words.collect();
        // Of a device's row the last word is its name; before it stand chip, line and trigger.
        let is_device = id.bytes().all(|byte| byte.is_ascii_digit());
        let what = if is_device {
            words.last().map_or(id, |name| name).to_owned()
        } else {
            words.join(" ")
        };
        Some(Row {
            id: crate::host::printable(id, 16),
            what: crate::host::printable(&what, WHAT_CHARS_MAX),
            counts,
        })
    }
}

/// Of all sources together.
pub fn total(taken: &[Taken]) -> u64 {
    taken.iter().fold(0, |sum, one| sum.saturating_add(one.count))
}

/// As `LOC 250, 36 (virtio1-req.0) 3`, the most frequent ones alone.
pub fn told(taken: &[Taken], most: usize) -> String {
    let one = |taken: &Taken| match taken.id.as_str() {
        id if id.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{id} ({}) {}", taken.what, taken.count)
        }
        id => format!("{id} {}", taken.count),
    };
    let mut names: Vec<String> = taken.iter().take(most).map(one).collect();
    if taken.len() > most {
        names.push(format!("{} more", taken.len() - most));
    }
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BEFORE: &str = "\
           CPU0       CPU2
 24:          1          0  IO-APIC   5-edge      ACPI:Ged
 36:          0      54182 PCI-MSIX-0000:00:02.0   1-edge      virtio1-req.0
LOC:      15722      17370   Local timer interrupts
ERR:          0
 99:          7
";

    #[test]
    fn counts_are_of_the_columns_cpu_and_since_the_earlier_look() {
        let after = BEFORE.replace("54182", "54185").replace("17370", "17620");
        let (before, after) = (Table::parse(BEFORE), Table::parse(&after));
        let taken = after.since(&before, 2);
        assert_eq!(told(&taken, 9), "LOC 250, 36 (virtio1-req.0) 3");
        assert_eq!(told(&taken, 1), "LOC 250, 1 more");
        assert_eq!((total(&taken), taken[0].what.as_str()), (253, "Local timer interrupts"));
        assert!(after.since(&before, 0).is_empty() && after.since(&before, 1).is_empty());
        assert!(before.has(2) && !before.has(1));
        // Backwards is silence, not a huge number.
        assert!(before.since(&after, 2).is_empty());
    }

    #[test]
    fn softirqs_have_the_same_form() {
        let table = Table::parse("   CPU0  CPU1\n  HI:  0  0\n  TIMER:  10051  10733\n");
        let taken = table.since(&Table::default(), 1);
        assert_eq!(told(&taken, 9), "TIMER 10733");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(
            text in "\\PC*",
            bytes in prop::collection::vec(any::<u8>(), 0..400),
        ) {
            let one = Table::parse(&text);
            let two = Table::parse(&String::from_utf8_lossy(&bytes));
            let _ = two.since(&one, 0);
        }

        #[test]
        fn nor_does_a_table_with_some_of_it_damaged(at in 0..BEFORE.len(), byte in any::<u8>()) {
            let mut bytes = BEFORE.as_bytes().to_vec();
            bytes[at] = byte;
            let table = Table::parse(&String::from_utf8_lossy(&bytes));
            let _ = told(&table.since(&Table::parse(BEFORE), 2), 3);
        }
    }
}

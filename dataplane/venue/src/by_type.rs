//! Counting by ITCH message type.

use telemetry::CounterTable;

/// A counter for each type that ITCH 5.0 has; other bytes count together.
#[derive(Debug)]
pub struct ByType(CounterTable);

impl Default for ByType {
    fn default() -> Self {
        let name = |kind: usize| {
            let known = wire::itch::TYPES.iter().find(|t| usize::from(t.0) == kind);
            known.map_or("", |t| t.1)
        };
        ByType(CounterTable::new("itch", (0..128).map(name)))
    }
}

impl ByType {
    /// Counts a message by its first byte.
    #[inline]
    pub fn add(&self, message: &[u8]) {
        if let Some(&kind) = message.first() {
            self.0.inc(usize::from(kind));
        }
    }

    /// Types that were seen: letter, name, count, in the order of ITCH's table.
    pub fn seen(&self) -> impl Iterator<Item = (char, &'static str, u64)> + '_ {
        wire::itch::TYPES
            .iter()
            .map(|(kind, name, _)| (char::from(*kind), *name, self.0.get(usize::from(*kind))))
            .filter(|(_, _, count)| *count > 0)
    }

    /// Everything counted.
    pub fn total(&self) -> u64 {
        self.0.total()
    }
}

//! What the venue's operator has said beforehand: commands, each at its time.

use types::Operation;

/// When a command is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nanoseconds since midnight.
    At(u64),
    /// Nanoseconds since the venue's start.
    After(u64),
}

/// The commands of a day.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    entries: Vec<(Due, Operation)>,
    /// When each is due, in ns since midnight; sorted once the start is known.
    due: Vec<(u64, Operation)>,
    next: usize,
}

impl Schedule {
    /// These commands; those due at one time in their order here.
    pub fn new(entries: Vec<(Due, Operation)>) -> Schedule {
        Schedule { entries, due: Vec::new(), next: 0 }
    }

    /// The venue starts now. What was due at an earlier time of the day is due at once: a venue
    /// that starts late stands where it would have stood.
    pub fn begin(&mut self, now_ns: u64) {
        self.due = self.entries.iter().map(|(due, what)| (due.at(now_ns), *what)).collect();
        self.due.sort_by_key(|(at, _)| *at);
        self.next = 0;
    }

    /// The first `done` commands were carried out before.
    pub fn skip(&mut self, done: usize) {
        self.next = done;
    }

    /// The next command, if it is due.
    #[inline]
    pub fn next(&mut self, now_ns: u64) -> Option<Operation> {
        let (at, operation) = *self.due.get(self.next)?;
        if now_ns < at {
            return None;
        }
        self.next += 1;
        Some(operation)
    }
}

impl Due {
    fn at(self, start_ns: u64) -> u64 {
        match self {
            Due::At(ns) => ns,
            Due::After(ns) => start_ns.saturating_add(ns),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_comes_once_and_in_order() {
        let mut day = Schedule::new(vec![
            (Due::After(50), Operation::Breaker { level: 2 }),
            (Due::At(120), Operation::Breaker { level: 1 }),
            (Due::At(10), Operation::Clock),
        ]);
        day.begin(100);
        assert_eq!(day.next(100), Some(Operation::Clock), "long due");
        assert_eq!(day.next(119), None);
        assert_eq!(day.next(200), Some(Operation::Breaker { level: 1 }));
        assert_eq!(day.next(200), Some(Operation::Breaker { level: 2 }));
        assert_eq!(day.next(u64::MAX), None);
        day.begin(100);
        day.skip(2);
        assert_eq!(day.next(200), Some(Operation::Breaker { level: 2 }), "the others are done");
    }
}

//! One check's answer.

use serde::{Deserialize, Serialize};

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum State {
    /// As it should be.
    #[serde(rename = "ok")]
    Ok,
    /// Not as it should be: the host is not fit.
    #[serde(rename = "wrong")]
    Wrong,
    /// Set for the next boot, so not yet: the host is not fit.
    #[serde(rename = "reboot")]
    Reboot,
    /// Worse than it could be, and no verdict: what would mend it is another line's.
    #[serde(rename = "warn")]
    Warn,
    /// A figure without a verdict.
    #[serde(rename = "noted")]
    Noted,
    /// This machine, kernel or user has no such thing, or may not look at it.
    #[serde(rename = "not offered here")]
    NotOffered,
}

impl State {
    /// Every state, the worst first.
    pub const ALL: [State; 6] =
        [State::Wrong, State::Reboot, State::Warn, State::Noted, State::NotOffered, State::Ok];

    /// Its name, as in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Wrong => "wrong",
            State::Reboot => "reboot",
            State::Warn => "warn",
            State::Noted => "noted",
            State::NotOffered => "not offered here",
        }
    }

    /// Whether a host with such a line is not fit to trade.
    pub const fn is_unfit(self) -> bool {
        matches!(self, State::Wrong | State::Reboot)
    }
}

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Section {
    /// Provisioning's own verdicts ([`crate::verify`]).
    Plan,
    /// Settings that lcores feel ([`crate::settings`]).
    Host,
    /// What takes a CPU away ([`crate::jitter`]).
    Jitter,
    /// The time stamp counters ([`crate::clock`]).
    Tsc,
    /// How long memory takes ([`crate::latency`]).
    Memory,
    /// A running appliance ([`crate::appliance`]).
    Appliance,
}

impl Section {
    /// Every section, in the order in which they are told.
    pub const ALL: [Section; 6] = [
        Section::Plan,
        Section::Host,
        Section::Jitter,
        Section::Tsc,
        Section::Memory,
        Section::Appliance,
    ];
}

/// One check's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What it is about.
    pub section: Section,
    /// Its name, the same in every run.
    pub id: String,
    /// The same for people.
    pub what: String,
    /// How it came out.
    pub state: State,
    /// What there is.
    pub found: String,
    /// What there should be.
    pub wanted: String,
    /// The command that makes it so; empty where nothing is to be done, or no command does it.
    pub mend: String,
}

impl Line {
    /// A line that says nothing yet.
    pub fn new(section: Section, id: impl Into<String>, what: impl Into<String>) -> Line {
        Line {
            section,
            id: id.into(),
            what: what.into(),
            state: State::Noted,
            found: String::new(),
            wanted: String::new(),
            mend: String::new(),
        }
    }

    /// What there should be.
    #[must_use]
    pub fn wanted(mut self, wanted: impl Into<String>) -> Line {
        self.wanted = wanted.into();
        self
    }

    /// As it should be.
    #[must_use]
    pub fn ok(self, found: impl Into<String>) -> Line {
        self.with(State::Ok, found.into(), String::new())
    }

    /// Not as it should be.
    #[must_use]
    pub fn wrong(self, found: impl Into<String>, mend: impl Into<String>) -> Line {
        self.with(State::Wrong, found.into(), mend.into())
    }

    /// Worse than it could be.
    #[must_use]
    pub fn warn(self, found: impl Into<String>, mend: impl Into<String>) -> Line {
        self.with(State::Warn, found.into(), mend.into())
    }

    /// A figure.
    #[must_use]
    pub fn noted(self, found: impl Into<String>) -> Line {
        self.with(State::Noted, found.into(), String::new())
    }

    /// Not to be had here, and why.
    #[must_use]
    pub fn not_offered(self, why: impl Into<String>) -> Line {
        self.with(State::NotOffered, why.into(), String::new())
    }

    /// Not to be had here, why, and how it would be.
    #[must_use]
    pub fn not_offered_but(self, why: impl Into<String>, how: impl Into<String>) -> Line {
        self.with(State::NotOffered, why.into(), how.into())
    }

    fn with(self, state: State, found: String, mend: String) -> Line {
        Line { state, found, mend, ..self }
    }
}

/// Whether any of them keeps the host from being fit.
pub fn is_unfit(lines: &[Line]) -> bool {
    lines.iter().any(|line| line.state.is_unfit())
}

/// How many lines there are in each state, the worst first.
pub fn counts(lines: &[Line]) -> [(State, usize); 6] {
    State::ALL.map(|state| (state, lines.iter().filter(|line| line.state == state).count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_have_one_name_everywhere_and_two_make_a_host_unfit() {
        for state in State::ALL {
            let json = serde_json::to_string(&state).unwrap();
            assert_eq!(json, format!("{:?}", state.name()));
            assert_eq!(serde_json::from_str::<State>(&json).unwrap(), state);
        }
        let line = || Line::new(Section::Host, "swap", "swap").wanted("none");
        let fit = [line().ok("none"), line().warn("x", "y"), line().not_offered("z")];
        assert!(!is_unfit(&fit));
        assert!(is_unfit(&[line().wrong("1", "swapoff -a")]));
        assert_eq!(counts(&fit).iter().map(|(_, n)| n).sum::<usize>(), 3);
    }
}

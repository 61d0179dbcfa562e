//! What a drill found, as text and as JSON.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::Harm;
use super::process::Said;
use super::rounds::read_report;

/// What must be zero, as the probers count it.
const WRONG: [&str; 5] = ["lost", "passed_over", "repeated", "out_of_turn", "changed"];

/// One time that the leader was taken away. Times in ns; after `began_ns`, but for itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Round {
    /// When, since midnight.
    pub(super) began_ns: u64,
    /// Who led.
    pub(super) leader: usize,
    /// Who leads now.
    pub(super) successor: usize,
    /// Until another node missed it.
    detected_ns: Option<u64>,
    /// Until another node was elected.
    elected_ns: Option<u64>,
    /// Until another node served.
    serving_ns: Option<u64>,
    /// Until a client had an answer from it; the last client.
    answered_ns: Option<u64>,
}

impl Round {
    /// One that begins now.
    pub(super) fn new(began_ns: u64, leader: usize) -> Round {
        Round { began_ns, leader, ..Round::default() }
    }

    /// Takes in what was said meanwhile.
    pub(super) fn note(&mut self, said: &Said, old: usize) {
        let what = &said.what;
        if let Some(to_ns) = what["to_ns"].as_u64() {
            self.answered_ns = self.answered_ns.max(to_ns.checked_sub(self.began_ns));
        }
        let after = what["at_ns"].as_u64().and_then(|at| at.checked_sub(self.began_ns));
        let Some(after) = after.filter(|_| said.process != old) else { return };
        match (what["role"].as_str(), what["standing"].as_str()) {
            (Some("precandidate" | "candidate"), _) => _ = self.detected_ns.get_or_insert(after),
            (Some("leaderelect" | "leader"), _) => {
                self.detected_ns.get_or_insert(after);
                // The last who was: an election may be lost again.
                if what["role"] == "leaderelect" || self.elected_ns.is_none() {
                    self.elected_ns = Some(after);
                }
            }
            (_, Some("serving")) => self.serving_ns = Some(after),
            _ => {}
        }
    }

    fn to_json(&self) -> Value {
        json!({
            "leader": self.leader, "successor": self.successor,
            "detected_ns": self.detected_ns, "elected_ns": self.elected_ns,
            "serving_ns": self.serving_ns, "answered_ns": self.answered_ns,
        })
    }
}

/// A time of a round, where there is one.
type Time = fn(&Round) -> Option<u64>;

/// See the module.
#[derive(Debug)]
pub(super) struct Report {
    harm: Harm,
    nodes: u64,
    pub(super) rounds: Vec<Round>,
    orders: u64,
    sent_again: u64,
    shares: [u64; 2],
    wrong: [u64; WRONG.len()],
    read_twice: bool,
    feed_gaps: u64,
    feed_messages: u64,
    /// State hashes of nodes that had enacted as much as the most.
    states: Vec<String>,
}

impl Report {
    pub(super) fn new(harm: Harm, nodes: u64) -> Report {
        Report {
            harm,
            nodes,
            rounds: Vec::new(),
            orders: 0,
            sent_again: 0,
            shares: [0; 2],
            wrong: [0; WRONG.len()],
            read_twice: true,
            feed_gaps: 0,
            feed_messages: 0,
            states: Vec::new(),
        }
    }

    /// Adds what the probers found.
    pub(super) fn read_room(&mut self, dir: &Path) -> Result<()> {
        let report = read_report(dir)?;
        for (at, prober) in ["buyer", "seller"].iter().enumerate() {
            let role = role(&report, prober)?;
            let count = |group: &str, name: &str| counter(role, group, name);
            self.orders += count("prober", "orders");
            self.sent_again += count("prober", "sent_again");
            self.shares[at] = count("prober", "shares_executed");
            self.read_twice &= count("prober", "read_twice") == 1;
            for (wrong, name) in self.wrong.iter_mut().zip(WRONG) {
                *wrong += count("prober", name);
            }
            self.feed_gaps += count("watch", "missing");
            self.feed_messages += count("watch", "delivered");
        }
        Ok(())
    }

    /// Adds what a node ended with.
    pub(super) fn read_node(&mut self, dir: &Path) -> Result<()> {
        let report = read_report(dir)?;
        let notes = role(&report, "venue")?["notes"].as_array().cloned().unwrap_or_default();
        let note = notes.iter().filter_map(Value::as_str).find(|n| n.starts_with("node "));
        let state = note.and_then(|note| note.split_once("committed, ")).map(|(_, state)| state);
        self.states.push(state.unwrap_or("no state").to_owned());
        Ok(())
    }

    fn states_agree(&self) -> bool {
        self.states.windows(2).all(|pair| pair[0] == pair[1])
    }

    /// Whether nothing was lost, repeated or changed.
    pub(super) fn is_clean(&self) -> bool {
        self.wrong == [0; WRONG.len()]
            && self.read_twice
            && self.feed_gaps == 0
            && self.shares[0] == self.shares[1]
            && self.states_agree()
    }

    pub(super) fn to_json(&self) -> Value {
        let mut wrong = serde_json::Map::new();
        for (name, value) in WRONG.iter().zip(self.wrong) {
            wrong.insert((*name).into(), value.into());
        }
        let times = |of: Time| {
            let sorted = self.sorted(of);
            json!({"min_ns": sorted.first(), "median_ns": sorted.get(sorted.len() / 2),
                   "max_ns": sorted.last()})
        };
        json!({
            "harm": format!("{:?}", self.harm).to_lowercase(),
            "nodes": self.nodes,
            "cpus": std::thread::available_parallelism().map_or(1, usize::from),
            "rounds": self.rounds.iter().map(Round::to_json).collect::<Vec<_>>(),
            "detected": times(|round| round.detected_ns),
            "elected": times(|round| round.elected_ns),
            "serving": times(|round| round.serving_ns),
            "answered": times(|round| round.answered_ns),
            "orders": self.orders, "sent_again": self.sent_again,
            "shares_bought": self.shares[0], "shares_sold": self.shares[1],
            "wrong": wrong, "read_twice": self.read_twice,
            "feed_messages": self.feed_messages, "feed_missing": self.feed_gaps,
            "states": self.states, "clean": self.is_clean(),
        })
    }

    fn sorted(&self, of: Time) -> Vec<u64> {
        let mut times: Vec<u64> = self.rounds.iter().filter_map(of).collect();
        times.sort_unstable();
        times
    }

    pub(super) fn to_text(&self) -> String {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let mut text = format!(
            "{:?}, {} rounds, {} nodes, {} polling threads on {cpus} CPUs\n\n\
             {:<34}{:>12}{:>12}{:>12}\n",
            self.harm,
            self.rounds.len(),
            self.nodes,
            self.nodes + 1,
            "since the leader was taken away, ms",
            "least",
            "median",
            "most",
        );
        let times: [(&str, Time); 4] = [
            ("missed by another node", |round| round.detected_ns),
            ("a successor elected", |round| round.elected_ns),
            ("the successor serves", |round| round.serving_ns),
            ("every client has an answer", |round| round.answered_ns),
        ];
        for (name, of) in times {
            let sorted = self.sorted(of);
            let at = |index: usize| sorted.get(index).map_or(f64::NAN, |ns| *ns as f64 / 1e6);
            let (middle, last) = (sorted.len() / 2, sorted.len().saturating_sub(1));
            text += &format!("{name:<35}{:>12.1}{:>12.1}{:>12.1}\n", at(0), at(middle), at(last));
        }
        text += &format!(
            "\norders {}, sent again {}, shares bought {} and sold {}\n",
            self.orders, self.sent_again, self.shares[0], self.shares[1]
        );
        for (name, value) in WRONG.iter().zip(self.wrong) {
            text += &format!("{} {value}, ", name.replace('_', " "));
        }
        text += &format!(
            "feed messages {}, missing {}\nread a second time: {}; states: {}\n{}\n",
            self.feed_messages,
            self.feed_gaps,
            if self.read_twice { "the same" } else { "not to the end" },
            self.states.join(" | "),
            if self.is_clean() { "clean" } else { "NOT CLEAN" },
        );
        text
    }
}

fn role<'r>(report: &'r Value, name: &str) -> Result<&'r Value> {
    let roles = report["roles"].as_array().into_iter().flatten();
    roles.into_iter().find(|role| role["name"] == name).with_context(|| format!("no role {name}"))
}

fn counter(role: &Value, group: &str, name: &str) -> u64 {
    let counters = role["counters"].as_array().into_iter().flatten();
    counters
        .filter(|counter| counter["group"] == group && counter["name"] == name)
        .filter_map(|counter| counter["value"].as_u64())
        .sum()
}

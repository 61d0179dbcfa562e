//! The prompt: testpmd's commands, as people type them.
//!
//! [`parse`] reads a line into an [`Ask`], or says what is wrong with it: which word is none, what
//! it may have been meant to be, and what is possible there. [`Console`] does what is asked, and
//! [`Lines`] is where lines come from.

mod execute;
mod grammar;
mod lines;

use thiserror::Error;

pub(crate) use execute::{Change, Console, Driven, Outcome, PortChange};
pub(crate) use grammar::Topic;
use grammar::{PATTERNS, Pattern, Said, Token};
pub(crate) use lines::{Line, Lines, notice};

/// The longest line that is read; one that is longer is a mistake, not a command.
pub(crate) const LINE_BYTES_MAX: usize = 256;
/// How like a word must be to what is known to be worth a guess.
const LIKENESS_LEAST: f64 = 0.7;

/// Which ports a command is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// Every port of the run.
    All,
    /// The port of this number.
    One(u16),
}

/// What is looked at of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PortView {
    /// What it is.
    Info,
    /// What the device counted.
    Stats,
    /// What the driver counted by its own names.
    Xstats,
}

/// What is looked at of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Config {
    /// Streams by lcore.
    Forward,
    /// Bursts, queues, descriptors.
    RxTx,
    /// CPUs.
    Cores,
}

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Nothing: an empty line, or a comment.
    Nothing,
    /// Forward, after so many bursts out of each transmit queue.
    Start {
        /// Bursts that are sent ahead.
        tx_first: u64,
    },
    /// Forward no more.
    Stop,
    /// End the run.
    Quit,
    /// Tell the commands, or those of one subject.
    Help(Option<Topic>),
    /// Show a port.
    ShowPort(PortView, Which),
    /// Show what was forwarded.
    ShowForward,
    /// Show how it is configured.
    ShowConfig(Config),
    /// Show what happened.
    ShowEvents,
    /// Show quantiles.
    ShowLatency,
    /// Count what is forwarded from nothing.
    ClearForward,
    /// Change how frames go.
    Change(Change),
    /// Change ports.
    ChangePort(PortChange, Which),
}

/// Why a line is no command.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum Misread {
    /// There is no such command.
    #[error("there is no command `{line}`{}", did_you_mean(nearest))]
    Unknown {
        /// The line.
        line: String,
        /// What it may have been meant to be.
        nearest: Option<String>,
    },
    /// A word is none that can stand where it does.
    #[error("`{word}` cannot follow `{before}`: {}{}", choice(next), did_you_mean(nearest))]
    Word {
        /// What comes before it, which is right.
        before: String,
        /// The word.
        word: String,
        /// What can stand there.
        next: Vec<String>,
        /// What it may have been meant to be.
        nearest: Option<String>,
    },
    /// More is needed.
    #[error("`{line}` is not complete: {}", choice(next))]
    Incomplete {
        /// The line.
        line: String,
        /// What can come next.
        next: Vec<String>,
    },
    /// It was complete before.
    #[error("`{command}` is complete: `{rest}` is too much")]
    TooMuch {
        /// The command.
        command: String,
        /// What came after it.
        rest: String,
    },
    /// It is longer than any command.
    #[error("a line has at most {LINE_BYTES_MAX} bytes, this one has {bytes}")]
    TooLong {
        /// Its bytes.
        bytes: usize,
    },
}

fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or(String::new(), |known| format!("; did you mean `{known}`?"))
}

fn choice(next: &[String]) -> String {
    match next {
        [one] => format!("next comes {one}"),
        several => format!("next comes one of {}", several.join(", ")),
    }
}

/// Reads a line. Never panics, whatever is in it.
///
/// # Errors
/// What is wrong with it, and what would be right.
pub(crate) fn parse(line: &str) -> Result<Ask, Misread> {
    if line.len() > LINE_BYTES_MAX {
        return Err(Misread::TooLong { bytes: line.len() });
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    if words.first().is_none_or(|word| word.starts_with('#')) {
        return Ok(Ask::Nothing);
    }
    let mut live: Vec<(&Pattern, Said)> = PATTERNS.iter().map(|p| (p, Said::default())).collect();
    for (at, word) in words.iter().enumerate() {
        let before = live.clone();
        live.retain_mut(|(pattern, said)| {
            pattern.tokens.get(at).is_some_and(|token| token.take(word, said))
        });
        if live.is_empty() {
            return Err(wrong_word(&words, at, &before));
        }
    }
    let complete = live.iter().find(|(pattern, _)| pattern.tokens.len() == words.len());
    match complete {
        Some((pattern, said)) => Ok((pattern.ask)(said)),
        None => Err(Misread::Incomplete { line: words.join(" "), next: next(&live, words.len()) }),
    }
}

/// What is wrong with the word at `at`, which none of those that were `live` takes.
fn wrong_word(words: &[&str], at: usize, live: &[(&Pattern, Said)]) -> Misread {
    if at == 0 {
        let line = words.join(" ");
        let first = PATTERNS.iter().flat_map(|pattern| pattern.tokens[0].words());
        let nearest = nearest(words[0], first.map(str::to_owned))
            .or_else(|| nearest(&line, PATTERNS.iter().map(Pattern::shown)));
        return Misread::Unknown { nearest, line };
    }
    let before = words[..at].join(" ");
    let next = next(live, at);
    if next.is_empty() {
        return Misread::TooMuch { command: before, rest: words[at..].join(" ") };
    }
    let known = live.iter().filter_map(|(pattern, _)| pattern.tokens.get(at));
    let known = known.flat_map(|token| token.words()).map(str::to_owned);
    let nearest = nearest(words[at], known);
    Misread::Word { before, word: words[at].to_owned(), next, nearest }
}

/// What can stand at `at`, each told once.
fn next(live: &[(&Pattern, Said)], at: usize) -> Vec<String> {
    let mut next = Vec::new();
    for token in live.iter().filter_map(|(pattern, _)| pattern.tokens.get(at)) {
        let told = match token {
            Token::Which => vec!["all".to_owned(), "a port's number".to_owned()],
            Token::Number(name, least, most) => vec![format!("{name}, {least} to {most}")],
            token => token.words().into_iter().map(str::to_owned).collect(),
        };
        for one in told {
            if !next.contains(&one) {
                next.push(one);
            }
        }
    }
    next
}

/// The most like of those that are known, if it is like it at all.
fn nearest(word: &str, known: impl Iterator<Item = String>) -> Option<String> {
    let word = word.to_lowercase();
    let likeness = |known: &str| match known.starts_with(&word) {
        // A start of it says as much as likeness does.
        true => 1.0,
        false => strsim::normalized_damerau_levenshtein(&word, known),
    };
    let scored = known.map(|known| (likeness(&known), known));
    let best = scored.reduce(|best, one| if one.0 > best.0 { one } else { best })?;
    (best.0 >= LIKENESS_LEAST).then_some(best.1)
}

/// The words that can follow a line's whole words and begin as its last one does, for completion.
pub(crate) fn completions(line: &str) -> Vec<&'static str> {
    let mut words: Vec<&str> = line.split_whitespace().collect();
    let last = if line.ends_with(char::is_whitespace) { "" } else { words.pop().unwrap_or("") };
    let mut found = Vec::new();
    for pattern in PATTERNS {
        let mut said = Said::default();
        let mut tokens = pattern.tokens.iter();
        let fits = words.iter().all(|w| tokens.next().is_some_and(|t| t.take(w, &mut said)));
        let Some(token) = tokens.next().filter(|_| fits) else { continue };
        for word in token.words() {
            if word.starts_with(last) && !found.contains(&word) {
                found.push(word);
            }
        }
    }
    found
}

/// The commands, or those of one subject.
pub(crate) fn help(topic: Option<Topic>) -> String {
    let mut text = String::new();
    for (name, subject) in Topic::ALL {
        if topic.is_some_and(|asked| asked != subject) {
            continue;
        }
        text.push_str(&format!("\n{name}:\n"));
        for pattern in PATTERNS.iter().filter(|pattern| pattern.topic == subject) {
            text.push_str(&format!("  {:<31} {}\n", pattern.shown(), pattern.help));
        }
    }
    if topic.is_none_or(|asked| asked == Topic::Config) {
        text.push_str(&format!("\nmodes: {}\n", Token::Forward.words().join(" ")));
    }
    text
}

#[cfg(test)]
mod tests;

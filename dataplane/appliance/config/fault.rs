//! What is wrong with a configuration, and how it is told: place, key, value, remedy.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// How much of a value a message repeats.
const SHOWN_CHARS_MAX: usize = 60;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {reason}; give the path of a configuration, such as config/quickstart.toml",
        path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// The file is not UTF-8.
    #[error("{}: byte {offset} is not UTF-8; a configuration is a TOML text", path.display())]
    NotText {
        /// Which.
        path: PathBuf,
        /// Of the first byte that is not.
        offset: usize,
    },
    /// It says what cannot be.
    #[error("{0}")]
    Wrong(Faults),
}

/// All that is wrong, in the file's order; never empty.
#[derive(Debug)]
pub(crate) struct Faults(Vec<String>);

impl fmt::Display for Faults {
    /// One fault as it is; several numbered, a line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = self.0.as_slice() {
            return f.write_str(only);
        }
        write!(f, "{} errors:", self.0.len())?;
        self.0.iter().enumerate().try_for_each(|(i, fault)| write!(f, "\n  {}. {fault}", i + 1))
    }
}

/// One thing that is wrong.
#[derive(Debug)]
pub(super) struct Fault {
    /// The bytes of the file that say it.
    pub(super) span: Range<usize>,
    /// The key's path, as `venue[0].itch.mtu`; empty where the place says it.
    pub(super) key: String,
    /// Whether the value may be repeated.
    pub(super) secret: bool,
    /// What is wrong, and what would be right.
    pub(super) problem: String,
}

impl Fault {
    fn tell(&self, text: &str, path: &Path) -> String {
        let (line, column) = line_column(text, self.span.start);
        let place = format!("{}:{line}:{column}", path.display());
        let value = text.get(self.span.clone()).unwrap_or_default();
        match (self.key.as_str(), shown(value)) {
            ("", _) => format!("{place}: {}", self.problem),
            (key, Some(value)) if !self.secret => {
                format!("{place}: {key} = {value}: {}", self.problem)
            }
            (key, _) => format!("{place}: {key}: {}", self.problem),
        }
    }
}

/// Puts faults in the file's order; `Ok` when there are none.
pub(super) fn judge(mut faults: Vec<Fault>, text: &str, path: &Path) -> Result<(), ConfigError> {
    if faults.is_empty() {
        return Ok(());
    }
    faults.sort_by_key(|fault| fault.span.start);
    Err(ConfigError::Wrong(Faults(faults.iter().map(|fault| fault.tell(text, path)).collect())))
}

/// What the TOML parser or serde refused.
pub(super) fn from_toml(error: &toml::de::Error, text: &str, path: &Path) -> ConfigError {
    let span = error.span().unwrap_or(0..0);
    let problem = reworded(error.message());
    // A password that is no text would be repeated here; a key's name alone tells enough.
    let key = key_before(text, span.start);
    let secret = key.ends_with("password");
    let fault = Fault { problem, span, key, secret };
    ConfigError::Wrong(Faults(vec![fault.tell(text, path)]))
}

/// The key whose value starts at a byte: serde does not say. Empty where there is none, as when
/// the key itself is what is wrong.
fn key_before(text: &str, start: usize) -> String {
    let before = text.get(..start).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    let Some(left) = line.trim_end().strip_suffix('=') else { return String::new() };
    let key = left.rsplit(['{', ',']).next().unwrap_or_default().trim();
    let bare = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if key.chars().all(bare) { key.to_owned() } else { String::new() }
}

/// serde's words in ours. It hands on a key it does not know as text alone: what it found and what
/// it knows stand in backticks, the first of them being what it found. Words we do not recognise
/// are passed on as they are.
pub(super) fn reworded(message: &str) -> String {
    let mut ticked = message.split('`').skip(1).step_by(2);
    let found = ticked.next().unwrap_or_default();
    let known: Vec<&str> = ticked.collect();
    let what = match message {
        m if m.starts_with("unknown field") => "key",
        m if m.starts_with("unknown variant") => "value",
        m if m.starts_with("missing field") => {
            return format!("the key `{found}` is missing here");
        }
        _ => return plainly(message),
    };
    let hint = nearest(found, known.iter().copied());
    let hint = hint.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    format!("unknown {what} `{}`; {hint}known here: {}", shorten(found), known.join(", "))
}

/// Rust's names of types in words.
fn plainly(message: &str) -> String {
    let mut text = message.to_owned();
    for (rust, plain) in [
        ("expected i64", "expected a whole number"),
        ("expected f64", "expected a number"),
        ("expected a sequence", "expected a list"),
        ("expected struct ", "expected a table as "),
        ("floating point", "number"),
    ] {
        text = text.replace(rust, plain);
    }
    text
}

/// The candidate most like `word`, when any is like it at all.
pub(super) fn nearest<'c>(
    word: &str,
    candidates: impl Iterator<Item = &'c str>,
) -> Option<&'c str> {
    // Long words are not compared: the cost is their product, and nobody means them.
    let word = word.get(..64).unwrap_or(word).to_lowercase();
    candidates
        .map(|candidate| (strsim::jaro_winkler(&word, &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness >= 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// `; did you mean "x"?`, or the list of what there is, or that there is nothing.
pub(crate) fn hint(word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None if known.is_empty() => "there are none".into(),
        None => format!("there are: {}", shorten(&known.join(", "))),
    }
}

/// A value as it stands in the file, if it is short enough to be repeated on one line.
fn shown(value: &str) -> Option<String> {
    let value = value.trim();
    (!value.is_empty() && !value.contains('\n')).then(|| shorten(value))
}

/// Cuts a text to what fits a message, without control characters.
pub(super) fn shorten(text: &str) -> String {
    let mut short: String =
        text.chars().take(SHOWN_CHARS_MAX).map(|c| if c.is_control() { '?' } else { c }).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        short.push_str("...");
    }
    short
}

/// Line and column of a byte, both from 1; columns count characters.
fn line_column(text: &str, offset: usize) -> (usize, usize) {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

//! One output line: a JSON object built part by part in buffers that are used again for the next.
//!
//! The layout is that of Python's `json.dumps`: `, ` and `: ` between parts, and ASCII only.

use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::ops::Range;

/// The fields of one object, in the order in which their keys first came.
#[derive(Debug, Default)]
pub(super) struct Fields {
    entries: Vec<(&'static str, Range<usize>)>,
    text: String,
}

impl Fields {
    /// Sets a field. A key that is there keeps its place and takes the new value.
    pub(super) fn set(&mut self, key: &'static str, value: impl fmt::Display) {
        let start = self.text.len();
        // Writing to a String cannot fail.
        let _ = write!(self.text, "{value}");
        let range = start..self.text.len();
        match self.entries.iter_mut().find(|(there, _)| *there == key) {
            Some((_, old)) => *old = range,
            None => self.entries.push((key, range)),
        }
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.text.clear();
    }

    fn write(&self, out: &mut String) {
        out.push('{');
        for (at, (key, range)) in self.entries.iter().enumerate() {
            if at > 0 {
                out.push_str(", ");
            }
            out.push('"');
            out.extend(key.chars().filter(|c| *c != '_'));
            out.push_str("\": ");
            quote(self.text.get(range.clone()).unwrap_or_default(), out);
        }
        out.push('}');
    }
}

/// A line under way.
#[derive(Debug, Default)]
pub(super) struct Line {
    header: String,
    messages: Option<String>,
    skipped: Option<String>,
    error: Option<String>,
    fields: Fields,
    out: String,
}

impl Line {
    /// Sets the header from the fields that `fill` gives.
    pub(super) fn header(&mut self, fill: impl FnOnce(&mut Fields)) {
        self.fields.clear();
        fill(&mut self.fields);
        self.header.clear();
        self.fields.write(&mut self.header);
    }

    /// Marks the packet as market data, even when it brings no message.
    pub(super) fn market(&mut self) {
        self.messages.get_or_insert_default();
    }

    /// Adds a message from the fields that `fill` gives.
    pub(super) fn message(&mut self, fill: impl FnOnce(&mut Fields)) {
        self.fields.clear();
        fill(&mut self.fields);
        let messages = self.messages.get_or_insert_default();
        if !messages.is_empty() {
            messages.push_str(", ");
        }
        self.fields.write(messages);
    }

    /// Says why the packet is not decoded.
    pub(super) fn skip(&mut self, why: fmt::Arguments<'_>) {
        self.skipped = Some(why.to_string());
    }

    /// Says what is wrong. The first error stands: later ones mostly follow from it.
    pub(super) fn fail(&mut self, what: fmt::Arguments<'_>) {
        self.error.get_or_insert_with(|| what.to_string());
    }

    /// Whether the line has an error.
    pub(super) const fn failed(&self) -> bool {
        self.error.is_some()
    }

    /// Writes the line and begins the next.
    pub(super) fn write(&mut self, file: &str, packet: u64, to: &mut dyn Write) -> io::Result<()> {
        let out = &mut self.out;
        out.clear();
        out.push_str("{\"file\": ");
        quote(file, out);
        let _ = write!(out, ", \"packet\": {packet}");
        if !self.header.is_empty() {
            let _ = write!(out, ", \"header\": {}", self.header);
        }
        if let Some(messages) = &self.messages {
            let _ = write!(out, ", \"messages\": [{messages}]");
        }
        for (key, text) in [("skipped", &self.skipped), ("error", &self.error)] {
            if let Some(text) = text {
                let _ = write!(out, ", \"{key}\": ");
                quote(text, out);
            }
        }
        out.push_str("}\n");
        self.header.clear();
        (self.messages, self.skipped, self.error) = (None, None, None);
        to.write_all(self.out.as_bytes())
    }
}

/// Appends `text` as a JSON string of ASCII.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            ' '..='~' => out.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

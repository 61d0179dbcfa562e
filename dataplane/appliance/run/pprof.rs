//! Heap profiles in pprof's form: a gzipped protobuf `Profile`, as `go tool pprof` and its like
//! read it. The fields are those of github.com/google/pprof, proto/profile.proto; what we have no
//! use for is left out.
//!
//! A run with `--heap-profile DIR` leaves three: what was live when it became hot (`before.pb.gz`),
//! what was live when it was over (`after.pb.gz`), and the one less the other (`difference.pb.gz`).

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use heapwatch::profile::{LiveStack, live};
use prost::Message;
use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// An allocation is sampled about once every so many bytes.
const EVERY_BYTES: usize = 512;

#[derive(Clone, PartialEq, Message)]
struct ValueType {
    #[prost(int64, tag = "1")]
    kind: i64,
    #[prost(int64, tag = "2")]
    unit: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    /// Innermost first.
    #[prost(uint64, repeated, tag = "1")]
    location_id: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    value: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct Line {
    #[prost(uint64, tag = "1")]
    function_id: u64,
    #[prost(int64, tag = "2")]
    line: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Location {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(uint64, tag = "3")]
    address: u64,
    #[prost(message, repeated, tag = "4")]
    line: Vec<Line>,
}

#[derive(Clone, PartialEq, Message)]
struct Function {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
    #[prost(int64, tag = "4")]
    filename: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Profile {
    #[prost(message, repeated, tag = "1")]
    sample_type: Vec<ValueType>,
    #[prost(message, repeated, tag = "2")]
    sample: Vec<Sample>,
    #[prost(message, repeated, tag = "4")]
    location: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    function: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    string_table: Vec<String>,
    #[prost(message, optional, tag = "11")]
    period_type: Option<ValueType>,
    #[prost(int64, tag = "12")]
    period: i64,
}

/// A profile under way: text and places are told once each.
#[derive(Default)]
struct Builder {
    profile: Profile,
    texts: HashMap<String, i64>,
    locations: HashMap<usize, u64>,
}

impl Builder {
    fn new() -> Builder {
        let mut builder = Builder::default();
        builder.text("");
        let (space, bytes) = (builder.text("inuse_space"), builder.text("bytes"));
        let (objects, count) = (builder.text("inuse_objects"), builder.text("count"));
        builder.profile.sample_type =
            vec![ValueType { kind: objects, unit: count }, ValueType { kind: space, unit: bytes }];
        builder.profile.period_type = Some(ValueType { kind: space, unit: bytes });
        builder.profile.period = EVERY_BYTES as i64;
        builder
    }

    fn text(&mut self, text: &str) -> i64 {
        if let Some(at) = self.texts.get(text) {
            return *at;
        }
        let at = self.profile.string_table.len() as i64;
        self.profile.string_table.push(text.to_owned());
        self.texts.insert(text.to_owned(), at);
        at
    }

    /// The place of a return address, its inlined functions told.
    fn location(&mut self, address: usize) -> u64 {
        if let Some(id) = self.locations.get(&address) {
            return *id;
        }
        let id = self.profile.location.len() as u64 + 1;
        self.locations.insert(address, id);
        let mut found = Vec::new();
        // It looks one back by itself: for the instruction that called, not the one behind it.
        backtrace::resolve(address as *mut _, |symbol| {
            let name = symbol.name().map_or_else(|| "?".to_owned(), |name| format!("{name:#}"));
            let file = symbol.filename().map(|file| file.display().to_string()).unwrap_or_default();
            found.push((name, file, symbol.lineno().unwrap_or(0)));
        });
        let line = found.iter().map(|(name, file, line)| {
            let (name, filename) = (self.text(name), self.text(file));
            let function_id = self.profile.function.len() as u64 + 1;
            self.profile.function.push(Function { id: function_id, name, filename });
            Line { function_id, line: i64::from(*line) }
        });
        let line = line.collect();
        self.profile.location.push(Location { id, address: address as u64, line });
        id
    }

    fn stack(&mut self, frames: &[usize], samples: i64, bytes: i64) {
        let location_id = frames.iter().map(|frame| self.location(*frame)).collect();
        self.profile.sample.push(Sample { location_id, value: vec![samples, bytes] });
    }

    fn write(self, path: &Path) -> Result<()> {
        let mut zipped = GzEncoder::new(Vec::new(), Compression::default());
        zipped.write_all(&self.profile.encode_to_vec()).context("compressing a heap profile")?;
        let bytes = zipped.finish().context("compressing a heap profile")?;
        fs::write(path, bytes).with_context(|| format!("heap profile {}", path.display()))
    }
}

/// The heap at two moments of a run.
#[derive(Debug)]
pub(super) struct HeapProfile {
    folder: PathBuf,
    before: Vec<LiveStack>,
    after: Vec<LiveStack>,
}

impl HeapProfile {
    /// Begins to sample; the folder is made.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub(super) fn start(folder: &Path) -> Result<HeapProfile> {
        fs::create_dir_all(folder)
            .with_context(|| format!("heap profiles in {}", folder.display()))?;
        heapwatch::profile::start(EVERY_BYTES);
        Ok(HeapProfile { folder: folder.to_owned(), before: Vec::new(), after: Vec::new() })
    }

    /// The run is hot.
    pub(super) fn before(&mut self) {
        self.before = live();
    }

    /// The hot part is over.
    pub(super) fn after(&mut self) {
        self.after = live();
    }

    /// Bytes that are live at the end and were not at the beginning, by stacks that grew; and less
    /// those of stacks that shrank.
    pub(super) fn grown_bytes(&self) -> i64 {
        self.differences().iter().map(|(_, _, bytes)| bytes).sum()
    }

    fn differences(&self) -> Vec<(&[usize], i64, i64)> {
        let mut sums: HashMap<&[usize], (i64, i64)> = HashMap::new();
        for (stacks, sign) in [(&self.after, 1), (&self.before, -1)] {
            for stack in stacks {
                let sum = sums.entry(&stack.frames).or_default();
                sum.0 += sign * stack.samples as i64;
                sum.1 += sign * stack.bytes as i64;
            }
        }
        let mut all: Vec<_> =
            sums.into_iter().map(|(frames, (n, bytes))| (frames, n, bytes)).collect();
        all.retain(|(_, samples, bytes)| *samples != 0 || *bytes != 0);
        all.sort_by_key(|(frames, _, bytes)| (-bytes, *frames));
        all
    }

    /// Writes the three files.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn write(&self) -> Result<()> {
        for (name, stacks) in [("before", &self.before), ("after", &self.after)] {
            let mut builder = Builder::new();
            for stack in stacks {
                builder.stack(&stack.frames, stack.samples as i64, stack.bytes as i64);
            }
            builder.write(&self.folder.join(format!("{name}.pb.gz")))?;
        }
        let mut builder = Builder::new();
        for (frames, samples, bytes) in self.differences() {
            builder.stack(frames, samples, bytes);
        }
        builder.write(&self.folder.join("difference.pb.gz"))
    }
}

#[cfg(test)]
mod tests;

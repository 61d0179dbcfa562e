//! `peregrine journal verify|dump|stat|export DIR`: a journal, read and never changed; and
//! `peregrine journal snapshot CONFIG`, which adds a snapshot to it.
//!
//! # Output
//! * `verify`: a line a segment, and one at the end. Each segment is read by itself, so that damage
//!   in one does not hide what is in another.
//! * `dump`: a line a record: segment, offset, sequence, epoch, time and the command, for people.
//! * `export`: the same as JSON lines, for programs (`journal/lines.rs`).
//! * `stat`: whose it is, how much there is of what, and where it ends.
//!
//! # Exit status
//! 0 when all was whole, a torn tail among it; 1 when something is damaged; 2 when there is no
//! journal there.

mod lines;

use std::fmt::Write as _;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ::journal::{End, Entry, HardState, Journal, Place, Verdict};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};

use crate::cli;
use crate::config::Config;
use crate::run;

/// Why a journal cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalRefused {
    /// The folder has no segment.
    #[error("{}: no journal: a folder with segment-0000000001.journal or later ones", .0.display())]
    None(PathBuf),
    /// It is of a venue that decides otherwise.
    #[error(
        "its day was begun under another configuration, which would have made other answers of the \
         same messages: go on with that one until the day is closed, or begin another folder"
    )]
    OtherConfiguration,
}

/// Arguments of `journal`.
#[derive(Args, Debug)]
pub(crate) struct JournalArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub(crate) what: What,
}

/// What to do with a journal.
#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// Read every segment, check every record, and name what is damaged
    Verify(Folder),
    /// Print records as text
    Dump(Range),
    /// Say whose it is, how much there is of what, and where it ends
    Stat(Folder),
    /// Print records as JSON lines
    Export(Range),
    /// Make a snapshot of each venue's journal, from its closed segments
    Snapshot(Configuration),
}

/// Which venues.
#[derive(Args, Debug)]
pub(crate) struct Configuration {
    /// The venue's configuration file
    #[arg(value_name = "CONFIG")]
    pub(crate) config: PathBuf,
}

/// Which journal.
#[derive(Args, Debug)]
pub(crate) struct Folder {
    /// The journal's folder
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
}

/// Which records of a journal.
#[derive(Args, Debug)]
pub(crate) struct Range {
    /// The journal's folder
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// The first sequence
    #[arg(long, value_name = "SEQUENCE", default_value_t = 1)]
    pub(crate) from: u64,
    /// So many records at most
    #[arg(long, value_name = "N", default_value_t = u64::MAX, hide_default_value = true)]
    pub(crate) count: u64,
}

/// Runs the command.
///
/// # Errors
/// No journal there, damage to what was asked for, or standard output that cannot be written.
pub(crate) fn look(args: &JournalArgs) -> Result<ExitCode> {
    match &args.what {
        What::Verify(folder) => verify(&folder.dir),
        What::Dump(range) => print_records(range, &lines::text),
        What::Stat(folder) => stat(&open(&folder.dir)?),
        What::Export(range) => print_records(range, &lines::json),
        What::Snapshot(of) => snapshot(&Config::load(&of.config)?),
    }
}

/// Makes snapshots; the venues may be running, and only what their closed segments tell is in them.
fn snapshot(config: &Config) -> Result<ExitCode> {
    for venue in &config.venues {
        let Some(journal) = &venue.journal else { continue };
        let made = run::snapshot(venue, journal);
        let made = made.with_context(|| format!("venue {:?}", venue.name))?;
        cli::print(&match made {
            Some(sequence) => format!("venue {:?}: snapshot behind input {sequence}\n", venue.name),
            None => format!("venue {:?}: nothing new in closed segments\n", venue.name),
        })?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The journal of whoever the first segment says.
fn open(dir: &Path) -> Result<Journal> {
    let owner = Journal::owner(dir)?.ok_or_else(|| JournalRefused::None(dir.into()))?;
    Ok(Journal::open(dir, owner)?)
}

fn verify(dir: &Path) -> Result<ExitCode> {
    let (mut segments, mut wrong, mut records) = (0_u64, 0_u64, 0_u64);
    let mut written = Ok(());
    Journal::verify(dir, |verdict| {
        segments += 1;
        wrong += u64::from(verdict.result.is_err());
        records += verdict.result.as_ref().map_or(0, |held| held.records);
        if written.is_ok() {
            written = cli::print(&verdict_line(&verdict));
        }
    })?;
    written?;
    if segments == 0 {
        return Err(JournalRefused::None(dir.into()).into());
    }
    let told = match wrong {
        0 => format!("whole: {records} records in {segments} segments\n"),
        _ => format!("WRONG: {wrong} of {segments} segments\n"),
    };
    cli::print(&told)?;
    Ok(ExitCode::from(u8::from(wrong > 0)))
}

fn verdict_line(verdict: &Verdict) -> String {
    let held = match &verdict.result {
        // It names the file itself.
        Err(error) => return format!("WRONG   {error}\n"),
        Ok(held) => held,
    };
    let (path, first) = (verdict.path.display(), held.first_sequence);
    let held_text = match held.records {
        0 => "no records".to_owned(),
        records => format!("{records} records, sequence {first} to {}", held.next_sequence - 1),
    };
    let end = match held.end {
        End::Closed => "closed".to_owned(),
        End::Open => "not closed".to_owned(),
        End::Torn { offset, stray: None } => format!("torn tail cut at offset {offset}"),
        End::Torn { offset, stray: Some(stray) } => {
            format!("torn tail cut at offset {offset}, stray bytes from offset {stray}")
        }
    };
    format!("whole   {path}: {held_text}, {end}\n")
}

fn stat(journal: &Journal) -> Result<ExitCode> {
    let mut kinds = lines::Kinds::default();
    let (mut first, mut last) = (None, None);
    let from = journal.segments().first().map_or(1, |segment| segment.header.first_sequence);
    let recovered = journal.replay(from, |entry| {
        let Entry { sequence, epoch, now, payload } = entry;
        first.get_or_insert((*sequence, *epoch, *now));
        last = Some((*sequence, *epoch, *now));
        kinds.count(payload);
    })?;
    let mut out = String::new();
    if let Some(segment) = journal.segments().first() {
        let _ = writeln!(out, "journal of    {}", segment.header.identity);
    }
    let segments = journal.segments();
    let _ = writeln!(out, "segments      {}", segments.len());
    let _ = writeln!(out, "records       {}", recovered.records);
    for (kind, count) in kinds.counted() {
        let _ = writeln!(out, "  {kind:12}{count}");
    }
    if let (Some(first), Some(last)) = (first, last) {
        let _ = writeln!(out, "sequence      {} to {}", first.0, last.0);
        let _ = writeln!(out, "epoch         {} to {}", first.1, last.1);
        let _ = writeln!(out, "time          {} to {} ns since midnight", first.2, last.2);
    }
    if let Some(HardState { term, vote, commit }) = recovered.hard_state {
        let _ = writeln!(out, "hard state    term {term}, vote {vote}, commit {commit}");
    }
    let _ = writeln!(out, "chain         {}", recovered.chain);
    if let Some(torn) = recovered.torn {
        let path = torn.path.display();
        let _ = writeln!(out, "torn tail     {path}: cut at offset {}", torn.offset);
    }
    cli::print(&out)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints a range of records, a line each.
fn print_records(
    range: &Range,
    line: &dyn Fn(Place<'_>, &Entry<'_>) -> String,
) -> Result<ExitCode> {
    let journal = open(&range.dir)?;
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let (mut left, mut written) = (range.count, Ok(()));
    journal.dump(range.from, |place, entry| {
        if left == 0 {
            return ControlFlow::Break(());
        }
        left -= 1;
        written = writeln!(out, "{}", line(place, entry));
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    match written.and_then(|()| out.flush()) {
        // Who closed the pipe has seen enough.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot write the records")
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

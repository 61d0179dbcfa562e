//! `peregrine decode FILE…`: what a capture or an ITCH file says, one JSON line a packet.
//!
//! Why it exists: to see what crossed the wire, with the same codecs that trade. The lines have the
//! form in which Open Markets Initiative's dissectors, run under tshark, were written down for
//! `tests/data/decoded.jsonl`, and the tests hold each of those captures to it.
//!
//! # Input
//! pcap (both byte orders, microseconds and nanoseconds), pcapng (section headers, interfaces,
//! enhanced and simple packets; the rest is passed over) and ITCH files (`length[2] message`),
//! plain or gzip, told apart by their first bytes. `-` is standard input. A file is streamed:
//! memory does not grow with it.
//!
//! # Output
//! ```text
//! {"file": "a.pcap", "packet": 1, "header": {…}, "messages": [{…}, …]}
//! ```
//! * `file` is the base name, `packet` counts from 1. Of an ITCH file each message is a packet.
//! * `header` is MoldUDP64's; SoupBinTCP has none, its fields stand with the message's.
//! * Keys are field names in lower case without underscores; values are text: prices as decimals
//!   without trailing zeros, text without trailing spaces. Empty text is left out, but a blank
//!   field of one byte is a value. A key that repeats in one message (optional fields) shows the
//!   last value. Messages that no sample capture shows follow the same rule; where the dissectors
//!   have names of their own (`locatecode`, `reason`, `rejectreasoncode`, …) those are used.
//! * An optional field with an unknown tag shows only its length and tag.
//! * A MoldUDP64 request (unicast, a header alone) has `requestedmessagecount` in its header. A
//!   sequenced message whose type and length are ITCH's and not OUCH's is shown as ITCH.
//! * `"skipped": "why"` stands on a packet which is not market data: ARP, a bare acknowledgment,
//!   IPv6, …
//! * `"error": "…"` names what was expected, what was found, and at which offset; what could be
//!   read before it is shown. Passwords in login requests are shown: they are on the wire.
//!
//! # Limits
//! At most [`flow::FLOWS_MAX`] TCP directions are followed at once, each holding back at most one
//! SoupBinTCP packet. Segments are taken in capture order: a repeat is skipped, a gap is an error,
//! after which reading begins anew. IP fragments are skipped, not reassembled.
//!
//! # Exit status
//! 0 when all was decoded, 1 when any line has an error, 2 when an argument cannot be used.

mod capture;
mod fields;
mod flow;
mod itch_file;
mod line;
mod packet;
mod source;

#[cfg(test)]
mod tests;

use anyhow::Context;
use line::Line;
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Exit status for arguments that cannot be used.
const UNUSABLE: u8 = 2;

/// Decode captures and ITCH files into JSON lines
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct DecodeArgs {
    /// pcap, pcapng or ITCH files, plain or gzip; `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Read only packets from or to this UDP or TCP port; may be given more than once
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Vec<u16>,
}

/// What a decoding met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Lines written.
    pub(crate) lines: u64,
    /// Lines that carry an error.
    pub(crate) errors: u64,
}

/// Runs the command: lines on standard output, unusable arguments on standard error.
///
/// # Errors
/// Standard output cannot be written. A reader that closed the pipe is not an error.
pub(crate) fn run(args: &DecodeArgs) -> anyhow::Result<ExitCode> {
    let mut unusable = false;
    for path in &args.files {
        if let Err(reason) = source::usable(path) {
            eprintln!("peregrine decode: {}: {reason}", path.display());
            unusable = true;
        }
    }
    if unusable {
        return Ok(ExitCode::from(UNUSABLE));
    }
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut errors = 0;
    for path in &args.files {
        let decoded = decode_path(path, &args.port, &mut out);
        match decoded.and_then(|summary| out.flush().map(|()| summary)) {
            Ok(summary) => errors += summary.errors,
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
            Err(error) => return Err(error).context("cannot write the decoded lines"),
        }
    }
    Ok(ExitCode::from(u8::from(errors > 0)))
}

fn decode_path(path: &Path, ports: &[u16], out: &mut dyn Write) -> io::Result<Summary> {
    let name = source::base_name(path);
    match source::open(path) {
        Ok(reader) => decode(&name, reader, ports, out),
        Err(error) => {
            let mut sink = Sink::new(&name, out);
            sink.fail_after(format_args!("cannot be opened: {error}"))?;
            Ok(sink.summary)
        }
    }
}

/// Decodes one input of any known kind. Empty `ports` means all.
///
/// # Errors
/// `out` cannot be written. What is wrong with the input becomes lines with an `error`.
pub(crate) fn decode(
    name: &str,
    reader: impl Read,
    ports: &[u16],
    out: &mut dyn Write,
) -> io::Result<Summary> {
    let mut sink = Sink::new(name, out);
    match source::sniff(reader) {
        Ok(source::Sniffed::Plain(kind, reader)) => decode_kind(kind, reader, ports, &mut sink)?,
        Ok(source::Sniffed::Gzip(reader)) => match source::sniff(reader) {
            Ok(source::Sniffed::Plain(kind, reader)) => {
                decode_kind(kind, reader, ports, &mut sink)?;
            }
            Ok(source::Sniffed::Gzip(_)) => {
                sink.fail_after(format_args!("at offset 0: gzip inside gzip is not read"))?;
            }
            Err(error) => sink.read_failed(0, &error)?,
        },
        Err(error) => sink.read_failed(0, &error)?,
    }
    Ok(sink.summary)
}

fn decode_kind(
    kind: source::Kind,
    reader: impl Read,
    ports: &[u16],
    sink: &mut Sink<'_>,
) -> io::Result<()> {
    let mut reader = source::Watched::new(reader);
    match kind {
        source::Kind::Pcap => capture::decode_pcap(&mut reader, ports, sink)?,
        source::Kind::PcapNg => capture::decode_pcapng(&mut reader, ports, sink)?,
        source::Kind::Itch => itch_file::decode(&mut reader, sink)?,
        source::Kind::Unknown(first) => sink.fail_after(format_args!(
            "at offset 0: neither pcap, pcapng, gzip nor ITCH (length[2] message), the first \
             bytes are {first:02x?}"
        ))?,
    }
    match reader.error() {
        Some(error) => sink.read_failed(reader.offset(), &error),
        None => Ok(()),
    }
}

/// Where lines go, and what was counted on the way.
struct Sink<'a> {
    file: &'a str,
    out: &'a mut dyn Write,
    line: Line,
    summary: Summary,
    /// Ordinal of the last packet written.
    packet: u64,
}

impl<'a> Sink<'a> {
    fn new(file: &'a str, out: &'a mut dyn Write) -> Sink<'a> {
        Sink { file, out, line: Line::default(), summary: Summary::default(), packet: 0 }
    }

    /// Writes the line under way as that of `packet`, and begins the next.
    fn finish(&mut self, packet: u64) -> io::Result<()> {
        self.packet = packet;
        self.summary.lines += 1;
        self.summary.errors += u64::from(self.line.failed());
        self.line.write(self.file, packet, &mut *self.out)
    }

    /// A line of its own for what is wrong with the input behind the last packet.
    fn fail_after(&mut self, what: std::fmt::Arguments<'_>) -> io::Result<()> {
        self.line.fail(what);
        self.finish(self.packet + 1)
    }

    fn read_failed(&mut self, offset: u64, error: &io::Error) -> io::Result<()> {
        self.fail_after(format_args!("reading failed at offset {offset}: {error}"))
    }
}

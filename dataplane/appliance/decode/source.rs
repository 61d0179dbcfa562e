//! Inputs: opening them, and telling by their first bytes what they are.

use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, Cursor, ErrorKind, Read};
use std::path::Path;
use wire::itch;

/// Bytes that tell an input's kind: enough for any magic number, and for an ITCH file's first type
/// byte.
const SNIFF_LEN: usize = 4;

/// What an input is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The classic capture format, in any of its byte orders.
    Pcap,
    /// The block-structured capture format.
    PcapNg,
    /// `length[2] message`.
    Itch,
    /// None of them; its first bytes.
    Unknown(Vec<u8>),
}

/// An input with its first bytes put back.
pub(super) type Rewound<R> = io::Chain<Cursor<Vec<u8>>, R>;

/// What sniffing found.
pub(super) enum Sniffed<R> {
    /// Not compressed.
    Plain(Kind, Rewound<R>),
    /// gzip; sniff again inside.
    Gzip(MultiGzDecoder<Rewound<R>>),
}

/// Why a path cannot be read at all, checked before anything is decoded.
pub(super) fn usable(path: &Path) -> io::Result<()> {
    if is_stdin(path) {
        return Ok(());
    }
    match File::open(path)?.metadata()?.is_dir() {
        true => Err(io::Error::from(ErrorKind::IsADirectory)),
        false => Ok(()),
    }
}

/// Opens a path, `-` being standard input.
pub(super) fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    if is_stdin(path) {
        return Ok(Box::new(io::stdin().lock()));
    }
    Ok(Box::new(File::open(path)?))
}

/// The name that lines carry.
pub(super) fn base_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Reads the first bytes, puts them back, and says what they begin.
pub(super) fn sniff<R: Read>(mut reader: R) -> io::Result<Sniffed<R>> {
    let mut first = Vec::with_capacity(SNIFF_LEN);
    reader.by_ref().take(SNIFF_LEN as u64).read_to_end(&mut first)?;
    let gzip = first.starts_with(&[0x1F, 0x8B]);
    let kind = kind(&first);
    let rewound = Cursor::new(first).chain(reader);
    Ok(match gzip {
        true => Sniffed::Gzip(MultiGzDecoder::new(rewound)),
        false => Sniffed::Plain(kind, rewound),
    })
}

fn kind(first: &[u8]) -> Kind {
    match first {
        [0xA1, 0xB2, 0xC3, 0xD4]
        | [0xD4, 0xC3, 0xB2, 0xA1]
        | [0xA1, 0xB2, 0x3C, 0x4D]
        | [0x4D, 0x3C, 0xB2, 0xA1] => Kind::Pcap,
        [0x0A, 0x0D, 0x0D, 0x0A] => Kind::PcapNg,
        [high, low, kind, ..]
            if itch::message_len(*kind) == Some(usize::from(u16::from_be_bytes([*high, *low]))) =>
        {
            Kind::Itch
        }
        other => Kind::Unknown(other.to_vec()),
    }
}

/// A reader that fills what it is given, counts, and remembers what went wrong.
///
/// The capture parsers take a short read for the end of a block and hide the cause of a failed one:
/// both are put right here. After a failure the input is at its end.
pub(super) struct Watched<R> {
    reader: R,
    offset: u64,
    error: Option<io::Error>,
}

impl<R> Watched<R> {
    pub(super) fn new(reader: R) -> Watched<R> {
        Watched { reader, offset: 0, error: None }
    }

    /// Bytes read.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Takes the failure that ended the input, if one did.
    pub(super) fn error(&mut self) -> Option<io::Error> {
        self.error.take()
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while self.error.is_none() {
            let Some(room) = to.get_mut(filled..).filter(|room| !room.is_empty()) else { break };
            match self.reader.read(room) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => self.error = Some(error),
            }
        }
        self.offset += filled as u64;
        Ok(filled)
    }
}

//! What the engine's files have in common: a header that tells what they are, and a seal.
//!
//! Layout, integers little endian: the magic (8 bytes), the version (4), the CRC-32 of every other
//! byte of the file (4), the number of bytes after the header (8), the number of things in them
//! (8), then an rkyv archive. The header is 32 bytes long so that an archive, which wants 16-byte
//! alignment, can be read where it lies in most buffers.
//!
//! Failure modes: a CRC-32 finds every flipped bit, every burst of up to 32 bits, and all but one
//! in 2^32 of other damages. It is no signature: whoever writes the file can write what they like,
//! so what lies behind it is checked as if there was none.

use rkyv::rancor::Error as RkyvError;
use rkyv::util::AlignedVec;

/// Bytes before the archive.
pub(crate) const HEADER_LEN: usize = 32;
const CHECKSUM_AT: usize = 12;
const ALIGNMENT: usize = 16;

/// Which file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) magic: [u8; 8],
    pub(crate) version: u32,
}

/// Why bytes are not a file that was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealedError {
    /// Too short, or another file.
    #[error("another kind of file, or its 32 bytes of header are not there")]
    Header,
    /// Written by another version of the program.
    #[error("version {found} of the file's format; this program reads {known}")]
    Version {
        /// The file's.
        found: u32,
        /// The only one that is read.
        known: u32,
    },
    /// Something is missing, or follows.
    #[error("damaged file: {found} bytes after the header, which says {expected}")]
    Length {
        /// Bytes there are.
        found: u64,
        /// Bytes announced.
        expected: u64,
    },
    /// The bytes are not those that were written.
    #[error("damaged file: checksum {found:#010x}, expected {expected:#010x}")]
    Checksum {
        /// What the bytes give.
        found: u32,
        /// What the header says.
        expected: u32,
    },
    /// The checksum is right and the archive is not: not written by this program.
    #[error("not an archive of this version: {0}")]
    Archive(String),
    /// The header and the archive disagree.
    #[error("damaged file: {found} things in the archive, the header says {expected}")]
    Count {
        /// In the archive.
        found: u64,
        /// Announced.
        expected: u64,
    },
}

impl From<RkyvError> for SealedError {
    fn from(error: RkyvError) -> SealedError {
        SealedError::Archive(error.to_string())
    }
}

/// A file's archive, its seal unbroken.
#[derive(Debug)]
pub(crate) struct Opened<'a> {
    archive: Archive<'a>,
    count: u64,
}

#[derive(Debug)]
enum Archive<'a> {
    InPlace(&'a [u8]),
    Copied(AlignedVec),
}

impl Opened<'_> {
    /// The archive's bytes, aligned.
    pub(crate) fn archive(&self) -> &[u8] {
        match &self.archive {
            Archive::InPlace(bytes) => bytes,
            Archive::Copied(bytes) => bytes,
        }
    }

    /// Holds the number of things found against the header's.
    pub(crate) fn expect(&self, found: usize) -> Result<(), SealedError> {
        let (found, expected) = (found as u64, self.count);
        if found == expected { Ok(()) } else { Err(SealedError::Count { found, expected }) }
    }
}

/// A buffer with room for a header, to write the archive after.
pub(crate) fn begin(capacity: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_LEN + capacity);
    bytes.resize(HEADER_LEN, 0);
    bytes
}

/// Writes the header of what [`begin`] began.
pub(crate) fn seal(kind: Kind, count: usize, bytes: &mut [u8]) {
    let Some((header, archive)) = bytes.split_first_chunk_mut::<HEADER_LEN>() else { return };
    header[..8].copy_from_slice(&kind.magic);
    header[8..CHECKSUM_AT].copy_from_slice(&kind.version.to_le_bytes());
    header[16..24].copy_from_slice(&(archive.len() as u64).to_le_bytes());
    header[24..].copy_from_slice(&(count as u64).to_le_bytes());
    let sum = checksum(header, archive);
    header[CHECKSUM_AT..16].copy_from_slice(&sum.to_le_bytes());
}

/// Checks the header and the seal. Copies the archive where the buffer is not aligned.
pub(crate) fn open(kind: Kind, bytes: &[u8]) -> Result<Opened<'_>, SealedError> {
    let (header, archive) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(SealedError::Header)?;
    if header[..8] != kind.magic {
        return Err(SealedError::Header);
    }
    let word = |at: usize| header[at..].first_chunk().map_or(0, |b| u32::from_le_bytes(*b));
    let long = |at: usize| header[at..].first_chunk().map_or(0, |b| u64::from_le_bytes(*b));
    let (found, known) = (word(8), kind.version);
    if found != known {
        return Err(SealedError::Version { found, known });
    }
    let (found, expected) = (archive.len() as u64, long(16));
    if found != expected {
        return Err(SealedError::Length { found, expected });
    }
    let (found, expected) = (checksum(header, archive), word(CHECKSUM_AT));
    if found != expected {
        return Err(SealedError::Checksum { found, expected });
    }
    let archive = if archive.as_ptr().addr().is_multiple_of(ALIGNMENT) {
        Archive::InPlace(archive)
    } else {
        let mut copy = AlignedVec::with_capacity(archive.len());
        copy.extend_from_slice(archive);
        Archive::Copied(copy)
    };
    Ok(Opened { archive, count: long(24) })
}

/// Of everything but itself.
fn checksum(header: &[u8; HEADER_LEN], archive: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&header[..CHECKSUM_AT]);
    crc.update(&header[CHECKSUM_AT + 4..]);
    crc.update(archive);
    crc.finalize()
}

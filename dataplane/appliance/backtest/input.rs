//! Reads recordings: `length[2] message`, plain or gzip, block by block.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::itch_files::ReadError;

/// Bytes read at once; above the longest message.
const BLOCK_BYTES: usize = 1 << 20;

/// Gives every message of a file to `each`, until that has enough (`Ok(false)`); whether it had.
///
/// # Errors
/// A file that cannot be read or is cut, or what `each` says.
pub(super) fn messages<E: From<ReadError>>(
    path: &Path,
    mut each: impl FnMut(&[u8]) -> Result<bool, E>,
) -> Result<bool, E> {
    let io = |source| ReadError::Io { path: path.to_owned(), source };
    let mut input = open(path)?;
    let (mut block, mut have, mut offset) = (vec![0; BLOCK_BYTES], 0, 0u64);
    loop {
        let read = loop {
            match input.read(&mut block[have..]) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                other => break other.map_err(io)?,
            }
        };
        have += read;
        let mut at = 0;
        while let Some(length) = block[at..have].first_chunk::<2>() {
            let end = at + 2 + usize::from(u16::from_be_bytes(*length));
            if end == at + 2 {
                let offset = offset + at as u64;
                return Err(ReadError::EmptyMessage { path: path.to_owned(), offset }.into());
            }
            if end > have {
                break;
            }
            if !each(&block[at + 2..end])? {
                return Ok(true);
            }
            at = end;
        }
        block.copy_within(at..have, 0);
        have -= at;
        offset += at as u64;
        if read == 0 {
            return if have == 0 {
                Ok(false)
            } else {
                Err(cut(path, offset, &block[..have]).into())
            };
        }
    }
}

fn open(path: &Path) -> Result<Box<dyn Read>, ReadError> {
    let io = |source| ReadError::Io { path: path.to_owned(), source };
    let mut magic = [0; 2];
    let is_gzip =
        File::open(path).map_err(io)?.read_exact(&mut magic).is_ok() && magic == [0x1f, 0x8b];
    let file = File::open(path).map_err(io)?;
    Ok(if is_gzip {
        Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 16, file)))
    } else {
        Box::new(file)
    })
}

fn cut(path: &Path, offset: u64, left: &[u8]) -> ReadError {
    let need = match left {
        [high, low, ..] => 2 + u64::from(u16::from_be_bytes([*high, *low])),
        _ => 2,
    };
    ReadError::Truncated { path: path.to_owned(), offset, missing: need - left.len() as u64 }
}

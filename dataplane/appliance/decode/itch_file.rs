//! ITCH files: `length[2] message`, one line a message.

use super::Sink;
use super::packet::itch_message;
use std::io::{self, BufRead, BufReader, Read};

/// Wrong messages in a row after which the framing is taken for lost.
const WRONG_MAX: u32 = 16;

/// Decodes an ITCH file.
pub(super) fn decode(reader: impl Read, sink: &mut Sink<'_>) -> io::Result<()> {
    // Room for the longest block, so that any is seen in one piece.
    let mut reader = BufReader::with_capacity(1 << 17, reader);
    let mut message = Vec::with_capacity(usize::from(u16::MAX));
    let (mut packet, mut offset, mut wrong) = (0u64, 0u64, 0);
    while !reader.fill_buf()?.is_empty() {
        packet += 1;
        let (have, want) = read_block(&mut reader, &mut message)?;
        if have < want {
            return sink.fail_after(format_args!(
                "message block at offset {offset} needs {want} bytes, {have} are left"
            ));
        }
        let place = offset + 2;
        itch_message(&mut sink.line, 1, &message, format_args!("offset {place}"));
        wrong = if sink.line.failed() { wrong + 1 } else { 0 };
        sink.finish(packet)?;
        offset += want as u64;
        if wrong == WRONG_MAX {
            return sink.fail_after(format_args!(
                "gave up at offset {offset}: {WRONG_MAX} wrong messages in a row"
            ));
        }
    }
    Ok(())
}

/// Reads a block as far as the input goes: bytes read, and bytes it should have had.
fn read_block(reader: &mut impl BufRead, message: &mut Vec<u8>) -> io::Result<(usize, usize)> {
    message.clear();
    let head = reader.by_ref().take(2).read_to_end(message)?;
    let Some(length) = message.first_chunk::<2>() else { return Ok((head, 2)) };
    let size = u16::from_be_bytes(*length);
    message.clear();
    let body = reader.take(u64::from(size)).read_to_end(message)?;
    Ok((head + body, 2 + usize::from(size)))
}

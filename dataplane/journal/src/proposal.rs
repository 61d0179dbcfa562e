//! An input and its stamp as bytes by themselves: what the nodes of a cluster agree on, before any
//! of them has a record of it.
//!
//! Layout: kind, 1 byte; stamp, 8; the payload, as a record of the kind has it (`codec.rs`).

use crate::codec::{self, PAYLOAD_BYTES_MAX};
use crate::record::Payload;
use types::{Input, Nanos};

const HEAD_BYTES: usize = 9;
/// The longest proposal.
pub const PROPOSAL_BYTES_MAX: usize = HEAD_BYTES + PAYLOAD_BYTES_MAX;

/// Writes an input to the front of `out`; its length. The optional fields of an order are
/// [`OPTIONAL_BYTES_MAX`](crate::OPTIONAL_BYTES_MAX) at most; `None` for more.
#[inline]
pub fn encode_proposal(
    stamp: Nanos,
    input: &Input<'_>,
    out: &mut [u8; PROPOSAL_BYTES_MAX],
) -> Option<usize> {
    if let Input::Command(_, echo) = input
        && echo.optional.len() > codec::OPTIONAL_BYTES_MAX
    {
        return None;
    }
    let (kind, len) = codec::encode(&Payload::Input(*input), &mut out[HEAD_BYTES..]);
    out[0] = kind;
    out[1..HEAD_BYTES].copy_from_slice(&stamp.0.to_le_bytes());
    Some(HEAD_BYTES + len)
}

/// Reads what [`encode_proposal`] wrote; `None` for anything else.
#[inline]
pub fn decode_proposal(bytes: &[u8]) -> Option<(Nanos, Input<'_>)> {
    let (kind, rest) = bytes.split_first()?;
    let (stamp, payload) = rest.split_first_chunk::<8>()?;
    match codec::decode(*kind, payload)? {
        Payload::Input(input) => Some((Nanos(u64::from_le_bytes(*stamp)), input)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::{Cancel, Command, Echo, Operation, Qty, SessionId, UserRef};

    #[test]
    fn an_input_comes_back_with_its_stamp() {
        let (session, user_ref) = (SessionId(3), UserRef(4));
        let cancel = Command::Cancel(Cancel { session, user_ref, qty: Qty(5) });
        let inputs = [
            Input::Command(cancel, Echo::default()),
            Input::operate(Operation::Clock),
            Input::Scheduled(Operation::Clock),
            Input::AccountQuery(session),
            Input::Close,
            Input::Nothing,
        ];
        for input in inputs {
            let mut bytes = [0; PROPOSAL_BYTES_MAX];
            let len = encode_proposal(Nanos(77), &input, &mut bytes).expect("short enough");
            assert_eq!(decode_proposal(&bytes[..len]), Some((Nanos(77), input)));
            assert_eq!(decode_proposal(&bytes[..len - 1]), None, "{input:?}, cut");
        }
        assert_eq!((decode_proposal(&[]), decode_proposal(&[255; 30])), (None, None));
    }
}

//! SoupBinTCP's numbers: ASCII digits, right-justified, padded with spaces on the left, twenty
//! bytes. Clients in the field pad on the right: that is read too, and never written.

/// A number's field.
pub type Number = [u8; 20];

/// Why a field is not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Spaces only.
    #[error("the number field is blank")]
    Blank,
    /// A byte that is neither padding nor a digit.
    #[error("byte {byte:#04x} at offset {offset} of the number field is not a digit")]
    NotDigit {
        /// From the field's first byte.
        offset: usize,
        /// The byte.
        byte: u8,
    },
    /// Above 18,446,744,073,709,551,615.
    #[error("the number does not fit 64 bits")]
    Overflow,
}

/// Reads spaces, then digits, then spaces up to the field's end.
///
/// # Errors
/// A blank field, a byte which is no digit after the padding, or a number above 64 bits.
pub fn parse(field: &[u8]) -> Result<u64, Error> {
    let start = field.iter().position(|&b| b != b' ').ok_or(Error::Blank)?;
    let end = field.iter().rposition(|&b| b != b' ').ok_or(Error::Blank)?;
    let mut number = 0u64;
    for (offset, &byte) in field.iter().enumerate().take(end + 1).skip(start) {
        if !byte.is_ascii_digit() {
            return Err(Error::NotDigit { offset, byte });
        }
        number = number
            .checked_mul(10)
            .and_then(|n| n.checked_add(u64::from(byte - b'0')))
            .ok_or(Error::Overflow)?;
    }
    Ok(number)
}

/// Writes a number; the largest has exactly twenty digits.
pub fn format(number: u64) -> Number {
    let mut field = [b' '; 20];
    let mut left = number;
    for byte in field.iter_mut().rev() {
        *byte = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    field
}

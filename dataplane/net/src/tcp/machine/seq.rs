//! Sequence numbers, which go round (RFC 9293, 3.4): all comparisons are of distances.

/// Whether `a` lies behind `b`, no more than half the numbers away.
#[inline]
pub(crate) fn before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

/// Whether `a` lies beyond `b`, no more than half the numbers away.
#[inline]
pub(crate) fn after(a: u32, b: u32) -> bool {
    before(b, a)
}

/// Whether `at` is one of the `len` numbers from `from` on.
#[inline]
pub(crate) fn within(at: u32, from: u32, len: u32) -> bool {
    at.wrapping_sub(from) < len
}

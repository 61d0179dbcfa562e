//! Who takes what a feed delivers.

use session::Gap;
use wire::moldudp64::Session;

/// Who takes what a [`crate::Feed`] delivers.
///
/// Order: a session's messages come in sequence, each once; [`FeedHandler::on_lost`] and
/// [`FeedHandler::on_snapshot_end`] say where numbers are left out.
pub trait FeedHandler {
    /// The message with this sequence number: a slice of its packet, or of what was held.
    fn on_message(&mut self, seq: u64, message: &[u8]);

    /// Messages are missing and what follows them is held back: what is known is old from here on.
    /// Called for each gap when it is noticed; at a late join for all before the first one heard.
    fn on_behind(&mut self, gap: Gap) {
        let _ = gap;
    }

    /// Nothing is missing any more (of what has not been told as lost).
    fn on_whole(&mut self) {}

    /// These will never come. Called before what follows them is delivered.
    fn on_lost(&mut self, gap: Gap) {
        let _ = gap;
    }

    /// Forget all books: the messages of a snapshot follow.
    fn on_snapshot_begin(&mut self) {}

    /// A message of the snapshot.
    fn on_snapshot_message(&mut self, message: &[u8]) {
        let _ = message;
    }

    /// The snapshot is whole; the next live message is `next_seq`, or later when some are lost.
    fn on_snapshot_end(&mut self, next_seq: u64) {
        let _ = next_seq;
    }

    /// A snapshot that had begun will not end: what it brought is not whole. Another one begins, or
    /// [`FeedHandler::on_lost`] tells that none will.
    fn on_snapshot_failed(&mut self) {}

    /// The first session, and each that replaces another.
    fn on_session(&mut self, session: &Session) {
        let _ = session;
    }

    /// The session is over, and all of it was delivered or told lost; `next_seq` is one more than
    /// its last sequence number. Called once a session.
    fn on_end_of_session(&mut self, next_seq: u64) {
        let _ = next_seq;
    }
}

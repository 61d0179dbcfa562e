//! What a member counts.

/// Since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Inputs proposed and enacted as leader.
    pub proposed: u64,
    /// Entries enacted because they were committed.
    pub followed: u64,
    /// Entries of its own that were enacted before, and then committed.
    pub confirmed: u64,
    /// Messages that came while it did not serve.
    pub not_serving: u64,
    /// Messages that came when there was no room for them.
    pub no_room: u64,
    /// Orders with more optional fields than an entry holds, rejected.
    pub too_long: u64,
    /// Committed entries that are no inputs that this program knows; they count as nothing.
    pub unreadable: u64,
    /// Times it began to serve.
    pub served: u64,
    /// Times it lost its lease while it served.
    pub muted: u64,
    /// Times it stopped serving.
    pub stood_down: u64,
    /// Times its state went another way than the log, and had to be made anew.
    pub diverged: u64,
    /// Times it took a snapshot's state.
    pub overtaken: u64,
    /// States that it was given and could not use.
    pub not_installed: u64,
    /// Times the quorum became slower than its bound.
    pub stalls: u64,
    /// Times it handed leadership over because it could not serve.
    pub handed_over: u64,
}

impl Counts {
    /// Each with its name in a report.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        [
            ("proposed", self.proposed),
            ("followed", self.followed),
            ("confirmed", self.confirmed),
            ("not_serving", self.not_serving),
            ("no_room", self.no_room),
            ("too_long", self.too_long),
            ("unreadable", self.unreadable),
            ("served", self.served),
            ("muted", self.muted),
            ("stood_down", self.stood_down),
            ("diverged", self.diverged),
            ("overtaken", self.overtaken),
            ("not_installed", self.not_installed),
            ("stalls", self.stalls),
            ("handed_over", self.handed_over),
        ]
        .into_iter()
    }
}

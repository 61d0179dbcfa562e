//! The accounts of a venue and their sessions, which outlive connections.
//!
//! Why it exists: fills arrive for clients that are away. An account's messages go into its store
//! whether anyone is connected or not, and a login is a place to read on from.
//!
//! Layout: one account is one user with one session; [`SessionId`] is its index. Users are looked
//! up by binary search in a sorted list, since a login may come from anyone at any rate.
//!
//! Policy: while a connection has the session and its client is heard, a second login is refused
//! with 'A' and counted, so two clients with the same credentials cannot throw each other out in
//! turns. A connection silent for longer than [`crate::ServerConfig::takeover_after_ns`] is taken
//! for one whose path died: the next login with the right password takes the session over. Each
//! login is a new generation of its session, and a connection of an older one sends nothing more.
//! Wrong passwords are rate-limited, see [`LoginLimiter`].
//!
//! Limits: 65,536 accounts; one store each, all taken at construction.

use crate::ask;
use crate::logins::{LoginLimiter, LoginLimits};
use crate::reason::{DisconnectCounters, DisconnectReason};
use crate::snapshot::{ImageWriter, SnapshotConfig, SnapshotImage};
use crate::soup::{is_name, trimmed};
use crate::store::{ReplayStore, StoreConfig, StoreError};
use core::fmt;
use types::SessionId;
use wire::soup::{LoginRequest, Session, text};

mod image;
#[cfg(test)]
mod tests;

/// What a login to an account reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccountKind {
    /// The messages appended to its session.
    #[default]
    Orders,
    /// A snapshot of the market, once, from its first message to its last.
    Snapshot,
}

/// One account, as configured.
#[derive(Clone)]
pub struct AccountConfig {
    /// At most 6 printable ASCII characters; case does not matter.
    pub user: String,
    /// At most 10 printable ASCII characters; case does not matter.
    pub password: String,
    /// The session's name, at most 10 printable ASCII characters.
    pub session: String,
    /// How much of the session is kept.
    pub store: StoreConfig,
}

impl fmt::Debug for AccountConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AccountConfig { user, session, store, .. } = self;
        f.debug_struct("AccountConfig")
            .field("user", user)
            .field("session", session)
            .field("store", store)
            .finish_non_exhaustive()
    }
}

/// Why the accounts cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionsError {
    /// A user that does not fit its field.
    #[error("account {index}: user {user:?} is not 1 to 6 printable ASCII characters")]
    User {
        /// Which account, from 0.
        index: usize,
        /// The user.
        user: String,
    },
    /// A password that does not fit its field. It is not repeated here.
    #[error("account {index}: the password is not 1 to 10 printable ASCII characters")]
    Password {
        /// Which account, from 0.
        index: usize,
    },
    /// A session name that does not fit its field.
    #[error("account {index}: session {session:?} is not 1 to 10 printable ASCII characters")]
    Session {
        /// Which account, from 0.
        index: usize,
        /// The session's name.
        session: String,
    },
    /// Two accounts of one user.
    #[error("user {user:?} has two accounts")]
    TwoAccounts {
        /// The user.
        user: String,
    },
    /// More accounts than a [`SessionId`] can name.
    #[error("{0} accounts, at most 65536 are possible")]
    TooMany(usize),
    /// A store that cannot be.
    #[error("account {index}: {source}")]
    Store {
        /// Which account, from 0.
        index: usize,
        /// Why.
        source: StoreError,
    },
}

/// A user's name as it is compared: upper case, padded.
type UserKey = [u8; 6];

struct Account {
    kind: AccountKind,
    password: [u8; 10],
    session: Session,
    store: ReplayStore,
    /// Whether a connection has the session.
    in_use: bool,
    /// Counts logins: only the latest connection has the session.
    generation: u32,
    /// When that connection's client was last heard.
    heard_ns: u64,
    /// Whether that connection reads the snapshot.
    reads_image: bool,
    /// Whether nothing more will come.
    ended: bool,
    /// The input that ended it.
    end_mark: u64,
}

/// All accounts and their sessions.
pub struct Sessions {
    accounts: Box<[Account]>,
    /// Sorted by user.
    by_user: Box<[(UserKey, SessionId)]>,
    disconnects: DisconnectCounters,
    logins: LoginLimiter,
    image: Option<SnapshotImage>,
    /// The input that is enacted: what is appended comes of it.
    input: u64,
    /// What came of inputs up to this may be sent.
    released: u64,
    stalled: bool,
}

/// A login request and its circumstances.
pub(crate) struct Knock<'a> {
    pub(crate) now_ns: u64,
    /// The client's IPv4 address, where the transport tells.
    pub(crate) from: Option<u32>,
    pub(crate) takeover_after_ns: u64,
    pub(crate) request: &'a LoginRequest,
}

/// A login that was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Admission {
    pub(crate) who: SessionId,
    pub(crate) generation: u32,
    /// Sequence number to read on from.
    pub(crate) first_seq: u64,
    /// Whether another connection had the session until now.
    pub(crate) took_over: bool,
    pub(crate) kind: AccountKind,
}

/// What a connection is sent.
#[derive(Clone, Copy)]
pub(crate) enum Outgoing<'a> {
    /// With what is released.
    Store(&'a ReplayStore, u64),
    /// Likewise.
    Image(&'a SnapshotImage, u64),
}

impl<'a> Outgoing<'a> {
    #[inline]
    pub(crate) fn get(self, seq: u64) -> Option<&'a [u8]> {
        match self {
            Outgoing::Store(store, through) => store.get_released(seq, through),
            Outgoing::Image(image, through) if image.is_held(through) => None,
            Outgoing::Image(image, _) => image.get(seq),
        }
    }

    #[inline]
    pub(crate) fn next_seq(self) -> u64 {
        match self {
            Outgoing::Store(store, _) => store.next_seq(),
            Outgoing::Image(image, _) => image.next_seq(),
        }
    }

    /// Whether there is something to be sent from `seq` on, or it is gone.
    #[inline]
    pub(crate) fn is_due(self, seq: u64) -> bool {
        match self {
            Outgoing::Store(store, through) => store.is_due(seq, through),
            Outgoing::Image(image, through) => seq < image.next_seq() && !image.is_held(through),
        }
    }

    /// Whether a message that is there is held.
    #[inline]
    pub(crate) fn is_held(self, seq: u64) -> bool {
        match self {
            Outgoing::Store(store, through) => store.is_held(seq, through),
            Outgoing::Image(image, through) => image.is_held(through),
        }
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("accounts", &self.accounts.len()).finish_non_exhaustive()
    }
}

impl Sessions {
    /// Takes all the memory the sessions will ever use. Ids are the indices of `configs`.
    pub fn new(configs: &[AccountConfig]) -> Result<Sessions, SessionsError> {
        if configs.len() > 1 << 16 {
            return Err(SessionsError::TooMany(configs.len()));
        }
        let mut accounts = Vec::with_capacity(configs.len());
        let mut by_user = Vec::with_capacity(configs.len());
        for (index, config) in configs.iter().enumerate() {
            accounts.push(Account::new(index, config)?);
            by_user.push((user_key(config.user.as_bytes()), SessionId(index as u16)));
        }
        by_user.sort_unstable();
        let twice = by_user.windows(2).find(|pair| pair[0].0 == pair[1].0);
        if let Some(&[(_, SessionId(index)), _]) = twice {
            let user = configs[usize::from(index)].user.clone();
            return Err(SessionsError::TwoAccounts { user });
        }
        Ok(Sessions {
            accounts: accounts.into_boxed_slice(),
            by_user: by_user.into_boxed_slice(),
            disconnects: DisconnectCounters::default(),
            logins: LoginLimiter::new(LoginLimits::default(), configs.len()),
            image: None,
            input: 0,
            released: u64::MAX,
            stalled: false,
        })
    }

    /// How often logins may fail, instead of the default. Takes memory: before the first login.
    pub fn set_login_limits(&mut self, limits: LoginLimits) {
        self.logins = LoginLimiter::new(limits, self.accounts.len());
    }

    /// What a login to the account reads, [`AccountKind::Orders`] unless said: before the first
    /// login. A snapshot account's own store is not used and may be of the smallest size.
    pub fn set_kind(&mut self, who: SessionId, kind: AccountKind) {
        if let Some(account) = self.accounts.get_mut(usize::from(who.0)) {
            account.kind = kind;
        }
    }

    /// Takes the memory for the snapshot: before the first login. Without it, logins to snapshot
    /// accounts are refused.
    pub fn enable_snapshots(&mut self, config: SnapshotConfig) {
        self.image = Some(SnapshotImage::new(config));
    }

    /// The snapshot, for its counters.
    pub fn snapshot(&self) -> Option<&SnapshotImage> {
        self.image.as_ref()
    }

    /// Who may try to log in, for its counters.
    pub fn logins(&self) -> &LoginLimiter {
        &self.logins
    }

    /// How many accounts there are.
    pub fn len(&self) -> usize {
        self.accounts.len()
    }

    /// Whether there is no account.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// Appends a sequenced message to a session, connected or not, and gives its sequence number.
    /// `None` when there is no such session of orders, it has ended, or the message is too long.
    #[inline]
    pub fn append(&mut self, who: SessionId, message: &[u8]) -> Option<u64> {
        self.append_with(who, message.len(), |room| {
            room.copy_from_slice(message);
            message.len()
        })
    }

    /// Like [`Sessions::append`], the message being written by `fill` where it will lie, in room of
    /// `len_max` bytes; `fill` says how many it used.
    #[inline]
    pub fn append_with(
        &mut self,
        who: SessionId,
        len_max: usize,
        fill: impl FnOnce(&mut [u8]) -> usize,
    ) -> Option<u64> {
        let input = self.input;
        self.live(who)?.store.append_marked(input, len_max, fill)
    }

    /// What is appended from here on comes of this input, and is held until it is released.
    #[inline]
    pub fn begin_input(&mut self, sequence: u64) {
        self.input = sequence;
    }

    /// What came of inputs up to `through` may be sent from here on: they are known to be kept,
    /// on this machine's disk or by a quorum. Without a call everything may.
    #[inline]
    pub fn release_through(&mut self, through: u64) {
        self.released = through;
    }

    /// Whether a session has a message that is not released.
    #[inline]
    pub fn holds_back(&self, who: SessionId) -> bool {
        self.outgoing(who).is_some_and(|out| out.is_held(out.next_seq() - 1))
            || self.accounts.get(usize::from(who.0)).is_some_and(|a| a.end_mark > self.released)
    }

    /// Whether nothing is released any more: clients are to notice by silence then, and get no
    /// heartbeats.
    pub fn set_stalled(&mut self, stalled: bool) {
        self.stalled = stalled;
    }

    #[inline]
    pub(crate) fn is_stalled(&self) -> bool {
        self.stalled
    }

    #[inline]
    fn live(&mut self, who: SessionId) -> Option<&mut Account> {
        self.accounts
            .get_mut(usize::from(who.0))
            .filter(|account| !account.ended && account.kind == AccountKind::Orders)
    }

    /// Asks memory for a session.
    #[inline]
    pub fn ask(&self, who: SessionId) {
        if let Some(account) = self.accounts.get(usize::from(who.0)) {
            ask(&account.store);
            ask(&account.kind);
            ask(&account.heard_ns);
        }
    }

    /// Asks memory for where the next message to a session that was asked for will be written.
    #[inline]
    pub fn ask_store(&self, who: SessionId) {
        if let Some(account) = self.accounts.get(usize::from(who.0)) {
            account.store.ask();
        }
    }

    /// A session's messages.
    #[inline]
    pub fn store(&self, who: SessionId) -> Option<&ReplayStore> {
        self.accounts.get(usize::from(who.0)).map(|account| &account.store)
    }

    /// A session's name, padded.
    pub fn name(&self, who: SessionId) -> Option<&Session> {
        self.accounts.get(usize::from(who.0)).map(|account| &account.session)
    }

    /// Whether a connection has the session.
    pub fn in_use(&self, who: SessionId) -> bool {
        self.accounts.get(usize::from(who.0)).is_some_and(|account| account.in_use)
    }

    /// Ends a session: nothing more can be appended, and a connection that has sent everything says
    /// so to its client and ends. Who missed something may still log in and read to the end.
    pub fn end(&mut self, who: SessionId) {
        if let Some(account) = self.accounts.get_mut(usize::from(who.0)) {
            (account.ended, account.end_mark) = (true, self.input);
        }
    }

    /// Ends all sessions.
    pub fn end_all(&mut self) {
        for account in &mut self.accounts {
            (account.ended, account.end_mark) = (true, self.input);
        }
    }

    /// Whether a session has ended.
    #[inline]
    pub fn is_ended(&self, who: SessionId) -> bool {
        self.accounts.get(usize::from(who.0)).is_none_or(|account| account.ended)
    }

    /// How connections to these sessions ended, refused logins included.
    pub fn disconnects(&self) -> &DisconnectCounters {
        &self.disconnects
    }

    pub(crate) fn count_disconnect(&mut self, reason: DisconnectReason) {
        self.disconnects.count(reason);
    }

    /// Checks a login and, if it may, gives the session to the caller's connection.
    pub(crate) fn login(&mut self, knock: &Knock<'_>) -> Result<Admission, DisconnectReason> {
        let Knock { now_ns, from, request, .. } = *knock;
        let key = user_key(&request.username);
        let found = self.by_user.binary_search_by_key(&key, |&(user, _)| user);
        let who = found.ok().and_then(|at| self.by_user.get(at)).map(|&(_, who)| who);
        let index = who.map(|SessionId(index)| usize::from(index));
        // Before the password is looked at: a refusal must not tell whether it was right.
        if !self.logins.allows(now_ns, from, index) {
            return Err(DisconnectReason::LoginThrottled);
        }
        let account = index.and_then(|index| self.accounts.get_mut(index));
        // Soup 2.3.1: user and password are padded on the right, and their case does not matter.
        let authorized =
            account.filter(|account| request.password.eq_ignore_ascii_case(&account.password));
        let (Some(who), Some(account)) = (who, authorized) else {
            self.logins.failed(now_ns, from, index);
            return Err(DisconnectReason::NotAuthorized);
        };
        account.admit(who, knock, self.released)
    }

    /// Gives the snapshot to a connection that was admitted to a snapshot account.
    pub(crate) fn acquire_image(
        &mut self,
        who: SessionId,
        now_ns: u64,
        fill: impl FnOnce(&mut ImageWriter<'_>) -> Option<u64>,
    ) -> Result<(), DisconnectReason> {
        // The connection it was taken over from reads no more.
        self.release_image(who);
        let image = self.image.as_mut().ok_or(DisconnectReason::SnapshotUnavailable)?;
        image.acquire(now_ns, self.input, fill)?;
        if let Some(account) = self.accounts.get_mut(usize::from(who.0)) {
            account.reads_image = true;
        }
        Ok(())
    }

    fn release_image(&mut self, who: SessionId) {
        let Some(account) = self.accounts.get_mut(usize::from(who.0)) else { return };
        if core::mem::take(&mut account.reads_image)
            && let Some(image) = &mut self.image
        {
            image.release();
        }
    }

    /// Whether the session is with the connection of that generation.
    #[inline]
    pub(crate) fn holds(&self, who: SessionId, generation: u32) -> bool {
        let account = self.accounts.get(usize::from(who.0));
        account.is_some_and(|account| account.in_use && account.generation == generation)
    }

    /// The client of the connection that has the session was heard.
    #[inline]
    pub(crate) fn heard(&mut self, who: SessionId, now_ns: u64) {
        if let Some(account) = self.accounts.get_mut(usize::from(who.0)) {
            account.heard_ns = now_ns;
        }
    }

    /// What a connection to the session is sent.
    #[inline]
    pub(crate) fn outgoing(&self, who: SessionId) -> Option<Outgoing<'_>> {
        let account = self.accounts.get(usize::from(who.0))?;
        match account.kind {
            AccountKind::Orders => Some(Outgoing::Store(&account.store, self.released)),
            AccountKind::Snapshot => {
                self.image.as_ref().map(|image| Outgoing::Image(image, self.released))
            }
        }
    }

    /// Whether nothing will be added to what a connection to the session is sent.
    #[inline]
    pub(crate) fn is_complete(&self, who: SessionId) -> bool {
        let account = self.accounts.get(usize::from(who.0));
        account.is_none_or(|account| {
            let ended = account.ended && account.end_mark <= self.released;
            ended || account.kind == AccountKind::Snapshot
        })
    }

    /// The connection that had the session is gone; a newer one keeps it.
    pub(crate) fn release(&mut self, who: SessionId, generation: u32) {
        if !self.holds(who, generation) {
            return;
        }
        self.release_image(who);
        if let Some(account) = self.accounts.get_mut(usize::from(who.0)) {
            account.in_use = false;
        }
    }
}

impl Account {
    fn new(index: usize, config: &AccountConfig) -> Result<Account, SessionsError> {
        let AccountConfig { user, password, session, store } = config;
        if !is_name(user, 6) {
            return Err(SessionsError::User { index, user: user.clone() });
        }
        if !is_name(password, 10) {
            return Err(SessionsError::Password { index });
        }
        if !is_name(session, 10) {
            return Err(SessionsError::Session { index, session: session.clone() });
        }
        Ok(Account {
            kind: AccountKind::default(),
            password: wire::field::padded(password.as_bytes()),
            session: wire::field::padded(session.as_bytes()),
            store: ReplayStore::new(*store)
                .map_err(|source| SessionsError::Store { index, source })?,
            in_use: false,
            generation: 0,
            heard_ns: 0,
            reads_image: false,
            ended: false,
            end_mark: 0,
        })
    }

    /// Gives the session to a login with the right password, unless a live connection has it.
    fn admit(
        &mut self,
        who: SessionId,
        knock: &Knock<'_>,
        released: u64,
    ) -> Result<Admission, DisconnectReason> {
        let silence_ns = knock.now_ns.saturating_sub(self.heard_ns);
        let took_over = self.in_use;
        if took_over && silence_ns <= knock.takeover_after_ns {
            return Err(DisconnectReason::SessionInUse);
        }
        let first_seq = self.first_wanted(knock.request, released)?;
        self.in_use = true;
        self.generation = self.generation.wrapping_add(1);
        self.heard_ns = knock.now_ns;
        Ok(Admission { who, generation: self.generation, first_seq, took_over, kind: self.kind })
    }

    /// Soup 2.3.1: a blank session is the current one; the sequence number is that of the first
    /// message wanted. Its 0 "to start receiving the most recently generated message" is read as:
    /// from the next one on. What is held has not been sent, and its number may not be known.
    fn first_wanted(&self, request: &LoginRequest, released: u64) -> Result<u64, DisconnectReason> {
        let wanted = trimmed(&request.requested_session);
        if !wanted.is_empty() && wanted != trimmed(&self.session) {
            return Err(DisconnectReason::UnknownSession);
        }
        let number = text::parse(&request.requested_sequence_number)
            .map_err(|_| DisconnectReason::LoginNumber)?;
        match number {
            // Glimpse 2: a client has to log in for sequence number 1.
            0 | 1 if self.kind == AccountKind::Snapshot => Ok(1),
            _ if self.kind == AccountKind::Snapshot => Err(DisconnectReason::NotYetSent),
            0 => Ok(self.store.released_seq(released)),
            seq if seq < self.store.oldest_seq() => Err(DisconnectReason::Evicted),
            seq if seq > self.store.released_seq(released) => Err(DisconnectReason::NotYetSent),
            seq => Ok(seq),
        }
    }
}

fn user_key(user: &[u8]) -> UserKey {
    let mut key: UserKey = wire::field::padded(user);
    key.make_ascii_uppercase();
    key
}

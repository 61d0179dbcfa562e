//! The accounts of a venue and their sessions, which outlive connections.
//!
//! Why it exists: fills arrive for clients that are away. An account's messages go into its store
//! whether anyone is connected or not, and a login is a place to read on from.
//!
//! Layout: one account is one user with one session; [`SessionId`] is its index. Users are looked
//! up by binary search in a sorted list, since a login may come from anyone at any rate.
//!
//! Policy: while a connection has the session, a second login is refused with 'A' and counted; the
//! first one is never disturbed, so two clients with the same credentials cannot throw each other
//! out in turns. A client whose path died gets in again when the silence of its old connection is
//! noticed, after 15 s at most.
//!
//! Limits: 65,536 accounts; one store each, all taken at construction.

use crate::reason::{DisconnectCounters, DisconnectReason};
use crate::soup::{is_name, trimmed};
use crate::store::{ReplayStore, StoreConfig, StoreError};
use core::fmt;
use types::SessionId;
use wire::soup::{LoginRequest, Session, text};

#[cfg(test)]
mod tests;

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
    password: [u8; 10],
    session: Session,
    store: ReplayStore,
    /// Whether a connection has the session.
    in_use: bool,
    /// Whether nothing more will come.
    ended: bool,
}

/// All accounts and their sessions.
pub struct Sessions {
    accounts: Box<[Account]>,
    /// Sorted by user.
    by_user: Box<[(UserKey, SessionId)]>,
    disconnects: DisconnectCounters,
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
        })
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
    /// `None` when there is no such session, it has ended, or the message is too long.
    #[inline]
    pub fn append(&mut self, who: SessionId, message: &[u8]) -> Option<u64> {
        self.live(who)?.store.append(message)
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
        self.live(who)?.store.append_with(len_max, fill)
    }

    #[inline]
    fn live(&mut self, who: SessionId) -> Option<&mut Account> {
        self.accounts.get_mut(usize::from(who.0)).filter(|account| !account.ended)
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
            account.ended = true;
        }
    }

    /// Ends all sessions.
    pub fn end_all(&mut self) {
        self.accounts.iter_mut().for_each(|account| account.ended = true);
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

    /// Checks a login and, if it may, gives the session to the caller's connection, which reads on
    /// from the sequence number given.
    pub(crate) fn login(
        &mut self,
        request: &LoginRequest,
    ) -> Result<(SessionId, u64), DisconnectReason> {
        let key = user_key(&request.username);
        let at = self
            .by_user
            .binary_search_by_key(&key, |&(user, _)| user)
            .map_err(|_| DisconnectReason::NotAuthorized)?;
        let (_, who) = self.by_user[at];
        let account =
            self.accounts.get_mut(usize::from(who.0)).ok_or(DisconnectReason::NotAuthorized)?;
        // Soup 2.3.1: user and password are padded on the right, and their case does not matter.
        if !request.password.eq_ignore_ascii_case(&account.password) {
            return Err(DisconnectReason::NotAuthorized);
        }
        if account.in_use {
            return Err(DisconnectReason::SessionInUse);
        }
        let first = account.first_wanted(request)?;
        account.in_use = true;
        Ok((who, first))
    }

    /// The connection that had the session is gone.
    pub(crate) fn release(&mut self, who: SessionId) {
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
            password: wire::field::padded(password.as_bytes()),
            session: wire::field::padded(session.as_bytes()),
            store: ReplayStore::new(*store)
                .map_err(|source| SessionsError::Store { index, source })?,
            in_use: false,
            ended: false,
        })
    }

    /// Soup 2.3.1: a blank session is the current one; the sequence number is that of the first
    /// message wanted. Its 0 "to start receiving the most recently generated message" is read as:
    /// from the next one on.
    fn first_wanted(&self, request: &LoginRequest) -> Result<u64, DisconnectReason> {
        let wanted = trimmed(&request.requested_session);
        if !wanted.is_empty() && wanted != trimmed(&self.session) {
            return Err(DisconnectReason::UnknownSession);
        }
        let number = text::parse(&request.requested_sequence_number)
            .map_err(|_| DisconnectReason::LoginNumber)?;
        match number {
            0 => Ok(self.store.next_seq()),
            seq if seq < self.store.oldest_seq() => Err(DisconnectReason::Evicted),
            seq if seq > self.store.next_seq() => Err(DisconnectReason::NotYetSent),
            seq => Ok(seq),
        }
    }
}

fn user_key(user: &[u8]) -> UserKey {
    let mut key: UserKey = wire::field::padded(user);
    key.make_ascii_uppercase();
    key
}

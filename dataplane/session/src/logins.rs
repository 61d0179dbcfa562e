//! Guessing passwords must be slow: failed logins are counted by address and by user.
//!
//! Layout: a [`RateTable`] of client addresses, and one bucket for each account. Only wrong
//! passwords and unknown users are charged, so a burst of honest reconnects is never held up.
//!
//! Limits: the table never grows. When it is full, the address nearest to being allowed again is
//! forgotten ([`LoginLimiter::forgotten`]): who guesses from more addresses than it holds is still
//! bounded by the users' buckets, which cannot be full.
//!
//! Failure modes: whoever may connect can keep a user from logging in by guessing at that user
//! without end. That is the price of bounding guesses from many addresses; set the users' rate off
//! where the network keeps strangers out.

use crate::SECOND_NS;
use crate::rate::{Bucket, Rate, RateTable};

#[cfg(test)]
mod tests;

/// How often a login may fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginLimits {
    /// From one client address.
    pub address: Rate,
    /// Addresses remembered at most.
    pub addresses_max: usize,
    /// For one user, from wherever.
    pub user: Rate,
}

impl Default for LoginLimits {
    /// Ten failures at once and one every two seconds from an address, of 4,096; twenty at once and
    /// one a second for a user.
    fn default() -> Self {
        LoginLimits {
            address: Rate { interval_ns: 2 * SECOND_NS, burst_max: 10 },
            addresses_max: 4096,
            user: Rate { interval_ns: SECOND_NS, burst_max: 20 },
        }
    }
}

/// Who may try to log in now.
#[derive(Debug)]
pub struct LoginLimiter {
    user_rate: Rate,
    addresses: RateTable,
    users: Box<[Bucket]>,
}

impl LoginLimiter {
    /// For so many accounts; takes all the memory it will ever use.
    pub fn new(limits: LoginLimits, users: usize) -> LoginLimiter {
        LoginLimiter {
            user_rate: limits.user,
            addresses: RateTable::new(limits.address, limits.addresses_max),
            users: vec![Bucket::default(); users].into_boxed_slice(),
        }
    }

    /// Whether a login may be looked at: from an address if it is known, for an account if the user
    /// has one.
    pub fn allows(&self, now_ns: u64, address: Option<u32>, account: Option<usize>) -> bool {
        let user = account.and_then(|index| self.users.get(index));
        address.is_none_or(|address| self.addresses.is_ready(address, now_ns))
            && user.is_none_or(|bucket| bucket.is_ready(self.user_rate, now_ns))
    }

    /// A login failed for its user or password.
    pub fn failed(&mut self, now_ns: u64, address: Option<u32>, account: Option<usize>) {
        if let Some(address) = address {
            self.addresses.charge(address, now_ns);
        }
        if let Some(bucket) = account.and_then(|index| self.users.get_mut(index)) {
            bucket.charge(self.user_rate, now_ns);
        }
    }

    /// Addresses forgotten while they were still short of tries.
    pub fn forgotten(&self) -> u64 {
        self.addresses.forgotten()
    }
}

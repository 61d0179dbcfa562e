//! Who trades at a venue: its logins, and the ledger's accounts of cash and positions.
//!
//! A login names the account it trades for. One that names none trades for the account of its own
//! name, which is opened without limits where no `[[venue.ledger]]` has that name.

use std::collections::HashMap;

use engine::ledger::{AccountLimits, AccountTerms, SessionLimits};
use types::{Firm, Qty};

use super::fault::hint;
use super::model::{Account, LedgerAccount, Password};
use super::raw::{self, Int, Money, Text};
use super::scope::{Scope, is_field, span_of};

/// Logins of a venue, each with a session and its replies.
const LOGINS_MAX: usize = 4096;
/// Accounts of a ledger: their numbers have 16 bits, and the last is the world outside.
const LEDGER_MAX: usize = 65_535;
/// Characters of a ledger account's name, for the operator's eyes.
const LEDGER_NAME_MAX: usize = 32;
/// Working orders at once, and shares: what no market has.
const OPEN_ORDERS_MAX: i64 = 1 << 26;
const SHARES_MAX: i64 = 1 << 40;
/// Dollars in one account or order.
const DOLLARS_MAX: i64 = 1_000_000_000_000;

/// Both lists, as they grow.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    /// Who may log in.
    pub(super) logins: Vec<Account>,
    /// What they trade for.
    pub(super) ledger: Vec<LedgerAccount>,
    ledger_by_name: HashMap<String, u16>,
    lines_by_user: HashMap<String, usize>,
}

impl Accounts {
    /// Reads `[[venue.ledger]]`, `[[venue.accounts]]` and `accounts_count`.
    pub(super) fn read(scope: &mut Scope<'_>, table: &str, raw: &raw::Venue) -> Accounts {
        let mut accounts = Accounts::default();
        for (index, account) in raw.ledger.iter().enumerate() {
            accounts.open_as_told(scope, &format!("{table}.ledger[{index}]"), account);
        }
        for (index, account) in raw.accounts.iter().enumerate() {
            accounts.log_in(scope, &format!("{table}.accounts[{index}]"), account);
        }
        accounts.many(scope, table, raw);
        accounts
    }

    fn open_as_told(&mut self, scope: &mut Scope<'_>, table: &str, raw: &raw::LedgerAccount) {
        let name = scope.field((table, "name"), &raw.name, LEDGER_NAME_MAX);
        if self.ledger_by_name.contains_key(&name) {
            let problem = "another account of the ledger has this name; rename one";
            scope.fault((table, "name"), raw.name.span(), problem);
        }
        let terms = account_terms(scope, table, raw);
        if self.open(name, terms).is_none() {
            let problem = format!("a ledger has at most {LEDGER_MAX} accounts; take some out");
            scope.fault((table, "name"), raw.name.span(), problem);
        }
    }

    /// Adds an account to the ledger; `None` where there is no room.
    fn open(&mut self, name: String, terms: AccountTerms) -> Option<u16> {
        let at =
            u16::try_from(self.ledger.len()).ok().filter(|at| usize::from(*at) < LEDGER_MAX)?;
        self.ledger_by_name.insert(name.clone(), at);
        self.ledger.push(LedgerAccount { name, terms });
        Some(at)
    }

    fn log_in(&mut self, scope: &mut Scope<'_>, table: &str, raw: &raw::Account) {
        let user = scope.field((table, "user"), &raw.user, 6);
        let line = scope.line(raw.user.span().start);
        if self.logins.len() >= LOGINS_MAX {
            let problem = format!("a venue has at most {LOGINS_MAX} logins; take some out");
            return scope.fault((table, "user"), raw.user.span(), problem);
        }
        if let Some(first) = self.lines_by_user.insert(user.to_ascii_uppercase(), line) {
            let problem = format!("line {first} has an account of this user; case does not matter");
            scope.fault((table, "user"), raw.user.span(), problem);
        }
        let session = match &raw.session {
            Some(session) => scope.field((table, "session"), session, 10),
            None => user.clone(),
        };
        let login = Account {
            password: password(scope, (table, "password"), &raw.password),
            session,
            firm: firm(scope, table, raw.firm.as_ref()),
            ledger: self.ledger_of(scope, table, raw.ledger.as_ref(), &user),
            snapshot: raw.snapshot.unwrap_or(false),
            user,
        };
        self.logins.push(login);
    }

    fn ledger_of(
        &mut self,
        scope: &mut Scope<'_>,
        table: &str,
        named: Option<&Text>,
        user: &str,
    ) -> u16 {
        let name = named.map_or(user, |name| name.get_ref());
        if let Some(at) = self.ledger_by_name.get(name) {
            return *at;
        }
        if let Some(text) = named {
            let known: Vec<&str> = self.ledger.iter().map(|a| a.name.as_str()).collect();
            let problem = format!("no [[venue.ledger]] has this name; {}", hint(name, &known));
            scope.fault((table, "ledger"), text.span(), problem);
            return 0;
        }
        self.open(user.to_owned(), AccountTerms::default()).unwrap_or_else(|| {
            let problem = format!("a ledger has at most {LEDGER_MAX} accounts; name one of them");
            scope.fault((table, "ledger"), 0..0, problem);
            0
        })
    }

    /// `accounts_count`: as many logins more, all of one password, for tests of many.
    fn many(&mut self, scope: &mut Scope<'_>, table: &str, raw: &raw::Venue) {
        let given = raw.accounts_count.as_ref();
        let count: usize = scope.int((table, "accounts_count"), given, 0, 0..=LOGINS_MAX as i64);
        for (key, text) in [
            ("accounts_prefix", &raw.accounts_prefix),
            ("accounts_password", &raw.accounts_password),
        ] {
            if let (Some(text), 0) = (text, count) {
                let problem = "means nothing without an accounts_count above 0; give that too";
                scope.secret_fault((table, key), text.span(), problem);
            }
        }
        if count == 0 {
            return;
        }
        if self.logins.len() + count > LOGINS_MAX {
            let problem = format!(
                "with {} of [[venue.accounts]] these are more than {LOGINS_MAX} logins; at most {}",
                self.logins.len(),
                LOGINS_MAX - self.logins.len()
            );
            return scope.fault((table, "accounts_count"), span_of(given), problem);
        }
        let prefix = match &raw.accounts_prefix {
            Some(text) => scope.field((table, "accounts_prefix"), text, 2),
            None => "U".to_owned(),
        };
        let Some(secret) = &raw.accounts_password else {
            let problem = "needs accounts_password, which all of them share";
            return scope.fault((table, "accounts_count"), span_of(given), problem);
        };
        let password = password(scope, (table, "accounts_password"), secret);
        for number in 1..=count {
            let user = format!("{prefix}{number:04}");
            if let Some(line) = self.lines_by_user.get(&user.to_ascii_uppercase()) {
                let problem =
                    format!("line {line} has the user {user} already; give an accounts_prefix");
                return scope.fault((table, "accounts_count"), span_of(given), problem);
            }
            let ledger = self.ledger_of(scope, table, None, &user);
            self.logins.push(Account {
                password: password.clone(),
                session: user.clone(),
                firm: Firm::BLANK,
                ledger,
                snapshot: false,
                user,
            });
        }
    }
}

fn account_terms(scope: &mut Scope<'_>, table: &str, raw: &raw::LedgerAccount) -> AccountTerms {
    let none = AccountLimits::default();
    let limits = AccountLimits {
        order_qty_max: order_qty(scope, table, raw.order_qty_max.as_ref(), none.order_qty_max),
        order_notional_max: notional(
            scope,
            (table, "order_notional_max_dollars"),
            raw.order_notional_max_dollars.as_ref(),
            none.order_notional_max,
        ),
        open_orders_max: scope.int(
            (table, "open_orders_max"),
            raw.open_orders_max.as_ref(),
            none.open_orders_max,
            0..=OPEN_ORDERS_MAX,
        ),
        open_notional_max: notional(
            scope,
            (table, "open_notional_max_dollars"),
            raw.open_notional_max_dollars.as_ref(),
            none.open_notional_max,
        ),
        position_max: scope.int(
            (table, "position_max_shares"),
            raw.position_max_shares.as_ref(),
            none.position_max,
            0..=SHARES_MAX,
        ),
        cash_floor: cash(scope, (table, "cash_floor_dollars"), raw.cash_floor_dollars.as_ref())
            .unwrap_or(none.cash_floor),
        short_allowed: raw.short_allowed.unwrap_or(none.short_allowed),
    };
    let cash = cash(scope, (table, "cash_dollars"), raw.cash_dollars.as_ref()).unwrap_or(0);
    AccountTerms { cash, limits }
}

/// `[venue.session_limits]`
pub(super) fn session_limits(
    scope: &mut Scope<'_>,
    table: &str,
    raw: &raw::SessionLimits,
) -> SessionLimits {
    let none = SessionLimits::default();
    SessionLimits {
        open_orders_max: scope.int(
            (table, "open_orders_max"),
            raw.open_orders_max.as_ref(),
            none.open_orders_max,
            0..=OPEN_ORDERS_MAX,
        ),
        order_qty_max: order_qty(scope, table, raw.order_qty_max.as_ref(), none.order_qty_max),
        order_notional_max: notional(
            scope,
            (table, "order_notional_max_dollars"),
            raw.order_notional_max_dollars.as_ref(),
            none.order_notional_max,
        ),
        open_notional_max: notional(
            scope,
            (table, "open_notional_max_dollars"),
            raw.open_notional_max_dollars.as_ref(),
            none.open_notional_max,
        ),
    }
}

fn order_qty(scope: &mut Scope<'_>, table: &str, raw: Option<&Int>, none: u32) -> u32 {
    scope.int((table, "order_qty_max"), raw, none, 1..=i64::from(Qty::ORDER_MAX.0))
}

/// Cash, owned or owed, in 1/10000 dollar.
fn cash(scope: &mut Scope<'_>, key: (&str, &str), raw: Option<&Money>) -> Option<i64> {
    raw.and_then(|raw| scope.money(key, raw, -DOLLARS_MAX..=DOLLARS_MAX))
}

/// A value that orders may have, in 1/10000 dollar.
fn notional(scope: &mut Scope<'_>, key: (&str, &str), raw: Option<&Money>, none: u64) -> u64 {
    let limit = raw.and_then(|raw| scope.money(key, raw, 0..=DOLLARS_MAX));
    limit.and_then(|limit| u64::try_from(limit).ok()).unwrap_or(none)
}

/// A SoupBinTCP password.
pub(super) fn password(scope: &mut Scope<'_>, key: (&str, &str), raw: &Text) -> Password {
    if !is_field(raw.get_ref(), 10) {
        let problem = "must be 1 to 10 printable ASCII characters, no spaces";
        scope.secret_fault(key, raw.span(), problem);
    }
    Password(raw.get_ref().clone())
}

fn firm(scope: &mut Scope<'_>, table: &str, raw: Option<&Text>) -> Firm {
    let Some(text) = raw else { return Firm::BLANK };
    Firm::new(text.get_ref()).filter(|_| is_field(text.get_ref(), 4)).unwrap_or_else(|| {
        let problem = "a firm is 1 to 4 printable ASCII characters, no spaces, as \"ALFA\"";
        scope.fault((table, "firm"), text.span(), problem);
        Firm::BLANK
    })
}

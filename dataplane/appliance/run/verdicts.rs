//! What a run is held to: figures of different roles that must agree, and zeroes.

use super::role::Role;
use super::wire_up::{engine_config, locates};
use crate::config::{Config, VenueConfig};
use crate::report::model::{Summary, Verdict};
use algos::Builtin;
use engine::Engine;
use lcore::control::Control;
use lcore::loadgen::{Loadgen, LoadgenCounter};
use lcore::trader::Trader;
use lcore::venue::Venue;
use types::{AccountId, Event, EventSink, Side, SymbolId, Ticker};

/// All roles of a run, by kind.
pub(super) struct Cast<'r, 'e> {
    pub(super) venues: Vec<&'r Venue<'e>>,
    pub(super) traders: Vec<&'r Trader<'e, Builtin>>,
    pub(super) loadgens: Vec<&'r Loadgen<'e>>,
}

impl<'r, 'e> Cast<'r, 'e> {
    pub(super) fn of(roles: impl Iterator<Item = &'r Role<'e>>) -> Cast<'r, 'e>
    where
        'e: 'r,
    {
        let mut cast = Cast { venues: vec![], traders: vec![], loadgens: vec![] };
        for role in roles {
            match role {
                Role::Venue(r) => cast.venues.push(r),
                Role::Trader(r) => cast.traders.push(r),
                Role::Loadgen(r) => cast.loadgens.push(r),
                // It is held to nothing: what it does to frames shows at both ends.
                Role::Node(_) | Role::Prober(_) | Role::Impair(_) | Role::Switch(_) => {}
            }
        }
        cast
    }
}

fn verdict(name: &str, ok: bool, detail: String) -> Verdict {
    Verdict { name: name.into(), ok, detail }
}

/// Judges a run.
pub(super) fn judge(config: &Config, cast: &Cast<'_, '_>, summary: &Summary) -> Vec<Verdict> {
    let mut verdicts = vec![
        verdict(
            "nothing dropped",
            summary.drops == 0 && summary.gaps == 0,
            format!("{} drops, {} gaps", summary.drops, summary.gaps),
        ),
        no_allocations(summary.allocations_hot),
    ];
    verdicts.extend(feed_is_whole(config, cast));
    verdicts.extend(cast.traders.iter().map(|t| orders_balance(t)));
    verdicts.extend(cast.traders.iter().map(|t| refusals_are_written(t)));
    verdicts.extend(shares_balance(config, cast));
    verdicts.extend(positions_agree(config, cast));
    for (venue, settings) in cast.venues.iter().zip(&config.venues) {
        verdicts.extend(tape_is_the_book(config, cast, venue, settings));
        verdicts.push(books_hold(venue));
        verdicts.extend(replays_to_the_same(venue, settings));
    }
    verdicts
}

/// Once all queues are given back and what was on the links is dropped, the pool is whole.
pub(super) fn mbufs_came_back(leaked: u32) -> Verdict {
    let detail = format!("{leaked} mbufs are missing from the pool at the end");
    verdict("every mbuf came back", leaked == 0, detail)
}

fn no_allocations(hot: u64) -> Verdict {
    let counting = heapwatch::is_counting();
    let detail = if counting {
        format!("{hot} heap allocations on the lcores while hot")
    } else {
        "allocations are not counted in this build".into()
    };
    verdict("hot path does not allocate", counting && hot == 0, detail)
}

/// Each order that the gate held back is a line in a file.
fn refusals_are_written(trader: &Trader<'_, Builtin>) -> Verdict {
    let lost = trader.refusals_lost();
    let refused: u64 = trader.core().desk().gate().refused().iter().sum();
    let detail = format!("{refused} refused, {lost} of them not written down");
    verdict("every refusal is written down", lost == 0, detail)
}

/// What a loadgen sent is what each trader on its group heard.
fn feed_is_whole(config: &Config, cast: &Cast<'_, '_>) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (loadgen, settings) in cast.loadgens.iter().zip(&config.loadgens) {
        let Some(feed) = &settings.feed else { continue };
        let sent = loadgen.counters().get(LoadgenCounter::Messages);
        for (trader, hears) in cast.traders.iter().zip(&config.traders) {
            if hears.feed.group == feed.group {
                let c = trader.feed().counters();
                let heard = c.delivered + c.snapshot_covered;
                let name = &hears.name;
                let mut detail = format!("{sent} messages sent, {heard} heard by {name}");
                if c.gaps > 0 {
                    detail += &format!(
                        "; {} gaps of {} messages, {} asked for again and had",
                        c.gaps, c.missing, c.recovered_messages
                    );
                }
                verdicts.push(verdict("feed arrived whole", sent == heard, detail));
            }
        }
    }
    verdicts
}

/// Every order of a trader has ended, one way or the other.
fn orders_balance(trader: &Trader<'_, Builtin>) -> Verdict {
    let desk = trader.core().desk();
    let c = desk.counters();
    let live = desk.live_orders();
    let sent = c.sent + c.replaces_sent;
    let answered = c.accepted + c.replaced + c.rejected + c.replaces_void + c.lost;
    let mut detail =
        format!("{sent} sent, {answered} answered, {} rejected, {live} live", c.rejected);
    if c.lost > 0 {
        detail += &format!(", {} lost with a connection and found again", c.lost);
    }
    let whole = sent == answered && live == 0 && c.unexpected == 0;
    verdict("every order is accounted for", whole, detail)
}

/// Shares filled at the clients are the shares the venue matched, once on either side. Only where
/// all clients of the one venue are in this process.
fn shares_balance(config: &Config, cast: &Cast<'_, '_>) -> Option<Verdict> {
    let ([venue], [settings]) = (&cast.venues[..], &config.venues[..]) else { return None };
    let clients =
        config.traders.len() + config.loadgens.iter().filter(|l| l.orders.is_some()).count();
    if clients != settings.accounts.len() {
        return None;
    }
    let matched = venue.core().counts().set.get(venue::VenueCounter::SharesExecuted);
    let traders = cast.traders.iter().map(|t| t.core().desk().counters().shares_filled);
    let flows = cast.loadgens.iter().map(|l| l.counters().get(LoadgenCounter::SharesFilled));
    let filled: u64 = traders.chain(flows).sum();
    let detail = format!("{matched} shares matched, {filled} filled on both sides together");
    Some(verdict("fills balance", filled == 2 * matched, detail))
}

/// What a trader holds is what the ledger of its venue, when that is ours, says it holds: shares
/// and cash. Not where several logins share an account, or where it held something before.
fn positions_agree(config: &Config, cast: &Cast<'_, '_>) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (trader, settings) in cast.traders.iter().zip(&config.traders) {
        let user = &settings.orders.user;
        for (venue, theirs) in cast.venues.iter().zip(&config.venues) {
            let mut ports = theirs.orders.iter().map(|o| (o.endpoint.ip, o.listen));
            let address = (*settings.orders.venue.ip(), settings.orders.venue.port());
            let account = theirs.accounts.iter().find(|a| a.user.eq_ignore_ascii_case(user));
            let Some(account) = account.filter(|_| ports.any(|port| port == address)) else {
                continue;
            };
            let alone = theirs.accounts.iter().filter(|a| a.ledger == account.ledger).count() == 1;
            if alone && theirs.state_file.is_none() && theirs.journal.is_none() {
                verdicts.extend(position_agrees(trader, venue, theirs, account.ledger));
            }
        }
    }
    verdicts
}

fn position_agrees(
    trader: &Trader<'_, Builtin>,
    venue: &Venue<'_>,
    settings: &VenueConfig,
    account: u16,
) -> Option<Verdict> {
    let engine = venue.core().engine();
    let (ledger, id) = (engine.ledger()?, AccountId(account));
    let opened = settings.ledger.get(usize::from(account)).map_or(0, |a| a.terms.cash);
    let theirs_cash = ledger.account(id)?.cash - i128::from(opened);
    let (gate, market) = (trader.core().desk().gate(), trader.core().market());
    let (mut cash, mut shares, mut differ) = (0i128, 0i64, 0u32);
    for ticker in (0..market.tickers() as u16).map(Ticker) {
        let position = gate.position(ticker);
        let theirs = engine.symbol_id(&market.symbol(ticker)).map(|s| ledger.position(id, s));
        differ += u32::from(theirs.map_or(0, |p| p.shares) != position.shares);
        cash += i128::from(position.cash());
        shares += position.shares;
    }
    let detail = format!(
        "{shares} shares and {:.4} dollars at the trader, {:.4} dollars at the venue, {differ} \
         symbols differ",
        cash as f64 / 10_000.0,
        theirs_cash as f64 / 10_000.0
    );
    let agree = differ == 0 && cash == theirs_cash;
    Some(verdict("positions are the ledger's", agree, detail))
}

/// The books that a listener rebuilt from the venue's tape are the engine's, order by order; those
/// that it keeps.
fn tape_is_the_book(
    config: &Config,
    cast: &Cast<'_, '_>,
    venue: &Venue<'_>,
    settings: &VenueConfig,
) -> Vec<Verdict> {
    let watches = |l: &crate::config::LoadgenConfig| {
        l.watch.as_ref().is_some_and(|w| w.group == settings.itch.group)
    };
    let at = config.loadgens.iter().position(watches);
    let watch = at.and_then(|at| cast.loadgens.get(at)?.watch());
    let all: Vec<SymbolId> = locates(settings).map(|(id, _)| id).collect();
    let watched =
        watch.map(|w| rebuilt("tape is the book", "the watcher", venue, &all, w.market().books()));
    let hears = cast.traders.iter().zip(&config.traders);
    let traders = hears.filter(|(_, hears)| hears.feed.group == settings.itch.group);
    let traders = traders.map(|(trader, hears)| {
        let traded = &hears.strategy.symbols;
        let ids = locates(settings)
            .filter(|(_, symbol)| !hears.limits.only_traded || traded.contains(symbol))
            .map(|(id, _)| id);
        let name = "book at the trader is the book";
        rebuilt(name, &hears.name, venue, &ids.collect::<Vec<_>>(), trader.core().market().books())
    });
    watched.into_iter().chain(traders).collect()
}

fn rebuilt(
    name: &str,
    who: &str,
    venue: &Venue<'_>,
    ids: &[SymbolId],
    books: &book::Books,
) -> Verdict {
    let engine = venue.core().engine();
    let differ = ids.iter().filter(|id| !same_book(engine, books, **id)).count();
    let shown: usize = ids.iter().map(|id| engine.shown_orders(*id)).sum();
    let detail = format!(
        "{shown} shown orders in the engine's {} books, {} rebuilt from its ITCH by {who}, \
         {differ} books differ",
        ids.len(),
        books.len()
    );
    verdict(name, differ == 0 && shown == books.len(), detail)
}

fn same_book(engine: &Engine, books: &book::Books, id: SymbolId) -> bool {
    [Side::Buy, Side::Sell].into_iter().all(|side| {
        engine.levels(id, side).eq(books.levels(id, side))
            && books.levels(id, side).all(|level| {
                let rebuilt = books.orders(id, side, level.price).map(|o| (o.payload, o.qty));
                engine.queue(id, side, level.price).eq(rebuilt)
            })
    })
}

/// No book is crossed, every order is found by its number, cash and shares sum to zero.
fn books_hold(venue: &Venue<'_>) -> Verdict {
    let engine = venue.core().engine();
    let name = "books and ledger hold";
    match engine.check() {
        Ok(()) => verdict(name, true, format!("{} live orders checked", engine.live_orders())),
        Err(error) => verdict(name, false, error.to_string()),
    }
}

/// The command log of the run, replayed into a fresh engine, ends in the same state.
fn replays_to_the_same(venue: &Venue<'_>, settings: &VenueConfig) -> Option<Verdict> {
    let log = venue.core().log()?;
    let name = "replay gives the same state";
    if !log.is_whole() {
        let detail = format!("the log of {} commands was full", log.len());
        return Some(verdict(name, false, detail));
    }
    if settings.state_file.is_some() || settings.journal.is_some() {
        // The log goes on from a state that was loaded, and that a journal tells of anyway.
        return None;
    }
    let mut fresh = Engine::new(&engine_config(settings));
    let replayed = log.to_bytes().and_then(|bytes| engine::replay(&bytes, &mut fresh, &mut Forget));
    let (was, is) = (venue.core().engine().state_hash(), fresh.state_hash());
    Some(match replayed {
        Ok(count) => {
            verdict(name, was == is, format!("{count} commands, state {was:016x} and {is:016x}"))
        }
        Err(error) => verdict(name, false, error.to_string()),
    })
}

/// Takes events and forgets them.
struct Forget;

impl EventSink for Forget {
    fn on_event(&mut self, _event: &Event) {}
}

/// The name of the role that a fault's number stands for.
pub(super) fn faulty<'r>(
    control: &Control,
    roles: &'r [Vec<Role<'_>>],
) -> Option<(&'r str, String)> {
    let (number, fault) = control.fault()?;
    let role = roles.get(number as usize >> 8)?.get(number as usize & 0xFF)?;
    Some((role.name(), fault.to_string()))
}

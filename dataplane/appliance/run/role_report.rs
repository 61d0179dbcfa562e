//! One role's part of the report: its counters, its stages, and what it lost.

use super::role::Role;
use crate::config::VenueConfig;
use crate::report::model::{CounterReport, MessageTypeReport, RoleReport, StageReport};
use algos::Builtin;
use feed::{Feed, Line};
use lcore::impair::{Impair, ImpairCounter};
use lcore::loadgen::{Loadgen, Watch};
use lcore::market_data::MarketDataPort;
use lcore::port_io::PortIo;
use lcore::prober::Prober;
use lcore::replicated::Replicated;
use lcore::switch::Switch;
use lcore::trader::Trader;
use lcore::venue::{Endpoint, Venue};
use market::{Lie, Market};
use net::{DropReason, Host};
use risk::Refusal;
use session::{MoldError, MoldPublisher, ReceiverCounters, Sessions};
use telemetry::{Key, Reading, StageSnapshot};
use types::{AccountId, Ticker};

/// Stages that are spans from end to end rather than steps of the pipeline.
const LATENCIES: [&str; 5] =
    ["tick_to_trade", "order_to_ack", "rx_to_tx", "order_due_to_ack", "replay_lag"];

/// Frames that were nobody's fault: not for us, or nothing we speak.
const NOT_FOR_US: [DropReason; 15] = [
    DropReason::NotOurMac,
    DropReason::Vlan,
    DropReason::Ethertype,
    DropReason::ArpNotForUs,
    DropReason::NotOurAddress,
    DropReason::NotOurGroup,
    DropReason::Protocol,
    DropReason::Fragment,
    // Cut short by its sender, or by a device that has no room for it.
    DropReason::IpMalformed,
    DropReason::IcmpKind,
    DropReason::IgmpKind,
    // A last segment that crossed the end of its connection: answered with a reset, as it must be.
    DropReason::TcpNoConnection,
    // Repeated or forged: what a connection has is untouched, and the sender is told.
    DropReason::TcpSyn,
    DropReason::TcpReset,
    DropReason::TcpAfterFin,
];

/// A role's report and the losses in it.
pub(super) struct Told {
    pub(super) report: RoleReport,
    pub(super) drops: u64,
    pub(super) gaps: u64,
    pub(super) messages_by_type: Vec<MessageTypeReport>,
}

/// Tells what a role did. In a run that damages frames on purpose those that are found damaged are
/// no losses: what was in them is missed by someone else.
pub(super) fn tell(role: &Role<'_>, thread: usize, damaging: bool) -> Told {
    let mut teller = Teller::new(role.name(), thread, damaging);
    match role {
        Role::Venue(venue) => teller.venue(venue),
        Role::Node(node) => teller.node(node),
        Role::Trader(trader) => teller.trader(trader),
        Role::Loadgen(loadgen) => teller.loadgen(loadgen),
        Role::Prober(prober) => teller.prober(prober),
        Role::Impair(impair) => teller.impair(impair),
        Role::Switch(switch) => teller.switch(switch),
    }
    teller.told
}

/// What the ledger's accounts hold, those that traded.
pub(super) fn holdings(venue: &Venue<'_>, settings: &VenueConfig) -> Vec<String> {
    let engine = venue.core().engine();
    let Some(ledger) = engine.ledger() else { return Vec::new() };
    let mut notes = Vec::new();
    for (at, account) in settings.ledger.iter().enumerate().take(HOLDINGS_MAX) {
        let id = AccountId(at as u16);
        let Some(view) = ledger.account(id).filter(|view| view.traded > 0) else { continue };
        let held = settings.symbols.iter().filter_map(|listed| {
            let shares = ledger.position(id, listed.locate).shares;
            (shares != 0).then(|| format!("{} {shares} shares, ", listed.symbol))
        });
        let held: String = held.take(HOLDINGS_MAX).collect();
        let cash = view.cash as f64 / 10_000.0;
        notes.push(format!("{}: {held}cash {cash:.2} dollars", account.name));
    }
    notes
}

/// Accounts, and symbols of each, that a report tells of.
const HOLDINGS_MAX: usize = 32;

struct Teller {
    told: Told,
    damaging: bool,
}

impl Teller {
    fn new(name: &str, thread: usize, damaging: bool) -> Teller {
        let report = RoleReport { name: name.to_owned(), lcore: thread, ..RoleReport::default() };
        let told = Told { report, drops: 0, gaps: 0, messages_by_type: Vec::new() };
        Teller { told, damaging }
    }

    fn venue(&mut self, venue: &Venue<'_>) {
        self.told.report.kind = "venue".into();
        self.core(venue.core());
        self.journal(venue);
        self.service(venue.sessions(), venue.endpoints(), venue.market_data());
        self.stages(venue.laps().snapshots());
    }

    /// A node of a cluster: what it is there, and what a venue is.
    fn node(&mut self, node: &Replicated<'_>) {
        self.told.report.kind = "venue".into();
        let (member, role) = (node.member(), node.role());
        self.told.report.notes.push(format!(
            "node {} of the cluster: {:?} in term {}, led by {}; {} entries committed, {} enacted, \
             state {:016x}",
            member.replica().config().node,
            role.kind,
            role.term,
            role.leader,
            member.replica().committed(),
            member.core().inputs(),
            member.core().engine().state_hash(),
        ));
        self.readings(node.counters().readings());
        for (name, value) in member.counts().iter() {
            self.count("member", name, value);
        }
        for (why, value) in member.replica().refusals().iter() {
            self.count("replica refused", &format!("{why:?}"), value);
        }
        self.readings(node.peers().counters().readings());
        self.host("peers", node.peers().host());
        self.port("peers", node.peers().io());
        let journal = node.disk().status().counts.read();
        self.count("journal", "commands", journal.commands);
        self.count("journal", "syncs", journal.syncs);
        if let Some(fault) = node.disk().status().fault() {
            self.told.report.notes.push(format!("journal: {fault}"));
        }
        self.core(member.core());
        self.service(node.sessions(), node.endpoints(), node.market_data());
        self.stages(node.laps().snapshots());
    }

    /// The engine and what stands around it.
    fn core(&mut self, core: &venue::Core) {
        let counts = core.counts();
        self.readings(counts.set.readings());
        self.readings(counts.unreadable.readings());
        let engine = core.engine().counters();
        for (name, value) in [
            ("commands", engine.commands),
            ("accepted", engine.accepted),
            ("rejected", engine.rejected),
            ("matches", engine.matches),
            ("duplicates_ignored", engine.duplicates),
            ("superfluous_ignored", engine.superfluous),
            ("tables_full", engine.full),
            ("over_limits", engine.limited),
            ("self_match_shares", engine.self_matches),
            ("crosses", engine.crosses),
            ("operator_refused", engine.obstacles),
        ] {
            self.count("engine", name, value);
        }
        use venue::VenueCounter as C;
        // Messages that were none are the clients' doing: counted, and no loss.
        self.told.drops += counts.set.get(C::RepliesLost) + counts.set.get(C::PublishedLost);
    }

    /// The ports that clients see.
    fn service(
        &mut self,
        sessions: &Sessions,
        endpoints: &[Endpoint<'_>],
        market_data: &MarketDataPort<'_>,
    ) {
        for (name, value) in sessions.disconnects().iter() {
            self.count("disconnects", name, value);
        }
        for (at, endpoint) in endpoints.iter().enumerate() {
            self.host(&format!("orders.{at}"), endpoint.host());
            self.port(&format!("orders.{at}"), endpoint.io());
        }
        self.publisher(market_data.publisher());
        self.host("itch", market_data.host());
        self.port("itch", market_data.io());
    }

    fn journal(&mut self, venue: &Venue<'_>) {
        let Some(line) = venue.journal() else { return };
        let counted = line.status().counts.read();
        for (name, value) in [
            ("inputs", venue.core().inputs()),
            ("on_disk_through", line.status().durable()),
            ("not_taken", line.not_taken()),
            ("records", counted.commands),
            ("batches", counted.batches),
            ("bytes", counted.bytes),
            ("syncs", counted.syncs),
            ("segments", counted.segments),
            ("disk_full", counted.disk_full),
            ("io_errors", counted.io_errors),
            ("short_writes", counted.short_writes),
            ("sequence_gaps", counted.sequence_gaps),
            ("dropped_after_fault", counted.dropped_after_fault),
        ] {
            self.count("journal", name, value);
        }
    }

    fn trader(&mut self, trader: &Trader<'_, Builtin>) {
        self.told.report.kind = "trader".into();
        let desk = trader.core().desk();
        let c = desk.counters();
        for (name, value) in c.iter() {
            self.count("orders", name, value);
        }
        for (name, value) in desk.rejected() {
            self.count("venue_rejected", name, value);
        }
        for (refusal, value) in Refusal::ALL.iter().zip(desk.gate().refused()) {
            self.count("gate_refused", refusal.name(), *value);
        }
        self.count("gate_refused", "unwritten", trader.refusals_lost());
        self.market("feed", trader.core().market());
        self.feed(trader.feed());
        self.readings(trader.link().counters().readings());
        for (at, port) in trader.feed_ports().iter().enumerate() {
            let name = if at == 0 { "feed" } else { "line_b" };
            self.count(name, "other_datagrams", port.other_datagrams());
            self.host(name, port.host());
            self.port(name, port.io());
        }
        self.host("orders", trader.link().host());
        self.port("orders", trader.link().io());
        self.told.drops += c.unexpected + c.unreadable + trader.unread();
        self.positions(trader);
        self.stages(trader.clocks().laps.snapshots());
    }

    fn positions(&mut self, trader: &Trader<'_, Builtin>) {
        let (market, gate) = (trader.core().market(), trader.core().desk().gate());
        for ticker in (0..market.tickers() as u16).map(Ticker) {
            let p = gate.position(ticker);
            let dollars = |money: i64| money as f64 / 10_000.0;
            self.told.report.notes.push(format!(
                "{}: position {} shares, {} traded, cash {:.2} dollars, profit {:.2} realised and \
                 {:.2} open",
                market.symbol(ticker),
                p.shares,
                p.traded,
                dollars(p.cash()),
                dollars(p.realised),
                dollars(p.open_profit()),
            ));
        }
        let books = market.books();
        let (orders, hash) = (books.len(), books.state_hash());
        self.told.report.notes.push(format!("books: {orders} orders, state {hash:016x}"));
        if let Some(reason) = trader.core().desk().killed() {
            self.told.report.notes.push(format!("killed: {}", reason.name()));
        }
    }

    /// What the feed did about loss. What came again or was covered by a snapshot is no loss.
    fn feed(&mut self, feed: &Feed) {
        let c = feed.counters();
        for (name, value) in c.iter() {
            self.count("feed", name, value);
        }
        for line in Line::ALL {
            let stats = feed.line(line);
            self.count(line.name(), "packets", stats.packets);
            self.count(line.name(), "delivered", stats.delivered);
            self.count(line.name(), "duplicates", stats.duplicates);
        }
        self.told.drops += c.lost_messages + c.refused.iter().sum::<u64>();
        self.told.gaps += c.lost_gaps;
    }

    fn loadgen(&mut self, loadgen: &Loadgen<'_>) {
        self.told.report.kind = "loadgen".into();
        self.readings(loadgen.counters().readings());
        if let Some(feed) = loadgen.feed() {
            self.publisher(feed.publisher());
            self.host("feed", feed.host());
            self.port("feed", feed.io());
        }
        if let Some(flow) = loadgen.flow() {
            let c = flow.flow().counts();
            for (name, value) in [
                ("entered", c.entered),
                ("takers", c.takers),
                ("cancels", c.cancels),
                ("replaces", c.replaces),
                ("unknown_orders", c.unknown),
                ("no_room", c.no_room),
                ("other_symbols", c.other_symbols),
            ] {
                self.count("flow", name, value);
            }
            self.readings(flow.link().counters().readings());
            self.host("orders", flow.link().host());
            self.port("orders", flow.link().io());
        }
        if let Some(watch) = loadgen.watch() {
            self.watch(watch);
        }
        self.stages(loadgen.laps().snapshots());
    }

    /// What a prober found; what is lost to it is a drop, whoever lost it.
    fn prober(&mut self, prober: &Prober<'_>) {
        self.told.report.kind = "prober".into();
        let tally = prober.tally();
        self.readings(tally.counters().readings());
        self.count("prober", "answered", u64::from(tally.answered()));
        self.count("prober", "shares_executed", tally.shares());
        self.count("prober", "read_twice", u64::from(prober.is_done()));
        self.told.drops += tally.wrong();
        let outages = tally.outages().iter().map(|outage| outage.to_ns - outage.from_ns);
        self.told.report.notes.push(format!("outages_ns: {:?}", outages.collect::<Vec<_>>()));
        let mut waits = tally.answer_ns().to_vec();
        waits.sort_unstable();
        let at = |share: f64| waits.get((waits.len() as f64 * share) as usize).copied();
        self.told.report.notes.push(format!(
            "order to answer, first sending to answer: p50 {} ns, p99 {} ns, max {} ns",
            at(0.5).unwrap_or(0),
            at(0.99).unwrap_or(0),
            waits.last().copied().unwrap_or(0),
        ));
        self.readings(prober.link().counters().readings());
        self.host("orders", prober.link().host());
        self.port("orders", prober.link().io());
        if let Some(watch) = prober.watch() {
            self.watch(watch);
        }
    }

    /// A venue's own feed, as it was received.
    fn watch(&mut self, watch: &Watch<'_>) {
        self.market("watch", watch.market());
        self.receiver("watch", watch.receiver());
        self.count("watch", "shares_executed", watch.shares_executed());
        self.host("watch", watch.port().host());
        self.port("watch", watch.port().io());
    }

    /// What an impairment loses on purpose is no drop.
    fn impair(&mut self, impair: &Impair<'_>) {
        self.told.report.kind = "impair".into();
        for (direction, counters) in ["a_to_b", "b_to_a"].into_iter().zip(impair.counters()) {
            for (counter, value) in counters.iter() {
                self.count(direction, counter.name(), value);
            }
            self.told.drops += counters.get(ImpairCounter::NotTaken);
        }
        for (part, io) in ["a", "b"].into_iter().zip(impair.ios()) {
            self.port(part, io);
        }
    }

    /// What a switch has nobody to give to is no drop of ours.
    fn switch(&mut self, switch: &Switch<'_>) {
        self.told.report.kind = "switch".into();
        for (index, (io, counters)) in switch.ports().enumerate() {
            let part = format!("port_{index}");
            for (counter, value) in counters.iter() {
                self.count(&part, counter.name(), value);
            }
            self.port(&part, io);
        }
    }

    fn market(&mut self, feed: &str, market: &Market) {
        for (name, value) in market.counters().iter() {
            self.count("market", name, value);
        }
        for (lie, value) in Lie::ALL.iter().zip(market.lies()) {
            self.count("lies", lie.name(), *value);
        }
        self.told.messages_by_type.extend(types(feed, market.by_type()));
    }

    fn receiver(&mut self, feed: &str, c: &ReceiverCounters) {
        for (name, value) in [
            ("packets", c.packets),
            ("delivered", c.delivered),
            ("duplicates", c.duplicates),
            ("gaps", c.gaps),
            ("missing", c.missing),
            ("heartbeats", c.heartbeats),
            ("ends_of_session", c.ends),
        ] {
            self.count(feed, name, value);
        }
        for (error, value) in MoldError::ALL.iter().zip(c.refused) {
            self.count(feed, error.name(), value);
            self.told.drops += value;
        }
        self.told.gaps += c.gaps;
        self.told.drops += c.missing;
    }

    fn publisher(&mut self, publisher: &MoldPublisher) {
        let c = publisher.counters();
        for (name, value) in [
            ("packets", c.packets),
            ("messages", c.messages),
            ("heartbeats", c.heartbeats),
            ("ends_of_session", c.ends),
            ("unsent_evicted", c.unsent_evicted),
            ("not_taken", c.not_taken),
            ("requests_answered", c.requests),
            ("retransmitted", c.retransmitted),
        ] {
            self.count("moldudp64", name, value);
        }
        self.told.drops += c.unsent_evicted + c.not_taken;
    }

    fn host(&mut self, part: &str, host: &Host) {
        let counters = host.counters();
        counters.each(|group, name, value| {
            if value > 0 {
                self.told.report.counters.push(CounterReport {
                    group: format!("{part} {group}"),
                    name: name.into(),
                    value,
                });
            }
        });
        if self.damaging {
            return;
        }
        let wrong = DropReason::ALL.iter().filter(|reason| !NOT_FOR_US.contains(reason));
        self.told.drops += wrong.map(|reason| counters.dropped(*reason)).sum::<u64>();
    }

    fn port(&mut self, part: &str, io: &PortIo<'_>) {
        let c = io.counts();
        for (name, value) in [
            ("rx_frames", c.rx_frames),
            ("rx_bytes", c.rx_bytes),
            ("tx_frames", c.tx_frames),
            ("tx_bytes", c.tx_bytes),
            ("no_mbuf", c.no_mbuf),
            ("tx_backpressure", c.backpressure),
        ] {
            self.told.report.counters.push(CounterReport {
                group: format!("{part} port"),
                name: name.into(),
                value,
            });
        }
    }

    fn count(&mut self, group: &str, name: &str, value: u64) {
        let counter = CounterReport { group: group.into(), name: name.into(), value };
        self.told.report.counters.push(counter);
    }

    fn readings(&mut self, readings: Vec<Reading>) {
        self.told.report.counters.extend(readings.into_iter().map(CounterReport::from));
    }

    fn stages(&mut self, snapshots: Vec<StageSnapshot>) {
        let all = snapshots.into_iter().map(StageReport::from);
        let (latencies, stages) = all.partition(|s| LATENCIES.contains(&s.name.as_str()));
        (self.told.report.latencies, self.told.report.stages) = (latencies, stages);
    }
}

fn types(feed: &str, counts: &[u64; 128]) -> Vec<MessageTypeReport> {
    let count = |code: u8| counts.get(usize::from(code)).copied().unwrap_or(0);
    let seen = wire::itch::TYPES.iter().filter(|(code, ..)| count(*code) > 0);
    let row = |(code, name, _): &(u8, &str, usize)| MessageTypeReport {
        feed: feed.into(),
        code: char::from(*code).to_string(),
        name: (*name).into(),
        count: count(*code),
    };
    seen.map(row).collect()
}

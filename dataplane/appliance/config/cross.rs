//! What two places of a file say together: names, lcores, ports and links, and the sums.
//!
//! A link is a cable with a role at each end, so both ends are known here and must agree: who
//! publishes and who listens, on which group and session; who serves and who connects, to which
//! address, and as whom. An `[[impair]]` joins two cables to a longer one. On a device the other
//! end is elsewhere, and only our side can be checked.

use std::fmt::Display;

use toml::Spanned;

use super::fault::hint;
use super::memory::{eal_terms, mbuf_terms, total};
use super::raw::{self, EndpointText, Raw, Text};
use super::scope::{Scope, span_of};
use super::{
    Config, Endpoint, Group, LineB, OrdersClient, OrdersServer, Publisher, Receiver, VenueConfig,
};

/// Headroom that DPDK keeps before a frame, and the Ethernet header with one tag.
const AROUND_PACKET_BYTES: u16 = 128 + 14 + 4;

/// Runs them all.
pub(super) fn check(scope: &mut Scope<'_>, raw: &Raw, config: &Config) {
    let uses = uses(raw, config);
    names(scope, raw);
    ports(scope, raw, config, &uses);
    if !scope.is_clean() {
        return; // what follows would only repeat it in other words
    }
    ends_agree(scope, raw, config, &uses);
    one_client_an_account(scope, &uses);
    written_paths_differ(scope, raw);
    frames_fit(scope, config, &uses);
    sums(scope, raw, config);
}

/// A role's end of the network, as written and as understood.
struct Use<'c> {
    table: String,
    raw: EndpointText<'c>,
    endpoint: &'c Endpoint,
    part: Part<'c>,
}

/// What it does there.
enum Part<'c> {
    Serves(&'c VenueConfig, &'c OrdersServer),
    Connects(&'c OrdersClient, &'c raw::OrdersClient),
    Publishes(&'c Publisher, &'c raw::Publisher, &'c Group),
    Listens(&'c Receiver, &'c raw::Receiver),
    ListensB(&'c LineB, &'c raw::LineB),
}

impl<'c> Use<'c> {
    /// Line A, and line B where it has a port of its own.
    fn publishes(
        table: String,
        raw: &'c raw::Publisher,
        itch: &'c Publisher,
    ) -> impl Iterator<Item = Use<'c>> {
        let text = raw.line_b.as_ref().and_then(raw::LineB::endpoint);
        let line_b = itch.line_b.as_ref().and_then(|line| {
            let part = Part::Publishes(itch, raw, &line.group);
            let table = format!("{table}.line_b");
            Some(Use { table, raw: text?, endpoint: line.endpoint.as_ref()?, part })
        });
        let part = Part::Publishes(itch, raw, &itch.group);
        let line_a = Use { table, raw: raw.endpoint(), endpoint: &itch.endpoint, part };
        std::iter::once(line_a).chain(line_b)
    }

    fn listens(table: String, raw: &'c raw::Receiver, feed: &'c Receiver) -> Use<'c> {
        Use { table, raw: raw.endpoint(), endpoint: &feed.endpoint, part: Part::Listens(feed, raw) }
    }

    /// A second line that comes in at a port of its own.
    fn listens_b(table: String, raw: &'c raw::LineB, line: &'c LineB) -> Option<Use<'c>> {
        let (text, endpoint) = (raw.endpoint()?, line.endpoint.as_ref()?);
        Some(Use { table, raw: text, endpoint, part: Part::ListensB(line, raw) })
    }

    fn connects(table: String, raw: &'c raw::OrdersClient, orders: &'c OrdersClient) -> Use<'c> {
        let part = Part::Connects(orders, raw);
        Use { table, raw: raw.endpoint(), endpoint: &orders.endpoint, part }
    }

    fn port(&self) -> &'c str {
        self.raw.port.get_ref()
    }

    /// `line 12 (venue[0].itch)`
    fn place(&self, scope: &Scope<'_>) -> String {
        format!("line {} ({})", scope.line(self.raw.port.span().start), self.table)
    }

    fn says(&self) -> &'static str {
        match self.part {
            Part::Serves(..) => "takes orders",
            Part::Connects(..) => "sends orders",
            Part::Publishes(..) => "publishes market data",
            Part::Listens(..) | Part::ListensB(..) => "receives market data",
        }
    }
}

fn uses<'c>(raw: &'c Raw, config: &'c Config) -> Vec<Use<'c>> {
    let mut uses = Vec::new();
    for (index, (raw, venue)) in raw.venue.iter().zip(&config.venues).enumerate() {
        for (at, (raw, server)) in raw.orders.0.iter().zip(&venue.orders).enumerate() {
            let part = Part::Serves(venue, server);
            let table = format!("venue[{index}].orders[{at}]");
            uses.push(Use { table, raw: raw.endpoint(), endpoint: &server.endpoint, part });
        }
        uses.extend(Use::publishes(format!("venue[{index}].itch"), &raw.itch, &venue.itch));
    }
    for (index, (raw, trader)) in raw.trader.iter().zip(&config.traders).enumerate() {
        uses.push(Use::listens(format!("trader[{index}].feed"), &raw.feed, &trader.feed));
        uses.push(Use::connects(format!("trader[{index}].orders"), &raw.orders, &trader.orders));
        if let (Some(raw), Some(line)) = (&raw.line_b, &trader.line_b) {
            uses.extend(Use::listens_b(format!("trader[{index}].line_b"), raw, line));
        }
    }
    for (index, (raw, loadgen)) in raw.loadgen.iter().zip(&config.loadgens).enumerate() {
        let table = |part| format!("loadgen[{index}].{part}");
        if let (Some(raw), Some(feed)) = (&raw.feed, &loadgen.feed) {
            uses.extend(Use::publishes(table("feed"), raw, feed));
        }
        if let (Some(raw), Some(orders)) = (&raw.orders, &loadgen.orders) {
            uses.push(Use::connects(table("orders"), raw, orders));
        }
        if let (Some(raw), Some(watch)) = (&raw.watch, &loadgen.watch) {
            uses.push(Use::listens(table("watch"), raw, watch));
        }
    }
    for (index, (raw, prober)) in raw.prober.iter().zip(&config.probers).enumerate() {
        let table = |part| format!("prober[{index}].{part}");
        uses.push(Use::connects(table("orders"), &raw.orders, &prober.orders));
        if let (Some(raw), Some(watch)) = (&raw.watch, &prober.watch) {
            uses.push(Use::listens(table("watch"), raw, watch));
        }
    }
    uses
}

fn names(scope: &mut Scope<'_>, raw: &Raw) {
    let named = |kind: &'static str| move |(i, name)| (format!("{kind}[{i}]"), name);
    let venues = raw.venue.iter().map(|role| &role.name).enumerate().map(named("venue"));
    let traders = raw.trader.iter().map(|role| &role.name).enumerate().map(named("trader"));
    let loadgens = raw.loadgen.iter().map(|role| &role.name).enumerate().map(named("loadgen"));
    let probers = raw.prober.iter().map(|role| &role.name).enumerate().map(named("prober"));
    let impairs = raw.impair.iter().map(|role| &role.name).enumerate().map(named("impair"));
    let switches = raw.switch.iter().map(|role| &role.name).enumerate().map(named("switch"));
    let roles: Vec<(String, &Text)> = venues
        .chain(traders)
        .chain(loadgens)
        .chain(probers)
        .chain(impairs)
        .chain(switches)
        .collect();
    if roles.is_empty() {
        let problem = "no role; give a [[venue]], a [[trader]], a [[loadgen]], an [[impair]] or a \
                       [[switch]]";
        scope.fault(("", ""), 0..0, problem);
    }
    scope.unique("role", roles.into_iter());
}

fn ports(scope: &mut Scope<'_>, raw: &Raw, config: &Config, uses: &[Use<'_>]) {
    let ends: Vec<String> = config
        .links
        .iter()
        .flat_map(|l| [format!("{}.a", l.name), format!("{}.b", l.name)])
        .collect();
    let devices = config.ports.iter().map(|port| port.name.as_str());
    let known: Vec<&str> = ends.iter().map(String::as_str).chain(devices).collect();
    let places = places(raw, uses);
    for (index, (table, key, port)) in places.iter().enumerate() {
        let (name, key) = (port.get_ref(), (table.as_str(), *key));
        if !known.contains(&name.as_str()) {
            let problem = format!(
                "no port has this name; {} (a [[link]] called x has the ports x.a and x.b)",
                hint(name, &known)
            );
            scope.fault(key, port.span(), problem);
        } else if let Some((table, _, first)) =
            places[..index].iter().find(|(.., other)| other.get_ref() == name)
        {
            let line = scope.line(first.span().start);
            let problem =
                format!("line {line} ({table}) uses this port already; each needs its own");
            scope.fault(key, port.span(), problem);
        }
    }
    for one in uses {
        if one.raw.mac.is_none() && ends.iter().any(|end| end == one.port()) {
            let problem = "a link's end has no address of its own: give `mac`, as \
                           \"02:00:00:00:01:01\"";
            scope.fault((&one.table, "port"), one.raw.port.span(), problem);
        }
    }
    let used = |name: &str| places.iter().any(|(.., port)| port.get_ref() == name);
    for (index, link) in raw.link.iter().enumerate() {
        for end in ["a", "b"].map(|end| format!("{}.{end}", link.name.get_ref())) {
            if !used(&end) {
                let problem =
                    format!("no role is at the end {end:?}; give it one, or take the link out");
                scope.fault((&format!("link[{index}]"), "name"), link.name.span(), problem);
            }
        }
    }
    let link = |port: &Text| port.get_ref().rsplit_once('.').map(|(link, _)| link.to_owned());
    for (index, impair) in raw.impair.iter().enumerate() {
        if link(&impair.a).is_some() && link(&impair.a) == link(&impair.b) {
            let problem = "the other end of the cable that `a` is at: frames would go round for \
                           ever; join two cables";
            scope.fault((&format!("impair[{index}]"), "b"), impair.b.span(), problem);
        }
    }
    for (index, switch) in raw.switch.iter().enumerate() {
        for (at, port) in switch.ports.iter().enumerate() {
            let twice = |other: &Text| link(other).is_some() && link(other) == link(port);
            if switch.ports[..at].iter().any(twice) {
                let problem = "the other end of a cable that this switch has already: frames \
                               would go round for ever";
                scope.fault((&format!("switch[{index}]"), "ports"), port.span(), problem);
            }
        }
    }
    for (index, port) in raw.port.iter().enumerate().filter(|(_, p)| !used(p.name.get_ref())) {
        let problem = "no role uses this port; give it one, or take it out";
        scope.fault((&format!("port[{index}]"), "name"), port.name.span(), problem);
    }
}

/// Every place of the file that uses a port: the table, the key, the port.
fn places<'r>(raw: &'r Raw, uses: &[Use<'r>]) -> Vec<(String, &'static str, &'r Text)> {
    let mut places: Vec<_> =
        uses.iter().map(|one| (one.table.clone(), "port", one.raw.port)).collect();
    for (index, venue) in raw.venue.iter().enumerate() {
        let cluster = venue.cluster.as_ref();
        places.extend(cluster.map(|c| (format!("venue[{index}].cluster"), "port", &c.port)));
    }
    for (index, impair) in raw.impair.iter().enumerate() {
        let table = format!("impair[{index}]");
        places.push((table.clone(), "a", &impair.a));
        places.push((table, "b", &impair.b));
    }
    for (index, switch) in raw.switch.iter().enumerate() {
        let table = format!("switch[{index}]");
        places.extend(switch.ports.iter().map(|port| (table.clone(), "ports", port)));
    }
    places
}

/// The roles at the ends of each cable speak of the same thing.
fn ends_agree(scope: &mut Scope<'_>, raw: &Raw, config: &Config, uses: &[Use<'_>]) {
    let mut seen: Vec<&str> = Vec::new();
    for (link, raw) in config.links.iter().zip(&raw.link) {
        for end in ["a", "b"].map(|end| format!("{}.{end}", link.name)) {
            let Some(near) = uses.iter().find(|one| one.port() == end) else { continue };
            let Some(far) =
                far_end(config, &end).and_then(|far| uses.iter().find(|one| one.port() == far))
            else {
                continue;
            };
            if !seen.contains(&near.port()) {
                seen.push(far.port());
                pair_agrees(scope, raw, near, far);
            }
        }
    }
}

/// Where frames that a link's end sends arrive: at the other end, or behind the impairments that
/// take them on.
fn far_end(config: &Config, end: &str) -> Option<String> {
    let other_end = |name: &str| {
        let (link, end) = name.rsplit_once('.')?;
        config.links.iter().find(|one| one.name == link)?;
        Some(format!("{link}.{}", if end == "a" { "b" } else { "a" }))
    };
    let mut far = other_end(end)?;
    // As many as there are, at most: impairments can be laid in a ring.
    for _ in 0..=config.impairs.len() {
        let Some(impair) = config.impairs.iter().find(|one| one.a == far || one.b == far) else {
            return Some(far);
        };
        far = other_end(if impair.a == far { &impair.b } else { &impair.a })?;
    }
    None
}

fn pair_agrees(scope: &mut Scope<'_>, raw: &raw::Link, a: &Use<'_>, b: &Use<'_>) {
    match (&a.part, &b.part) {
        (Part::Serves(venue, server), Part::Connects(..)) => {
            order_entry(scope, b, a, venue, server)
        }
        (Part::Connects(..), Part::Serves(venue, server)) => {
            order_entry(scope, a, b, venue, server)
        }
        (Part::Publishes(..), Part::Listens(..)) => market_data(scope, b, a),
        (Part::Listens(..), Part::Publishes(..)) => market_data(scope, a, b),
        (Part::Publishes(.., group), Part::ListensB(line, raw)) => {
            same_group(scope, b, a, (&line.group, raw.udp_port.as_ref(), &raw.group), group);
        }
        (Part::ListensB(line, raw), Part::Publishes(.., group)) => {
            same_group(scope, a, b, (&line.group, raw.udp_port.as_ref(), &raw.group), group);
        }
        _ => {
            let problem = format!(
                "{} {} and {} {}: nothing passes between them",
                a.table,
                a.says(),
                b.table,
                b.says()
            );
            scope.fault(("link", "name"), raw.name.span(), problem);
        }
    }
    let b_is_later = b.raw.port.span().start > a.raw.port.span().start;
    let (later, first) = if b_is_later { (b, a) } else { (a, b) };
    stations_differ(scope, later, first);
}

/// Two ends of a cable are two stations of one network.
fn stations_differ(scope: &mut Scope<'_>, later: &Use<'_>, first: &Use<'_>) {
    let other = first.place(scope);
    if later.endpoint.mac.is_some() && later.endpoint.mac == first.endpoint.mac {
        let problem = format!("is the address of the other end, {other}; they must differ");
        scope.fault((&later.table, "mac"), span_of(later.raw.mac), problem);
    }
    if later.endpoint.ip == first.endpoint.ip {
        let problem = format!("is the address of the other end, {other}; they must differ");
        scope.fault((&later.table, "ip"), later.raw.ip.span(), problem);
    }
    if later.endpoint.vlan != first.endpoint.vlan {
        let problem = format!("not the tag of the other end, {other}; use the same, or none");
        let span = later.raw.vlan.map_or(later.raw.port.span(), Spanned::span);
        scope.fault((&later.table, "vlan"), span, problem);
    }
}

fn order_entry(
    scope: &mut Scope<'_>,
    client: &Use<'_>,
    server: &Use<'_>,
    venue: &VenueConfig,
    orders: &OrdersServer,
) {
    let Part::Connects(login, raw) = &client.part else { return };
    let table = client.table.as_str();
    let (ip, port) = (orders.endpoint.ip, orders.listen);
    if (*login.venue.ip(), login.venue.port()) != (ip, port) {
        let other = server.place(scope);
        let problem = format!("the other end, {other}, listens at \"{ip}:{port}\"");
        scope.fault((table, "venue"), raw.venue.span(), problem);
    }
    let users: Vec<&str> = venue.accounts.iter().map(|account| account.user.as_str()).collect();
    let account = venue.accounts.iter().find(|a| a.user.eq_ignore_ascii_case(&login.user));
    let Some(account) = account else {
        let problem =
            format!("venue {:?} has no such account; {}", venue.name, hint(&login.user, &users));
        return scope.fault((table, "user"), raw.user.span(), problem);
    };
    if !account.password.0.eq_ignore_ascii_case(&login.password.0) {
        let problem = "not the password of this user's account at the venue";
        scope.secret_fault((table, "password"), raw.password.span(), problem);
    }
    if let (Some(asked), Some(text)) = (&login.session, &raw.session) {
        agree(scope, (table, "session"), text, asked, &account.session, "the account's session");
    }
}

fn market_data(scope: &mut Scope<'_>, listener: &Use<'_>, publisher: &Use<'_>) {
    let (Part::Listens(feed, raw), Part::Publishes(itch, _, group)) =
        (&listener.part, &publisher.part)
    else {
        return;
    };
    let table = listener.table.as_str();
    same_group(scope, listener, publisher, (&feed.group, raw.udp_port.as_ref(), &raw.group), group);
    if let (Some(session), Some(text)) = (&feed.session, &raw.session) {
        agree(scope, (table, "session"), text, session, &itch.session, "the other end's session");
    }
}

/// What one end joins is what the other sends to.
fn same_group(
    scope: &mut Scope<'_>,
    listener: &Use<'_>,
    publisher: &Use<'_>,
    (joined, udp_port, text): (&Group, Option<&raw::Int>, &Text),
    group: &Group,
) {
    let table = listener.table.as_str();
    let other = publisher.place(scope);
    let what = |key| format!("the {key} that the other end, {other}, sends to");
    agree(scope, (table, "group"), text, &joined.ip, &group.ip, &what("group"));
    if joined.udp_port != group.udp_port {
        let problem = format!("{} is {}", what("port"), group.udp_port);
        let span = udp_port.map_or(text.span(), Spanned::span);
        scope.fault((table, "udp_port"), span, problem);
    }
}

fn agree<T: PartialEq + Display>(
    scope: &mut Scope<'_>,
    key: (&str, &str),
    text: &Text,
    ours: &T,
    theirs: &T,
    what: &str,
) {
    if ours != theirs {
        scope.fault(key, text.span(), format!("{what} is \"{theirs}\"; say the same"));
    }
}

/// A venue lets each account in once at a time.
fn one_client_an_account(scope: &mut Scope<'_>, uses: &[Use<'_>]) {
    let mut logins: Vec<(&Use<'_>, &OrdersClient)> = Vec::new();
    for one in uses {
        let Part::Connects(login, raw) = &one.part else { continue };
        let same = |(_, other): &&(&Use<'_>, &OrdersClient)| {
            other.user.eq_ignore_ascii_case(&login.user) && other.venue == login.venue
        };
        if let Some((first, _)) = logins.iter().find(same) {
            let place = first.place(scope);
            let problem = format!("{place} logs in as this user too; give each an account");
            scope.fault((&one.table, "user"), raw.user.span(), problem);
        }
        logins.push((one, login));
    }
}

/// Each role has a console and files of its own.
fn written_paths_differ(scope: &mut Scope<'_>, raw: &Raw) {
    let mut paths: Vec<(String, &str, &Text)> = Vec::new();
    for (index, venue) in raw.venue.iter().enumerate() {
        for (key, path) in [("control", &venue.control), ("state_file", &venue.state_file)] {
            paths.extend(path.iter().map(|path| (format!("venue[{index}]"), key, path)));
        }
        let dir = venue.journal.as_ref().map(|journal| &journal.dir);
        paths.extend(dir.map(|path| (format!("venue[{index}].journal"), "dir", path)));
    }
    for (index, trader) in raw.trader.iter().enumerate() {
        for (key, path) in [("control", &trader.control), ("refusals", &trader.refusals)] {
            paths.extend(path.iter().map(|path| (format!("trader[{index}]"), key, path)));
        }
    }
    for (at, (table, key, path)) in paths.iter().enumerate() {
        let same = |(_, _, other): &&(String, &str, &Text)| other.get_ref() == path.get_ref();
        if let Some((_, _, first)) = paths[..at].iter().find(same) {
            let line = scope.line(first.span().start);
            let problem = format!("line {line} has this path too; give each its own");
            scope.fault((table, key), path.span(), problem);
        }
    }
}

/// Packets of an interface's MTU fit an mbuf.
fn frames_fit(scope: &mut Scope<'_>, config: &Config, uses: &[Use<'_>]) {
    for one in uses {
        let Part::Publishes(itch, raw, group) = &one.part else { continue };
        if **group != itch.group {
            continue; // line B carries the packets of line A
        }
        let room = config.pool.data_room.saturating_sub(AROUND_PACKET_BYTES);
        if itch.mtu > room {
            let need = itch.mtu + AROUND_PACKET_BYTES;
            let problem = format!(
                "a packet of {} bytes does not fit an mbuf; at most {room}, or set \
                 pool.data_room = {need}",
                itch.mtu
            );
            scope.fault((&one.table, "mtu"), span_of(raw.mtu.as_ref()), problem);
        }
    }
}

/// What everything takes together is there.
fn sums(scope: &mut Scope<'_>, raw: &Raw, config: &Config) {
    let terms = mbuf_terms(config);
    let need = total(&terms);
    if u64::from(config.pool.mbufs) < need {
        let names: Vec<String> =
            terms.iter().map(|term| format!("{} = {}", term.name, term.amount)).collect();
        let problem = format!(
            "{} mbufs, but {need} can be in use at once ({}); set at least {need}",
            config.pool.mbufs,
            names.join("; ")
        );
        scope.fault(("pool", "mbufs"), span_of(raw.pool.mbufs.as_ref()), problem);
    }
    let need_mb = total(&eal_terms(config)).div_ceil(1 << 20);
    let have_mb = u64::from(config.eal.memory_mb);
    if have_mb < need_mb {
        let problem = format!(
            "{have_mb} MB, but the pool, links and ports need {need_mb} MB; set at least \
             {need_mb}, or lower pool.mbufs ({})",
            config.pool.mbufs
        );
        scope.fault(("eal", "memory_mb"), span_of(raw.eal.memory_mb.as_ref()), problem);
    }
}

//! `peregrine check`: is a configuration right, and what would it place where?
//!
//! Nothing is started and nothing but files is opened. CPUs that this host does not have are told,
//! but are no error: a production host's file is written on a desk.

use std::fmt::Write;

use comfy_table::{Table, presets};

use crate::config::{
    Config, Cpus, Endpoint, HostConfig, ImpairConfig, LoadgenConfig, Pace, Stop, Term, Unfit,
    Warnings,
};
use crate::config::{eal_terms, mbuf_terms, role_terms};
use crate::itch_files::Input;
use crate::placement;
use lcore::impair::Rates;

/// The whole answer.
pub(crate) fn describe(config: &Config) -> String {
    let mut out = format!("{}: valid\n", config.path.display());
    section(&mut out, "run", run_table(config));
    let (roles, note) = roles_table(config);
    section(&mut out, "roles", roles);
    out.push_str(&note);
    section(&mut out, "ports", ports_table(config));
    section(&mut out, "mbufs in use at once", terms_table(&mbuf_terms(config), 1, ""));
    let _ = writeln!(out, "  of {} in the pool", config.pool.mbufs);
    section(&mut out, "EAL's memory", terms_table(&eal_terms(config), 1 << 10, "KB"));
    let _ = writeln!(out, "  of {} MB (eal.memory_mb)", config.eal.memory_mb);
    section(&mut out, "the roles' memory, about", terms_table(&role_terms(config), 1 << 10, "KB"));
    out
}

fn section(out: &mut String, title: &str, table: Table) {
    let _ = writeln!(out, "\n{title}");
    for line in table.lines() {
        let _ = writeln!(out, " {}", line.trim_end());
    }
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table
}

fn run_table(config: &Config) -> Table {
    let run = &config.run;
    let stop = match run.stop {
        Stop::ReplayEnd => "when every load generator has replayed its files",
        Stop::Signal => "on SIGINT or SIGTERM",
    };
    let limit =
        run.duration.map(|limit| format!(", after {limit:?} at the latest")).unwrap_or_default();
    let mut table = plain();
    table.add_row(vec!["title".to_owned(), run.title.clone()]);
    table.add_row(vec!["ends".to_owned(), format!("{stop}{limit}; drains {:?}", run.drain)]);
    table.add_row(vec!["report".to_owned(), run.report_dir.display().to_string()]);
    table.add_row(vec!["unfit host".to_owned(), unfit(&config.host)]);
    table.add_row(vec!["hugepages".to_owned(), format!("{:?}", config.eal.huge).to_lowercase()]);
    table
}

/// What becomes of a run on a host that is not fit.
fn unfit(host: &HostConfig) -> String {
    let looks = if host.verify { ", provisioning's verify included" } else { "" };
    match (host.unfit, host.warnings) {
        (Unfit::Ignore, _) => "not looked at".to_owned(),
        (Unfit::Refuse, _) => format!("refused{looks}"),
        (Unfit::Warn, Warnings::Brief) => format!("told in one line{looks}"),
        (Unfit::Warn, Warnings::Lines) => format!("told setting by setting{looks}"),
    }
}

/// The roles, and what is to be said of CPUs.
fn roles_table(config: &Config) -> (Table, String) {
    let mut note = String::new();
    let placed = placement::place(config).unwrap_or_else(|error| {
        let _ = writeln!(note, "  note: {error}");
        // As the file has it, on a host that has those CPUs; "auto" means nothing here.
        let listed = if let Cpus::List(list) = &config.cpus { list.as_slice() } else { &[] };
        let roles = config.roles().map(|(_, name, lcore)| (name, lcore));
        placement::group(if listed.is_empty() { &[0] } else { listed }, roles)
    });
    let mut table = plain();
    table.set_header(vec!["lcore", "thread", "cpu", "kind", "name", "does"]);
    let mut roles: Vec<_> = config.roles().collect();
    roles.sort_by_key(|(.., lcore)| *lcore);
    for (kind, name, lcore) in roles {
        let (thread, cpu) = placed.thread_of(name).unwrap_or_default();
        table.add_row(vec![
            lcore.to_string(),
            format!("lc{thread}"),
            cpu.to_string(),
            kind.to_owned(),
            name.to_owned(),
            does(config, kind, name),
        ]);
    }
    for thread in placed.threads.iter().filter(|thread| thread.roles.len() > 1) {
        let names = thread.roles.join(" and ");
        let _ = writeln!(note, "  note: {names} share CPU {}, polled in turn", thread.cpu);
    }
    (table, note)
}

fn does(config: &Config, kind: &str, name: &str) -> String {
    let venue = config.venues.iter().find(|role| kind == "venue" && role.name == name);
    let trader = config.traders.iter().find(|role| kind == "trader" && role.name == name);
    let loadgen = config.loadgens.iter().find(|role| kind == "loadgen" && role.name == name);
    if let Some(impair) = config.impairs.iter().find(|role| kind == "impair" && role.name == name) {
        return impairs(impair);
    }
    match (venue, trader, loadgen) {
        (Some(venue), ..) => {
            format!("{} symbols, {} accounts", venue.symbols.len(), venue.accounts.len())
        }
        (_, Some(trader), _) => {
            let names = trader.strategy.symbols.iter().map(ToString::to_string);
            format!("{} on {}", trader.strategy.kind, names.collect::<Vec<_>>().join(" "))
        }
        (.., Some(loadgen)) => replays(loadgen),
        _ => String::new(),
    }
}

fn impairs(impair: &ImpairConfig) -> String {
    let way = |rates: &Rates| if *rates == Rates::default() { "untouched" } else { "impaired" };
    format!("a to b {}, back {}, seed {}", way(&impair.a_to_b), way(&impair.b_to_a), impair.seed)
}

fn replays(loadgen: &LoadgenConfig) -> String {
    let pace = match loadgen.pace {
        Pace::Recorded { speed, gap_ns_max: 0 } => format!("at {speed}x the recorded pace"),
        Pace::Recorded { speed, gap_ns_max } => {
            let gap_s = gap_ns_max as f64 / 1e9;
            format!("at {speed}x the recorded pace, pauses cut to {gap_s} s")
        }
        Pace::Rate { messages_per_s } => format!("at {messages_per_s} messages a second"),
        Pace::Max => "as fast as it goes".to_owned(),
    };
    let times = if loadgen.repeat > 1 { format!(", {} times", loadgen.repeat) } else { "".into() };
    match &loadgen.input {
        Input::Files(files) => format!("{} file(s) {pace}{times}", files.len()),
        Input::Synthetic(flow) => {
            let symbols = flow.symbols.len();
            format!("{} made-up messages of {symbols} symbol(s) {pace}{times}", flow.messages)
        }
    }
}

fn ports_table(config: &Config) -> Table {
    let mut table = plain();
    table.set_header(vec!["port", "device", "role", "mac", "ip", "talks"]);
    for (role, part, endpoint) in config.endpoints() {
        let mac = endpoint.mac.map_or("the device's".to_owned(), |mac| mac_text(&mac));
        let vlan = endpoint.vlan.map(|vlan| format!(" vlan {vlan}")).unwrap_or_default();
        table.add_row(vec![
            endpoint.port.clone(),
            device(config, &endpoint.port),
            format!("{role}.{part}"),
            mac,
            format!("{}/{}{vlan}", endpoint.ip, endpoint.prefix_len),
            talks(config, role, endpoint),
        ]);
    }
    for impair in &config.impairs {
        for (end, port, other) in [("a", &impair.a, &impair.b), ("b", &impair.b, &impair.a)] {
            let row = [port, &device(config, port), &format!("{}.{end}", impair.name)];
            let row = row.into_iter().cloned();
            table.add_row(row.chain(["-".into(), "-".into(), format!("frames on to {other}")]));
        }
    }
    table
}

/// `02:00:00:00:01:01`
pub(crate) fn mac_text(mac: &[u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

fn device(config: &Config, name: &str) -> String {
    let port = config.ports.iter().find(|port| port.name == name);
    port.map_or_else(|| "net_ring".to_owned(), |port| port.device.to_string())
}

/// Whom this end of the network talks to.
fn talks(config: &Config, role: &str, endpoint: &Endpoint) -> String {
    let is = |other: &Endpoint| other.port == endpoint.port;
    let sends = |group: &crate::config::Group| format!("ITCH to {}:{}", group.ip, group.udp_port);
    let joins = |group: &crate::config::Group| format!("ITCH from {}:{}", group.ip, group.udp_port);
    for venue in config.venues.iter().filter(|venue| venue.name == role) {
        if is(&venue.itch.endpoint) {
            return sends(&venue.itch.group);
        }
        let line_b = venue.itch.line_b.as_ref();
        if let Some(line) = line_b.filter(|line| line.endpoint.as_ref().is_some_and(is)) {
            return sends(&line.group);
        }
        if let Some(server) = venue.orders.iter().find(|server| is(&server.endpoint)) {
            return format!("OUCH, listens on {}", server.listen);
        }
    }
    for trader in config.traders.iter().filter(|trader| trader.name == role) {
        if is(&trader.feed.endpoint) {
            return joins(&trader.feed.group);
        }
        if is(&trader.orders.endpoint) {
            return format!("OUCH to {}@{}", trader.orders.user, trader.orders.venue);
        }
    }
    for loadgen in config.loadgens.iter().filter(|loadgen| loadgen.name == role) {
        if let Some(feed) = loadgen.feed.as_ref().filter(|feed| is(&feed.endpoint)) {
            return sends(&feed.group);
        }
        if let Some(watch) = loadgen.watch.as_ref().filter(|watch| is(&watch.endpoint)) {
            return joins(&watch.group);
        }
        if let Some(orders) = loadgen.orders.as_ref().filter(|orders| is(&orders.endpoint)) {
            return format!("OUCH to {}@{}", orders.user, orders.venue);
        }
    }
    String::new()
}

fn terms_table(terms: &[Term], unit: u64, unit_name: &str) -> Table {
    let amount = |amount: u64| format!("{} {unit_name}", amount.div_ceil(unit)).trim().to_owned();
    let mut table = plain();
    for term in terms {
        table.add_row(vec![term.name.clone(), amount(term.amount)]);
    }
    table.add_row(vec!["sum".to_owned(), amount(terms.iter().map(|term| term.amount).sum())]);
    if let Some(column) = table.column_mut(1) {
        column.set_cell_alignment(comfy_table::CellAlignment::Right);
    }
    table
}

//! The end of a run: counters become a report, the report is judged, written and shown.

use super::Finished;
use super::ports::Ports;
use super::role::Role;
use super::role_report::{self, Told};
use super::supervise::Ending;
use super::verdicts::{self, Cast};
use super::{Reader, wire_up};
use crate::config::{Config, Stop};
use crate::placement::Placement;
use crate::report;
use crate::report::model::{
    BookReport, HostReport, LcoreReport, PortReport, RunReport, Summary, Utc,
};
use anyhow::{Result, anyhow};
use book::{LevelView, Top};
use desk::DeskCounters;
use dpdk::Eal;
use hostcpu::{HostFacts, Topology};
use lcore::control::Control;
use market::Lie;
use std::io::IsTerminal;
use std::process::ExitCode;
use types::{Side, SymbolId};

/// Everything that can be said of a run.
pub(super) fn report(
    config: &Config,
    placement: &Placement,
    finished: &Finished<'_>,
    ports: &Ports<'_>,
    eal: &Eal,
    started_ns: u64,
) -> RunReport {
    let numbered = finished.roles.iter().enumerate();
    let damaging = config.impairs.iter().any(|i| i.a_to_b.corrupt > 0.0 || i.b_to_a.corrupt > 0.0);
    let mut told: Vec<Told> = numbered
        .flat_map(|(at, roles)| roles.iter().map(move |role| role_report::tell(role, at, damaging)))
        .collect();
    let cast = Cast::of(finished.roles.iter().flatten());
    for (venue, settings) in cast.venues.iter().zip(&config.venues) {
        let told = told.iter_mut().find(|told| told.report.name == settings.name);
        if let Some(told) = told {
            told.report.notes.extend(role_report::holdings(venue, settings));
        }
    }
    let books = books(config, &cast);
    let ports = port_reports(ports);
    let lcores = lcores(placement, finished);
    let summary = summarise(&cast, &told, &books, &ports, &lcores);
    RunReport {
        title: config.run.title.clone(),
        started_utc: Utc::from_unix_ns(started_ns),
        wall_s: finished.wall_s,
        interrupted: finished.ending == Ending::Signal,
        verdicts: verdicts::judge(config, &cast, &summary),
        summary,
        host: host(eal),
        lcores,
        messages_by_type: told.iter().flat_map(|t| t.messages_by_type.iter().cloned()).collect(),
        roles: told.into_iter().map(|t| t.report).collect(),
        ports,
        books,
    }
}

fn host(eal: &Eal) -> HostReport {
    let facts = HostFacts::read();
    HostReport {
        cpu_model: facts.cpu_model,
        cpus: Topology::read().map_or(1, |host| host.online().len()),
        kernel: facts.kernel,
        dpdk_version: dpdk::dpdk_version(),
        rust_target: env!("PEREGRINE_TARGET").into(),
        git_rev: env!("PEREGRINE_GIT_REV").into(),
        huge: eal.huge_in_use(),
    }
}

fn lcores(placement: &Placement, finished: &Finished<'_>) -> Vec<LcoreReport> {
    let each = placement.threads.iter().zip(&finished.facts).enumerate();
    each.map(|(index, (place, facts))| LcoreReport {
        lcore: index,
        cpu: Some(place.cpu),
        roles: place.roles.clone(),
        polls: facts.polls,
        busy_polls: facts.busy_polls,
        allocations_hot: facts.allocations_hot,
        voluntary_switches: facts.voluntary_switches_hot,
        involuntary_switches: facts.involuntary_switches_hot,
        shared_note: match place.roles.as_slice() {
            [_] => String::new(),
            roles => format!("{} share this lcore in turn", roles.join(" and ")),
        },
    })
    .collect()
}

fn port_reports(ports: &Ports<'_>) -> Vec<PortReport> {
    let report = |fact: super::ports::PortFacts| PortReport {
        name: fact.name,
        device: fact.device,
        driver: fact.driver,
        rx: fact.stats.rx_packets,
        tx: fact.stats.tx_packets,
        rx_dropped: fact.stats.rx_missed,
        // What a device does not take stays with its role, which sends it later.
        tx_dropped: 0,
        rx_errors: fact.stats.rx_errors,
        no_mbufs: fact.stats.rx_no_mbuf,
    };
    ports.facts().into_iter().map(report).collect()
}

fn books(config: &Config, cast: &Cast<'_, '_>) -> Vec<BookReport> {
    let mut rows = Vec::new();
    for (venue, settings) in cast.venues.iter().zip(&config.venues) {
        let engine = venue.core().engine();
        for (id, name) in wire_up::locates(settings) {
            let levels = |side| engine.levels(id, side).collect::<Vec<_>>();
            let sides = [levels(Side::Buy), levels(Side::Sell)];
            rows.push(book_row(format!("{name} at {}", settings.name), engine.top(id), &sides));
        }
    }
    for (trader, settings) in cast.traders.iter().zip(&config.traders) {
        let market = trader.core().market();
        let books = market.books();
        for id in (0..books.symbols()).map(SymbolId) {
            let levels = |side| books.levels(id, side).collect::<Vec<_>>();
            let sides = [levels(Side::Buy), levels(Side::Sell)];
            if sides.iter().any(|s| !s.is_empty()) {
                let name =
                    market.name(id).map_or_else(|| format!("locate {id}"), |n| n.to_string());
                rows.push(book_row(format!("{name} at {}", settings.name), books.top(id), &sides));
            }
        }
    }
    rows
}

fn book_row(symbol: String, top: Top, sides: &[Vec<LevelView>; 2]) -> BookReport {
    let text = |level: Option<LevelView>| {
        level.map_or(String::new(), |l| format!("{} × {}", l.price, l.qty))
    };
    let orders = sides.iter().flatten().map(|l| u64::from(l.orders)).sum();
    BookReport {
        symbol,
        live_orders: orders,
        bid_levels: sides[0].len() as u64,
        ask_levels: sides[1].len() as u64,
        best_bid: text(top.bid),
        best_ask: text(top.ask),
    }
}

fn summarise(
    cast: &Cast<'_, '_>,
    told: &[Told],
    books: &[BookReport],
    ports: &[PortReport],
    lcores: &[LcoreReport],
) -> Summary {
    let desk = |count: fn(&DeskCounters) -> u64| -> u64 {
        cast.traders.iter().map(|t| count(t.core().desk().counters())).sum()
    };
    let markets = || cast.traders.iter().map(|t| t.core().market());
    let on_ports: u64 = ports.iter().map(|p| p.rx_dropped + p.rx_errors + p.no_mbufs).sum();
    Summary {
        messages_decoded: markets().map(|m| m.by_type().iter().sum::<u64>()).sum(),
        unknown_order_refs: markets().map(|m| m.lies()[Lie::UnknownReference as usize]).sum(),
        books: books.len() as u64,
        live_orders: books.iter().map(|b| b.live_orders).sum(),
        orders_sent: desk(|c| c.sent + c.replaces_sent),
        orders_accepted: desk(|c| c.accepted + c.replaced),
        orders_rejected: desk(|c| c.rejected),
        fills: desk(|c| c.fills),
        shares_filled: desk(|c| c.shares_filled),
        drops: told.iter().map(|t| t.drops).sum::<u64>() + on_ports,
        gaps: told.iter().map(|t| t.gaps).sum(),
        allocations_hot: lcores.iter().map(|l| l.allocations_hot).sum(),
    }
}

/// Why the run failed, if it did.
pub(super) fn failure(
    config: &Config,
    finished: &Finished<'_>,
    readers: Vec<Reader>,
    control: &Control,
) -> Option<anyhow::Error> {
    for reader in readers.into_iter().filter(|r| r.is_finished()) {
        if let Ok(Err(error)) = reader.join() {
            return Some(error.into());
        }
    }
    if let Some((role, fault)) = verdicts::faulty(control, &finished.roles) {
        return Some(anyhow!("role {role:?}: {fault}"));
    }
    match finished.ending {
        Ending::NotReady => Some(not_ready(config, &finished.roles)),
        Ending::Failed => Some(anyhow!("the run ended before it was done")),
        Ending::Replayed | Ending::Duration | Ending::Signal => None,
    }
}

fn not_ready(config: &Config, roles: &[Vec<Role<'_>>]) -> anyhow::Error {
    use lcore::Agent;
    let waiting: Vec<&str> =
        roles.iter().flatten().filter(|r| !r.is_ready()).map(Role::name).collect();
    anyhow!(
        "{}: not ready after 10 s: {}. Is the venue that `orders.venue` names up and reachable \
         from there (peregrine check {})?",
        config.path.display(),
        waiting.join(", "),
        config.path.display()
    )
}

/// Shows and writes the report; the run's exit status.
pub(super) fn publish(
    config: &Config,
    run: RunReport,
    failure: Option<anyhow::Error>,
    quiet: bool,
) -> Result<ExitCode> {
    let written = report::write(&config.run.report_dir, &run)?;
    if !quiet {
        let colour = std::io::stdout().is_terminal();
        crate::cli::print(&report::terminal(&run, colour))?;
        let (page, json) = (written.html.display(), written.json.display());
        crate::cli::print(&format!("report: {page} (pictures), {json} (everything)\n"))?;
    }
    // A replay that a person cut short is not held to what it had no time to do.
    let cut_short = run.interrupted && config.run.stop == Stop::ReplayEnd;
    match failure {
        Some(error) => Err(error),
        None if cut_short || run.verdicts.iter().all(|v| v.ok) => Ok(ExitCode::SUCCESS),
        None => Ok(ExitCode::FAILURE),
    }
}

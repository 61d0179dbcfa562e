//! The sections that are not roles: the run, EAL, lcores, links, ports, the pool.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::raw::{self, CpusText, Raw};
use super::scope::Scope;
use super::{
    Cpus, Device, EalConfig, EalLog, HostConfig, Huge, LinkConfig, PoolConfig, PortConfig,
    RunConfig, Stop, Unfit, Warnings,
};

/// A week: longer runs are ended by a signal.
const DURATION_S_MAX: f64 = 7.0 * 86_400.0;
/// As many CPUs as a kernel's usual mask has.
const CPU_MAX: i64 = 1023;

/// `[run]`
pub(super) fn run(scope: &mut Scope<'_>, raw: &Raw, path: &Path) -> RunConfig {
    let section = &raw.run;
    let stem = || path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let replays = !raw.loadgen.is_empty();
    let stop = section.stop.as_ref();
    if let Some(stop) = stop.filter(|stop| *stop.get_ref() == Stop::ReplayEnd && !replays) {
        let problem = "no [[loadgen]] replays anything here; say \"signal\"";
        scope.fault(("run", "stop"), stop.span(), problem);
    }
    let default = if replays { Stop::ReplayEnd } else { Stop::Signal };
    let duration_s =
        scope.num(("run", "duration_s"), section.duration_s.as_ref(), 0.001..=DURATION_S_MAX);
    let drain_ms = scope.int(("run", "drain_ms"), section.drain_ms.as_ref(), 500, 0..=60_000);
    RunConfig {
        title: section.title.as_ref().map_or_else(stem, |title| title.get_ref().clone()),
        report_dir: section
            .report_dir
            .as_ref()
            .map_or(PathBuf::from("target/report"), |dir| dir.get_ref().into()),
        stop: stop.map_or(default, |stop| *stop.get_ref()),
        duration: duration_s.map(Duration::from_secs_f64),
        drain: Duration::from_millis(drain_ms),
    }
}

/// `[eal]`
pub(super) fn eal(scope: &mut Scope<'_>, raw: &raw::Eal) -> EalConfig {
    let file_prefix = match &raw.file_prefix {
        Some(prefix) => scope.name(("eal", "file_prefix"), prefix),
        None => "peregrine".to_owned(),
    };
    for (index, address) in raw.allow_pci.iter().enumerate() {
        if !is_pci(address.get_ref()) {
            let key = format!("eal.allow_pci[{index}]");
            scope.fault((&key, ""), address.span(), "not a PCI address, as \"0000:21:00.0\"");
        }
    }
    for (index, argument) in raw.extra.iter().enumerate() {
        if argument.get_ref().is_empty() || argument.get_ref().contains('\0') {
            let key = format!("eal.extra[{index}]");
            scope.fault((&key, ""), argument.span(), "an argument is a text without zero bytes");
        }
    }
    let texts = |list: &[raw::Text]| list.iter().map(|text| text.get_ref().clone()).collect();
    EalConfig {
        huge: raw.huge.unwrap_or(Huge::Auto),
        memory_mb: scope.int(("eal", "memory_mb"), raw.memory_mb.as_ref(), 128, 16..=1_048_576),
        file_prefix,
        allow_pci: texts(&raw.allow_pci),
        extra: texts(&raw.extra),
        log: raw.log.unwrap_or(EalLog::Quiet),
    }
}

/// `[host]`
pub(super) fn host(raw: &raw::HostTable) -> HostConfig {
    HostConfig {
        unfit: raw.unfit.unwrap_or(Unfit::Warn),
        warnings: raw.warnings.unwrap_or(Warnings::Brief),
        verify: raw.verify.unwrap_or(false),
    }
}

/// `[lcores]`
pub(super) fn cpus(scope: &mut Scope<'_>, raw: &raw::Lcores) -> Cpus {
    let Some(cpus) = &raw.cpus else { return Cpus::Auto };
    let key = ("lcores", "cpus");
    match cpus.get_ref() {
        CpusText::Word(word) if word == "auto" => Cpus::Auto,
        CpusText::Word(_) => {
            scope.fault(key, cpus.span(), "must be \"auto\" or a list of CPU numbers, as [2, 3]");
            Cpus::Auto
        }
        CpusText::List(list) if list.is_empty() => {
            scope.fault(key, cpus.span(), "names no CPU; say \"auto\" to take what there is");
            Cpus::Auto
        }
        CpusText::List(list) => {
            let mut cpus: Vec<usize> = Vec::with_capacity(list.len());
            for cpu in list {
                let number: usize = scope.int(key, Some(cpu), 0, 0..=CPU_MAX);
                if cpus.contains(&number) {
                    scope.fault(key, cpu.span(), "stands in the list twice");
                }
                cpus.push(number);
            }
            Cpus::List(cpus)
        }
    }
}

/// `[[link]]`
pub(super) fn links(scope: &mut Scope<'_>, raw: &[raw::Link]) -> Vec<LinkConfig> {
    let tables = |index: usize| format!("link[{index}]");
    scope.unique("link", raw.iter().enumerate().map(|(i, link)| (tables(i), &link.name)));
    let mut links = Vec::with_capacity(raw.len());
    for (index, link) in raw.iter().enumerate() {
        let table = tables(index);
        let raw::LinkKind::NetRing = link.kind.unwrap_or(raw::LinkKind::NetRing);
        links.push(LinkConfig {
            name: scope.name((&table, "name"), &link.name),
            slots: scope.power_of_two((&table, "slots"), link.slots.as_ref(), 1024, 64..=65_536),
        });
    }
    links
}

/// `[[port]]`
pub(super) fn ports(scope: &mut Scope<'_>, raw: &[raw::Port]) -> Vec<PortConfig> {
    let tables = |index: usize| format!("port[{index}]");
    scope.unique("port", raw.iter().enumerate().map(|(i, port)| (tables(i), &port.name)));
    let mut ports: Vec<PortConfig> = Vec::with_capacity(raw.len());
    for (index, port) in raw.iter().enumerate() {
        let table = tables(index);
        let device = device(scope, &table, &port.device);
        if let Some(at) =
            ports.iter().position(|other| other.device.dpdk_name() == device.dpdk_name())
        {
            let line = scope.line(raw[at].device.span().start);
            let problem = format!("line {line} has this device already; a device is one port");
            scope.fault((&table, "device"), port.device.span(), problem);
        }
        let (rx_slots, tx_slots) = (port.rx_slots.as_ref(), port.tx_slots.as_ref());
        ports.push(PortConfig {
            name: scope.name((&table, "name"), &port.name),
            device,
            rx_slots: scope.power_of_two((&table, "rx_slots"), rx_slots, 1024, 64..=32_768),
            tx_slots: scope.power_of_two((&table, "tx_slots"), tx_slots, 1024, 64..=32_768),
        });
    }
    ports
}

fn device(scope: &mut Scope<'_>, table: &str, raw: &raw::Text) -> Device {
    let text = raw.get_ref();
    if is_pci(text) {
        return Device::Pci(text.to_lowercase());
    }
    let device = Device::Vdev(text.clone());
    let name = device.dpdk_name();
    let named = name.starts_with("net_") && name.len() < 64;
    if !named || !text.bytes().all(|b| b.is_ascii_graphic()) {
        let problem = "neither a PCI address with its domain, as \"0000:21:00.0\", nor a virtual \
                       device, as \"net_af_packet0,iface=v0\"";
        scope.fault((table, "device"), raw.span(), problem);
    } else if !name.ends_with(|c: char| c.is_ascii_digit()) {
        let problem = format!("a virtual device is numbered: \"{name}0\"");
        scope.fault((table, "device"), raw.span(), problem);
    }
    device
}

/// `dddd:bb:dd.f`, all hexadecimal.
fn is_pci(text: &str) -> bool {
    let shape = |c: char| if c.is_ascii_hexdigit() { 'h' } else { c };
    text.chars().map(shape).eq("hhhh:hh:hh.h".chars())
}

/// `[pool]`
pub(super) fn pool(scope: &mut Scope<'_>, raw: &raw::Pool) -> PoolConfig {
    PoolConfig {
        mbufs: scope.int(("pool", "mbufs"), raw.mbufs.as_ref(), 16_383, 255..=8_388_607),
        cache: scope.int(("pool", "cache"), raw.cache.as_ref(), 256, 0..=512),
        data_room: scope.int(("pool", "data_room"), raw.data_room.as_ref(), 2176, 832..=16_384),
    }
}

//! `peregrine ports`: starts EAL, and lists what it finds.
//!
//! Without arguments it takes the NICs that are bound to a driver for user space; with `--config`
//! what that file describes. When there is nothing to list, it says what would make it otherwise.

use std::fs;
use std::path::Path;

use comfy_table::{Table, presets};
use dpdk::{Eal, Huge, PortInfo, SocketId};
use serde_json::{Value, json};

use crate::check::mac_text;
use crate::cli::{PortsArgs, print};
use crate::config::Config;
use crate::eal;

/// Enough to look at devices.
const MEMORY_MB: u32 = 64;
/// Kernel drivers that hand a NIC to user space.
const USER_SPACE_DRIVERS: [&str; 3] = ["vfio-pci", "igb_uio", "uio_pci_generic"];

const NONE_FOUND: &str = "\
DPDK sees no ports. To have some:
  a NIC        sudo dpdk-devbind.py --status-dev net
               sudo modprobe vfio-pci
               sudo dpdk-devbind.py --bind=vfio-pci 0000:21:00.0   (the kernel loses this NIC)
  an interface peregrine ports --vdev net_af_packet0,iface=eth0     (as root)
  a tap        peregrine ports --vdev net_tap0,iface=tap0           (as root)
  none at all  peregrine run config/quickstart.toml                 (in-memory cables)
";

/// Runs the command.
///
/// # Errors
/// The configuration is wrong, EAL or a device does not start, or standard output is gone.
pub(crate) fn run(args: &PortsArgs) -> anyhow::Result<()> {
    let config = args.config.as_deref().map(Config::load).transpose()?;
    let mut settings = match &config {
        Some(config) => eal::settings(config),
        None => settings(args),
    };
    if args.no_huge {
        settings.huge = Huge::Off;
    }
    let dpdk = Eal::init(&settings)?;
    for link in config.iter().flat_map(|config| &config.links) {
        let ends = ["a", "b"].map(|end| format!("{}.{end}", link.name));
        dpdk.ring_pair(&ends[0], &ends[1], link.slots, SocketId::ANY)?;
    }
    let ports = dpdk.ports();
    let kernel = if ports.is_empty() { kernel_nics() } else { Vec::new() };
    print(&render(&ports, &kernel, args.json)?)?;
    Ok(())
}

fn settings(args: &PortsArgs) -> dpdk::EalConfig {
    let mut allow_pci = args.allow_pci.clone();
    if allow_pci.is_empty() && args.vdev.is_empty() {
        allow_pci = nics().into_iter().filter(Nic::is_ours).map(|nic| nic.address).collect();
    }
    dpdk::EalConfig {
        memory_mb: MEMORY_MB,
        file_prefix: "peregrine-ports".to_owned(),
        vdevs: args.vdev.clone(),
        allow_pci,
        ..dpdk::EalConfig::default()
    }
}

fn render(ports: &[PortInfo], kernel: &[Nic], as_json: bool) -> serde_json::Result<String> {
    if as_json {
        let rows: Vec<Value> = ports.iter().map(as_value).collect();
        return serde_json::to_string_pretty(&rows).map(|text| text + "\n");
    }
    if !ports.is_empty() {
        return Ok(table(ports));
    }
    let mut text = NONE_FOUND.to_owned();
    for nic in kernel {
        text.push_str(&format!("  {} is here, driven by {}\n", nic.address, nic.driver));
    }
    Ok(text)
}

fn as_value(port: &PortInfo) -> Value {
    let offloads = port.offloads.to_string();
    let offloads: Vec<&str> = offloads.split(' ').filter(|name| *name != "none").collect();
    json!({
        "id": port.id.get(),
        "name": port.name,
        "driver": port.driver,
        "mac": mac_text(&port.mac),
        "socket": (port.socket != SocketId::ANY).then_some(port.socket.0),
        "link_up": port.link_up,
        "speed_mbps": port.speed_mbps,
        "rx_queues_max": port.rx_queues_max,
        "tx_queues_max": port.tx_queues_max,
        "rx_slots": [port.rx_slots.0, port.rx_slots.1],
        "tx_slots": [port.tx_slots.0, port.tx_slots.1],
        "mtu": port.mtu,
        "mtu_max": port.mtu_max,
        "rss": port.rss,
        "offloads": offloads,
    })
}

fn table(ports: &[PortInfo]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(vec![
        "id", "name", "driver", "mac", "socket", "link", "queues", "mtu", "offloads",
    ]);
    for port in ports {
        let socket = match port.socket {
            SocketId::ANY => "any".to_owned(),
            SocketId(node) => node.to_string(),
        };
        let link = match (port.link_up, port.speed_mbps) {
            (false, _) => "down".to_owned(),
            (true, None) => "up".to_owned(),
            (true, Some(mbps)) => format!("up {mbps} Mb/s"),
        };
        table.add_row(vec![
            port.id.to_string(),
            port.name.clone(),
            port.driver.clone(),
            mac_text(&port.mac),
            socket,
            link,
            format!("{} rx {} tx", port.rx_queues_max, port.tx_queues_max),
            format!("{} (max {})", port.mtu, port.mtu_max),
            port.offloads.to_string(),
        ]);
    }
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// A network card on the PCI bus, and the kernel driver that has it.
#[derive(Debug)]
struct Nic {
    address: String,
    driver: String,
}

impl Nic {
    fn is_ours(&self) -> bool {
        USER_SPACE_DRIVERS.contains(&self.driver.as_str())
    }
}

fn kernel_nics() -> Vec<Nic> {
    nics().into_iter().filter(|nic| !nic.is_ours()).collect()
}

/// From sysfs; none where it cannot be read, as in some containers.
fn nics() -> Vec<Nic> {
    let entries = fs::read_dir("/sys/bus/pci/devices").into_iter().flatten().flatten();
    let mut nics: Vec<Nic> = entries.filter_map(|entry| nic(&entry.path())).collect();
    nics.sort_by(|a, b| a.address.cmp(&b.address));
    nics
}

fn nic(device: &Path) -> Option<Nic> {
    let class = fs::read_to_string(device.join("class")).ok()?;
    let driver = fs::read_link(device.join("driver")).ok();
    let name = |path: &Path| Some(path.file_name()?.to_string_lossy().into_owned());
    // PCI class 2 is a network controller.
    class.starts_with("0x02").then_some(())?;
    let driver = driver.as_deref().and_then(name).unwrap_or_else(|| "no driver".to_owned());
    Some(Nic { address: name(device)?, driver })
}

//! What EAL is told, out of the configuration, and what it has to tell.

use crate::config::{Config, Device, EalConfig, EalLog, Huge};

/// EAL's settings for a run: the file's, and the devices that its ports name.
pub(crate) fn settings(config: &Config) -> dpdk::EalConfig {
    let EalConfig { huge, memory_mb, file_prefix, allow_pci, extra, log } = config.eal.clone();
    let mut settings = dpdk::EalConfig {
        huge: match huge {
            Huge::Auto => dpdk::Huge::Auto,
            Huge::Require => dpdk::Huge::Require,
            Huge::Off => dpdk::Huge::Off,
        },
        memory_mb,
        file_prefix,
        allow_pci,
        extra,
        ..dpdk::EalConfig::default()
    };
    for port in &config.ports {
        match &port.device {
            Device::Vdev(arguments) => settings.vdevs.push(arguments.clone()),
            Device::Pci(address) if settings.allow_pci.contains(address) => {}
            Device::Pci(address) => settings.allow_pci.push(address.clone()),
        }
    }
    match log {
        EalLog::Quiet => {}
        EalLog::Info => settings.extra.push("--log-level=info".to_owned()),
        EalLog::Debug => settings.extra.push("--log-level=debug".to_owned()),
    }
    settings
}

/// The NUMA node of the first lcore, whose memory mbufs are to be; none where there is but one.
pub(crate) fn memory_node(lcores: &[usize]) -> Option<usize> {
    let host = hostcpu::Topology::read().ok()?;
    let cpu = host.cpu(*lcores.first()?)?;
    (host.nodes() > 1).then_some(cpu.node)
}

/// Says why EAL did without hugepages, where it might have had some.
pub(crate) fn tell_lack(eal: &dpdk::Eal) {
    if let Some(lack) = eal.huge_lack() {
        eprintln!("peregrine: {lack}: running on ordinary pages, as with --no-huge");
    }
}

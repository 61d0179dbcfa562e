//! A network namespace with one cable into it, gone when the value is dropped.
//!
//! ```text
//!   this namespace                     the peer's namespace
//!   host_if, no address  ◀── veth ──▶  eth0, 10.77.x.2/24, routes to 239.0.0.0/8
//!   (the port's device)                (Python peers, tcpdump)
//! ```
//!
//! The host end carries no address and no IPv6, so that the kernel neither answers nor resets what
//! is meant for the DPDK port that opens it (`net_af_packet0,iface=HOST_IF`). Offloads are off at
//! both ends: checksums of what the kernel sends are then really there, and no frame is longer than
//! the MTU. Names hold the process id and a counter: tests run in parallel, and what a killed
//! run left behind is removed by the next.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// Counts the namespaces of this process, for their names.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// Whether namespaces and veth pairs can be made here.
pub fn probe() -> Result<(), String> {
    if !super::is_root() {
        return Err("needs root for network namespaces".into());
    }
    for tool in ["ip", "ethtool"] {
        super::find_tool(tool).ok_or(format!("needs {tool}"))?;
    }
    remove_stale();
    let cable = Cable::lay("10.77.255.2/24").map_err(|error| format!("no namespaces: {error}"))?;
    run(&mut cable.command("true")).map_err(|error| format!("cannot enter a namespace: {error}"))
}

/// Runs `command` to its end; an error carries what it wrote to stderr.
pub fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {}: {}", output.status, said.trim()))
}

/// `ip` with these words, split at spaces: names and addresses have none.
fn ip(words: &str) -> Result<(), String> {
    run(Command::new(super::find_tool("ip").unwrap_or("ip".into())).args(words.split(' ')))
}

/// Namespaces of runs that were killed: their names hold a process id that is no more.
fn remove_stale() {
    let Ok(entries) = std::fs::read_dir("/run/netns") else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(rest) = name.strip_prefix("pgn-") else { continue };
        let pid = rest.split('-').next().unwrap_or_default();
        if !pid.is_empty() && !Path::new("/proc").join(pid).exists() {
            // The veth pair goes with the namespace that holds one end. Another process may have
            // been quicker, which is as good.
            let _ = ip(&format!("netns del {name}"));
        }
    }
}

/// A namespace for kernel peers and the veth pair into it.
pub struct Cable {
    ns: String,
    host_if: String,
}

impl Cable {
    /// The peer's interface inside its namespace.
    pub const PEER_IF: &'static str = "eth0";

    /// Lays a cable whose far end has the address `peer_cidr`, such as `10.77.1.2/24`.
    pub fn lay(peer_cidr: &str) -> Result<Cable, String> {
        let (pid, n) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        // Interface names have at most 15 bytes; Linux process ids at most 7 digits.
        let cable = Cable { ns: format!("pgn-{pid}-{n}"), host_if: format!("pg{pid}h{n}") };
        assert!(cable.host_if.len() <= 15, "too many cables in one process");
        ip(&format!("netns add {}", cable.ns))?;
        // From here on `cable` cleans up after an early return, too.
        cable.set_up(peer_cidr)?;
        Ok(cable)
    }

    fn set_up(&self, peer_cidr: &str) -> Result<(), String> {
        let (ns, host_if, peer_if) = (&self.ns, &self.host_if, Self::PEER_IF);
        ip(&format!("link add {host_if} type veth peer name {peer_if} netns {ns}"))?;
        run(offloads_off(&mut Command::new("ethtool"), host_if))?;
        run(offloads_off(&mut self.command("ethtool"), peer_if))?;
        // No IPv6 chatter on either end. A kernel without IPv6 has nothing to silence.
        let _ = std::fs::write(format!("/proc/sys/net/ipv6/conf/{host_if}/disable_ipv6"), "1");
        let quiet = format!("echo 1 > /proc/sys/net/ipv6/conf/{peer_if}/disable_ipv6 || true");
        run(self.command("sh").args(["-c", &quiet]))?;
        ip(&format!("link set {host_if} up"))?;
        ip(&format!("-n {ns} link set lo up"))?;
        ip(&format!("-n {ns} addr add {peer_cidr} dev {peer_if}"))?;
        ip(&format!("-n {ns} link set {peer_if} up"))?;
        ip(&format!("-n {ns} route add 239.0.0.0/8 dev {peer_if}"))
    }

    /// The near end: what a port's device argument names.
    pub fn host_if(&self) -> &str {
        &self.host_if
    }

    /// The namespace's name, for `ip -n`.
    pub fn ns(&self) -> &str {
        &self.ns
    }

    /// A command that will run inside the namespace.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(super::find_tool("ip").unwrap_or("ip".into()));
        command.args(["netns", "exec", &self.ns, program]);
        command
    }

    /// Moves an interface of this namespace (say a `net_tap` device) into the peer's, with an
    /// address.
    pub fn adopt(&self, interface: &str, cidr: &str) -> Result<(), String> {
        let ns = &self.ns;
        ip(&format!("link set {interface} netns {ns}"))?;
        ip(&format!("-n {ns} addr add {cidr} dev {interface}"))?;
        ip(&format!("-n {ns} link set {interface} up"))
    }

    /// Gives the near end an address, for tests whose near side is the kernel, too.
    pub fn address_host(&self, cidr: &str) -> Result<(), String> {
        ip(&format!("addr add {cidr} dev {}", self.host_if))
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        // The link first: it goes with the namespace, but only some time later.
        let _ = ip(&format!("link del {}", self.host_if));
        let _ = ip(&format!("netns del {}", self.ns));
    }
}

fn offloads_off<'c>(command: &'c mut Command, interface: &str) -> &'c mut Command {
    let switches = "tx off rx off sg off tso off gso off gro off".split(' ');
    command.args(["-K", interface]).args(switches)
}

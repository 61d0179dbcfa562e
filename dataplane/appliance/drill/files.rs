//! A drill's files: the cluster's, each node's and the room's configuration.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::DrillRefused;

/// EAL's memory of a process, in MB.
const MEMORY_MB: u64 = 64;
/// The network's ports of a node: orders, market data, consensus.
const PORTS: [&str; 3] = ["orders", "md", "peers"];
const IDENTITY: &str = "64726f6c6c7065726567726e2d303031";

/// Where everything is, and how large.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) dir: PathBuf,
    pub(super) nodes: u64,
    tick_us: u32,
    pause_us: u32,
}

/// Whether the processes find the memory that they share.
pub(super) fn need_hugepages(nodes: u64) -> Result<()> {
    // One more than there are processes: what a dead one had is freed when the room lets go of it.
    let needed = (nodes + 2) * MEMORY_MB;
    let read = |what: &str| -> u64 {
        let path = format!("/sys/kernel/mm/hugepages/hugepages-2048kB/{what}");
        fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    };
    let free = 2 * read("free_hugepages");
    if free < needed {
        let pages = read("nr_hugepages") + (needed - free).div_ceil(2);
        return Err(DrillRefused::Hugepages { free, needed, pages }.into());
    }
    Ok(())
}

impl Layout {
    /// Makes the folder.
    pub(super) fn new(dir: &Path, nodes: u64, tick_us: u32, pause_us: u32) -> Result<Layout> {
        fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
        // A socket's path is the same for every process.
        let dir = fs::canonicalize(dir)?;
        Ok(Layout { dir, nodes, tick_us, pause_us })
    }

    /// Writes all configurations.
    pub(super) fn write(&self) -> Result<()> {
        fs::write(self.dir.join("cluster.toml"), self.cluster())?;
        fs::write(self.room_file(), self.room())?;
        for node in 1..=self.nodes {
            fs::write(self.node_file(node), self.node(node))?;
        }
        Ok(())
    }

    /// A node's configuration.
    pub(super) fn node_file(&self, node: u64) -> PathBuf {
        self.dir.join(format!("node{node}.toml"))
    }

    /// The room's configuration.
    pub(super) fn room_file(&self) -> PathBuf {
        self.dir.join("room.toml")
    }

    /// Where a process reports.
    pub(super) fn report_dir(&self, process: &str) -> PathBuf {
        self.dir.join(format!("report-{process}"))
    }

    /// The socket of one of a node's ports.
    pub(super) fn socket(&self, node: u64, port: &str) -> PathBuf {
        self.dir.join(format!("{node}-{port}.sock"))
    }

    /// Where the room's switch hears of cables.
    pub(super) fn switch_socket(&self) -> PathBuf {
        self.dir.join("switch.sock")
    }

    fn cluster(&self) -> String {
        let mut text = format!(
            "identity = \"{IDENTITY}\"\n\n[ticks]\ntick_us = {}\n\n[quorum]\nbound_us = {}\n",
            self.tick_us,
            10 * self.tick_us
        );
        for node in 1..=self.nodes {
            text += &format!(
                "\n[[node]]\nnumber = {node}\nmac = \"02:00:00:00:c1:{node:02x}\"\n\
                 ip = \"10.0.79.{node}/24\"\n"
            );
        }
        let voters: Vec<u64> = (1..=self.nodes).collect();
        text + &format!(
            "\n[[partition]]\nname = \"main\"\nsymbols = [\"AAPL\"]\nvoters = {voters:?}\n"
        )
    }

    fn head(&self, process: &str, cpu: usize, drain_ms: u32) -> String {
        format!(
            "[run]\ntitle = \"Drill: {process}\"\nstop = \"signal\"\nreport_dir = \"{}\"\n\
             drain_ms = {drain_ms}\n\n[eal]\nhuge = \"require\"\nmemory_mb = {MEMORY_MB}\n\
             extra = [\"--huge-unlink\"]\n\
             file_prefix = \"d{}{process}\"\n\n[host]\nunfit = \"ignore\"\n\n\
             [lcores]\ncpus = [{cpu}]\n\n[pool]\nmbufs = 8191\ncache = 64\n",
            self.report_dir(process).display(),
            std::process::id() % 100_000,
        )
    }

    fn port(&self, name: &str, device: &str) -> String {
        format!(
            "\n[[port]]\nname = \"{name}\"\ndevice = \"{device}\"\nrx_slots = 256\ntx_slots = 256\n"
        )
    }

    fn node(&self, node: u64) -> String {
        let mut text = self.head(&format!("node{node}"), cpu_of(node), 1_000);
        for (at, port) in PORTS.iter().enumerate() {
            let path = self.socket(node, port);
            let device =
                format!("net_virtio_user{at},path={},queue_size=256,server=0", path.display());
            text += &self.port(port, &device);
        }
        text + &format!(
            "\n[[venue]]\nname = \"venue\"\nlcore = 0\nsymbols = [\"AAPL\"]\n\n\
             [venue.orders]\nport = \"orders\"\nmac = \"02:00:00:00:aa:01\"\n\
             ip = \"10.0.1.1/24\"\n\n\
             [venue.itch]\nport = \"md\"\nmac = \"02:00:00:00:aa:02\"\nip = \"10.0.2.1/24\"\n\
             group = \"239.192.0.1\"\n\n\
             [[venue.accounts]]\nuser = \"PROBE1\"\npassword = \"drill\"\n\n\
             [[venue.accounts]]\nuser = \"PROBE2\"\npassword = \"drill\"\n\n\
             [venue.limits]\nreplay_bytes = 67108864\nreplay_messages = 1048576\n\n\
             [venue.cluster]\nfile = \"cluster.toml\"\nnode = {node}\nport = \"peers\"\n\
             journal = \"{}\"\n",
            self.dir.join(format!("journal{node}")).display(),
        )
    }

    fn room(&self) -> String {
        let mut text = self.head("room", 0, 60_000);
        let mut ports = Vec::new();
        let mut device = 0;
        for node in 1..=self.nodes {
            for port in PORTS {
                let name = format!("{port}{node}");
                let path = self.socket(node, port);
                let vhost = format!("net_vhost{device},iface={},queues=1", path.display());
                text += &self.port(&name, &vhost);
                ports.push(name);
                device += 1;
            }
        }
        for (at, side) in ["buy", "sell"].iter().enumerate() {
            let number = at + 1;
            text += &format!("\n[[link]]\nname = \"c{number}\"\nslots = 256\n");
            ports.push(format!("c{number}.a"));
            text += &format!(
                "\n[[prober]]\nname = \"{side}er\"\nlcore = 0\nsymbol = \"AAPL\"\n\
                 side = \"{side}\"\n\
                 window = 8\npause_us = {}\norders_max = 200000\n\n\
                 [prober.orders]\nport = \"c{number}.b\"\nmac = \"02:00:00:00:bb:{number:02x}\"\n\
                 ip = \"10.0.1.{}/24\"\nvenue = \"10.0.1.1:26400\"\nuser = \"PROBE{number}\"\n\
                 password = \"drill\"\n",
                self.pause_us,
                100 + number,
            );
        }
        text += "\n[[link]]\nname = \"w\"\nslots = 256\n";
        ports.push("w.a".into());
        let watch = "\n[prober.watch]\nport = \"w.b\"\nmac = \"02:00:00:00:bb:03\"\n\
                     ip = \"10.0.2.103/24\"\ngroup = \"239.192.0.1\"\n";
        let before_second = text.rfind("\n[[link]]\nname = \"c2\"").unwrap_or(text.len());
        text.insert_str(before_second, watch);
        text + &format!(
            "\n[[switch]]\nname = \"room\"\nlcore = 0\nports = {ports:?}\ncontrol = \"{}\"\n",
            self.switch_socket().display(),
        )
    }
}

/// Nodes go round the CPUs; the room has the first.
fn cpu_of(node: u64) -> usize {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    node as usize % cpus
}

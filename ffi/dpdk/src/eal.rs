//! EAL, DPDK's environment: memory, devices and threads of the whole process.
//!
//! It starts once a process and cannot start again, not even after it was shut down: DPDK keeps
//! state in static variables. Whatever can be checked is therefore checked before the start, so
//! that a wrong configuration does not use up the one attempt.
//!
//! Memory comes from hugepages where there are enough, through `--in-memory`: they are anonymous,
//! so nothing stays behind in hugetlbfs when the process is killed. Otherwise from ordinary pages,
//! which needs no privilege at all.

mod arguments;

use std::ffi::{CStr, CString, OsStr, c_char, c_int};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use dpdk_sys as sys;

use crate::affinity::CpuSet;
use crate::error::last_reason;
use crate::port::{Idle, Port};
use crate::{Error, HugeLack, PortId, PortInfo, hugepages, info};

/// The oldest DPDK that will do, as (year, month).
const VERSION_MIN: (u32, u32) = (22, 11);

/// Whether to take memory from hugepages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Huge {
    /// Where enough can be had; [`Eal::huge_lack`] tells why not.
    #[default]
    Auto,
    /// Yes, or fail.
    Require,
    /// No: ordinary pages, which need no privilege.
    Off,
}

/// How to start EAL.
#[derive(Clone, Debug)]
pub struct EalConfig {
    /// Where memory comes from.
    pub huge: Huge,
    /// Memory taken at the start, in MB.
    pub memory_mb: u32,
    /// The NUMA node whose hugepages they are, where so many are free there; else, and without
    /// hugepages, they lie where the kernel puts them.
    pub memory_node: Option<usize>,
    /// Tells the runtime directories of several processes apart, where EAL makes any.
    pub file_prefix: String,
    /// Virtual devices, each as EAL's `--vdev` takes it: `net_tap0,iface=tap0`.
    pub vdevs: Vec<String>,
    /// PCI addresses of the NICs to take. With none, the PCI bus is not looked at.
    pub allow_pci: Vec<String>,
    /// The CPU of EAL's main lcore; the first allowed one if none is given. EAL starts its helper
    /// threads elsewhere where it can. The thread that starts EAL is not left pinned to it.
    pub main_cpu: Option<usize>,
    /// Maps hugepages into few large files. A virtio-user device needs it, for it can share eight
    /// regions of memory with its peer and no more; it is switched on when `vdevs` names one.
    pub single_file_segments: bool,
    /// Further arguments of EAL's, as they are.
    pub extra: Vec<String>,
}

impl Default for EalConfig {
    fn default() -> EalConfig {
        EalConfig {
            huge: Huge::Auto,
            memory_mb: 128,
            memory_node: None,
            file_prefix: "peregrine".to_owned(),
            vdevs: Vec::new(),
            allow_pci: Vec::new(),
            main_cpu: None,
            single_file_segments: false,
            extra: Vec::new(),
        }
    }
}

/// DPDK, started. Everything else borrows it, so it goes last; then it closes all ports, frees
/// all memory and shuts EAL down.
#[derive(Debug)]
pub struct Eal {
    state: Mutex<State>,
    /// Why not, where hugepages were not taken though they might have been.
    lack: Option<HugeLack>,
    huge: bool,
    log: String,
}

/// What EAL owns. The lock on it also keeps control calls of several threads apart, for which
/// DPDK itself does nothing.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// By port number.
    taken: Vec<bool>,
    pub(crate) pools: Vec<NonNull<sys::rte_mempool>>,
    pub(crate) rings: Vec<NonNull<sys::rte_ring>>,
}

// SAFETY: the pointers are used in `Drop` alone, and DPDK's objects belong to no thread.
unsafe impl Send for State {}

/// Set when EAL is started, and never cleared.
static STARTED: AtomicBool = AtomicBool::new(false);

impl Eal {
    /// Starts EAL with these settings. The calling thread keeps the CPUs it had.
    ///
    /// Fails without using up the one attempt on an old DPDK ([`Error::TooOld`]), on a CPU out of
    /// reach, on text with a NUL byte and where hugepages cannot be had that must be. A start that
    /// fails ([`Error::Start`]) and a device that does not come up ([`Error::NoDevice`]) do use it
    /// up.
    pub fn init(config: &EalConfig) -> Result<Eal, Error> {
        check_version()?;
        let lack = huge_lack(config)?;
        let huge = config.huge != Huge::Off && lack.is_none();
        let allowed = CpuSet::current()?;
        let cpu = match config.main_cpu {
            Some(cpu) if !allowed.has(cpu) => return Err(Error::CpuNotAllowed { cpu }),
            Some(cpu) => cpu,
            None => allowed.first().unwrap_or(0),
        };
        let node =
            config.memory_node.filter(|node| huge && hugepages::node_has(*node, config.memory_mb));
        let arguments = arguments::of(config, huge, node, cpu)
            .into_iter()
            .map(c_text)
            .collect::<Result<Vec<CString>, Error>>()?;
        if STARTED.swap(true, Ordering::SeqCst) {
            return Err(Error::AlreadyStarted);
        }
        let started = start(arguments);
        let quiet = !config.extra.iter().any(|argument| argument.starts_with("--log-level"));
        // SAFETY: the stream was made by `start`, which is the first to be called.
        unsafe { sys::pg_log_release(quiet) };
        // EAL leaves the thread on the main lcore's CPU, and every later thread would inherit it.
        let restored = allowed.apply();
        started.map_err(|error| blame_device(error, config))?;
        let eal = Eal { state: Mutex::default(), lack, huge, log: captured_log() };
        restored?;
        eal.check_devices(config)?;
        Ok(eal)
    }

    /// Whether memory comes from hugepages.
    pub fn huge_in_use(&self) -> bool {
        self.huge
    }

    /// Why [`Huge::Auto`] did without hugepages, where it did.
    pub fn huge_lack(&self) -> Option<&HugeLack> {
        self.lack.as_ref()
    }

    /// What EAL warned of while it started; mostly nothing.
    pub fn start_log(&self) -> &str {
        &self.log
    }

    /// All ports, by number.
    pub fn ports(&self) -> Vec<PortInfo> {
        let _control = self.control();
        info::port_ids().filter_map(|id| info::port_info(id).ok()).collect()
    }

    /// The port of this name. One made by [`Eal::ring_pair`] is also found by its short name.
    pub fn port_by_name(&self, name: &str) -> Option<PortId> {
        let find = |name: String| info::port_by_name(&CString::new(name).ok()?);
        find(name.to_owned()).or_else(|| find(format!("net_ring_{name}")))
    }

    /// Takes a port. Each can be taken once, until it is released.
    pub fn port(&self, id: PortId) -> Result<Port<'_, Idle>, Error> {
        let mut state = self.control();
        if info::port_name(id).is_none() {
            return Err(Error::NoPort { port: id });
        }
        let index = usize::from(id.0);
        if state.taken.len() <= index {
            state.taken.resize(index + 1, false);
        }
        match state.taken.get_mut(index) {
            Some(taken) if !*taken => *taken = true,
            _ => return Err(Error::PortTaken { port: id }),
        }
        Ok(Port::idle(self, id))
    }

    /// Gives a port back, so that it can be taken again.
    pub(crate) fn release(&self, id: PortId) {
        if let Some(taken) = self.control().taken.get_mut(usize::from(id.0)) {
            *taken = false;
        }
    }

    /// Holds off the control calls of other threads.
    pub(crate) fn control(&self) -> MutexGuard<'_, State> {
        // A panic under the lock leaves nothing half done that DPDK would not refuse by itself.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// EAL logs a virtual device that fails, and starts all the same.
    fn check_devices(&self, config: &EalConfig) -> Result<(), Error> {
        for device in &config.vdevs {
            let name = device.split(',').next().unwrap_or_default();
            // Other classes of device have no port to look for.
            if is_port(name) && self.port_by_name(name).is_none() {
                return Err(Error::NoDevice { device: device.clone(), log: self.log.clone() });
            }
        }
        for address in &config.allow_pci {
            let name = address.split(',').next().unwrap_or_default();
            let short = format!("0000:{name}");
            let known = |port: &PortInfo| port.name.starts_with(name) || port.name == short;
            if !self.ports().iter().any(known) {
                return Err(Error::NoDevice { device: address.clone(), log: self.log.clone() });
            }
        }
        Ok(())
    }
}

impl Drop for Eal {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let ports: Vec<PortId> = info::port_ids().collect();
        // SAFETY: everything that could use a port, a pool or a ring borrowed self and is gone.
        // Ports go first: their queues hold mbufs of the pools and point to the rings.
        unsafe {
            for port in ports {
                sys::rte_eth_dev_stop(port.0);
                sys::rte_eth_dev_close(port.0);
            }
            for ring in state.rings.drain(..) {
                sys::rte_ring_free(ring.as_ptr());
            }
            for pool in state.pools.drain(..) {
                sys::rte_mempool_free(pool.as_ptr());
            }
        }
        let folder = runtime_folder();
        // SAFETY: as above; nothing of DPDK is used after this.
        unsafe {
            sys::rte_eal_cleanup();
        }
        // EAL leaves its folder behind. One that another process is using is not empty, and stays.
        if let Some(folder) = folder {
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// Where EAL keeps its sockets and locks while it runs.
fn runtime_folder() -> Option<PathBuf> {
    // SAFETY: EAL runs; it returns null or a C string that lives as long as it does.
    let path = unsafe { sys::rte_eal_get_runtime_dir().as_ref().map(|p| CStr::from_ptr(p)) }?;
    Some(PathBuf::from(OsStr::from_bytes(path.to_bytes())))
}

/// The version of the library in use: `DPDK 22.11.11`.
pub fn dpdk_version() -> String {
    // SAFETY: returns a NUL-terminated string in static storage.
    unsafe { CStr::from_ptr(sys::rte_version()) }.to_string_lossy().into_owned()
}

fn check_version() -> Result<(), Error> {
    let found = dpdk_version();
    if version_of(&found) < VERSION_MIN { Err(Error::TooOld { found }) } else { Ok(()) }
}

/// Year and month out of `DPDK 22.11.11-rc1`; zeroes where there is no number.
fn version_of(text: &str) -> (u32, u32) {
    let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    let mut parts = digits.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// Why there are no hugepages to be had, where that is not an error.
fn huge_lack(config: &EalConfig) -> Result<Option<HugeLack>, Error> {
    let lack = |config: &EalConfig| hugepages::can_take(config.memory_mb).err();
    match config.huge {
        Huge::Off => Ok(None),
        Huge::Auto => Ok(lack(config)),
        Huge::Require => lack(config).map_or(Ok(None), |lack| Err(Error::NoHugepages { lack })),
    }
}

/// EAL refuses to start for a device of which it knows no driver: then its log has the name.
fn blame_device(error: Error, config: &EalConfig) -> Error {
    let Error::Start { reason, log } = error else { return error };
    let blamed = config.vdevs.iter().find(|device| {
        let name = device.split(',').next().unwrap_or_default();
        [name, device]
            .iter()
            .any(|text| log.contains(&format!("\"{text}\"")) || log.contains(&format!("'{text}'")))
    });
    match blamed {
        Some(device) => Error::NoDevice { device: device.clone(), log },
        None => Error::Start { reason, log },
    }
}

fn is_port(name: &str) -> bool {
    ["net_", "eth_", "virtio_user"].iter().any(|class| name.starts_with(class))
}

/// Text as C takes it: not empty, and without a NUL byte.
pub(crate) fn c_text(text: impl Into<String>) -> Result<CString, Error> {
    let text = text.into();
    if text.is_empty() {
        return Err(Error::BadText { text });
    }
    CString::new(text.clone()).map_err(|_| Error::BadText { text })
}

/// Calls `rte_eal_init` with its log captured.
fn start(arguments: Vec<CString>) -> Result<(), Error> {
    // EAL may keep pointers into its arguments, and permutes the array: both are left to it for
    // the rest of the process. It happens once.
    let mut pointers: Vec<*mut c_char> = arguments.into_iter().map(CString::into_raw).collect();
    let count = c_int::try_from(pointers.len()).unwrap_or(c_int::MAX);
    pointers.push(std::ptr::null_mut());
    let argv = Box::leak(pointers.into_boxed_slice()).as_mut_ptr();
    // SAFETY: called once a process, with `count` NUL-terminated strings and a null that all live
    // to its end. The log stream is set up before, so no thread of EAL's uses it yet.
    let code = unsafe {
        sys::pg_log_capture();
        sys::rte_eal_init(count, argv)
    };
    if code < 0 {
        return Err(Error::Start { reason: last_reason(), log: captured_log() });
    }
    Ok(())
}

/// What was logged during the start.
fn captured_log() -> String {
    let mut text = vec![0u8; 16 * 1024 + 1];
    // SAFETY: the stream exists since `start`, and the buffer is as long as is said.
    let len = unsafe { sys::pg_log_text(text.as_mut_ptr().cast(), text.len()) };
    text.truncate(len);
    String::from_utf8_lossy(&text).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_dpdk_prints_them() {
        assert_eq!(version_of("DPDK 22.11.11"), (22, 11));
        assert_eq!(version_of("DPDK 25.11.0-rc2"), (25, 11));
        assert_eq!(version_of("DPDK 19.08.0"), (19, 8));
        assert!(version_of("DPDK 21.11.4") < VERSION_MIN);
        assert_eq!(version_of("nonsense"), (0, 0));
    }

    #[test]
    fn text_for_c_has_no_nul_and_is_not_empty() {
        assert!(matches!(c_text("a\0b"), Err(Error::BadText { text }) if text == "a\0b"));
        assert!(matches!(c_text(""), Err(Error::BadText { .. })));
    }

    #[test]
    fn hugepages_that_no_machine_has_are_refused_with_advice() {
        let config = EalConfig { huge: Huge::Require, memory_mb: u32::MAX, ..EalConfig::default() };
        let error = huge_lack(&config).unwrap_err().to_string();
        assert!(error.contains("sysctl vm.nr_hugepages=2147483648, pages of 2 MB; "), "{error}");
        assert!(error.contains("4294967295 MB were asked for), or pass --no-huge"), "{error}");
        let lack = huge_lack(&EalConfig { huge: Huge::Auto, ..config.clone() }).unwrap().unwrap();
        assert_eq!(lack.to_string(), "no 4294967295 MB of free hugepages");
        assert!(huge_lack(&EalConfig { huge: Huge::Off, ..config }).unwrap().is_none());
    }
}

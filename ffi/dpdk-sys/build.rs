//! Finds libdpdk, compiles the shims, generates the bindings and names the libraries to link.
//!
//! `pkg-config` is run here rather than through the crate of that name, which drops the flags
//! that DPDK's inline functions cannot do without: `-march` and `-include rte_config.h`.
//!
//! DPDK is linked dynamically: EAL then loads every poll-mode driver that is installed beside it,
//! and no driver constructor can be lost at link time. Only the libraries that are called from
//! here are named; `pkg-config --libs` alone would tie the binary to more than sixty.

use std::env;
use std::path::PathBuf;
use std::process::{Command, exit};

/// The oldest DPDK that the shims are written for, as (year, month).
const VERSION_MIN: (u32, u32) = (22, 11);

/// Libraries that the bindings call into. `rte_log` is part of `rte_eal` before 23.11.
const LIBRARIES: [&str; 7] =
    ["rte_net_ring", "rte_ethdev", "rte_mbuf", "rte_mempool", "rte_ring", "rte_eal", "rte_log"];

const INPUTS: [&str; 3] = ["c/shim.h", "c/shim.c", "c/log.c"];

fn main() {
    for input in INPUTS {
        println!("cargo::rerun-if-changed={input}");
    }
    for name in ["PKG_CONFIG", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR", "LIBCLANG_PATH"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    let version = dpdk_version();
    let cflags = words(&pkg_config(&["--cflags", "libdpdk"]));
    compile_shims(&cflags);
    generate_bindings(&cflags);
    link();
    println!("cargo::metadata=version={version}");
}

/// Ends the build with one clear message.
fn fail(message: &str) -> ! {
    println!("cargo::error={message}");
    exit(1);
}

/// Splits flags as pkg-config prints them; none of DPDK's contains a blank.
fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn pkg_config(arguments: &[&str]) -> String {
    let tool = env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".to_owned());
    let output = match Command::new(&tool).args(arguments).output() {
        Ok(output) => output,
        Err(error) => fail(&format!(
            "cannot run {tool} ({error}); DPDK {} or newer is found through it: \
             apt-get install pkg-config libdpdk-dev",
            wanted()
        )),
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        fail(&format!(
            "{tool} finds no libdpdk, and DPDK {} or newer is needed: \
             apt-get install libdpdk-dev ({})",
            wanted(),
            said.lines().next().unwrap_or("no further message")
        ));
    }
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn wanted() -> String {
    format!("{}.{:02}", VERSION_MIN.0, VERSION_MIN.1)
}

fn dpdk_version() -> String {
    let version = pkg_config(&["--modversion", "libdpdk"]);
    let mut parts = version.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
    let found = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if found < VERSION_MIN {
        fail(&format!(
            "found DPDK {version}, but {} or newer is needed: \
             apt-get install libdpdk-dev (Debian 12 or newer)",
            wanted()
        ));
    }
    version
}

fn compile_shims(cflags: &[String]) {
    let mut build = cc::Build::new();
    build.files(["c/shim.c", "c/log.c"]).opt_level(3).std("gnu11").extra_warnings(true);
    // The headers of DPDK are not free of warnings under -Wextra; ours are to be.
    for flag in cflags {
        match flag.strip_prefix("-I") {
            Some(path) => build.flag("-isystem").flag(path),
            None => build.flag(flag),
        };
    }
    // Some entry points that we need are marked experimental in older releases.
    build.define("ALLOW_EXPERIMENTAL_API", None);
    build.compile("peregrine_dpdk_shim");
}

fn generate_bindings(cflags: &[String]) {
    let bindings = bindgen::Builder::default()
        .header("c/shim.h")
        .clang_args(cflags)
        .clang_arg("-DALLOW_EXPERIMENTAL_API")
        .allowlist_function("pg_.*")
        .allowlist_function("rte_(eal_init|eal_cleanup|eal_get_runtime_dir|version|strerror)")
        .allowlist_function("rte_thread_(un)?register")
        .allowlist_function("rte_pktmbuf_pool_create")
        .allowlist_function("rte_mempool_(free|in_use_count|avail_count)")
        .allowlist_function("rte_ring_(create|free)")
        .allowlist_function("rte_eth_from_rings")
        .allowlist_function("rte_eth_dev_(start|stop|close)")
        .allowlist_function("rte_eth_dev_get_(name_by_port|port_by_name)")
        .allowlist_function("rte_eth_(promiscuous|allmulticast)_enable")
        .allowlist_function("rte_eth_promiscuous_(disable|get)")
        .allowlist_function("rte_eth_x?stats_reset")
        .allowlist_function("rte_eth_dev_is_removed")
        .allowlist_type("pg_.*")
        .allowlist_var("(PG_.*|rte_eth_fp_ops)")
        // Only pointers to these cross the border; their layout differs between releases.
        .blocklist_type("rte_(mbuf|mempool|ring)(_.*)?")
        .prepend_enum_name(false)
        .derive_default(true)
        .generate_comments(false)
        .rust_edition(bindgen::RustEdition::Edition2024)
        .generate();
    let bindings = match bindings {
        Ok(bindings) => bindings,
        // libclang and the headers of `clang` must be of one release; it is the common reason.
        Err(error) => fail(&format!(
            "bindgen cannot read the headers of DPDK; where several LLVMs are installed, set \
             LIBCLANG_PATH to the lib directory of the one that `clang` is of: {error}"
        )),
    };
    let out = PathBuf::from(env::var("OUT_DIR").unwrap_or_default()).join("bindings.rs");
    if let Err(error) = bindings.write_to_file(&out) {
        fail(&format!("cannot write {}: {error}", out.display()));
    }
}

fn link() {
    let libdir = pkg_config(&["--variable=libdir", "libdpdk"]);
    for flag in words(&pkg_config(&["--libs-only-L", "libdpdk"])) {
        if let Some(path) = flag.strip_prefix("-L") {
            println!("cargo::rustc-link-search=native={path}");
        }
    }
    println!("cargo::rustc-link-search=native={libdir}");
    let offered = words(&pkg_config(&["--libs-only-l", "libdpdk"]));
    for library in LIBRARIES {
        // Drivers are not in the list of a shared DPDK, yet this one has functions of its own.
        let driver = library == "rte_net_ring";
        if driver || offered.iter().any(|flag| flag.strip_prefix("-l") == Some(library)) {
            println!("cargo::rustc-link-lib=dylib={library}");
        }
    }
    println!("cargo::metadata=libdir={libdir}");
}

//! What a pod starts: `deploy/start.sh` with the venue's file of `deploy/kubernetes`, which must
//! stay a configuration that Peregrine takes. What Kubernetes takes, `tests/deploy` checks.

use std::path::Path;
use std::process::{Command, Output};

mod common;

/// `peregrine-start check venue.toml` with these variables, as a pod has them.
fn check(variables: &[(&str, &str)], folder: &str) -> Output {
    let runtime = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    std::fs::create_dir_all(&runtime).expect("a folder below target");
    let root = common::repo_root();
    let binaries = Path::new(env!("CARGO_BIN_EXE_peregrine")).parent().expect("a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    Command::new(root.join("deploy/start.sh"))
        .arg("check")
        .arg(root.join("deploy/kubernetes/venue.toml"))
        .env("PATH", format!("{}:{path}", binaries.display()))
        .env("PEREGRINE_RUNTIME", &runtime)
        .env_remove("PCIDEVICE_PEREGRINE_EXAMPLE_ORDERS")
        .env_remove("PCIDEVICE_PEREGRINE_EXAMPLE_MD")
        .envs(variables.iter().copied())
        .output()
        .expect("the script starts")
}

#[test]
fn a_pods_configuration_is_valid_with_the_devices_that_it_was_given() {
    let given = [
        ("PCIDEVICE_PEREGRINE_EXAMPLE_ORDERS", "0000:3b:02.0"),
        ("PCIDEVICE_PEREGRINE_EXAMPLE_MD", "0000:3b:0a.1"),
    ];
    let output = check(&given, "containers-given");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    for device in ["0000:3b:02.0", "0000:3b:0a.1"] {
        assert!(told.contains(device), "{device} is in no port: {told}");
    }
}

#[test]
fn without_a_device_the_resource_is_named() {
    let output =
        check(&[("PCIDEVICE_PEREGRINE_EXAMPLE_ORDERS", "0000:3b:02.0")], "containers-less");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("PCIDEVICE_PEREGRINE_EXAMPLE_MD, which is not set"), "{told}");
}

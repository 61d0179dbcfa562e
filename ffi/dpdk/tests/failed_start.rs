//! A start that EAL refuses gives EAL's reason.
#![allow(clippy::unwrap_used)]

use dpdk::{Eal, EalConfig, Error, Huge};

#[test]
fn eal_gives_its_reason() {
    let config = EalConfig {
        huge: Huge::Off,
        memory_mb: 32,
        // The two exclude each other.
        extra: vec!["--in-memory".into()],
        ..EalConfig::default()
    };
    let error = Eal::init(&config).unwrap_err();
    let Error::Start { reason, log } = &error else { panic!("{error}") };
    assert!(!reason.is_empty());
    assert!(log.contains("--in-memory") || log.contains("no-huge"), "{log}");
    assert!(error.to_string().lines().count() > 1, "{error}");
}

//! A virtual device that does not come up is named in the error.
#![allow(clippy::unwrap_used)]

use dpdk::{Eal, EalConfig, Error, Huge};

#[test]
fn a_device_without_a_driver_is_named() {
    let device = "net_nonesuch7,speed=9".to_owned();
    let config = EalConfig {
        huge: Huge::Off,
        memory_mb: 32,
        vdevs: vec!["net_null0".into(), device.clone()],
        ..EalConfig::default()
    };
    let error = Eal::init(&config).unwrap_err();
    assert!(error.to_string().contains("\"net_nonesuch7,speed=9\" did not come up"), "{error}");
    let Error::NoDevice { device: named, log } = error else { panic!("{error}") };
    assert_eq!(named, device);
    assert!(log.contains("net_nonesuch7"), "EAL's own words: {log}");
    // The attempt is used up.
    assert!(matches!(Eal::init(&config), Err(Error::AlreadyStarted)));
}

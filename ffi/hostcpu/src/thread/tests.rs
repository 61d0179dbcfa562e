use super::*;
use std::fs;
use std::thread;
use std::time::Duration;

fn name_after(name: &'static str) -> String {
    thread::spawn(move || {
        set_thread_name(name).unwrap();
        fs::read_to_string("/proc/thread-self/comm").unwrap().trim_end().to_owned()
    })
    .join()
    .unwrap()
}

#[test]
fn names_the_thread() {
    assert_eq!(name_after("venue-hot"), "venue-hot");
    assert_eq!(name_after("a-name-that-is-too-long"), "a-name-that-is-");
    assert_eq!(name_after("before\0after"), "before");
}

#[test]
fn cuts_a_name_at_a_character() {
    assert_eq!(&name_bytes("ααααααααα")[..], "ααααααα\0\0".as_bytes());
    assert_eq!(name_bytes(""), [0; 16]);
}

#[test]
fn counts_a_sleep_as_a_voluntary_switch() {
    let before = thread_usage().unwrap();
    for _ in 0..5 {
        thread::sleep(Duration::from_millis(1));
    }
    let spent = thread_usage().unwrap().since(before);
    assert!(spent.voluntary_switches >= 5, "{spent:?}");
}

#[test]
fn counts_a_first_touch_as_a_minor_fault() {
    let before = thread_usage().unwrap();
    let mut memory = vec![0_u8; 64 << 20];
    for at in (0..memory.len()).step_by(4096) {
        memory[at] = 1;
    }
    std::hint::black_box(&memory);
    assert!(thread_usage().unwrap().since(before).minor_faults > 0);
}

#[test]
fn a_difference_never_wraps() {
    let more = Usage { voluntary_switches: 3, ..Usage::default() };
    assert_eq!(Usage::default().since(more), Usage::default());
}

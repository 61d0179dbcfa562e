//! Stalls and missed rates from counts, interfaces from a made-up sysfs.

use super::*;

fn sender() -> Sender {
    Sender { tx_port: 0, lcore: Some(0), stats: Arc::default() }
}

/// What is told at each look, half a second apart.
fn looks(
    sending: &mut Sending,
    sender: &Sender,
    rate: Option<f64>,
    at: &mut Instant,
    steps: &[&dyn Fn(&StreamStats)],
) -> Vec<EventKind> {
    let mut told = Vec::new();
    for step in steps {
        step(&sender.stats);
        *at += Duration::from_millis(500);
        sending.look(*at, true, &[sender], rate, |kind, _| told.push(kind));
    }
    told
}

#[test]
fn a_queue_that_stays_full_is_a_stall_and_one_that_moves_is_none() {
    let (mut sending, sender, mut at) = (Sending::default(), sender(), Instant::now());
    let full = |stats: &StreamStats| stats.counters.add(StreamCounter::TxFull, 9);
    let sends = |stats: &StreamStats| stats.counters.add(StreamCounter::TxFrames, 9);
    let both = |stats: &StreamStats| {
        full(stats);
        sends(stats);
    };
    let quiet = |_: &StreamStats| {};
    let mut look =
        |steps: &[&dyn Fn(&StreamStats)]| looks(&mut sending, &sender, None, &mut at, steps);
    assert_eq!(look(&[&sends, &both, &both, &both, &quiet, &quiet]), []);
    assert_eq!(look(&[&full, &quiet, &full]), [], "not for long enough");
    assert_eq!(look(&[&full, &full, &full]), [EventKind::PeerStalled], "told once");
    assert_eq!(look(&[&both, &sends]), [EventKind::PeerResumed]);
}

#[test]
fn a_rate_that_is_behind_for_long_is_missed() {
    let (mut sending, sender, mut at) = (Sending::default(), sender(), Instant::now());
    let behind = |frames| move |s: &StreamStats| s.counters.set(StreamCounter::Behind, frames);
    let (little, much) = (behind(100), behind(300));
    let mut look = |steps: &[&dyn Fn(&StreamStats)]| {
        looks(&mut sending, &sender, Some(1000.0), &mut at, steps)
    };
    assert_eq!(look(&[&little, &much, &little, &much]), []);
    assert_eq!(look(&[&much, &much]), [EventKind::RateMissed]);
    assert_eq!(look(&[&little, &much, &much]), [EventKind::RateMissed], "again");
}

#[test]
fn a_lcore_that_does_not_poll_is_told_once() {
    let mut watch = Watch::new(std::iter::empty());
    let (sender, mut at) = (sender(), Instant::now());
    let mut look = |polls: bool| {
        if polls {
            sender.stats.rx_bursts.add(0);
        }
        at += Duration::from_millis(400);
        watch.look_at_lcores(at, std::slice::from_ref(&sender)).len()
    };
    assert_eq!([true, true, false].map(&mut look), [0; 3]);
    assert_eq!([false, false, false].map(&mut look), [1, 0, 0]);
    assert_eq!([true, false, false, false].map(&mut look), [0, 0, 1, 0]);
}

#[test]
fn an_interface_goes_down_comes_up_and_goes() {
    let root = std::env::temp_dir().join(format!("peregrine-watch-{}", std::process::id()));
    let folder = root.join("veth7");
    std::fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("ifindex", "12\n");
    write("carrier", "1\n");
    let net = root.to_str().unwrap();
    let interface = Interface::find(12, net).unwrap();
    assert_eq!((interface.name.as_str(), interface.look()), ("veth7", KernelLink::Up));
    assert_eq!(Interface::find(13, net), None);
    write("carrier", "0\n");
    assert_eq!(interface.look(), KernelLink::Down);
    // Of one that is administratively down the kernel refuses to tell.
    std::fs::remove_file(folder.join("carrier")).unwrap();
    assert_eq!(interface.look(), KernelLink::Down);
    // Another by its name.
    write("carrier", "1\n");
    write("ifindex", "13\n");
    assert_eq!(interface.look(), KernelLink::Gone);
    std::fs::remove_dir_all(&root).unwrap();
    assert_eq!(interface.look(), KernelLink::Gone);
}

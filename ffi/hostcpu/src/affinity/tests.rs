use super::*;
use std::thread;

/// Runs `test` on a thread of its own: affinity is the thread's, and the harness reuses its own.
fn on_a_thread(test: impl FnOnce() + Send + 'static) {
    thread::spawn(test).join().unwrap();
}

#[test]
fn pins_and_unpins() {
    on_a_thread(|| {
        let before = allowed_cpus().unwrap();
        let cpu = before.first().unwrap();
        pin_current(cpu).unwrap();
        assert_eq!(allowed_cpus().unwrap().iter().collect::<Vec<_>>(), [cpu]);
        assert_eq!(current_cpu(), Some(cpu));
        allow_cpus(&before).unwrap();
        assert_eq!(allowed_cpus().unwrap(), before);
    });
}

#[test]
fn a_thread_started_from_a_pinned_one_inherits_its_cpu() {
    on_a_thread(|| {
        let before = allowed_cpus().unwrap();
        let cpu = before.first().unwrap();
        pin_current(cpu).unwrap();
        let inherited = thread::spawn(|| allowed_cpus().unwrap()).join().unwrap();
        assert_eq!(inherited.iter().collect::<Vec<_>>(), [cpu]);
    });
}

#[test]
fn says_which_cpu_cannot_be_had() {
    assert!(matches!(pin_current(CPUS_MAX), Err(Error::CpuOutOfRange(CPUS_MAX))));
    assert!(matches!(pin_current(usize::MAX), Err(Error::CpuOutOfRange(_))));
    let absent = CPUS_MAX - 1;
    let error = pin_current(absent).unwrap_err();
    assert!(matches!(error, Error::Pin { cpu, .. } if cpu == absent), "{error}");
    assert!(error.to_string().contains("1023"));
    assert!(matches!(allow_cpus(&CpuSet::new()), Err(Error::EmptySet)));
}

#[test]
fn the_cpuset_is_told_to_a_pinned_thread_which_stays_pinned() {
    on_a_thread(|| {
        let before = allowed_cpus().unwrap();
        let online = crate::Topology::read().unwrap().online();
        let cpu = before.first().unwrap();
        pin_current(cpu).unwrap();
        let cpuset = cpuset_cpus(&online).unwrap();
        assert!(before.iter().all(|cpu| cpuset.contains(cpu)), "{before} of {cpuset}");
        assert!(cpuset.iter().all(|cpu| online.contains(cpu)), "{cpuset} of {online}");
        assert_eq!(allowed_cpus().unwrap().iter().collect::<Vec<_>>(), [cpu]);
    });
}

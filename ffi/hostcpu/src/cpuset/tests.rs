use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

#[test]
fn reads_what_the_kernel_writes() {
    let set: CpuSet = "0-3,8\n".parse().unwrap();
    assert_eq!(set.iter().collect::<Vec<_>>(), [0, 1, 2, 3, 8]);
    assert_eq!(set.to_string(), "0-3,8");
    assert_eq!(set.first(), Some(0));
    assert!("\n".parse::<CpuSet>().unwrap().is_empty(), "an empty `isolated` file");
}

#[test]
fn refuses_what_is_no_list() {
    for text in ["a", "3-1", "1-", "-1", "0x3", "1-2-3", "99999999999999999999"] {
        assert!(matches!(text.parse::<CpuSet>(), Err(Error::CpuList { .. })), "{text}");
    }
    assert!(matches!("0-1024".parse::<CpuSet>(), Err(Error::CpuOutOfRange(1024))));
    assert!(matches!(CpuSet::new().insert(CPUS_MAX), Err(Error::CpuOutOfRange(CPUS_MAX))));
    assert!(!CpuSet::new().contains(usize::MAX));
}

proptest! {
    #[test]
    fn behaves_as_a_set_and_survives_its_own_text(
        cpus in proptest::collection::btree_set(0..CPUS_MAX, 0..60),
    ) {
        let set: CpuSet = cpus.iter().copied().collect();
        prop_assert_eq!(set.len(), cpus.len());
        prop_assert_eq!(set.iter().collect::<BTreeSet<_>>(), cpus);
        prop_assert_eq!(set.to_string().parse::<CpuSet>().unwrap(), set);
    }

    #[test]
    fn never_panics_on_text(text in "[-0-9, a]{0,40}") {
        let _ = text.parse::<CpuSet>();
    }
}

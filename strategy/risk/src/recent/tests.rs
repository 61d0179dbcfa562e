use super::*;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn counts_as_a_list_does(
        orders in prop::collection::vec((0u64..6, 0u32..3, 0u64..40), 1..800),
        window_ns in 1u64..4_000,
        max in 1u32..6,
        start in prop_oneof![Just(0u32), Just(u32::MAX - 300)],
    ) {
        let mut recent = Recent::new();
        recent.last = start;
        let mut list: Vec<(Key, u64)> = Vec::new();
        let mut now_ns = 0;
        for (what, price, wait_ns) in orders {
            now_ns += wait_ns;
            // Shares few slots among many keys, so that chains hold strangers.
            let key = Key { what: what << 32, price };
            let inside = |&&(k, at_ns): &&(Key, u64)| k == key && now_ns - at_ns < window_ns;
            let equal = list.iter().rev().take(KEPT).filter(inside).count();
            prop_assert_eq!(recent.has(key, now_ns, window_ns, max), equal >= max as usize);
            if recent.last == u32::MAX {
                list.clear();
            }
            recent.note(key, now_ns);
            list.push((key, now_ns));
        }
    }
}

//! The same input twice gives the same bytes and the same market.

use super::rig::*;
use super::storm::{builtin, input, run};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn the_same_input_gives_the_same_bytes_and_the_same_market(
        strategy in builtin(),
        inputs in prop::collection::vec(input(true), 1..200),
    ) {
        let [one, two] = [(); 2].map(|()| run(&strategy, &inputs, limits(), ticker_limits()));
        prop_assert_eq!(one.wire.hash, two.wire.hash);
        prop_assert_eq!(one.wire.out, two.wire.out);
        prop_assert_eq!(one.wire.refused, two.wire.refused);
        prop_assert_eq!(one.core.market().state_hash(), two.core.market().state_hash());
        prop_assert_eq!(one.core.desk().counters(), two.core.desk().counters());
        for ticker in [A, B] {
            let position = one.core.desk().gate().position(ticker);
            prop_assert_eq!(position, two.core.desk().gate().position(ticker));
        }
    }
}

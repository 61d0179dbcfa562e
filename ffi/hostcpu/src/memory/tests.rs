use super::*;

#[test]
fn a_node_that_no_mask_holds_is_refused() {
    assert!(matches!(bind(NODES_MAX), Err(Error::NodeOutOfRange(NODES_MAX))));
}

#[test]
fn a_node_that_is_not_there_is_refused_and_node_0_is_taken_and_left() {
    std::thread::spawn(|| {
        match bind(0) {
            Ok(()) => {
                assert!(matches!(bind(NODES_MAX - 1), Err(Error::Call { .. })));
                assert!(!is_default());
                prefer(0).unwrap();
                assert!(!is_default());
                set(libc::MPOL_LOCAL, &[]).unwrap();
                assert!(is_default(), "as EAL leaves it");
                unbind().unwrap();
                assert!(is_default());
            }
            // A container's filter may forbid the call: then it says so.
            Err(error) => assert!(matches!(error, Error::Call { .. }), "{error}"),
        }
    })
    .join()
    .unwrap();
}

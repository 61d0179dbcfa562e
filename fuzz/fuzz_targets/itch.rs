//! ITCH: one message, and a file of them. What parses has the table's length and keeps its bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::field::Describe;
use wire::itch::{self, Blocks};

fn message(bytes: &[u8]) {
    if let Ok(message) = itch::parse(bytes) {
        assert_eq!(message.as_bytes(), bytes);
        assert_eq!(itch::message_len(message.head().message_type), Some(bytes.len()));
        let mut fields = 0;
        message.describe(&mut |_, _| fields += 1);
        assert!(fields >= 4);
    }
}

fuzz_target!(|bytes: &[u8]| {
    message(bytes);
    let mut end = 0;
    for block in Blocks::to_end(bytes) {
        match block {
            Ok(block) => {
                assert_eq!(block.offset, end);
                end += 2 + block.data.len();
                message(block.data);
            }
            Err(error) => {
                assert_eq!((error.offset, error.left), (end, bytes.len() - end));
                end = bytes.len();
            }
        }
    }
    assert_eq!(end, bytes.len());
});

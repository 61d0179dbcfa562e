use super::*;

fn fill(tx: &mut SourceTx, messages: &[&[u8]]) {
    let mut chunk = tx.take_empty().expect("an empty chunk");
    for m in messages {
        chunk.bytes.extend((m.len() as u16).to_be_bytes());
        chunk.bytes.extend(*m);
    }
    chunk.input_bytes = chunk.bytes.len() as u64;
    tx.pass(chunk);
}

#[test]
fn messages_come_in_order_and_chunks_go_round() {
    let (mut tx, mut rx) = source(2, 64);
    assert_eq!(rx.peek(), Peek::Wait);
    assert!(!rx.is_primed());
    for round in 0..5u8 {
        fill(&mut tx, &[&[round], &[round, round]]);
        assert_eq!(rx.peek(), Peek::Message(&[round]));
        assert_eq!(rx.peek(), Peek::Message(&[round]), "peeking does not take");
        rx.advance();
        assert_eq!(rx.peek(), Peek::Message(&[round, round]));
        rx.advance();
        assert_eq!(rx.peek(), Peek::Wait);
    }
    assert_eq!(rx.taken_bytes(), 5 * 7);
    fill(&mut tx, &[&[9]]);
    tx.end(false);
    assert_eq!(rx.peek(), Peek::Message(&[9]), "what was passed before the end comes first");
    rx.advance();
    assert_eq!(rx.peek(), Peek::End);
}

#[test]
fn a_broken_input_is_told_after_what_was_good() {
    let (mut tx, mut rx) = source(2, 64);
    fill(&mut tx, &[&[1]]);
    tx.end(true);
    rx.peek();
    rx.advance();
    assert_eq!(rx.peek(), Peek::Failed);
}

#[test]
fn an_abandoned_source_is_noticed() {
    let (tx, rx) = source(1, 8);
    drop(rx);
    assert!(tx.is_abandoned());
}

use super::*;
use std::sync::{Arc, Mutex};

/// A writer whose text can be read afterwards.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn without_a_terminal_it_is_a_line_every_few_seconds() {
    let out = Shared::default();
    let sink = Sink::Plain { out: Box::new(out.clone()), next_at: PLAIN_EVERY };
    let mut progress = Progress { total: Some(1_000), started: Instant::now(), sink };
    for tenths in 0..100 {
        progress.update_at(Duration::from_millis(tenths * 100), tenths * 10, tenths);
    }
    progress.finish();
    let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 3, "at 3, 6 and 9 seconds: {text}");
    assert_eq!(lines[0], "300 of 1,000 messages (30.0 %), 100/s, 30 fills");
}

#[test]
fn a_line_without_a_total_has_no_share() {
    let second = Duration::from_secs(1);
    assert_eq!(line(None, second, 1, 1), "1 message, 1/s, 1 fill");
    assert_eq!(line(Some(0), Duration::ZERO, 0, 0), "0 of 0 messages (0 %), 0/s, 0 fills");
}

#[test]
fn the_templates_are_understood() {
    for template in [TEMPLATE_TOTAL, TEMPLATE_OPEN] {
        ProgressStyle::with_template(template).unwrap();
    }
    for total in [Some(10), None] {
        let bar = bar(total);
        bar.set_draw_target(ProgressDrawTarget::hidden());
        let mut progress = Progress { total, started: Instant::now(), sink: Sink::Bar(bar) };
        progress.update(5, 1);
        progress.finish();
    }
}

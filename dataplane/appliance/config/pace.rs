//! Paces as people write them: `recorded`, `10x`, `250000/s`, `max`.

use super::Pace;

/// Messages a second that a pace may ask for: above what 100 Gbit/s carry of the shortest message.
const RATE_MAX: u64 = 1_000_000_000;
/// Times the recorded speed: a day of trading within 25 ms.
const SPEED_MAX: f64 = 1_000_000.0;

/// Reads a pace; pauses are kept until [`Pace::with_gap`] cuts them.
///
/// # Errors
/// What is wrong with the text, and what would be right.
pub(crate) fn parse_pace(text: &str) -> Result<Pace, String> {
    let recorded = |speed| Pace::Recorded { speed, gap_ns_max: 0 };
    match text {
        "recorded" => return Ok(recorded(1.0)),
        "max" => return Ok(Pace::Max),
        _ => {}
    }
    if let Some(rate) = text.strip_suffix("/s") {
        let messages_per_s = rate.replace('_', "").parse().unwrap_or(0);
        return match messages_per_s {
            1..=RATE_MAX => Ok(Pace::Rate { messages_per_s }),
            _ => Err(format!("a rate is a whole number from 1/s to {RATE_MAX}/s")),
        };
    }
    if let Some(speed) = text.strip_suffix('x') {
        return match speed.parse::<f64>() {
            Ok(speed) if (0.001..=SPEED_MAX).contains(&speed) => Ok(recorded(speed)),
            _ => Err(format!("a speed is a number from 0.001x to {SPEED_MAX}x")),
        };
    }
    Err("a pace is \"recorded\", a speed as \"10x\", messages a second as \"250000/s\", or \"max\""
        .into())
}

//! Numbers as people read them.

/// A count with thousands separators: `1,234,567`.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Nanoseconds to three digits in the unit that suits them: `812 ns`, `1.24 µs`, `31.0 ms`.
pub(crate) fn ns(value: u64) -> String {
    const UNITS: [(f64, &str); 3] = [(1e3, "µs"), (1e6, "ms"), (1e9, "s")];
    if value < 1_000 {
        return format!("{value} ns");
    }
    let value = value as f64;
    // 999.6 µs to three digits is 1.00 ms: the unit is chosen after rounding.
    let unit = UNITS.iter().find(|(scale, _)| value / scale < 999.5);
    let (scale, name) = unit.unwrap_or(&UNITS[2]);
    let scaled = value / scale;
    match scaled {
        s if s < 9.995 => format!("{s:.2} {name}"),
        s if s < 99.95 => format!("{s:.1} {name}"),
        s => format!("{} {name}", count(s.round() as u64)),
    }
}

/// A tick of an axis, without digits that say nothing: `50 ns`, `2 µs`, `1 s`.
pub(crate) fn ns_short(value: f64) -> String {
    const UNITS: [(f64, &str); 4] = [(1.0, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s")];
    let unit = UNITS.iter().rev().find(|(scale, _)| value >= scale * 0.9995);
    let (scale, name) = unit.unwrap_or(&UNITS[0]);
    let scaled = (value / scale * 100.0).round() / 100.0;
    format!("{scaled} {name}")
}

/// A part of a whole: `12.3 %`; nothing of nothing is `0 %`.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    match (part, whole) {
        (0, _) | (_, 0) => "0 %".to_owned(),
        (part, whole) if part == whole => "100 %".to_owned(),
        (part, whole) => {
            let percent = part as f64 / whole as f64 * 100.0;
            match percent {
                p if p < 0.01 => "< 0.01 %".to_owned(),
                p if p >= 99.95 => "> 99.9 %".to_owned(),
                p if p < 1.0 => format!("{p:.2} %"),
                p => format!("{p:.1} %"),
            }
        }
    }
}

/// A rate a second: `850/s`, `12.3 k/s`, `4.56 M/s`. Nothing when no time has passed.
pub(crate) fn rate(events: u64, seconds: f64) -> String {
    let per_second = if seconds > 0.0 { events as f64 / seconds } else { 0.0 };
    match per_second {
        r if r < 999.5 => format!("{r:.0}/s"),
        r if r < 99_950.0 => format!("{:.1} k/s", r / 1e3),
        r if r < 999_500.0 => format!("{:.0} k/s", r / 1e3),
        r => format!("{:.2} M/s", r / 1e6),
    }
}

/// A duration in seconds: `850 ms`, `12.3 s`, `3 min 05 s`, `2 h 03 min`.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match seconds {
        s if s < 0.9995 => format!("{:.0} ms", s.max(0.0) * 1e3),
        s if s < 59.95 => format!("{s:.1} s"),
        s if s < 3_599.5 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3_600, whole / 60 % 60),
    }
}

/// A name as prose: `tick_to_trade` is `tick to trade`.
pub(crate) fn words(name: &str) -> String {
    name.replace('_', " ")
}

/// `1 book`, `2 books`.
pub(crate) fn plural(n: u64, noun: &str) -> String {
    let ending = if n == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", count(n))
}

/// The text without what would move a cursor, speak to a terminal or turn the text around it: names
/// may be hostile.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_format(c) { '\u{fffd}' } else { c }).collect()
}

/// Marks that reorder or join the text around them.
fn is_format(c: char) -> bool {
    matches!(
        c,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests;

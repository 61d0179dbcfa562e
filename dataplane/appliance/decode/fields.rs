//! Messages as fields: the dissectors' keys, and values as the text they display.

use super::line::Fields;
use std::fmt;
use wire::field::{Describe, Value, trimmed};
use wire::{itch, moldudp64, ouch, soup};

/// Bytes as text, each byte the character of its number.
struct Latin<'a>(&'a [u8]);

impl fmt::Display for Latin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|&byte| fmt::Write::write_char(f, char::from(byte)))
    }
}

/// `raw` in units of 10^-`decimals`, without trailing zeros.
struct Decimal {
    raw: i128,
    decimals: u8,
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = 10u128.pow(u32::from(self.decimals));
        let (whole, mut part) = (self.raw.unsigned_abs() / unit, self.raw.unsigned_abs() % unit);
        let sign = if self.raw < 0 { "-" } else { "" };
        write!(f, "{sign}{whole}")?;
        let mut digits = usize::from(self.decimals);
        if part == 0 {
            return Ok(());
        }
        while part.is_multiple_of(10) {
            part /= 10;
            digits -= 1;
        }
        write!(f, ".{part:0digits$}")
    }
}

/// Text is what stands before a zero byte and the padding; when nothing does, the field is left
/// out.
fn set_text(fields: &mut Fields, key: &'static str, bytes: &[u8]) {
    let text = trimmed(bytes.split(|&b| b == 0).next().unwrap_or(bytes));
    if !text.is_empty() {
        fields.set(key, Latin(text));
    }
}

fn set(fields: &mut Fields, key: &'static str, value: Value<'_>) {
    match value {
        Value::Number(number) => fields.set(key, number),
        Value::Letter(0) => {}
        Value::Letter(byte) => fields.set(key, char::from(byte)),
        Value::Text(bytes) => set_text(fields, key, bytes),
        Value::Decimal { raw, decimals } => fields.set(key, Decimal { raw, decimals }),
    }
}

/// MoldUDP64's header; `count_key` tells a downstream packet from a request.
pub(super) fn mold_header(
    fields: &mut Fields,
    header: &moldudp64::Header,
    count_key: &'static str,
) {
    set_text(fields, "session", &header.session);
    fields.set("sequence_number", header.sequence_number.get());
    fields.set(count_key, header.message_count.get());
}

/// What stands before an ITCH message in a MoldUDP64 packet or a file.
pub(super) fn block(fields: &mut Fields, index: usize, length: usize) {
    fields.set("message_index", index);
    fields.set("message_length", length);
}

/// An ITCH message's fields. The dissectors call Reg SHO's locate and a trading action's reason
/// otherwise.
pub(super) fn itch(fields: &mut Fields, message: &itch::Message<'_>) {
    let reg_sho = matches!(message, itch::Message::RegSho(_));
    message.describe(&mut |name, value| {
        let key = match name {
            "stock_locate" if reg_sho => "locate_code",
            "reason_code" => "reason",
            name => name,
        };
        set(fields, key, value);
    });
}

/// What of a malformed message is sure: its type.
pub(super) fn type_only(fields: &mut Fields, key: &'static str, message: &[u8]) {
    if let Some(&kind) = message.first() {
        set(fields, key, Value::Letter(kind));
    }
}

/// SoupBinTCP's own fields, which stand before those of the message it carries.
pub(super) fn soup_head(fields: &mut Fields, length: usize, kind: u8) {
    fields.set("packet_length", length);
    set(fields, "packet_type", Value::Letter(kind));
}

/// An OUCH message's fields, its optional ones behind it.
fn ouch<'a>(
    fields: &mut Fields,
    type_key: &'static str,
    message: &dyn Describe,
    appendage: Option<(&'static str, ouch::Appendage<'a>)>,
) {
    message.describe(&mut |name, value| {
        set(fields, if name == "message_type" { type_key } else { name }, value);
    });
    let Some((tag_key, optional)) = appendage else { return };
    for field in optional.all() {
        fields.set("optional_field_length", field.wire_len() - 1);
        fields.set(tag_key, field.tag());
        if let Some((name, value)) = field.describe() {
            set(fields, name, value);
        }
    }
}

/// The payload of an unsequenced packet: OUCH from the client.
pub(super) fn unsequenced(fields: &mut Fields, payload: &[u8]) -> Result<(), ouch::Error> {
    const KEY: &str = "unsequenced_message_type";
    match ouch::inbound::parse(payload) {
        Ok(message) => {
            ouch(fields, KEY, &message, message.appendage());
            Ok(())
        }
        Err(error) => {
            type_only(fields, KEY, payload);
            Err(error)
        }
    }
}

/// The payload of a sequenced packet: OUCH from the venue, or ITCH when only that fits.
pub(super) fn sequenced(fields: &mut Fields, payload: &[u8]) -> Result<(), ouch::Error> {
    const KEY: &str = "sequenced_message_type";
    match (ouch::outbound::parse(payload), itch::parse(payload)) {
        (Ok(message), _) => {
            ouch(fields, KEY, &message, message.appendage());
            Ok(())
        }
        (Err(_), Ok(message)) => {
            itch(fields, &message);
            Ok(())
        }
        (Err(error), Err(_)) => {
            type_only(fields, KEY, payload);
            Err(error)
        }
    }
}

/// A login request's fields.
pub(super) fn login_request(
    fields: &mut Fields,
    request: &soup::LoginRequest,
) -> Result<(), soup::text::Error> {
    set_text(fields, "username", &request.username);
    set_text(fields, "password", &request.password);
    set_text(fields, "requested_session", &request.requested_session);
    number(fields, "requested_sequence_number", &request.requested_sequence_number)
}

/// A login accepted's fields.
pub(super) fn login_accepted(
    fields: &mut Fields,
    accepted: &soup::LoginAccepted,
) -> Result<(), soup::text::Error> {
    set_text(fields, "session", &accepted.session);
    number(fields, "sequence_number", &accepted.sequence_number)
}

/// A login rejected's reason.
pub(super) fn login_rejected(fields: &mut Fields, reason: u8) {
    set(fields, "reject_reason_code", Value::Letter(reason));
}

/// A debug packet's text.
pub(super) fn debug(fields: &mut Fields, text: &[u8]) {
    set_text(fields, "text", text);
}

fn number(
    fields: &mut Fields,
    key: &'static str,
    text: &soup::text::Number,
) -> Result<(), soup::text::Error> {
    fields.set(key, soup::text::parse(text)?);
    Ok(())
}

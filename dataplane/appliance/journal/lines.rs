//! A record as a line: for people, and for programs.
//!
//! The JSON has the record's place (`segment`, `offset`, `sequence`, `epoch`, `time_ns`), its
//! `kind`, and the fields of what is kept under their own names: numbers as numbers, letters and
//! names as text, prices in 1/10000 dollar, bytes in hexadecimal. Text that is not ASCII shows as
//! `?`. A record that another one has taken the place of is `superseded`.

use ::journal::{Entry, HardState, Payload, Place};
use serde_json::{Map, Value, json};
use types::{Command, Echo, Enter, Input, Open, Operation, Replace, Terms};

/// How many records there are of a kind.
#[derive(Debug, Default)]
pub(super) struct Kinds(Vec<(&'static str, u64)>);

impl Kinds {
    /// Counts one.
    pub(super) fn count(&mut self, payload: &Payload<'_>) {
        let kind = kind(payload);
        match self.0.iter_mut().find(|(name, _)| *name == kind) {
            Some((_, count)) => *count += 1,
            None => self.0.push((kind, 1)),
        }
    }

    /// The kinds met, the most frequent first.
    pub(super) fn counted(mut self) -> Vec<(&'static str, u64)> {
        self.0.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        self.0
    }
}

/// A record for people.
pub(super) fn text(place: Place<'_>, entry: &Entry<'_>) -> String {
    let Entry { sequence, epoch, now, payload } = entry;
    let (segment, offset) = (place.segment.header.index, place.offset);
    let superseded = if place.superseded { " superseded" } else { "" };
    let what = match payload {
        Payload::Input(Input::Command(command, echo)) if *echo == Echo::default() => {
            format!("{command:?}")
        }
        Payload::Input(Input::Command(command, echo)) => format!("{command:?} {echo:?}"),
        Payload::Input(input) => format!("{input:?}"),
        other => format!("{other:?}"),
    };
    format!("{segment}:{offset} sequence {sequence} epoch {epoch} at {now} ns{superseded}: {what}")
}

/// A record for programs.
pub(super) fn json(place: Place<'_>, entry: &Entry<'_>) -> String {
    let mut line = json!({
        "segment": place.segment.header.index,
        "offset": place.offset,
        "sequence": entry.sequence,
        "epoch": entry.epoch,
        "time_ns": entry.now.0,
        "kind": kind(&entry.payload),
    });
    if let (Value::Object(line), Value::Object(fields)) = (&mut line, fields(&entry.payload)) {
        line.extend(fields);
        if place.superseded {
            line.insert("superseded".into(), true.into());
        }
    }
    line.to_string()
}

fn kind(payload: &Payload<'_>) -> &'static str {
    match payload {
        Payload::Input(Input::Command(command, _)) => command_kind(command),
        Payload::Input(Input::Scheduled(_)) => "scheduled",
        Payload::Input(Input::AccountQuery(_)) => "account_query",
        Payload::Input(Input::Open(_)) => "open",
        Payload::Input(Input::Close) => "close",
        Payload::Input(Input::Nothing) => "nothing",
        Payload::Opaque(_) => "opaque",
        Payload::Membership(_) => "membership",
        Payload::HardState(_) => "hard_state",
    }
}

fn command_kind(command: &Command) -> &'static str {
    match command {
        Command::Enter(_) => "enter",
        Command::Replace(_) => "replace",
        Command::Cancel(_) => "cancel",
        Command::Modify(_) => "modify",
        Command::MassCancel(_) => "mass_cancel",
        Command::Permit(_) => "permit",
        Command::Refused(_) => "refused",
        Command::Operate(_) => "operate",
    }
}

fn fields(payload: &Payload<'_>) -> Value {
    match payload {
        Payload::Input(Input::Command(command, echo)) => command_fields(command, echo),
        Payload::Input(Input::Scheduled(operation)) => {
            json!({"operation": operation_text(operation)})
        }
        Payload::Input(Input::AccountQuery(who)) => json!({"session": who.0}),
        Payload::Input(Input::Open(Open { trades, date, config })) => {
            json!({"config": format!("{config:016x}"), "date": date, "trades": trades})
        }
        Payload::Input(Input::Close | Input::Nothing) => json!({}),
        Payload::Opaque(bytes) | Payload::Membership(bytes) => json!({"bytes": hex(bytes)}),
        Payload::HardState(HardState { term, vote, commit }) => {
            json!({"commit": commit, "term": term, "vote": vote})
        }
    }
}

fn command_fields(command: &Command, echo: &Echo<'_>) -> Value {
    let mut fields = match command {
        Command::Enter(c) => repeating(enter(c), echo),
        Command::Replace(c) => repeating(replace(c), echo),
        Command::Cancel(c) => json!({"qty": c.qty.0, "user_ref": c.user_ref.0}),
        Command::Modify(c) => json!({
            "qty": c.qty.0,
            "side": letter(c.side.letter()),
            "user_ref": c.user_ref.0,
        }),
        Command::MassCancel(c) => json!({
            "firm": words(&c.firm.0),
            "symbol": words(&c.symbol.0),
            "user_ref": c.user_ref.0,
        }),
        Command::Permit(c) => json!({
            "enable": c.enable,
            "firm": words(&c.firm.0),
            "user_ref": c.user_ref.0,
        }),
        Command::Refused(c) => json!({
            "cl_ord_id": words(&c.cl_ord_id.0),
            "reason": c.reason.text(),
            "user_ref": c.user_ref.0,
        }),
        Command::Operate(operation) => json!({"operation": operation_text(operation)}),
    };
    if let (Some(session), Value::Object(fields)) = (command.session(), &mut fields) {
        fields.insert("session".into(), session.0.into());
    }
    fields
}

fn enter(c: &Enter) -> Value {
    let mut fields = terms(&c.terms);
    fields.extend([
        ("account".into(), c.account.0.into()),
        ("capacity".into(), letter(c.capacity.letter())),
        ("cl_ord_id".into(), words(&c.cl_ord_id.0)),
        ("cross".into(), letter(c.cross.letter())),
        ("firm".into(), words(&c.firm.0)),
        ("price".into(), c.price.0.into()),
        ("qty".into(), c.qty.0.into()),
        ("side".into(), letter(c.side.letter())),
        ("symbol".into(), words(&c.symbol.0)),
        ("user_ref".into(), c.user_ref.0.into()),
    ]);
    Value::Object(fields)
}

fn replace(c: &Replace) -> Value {
    let mut fields = terms(&c.terms);
    fields.extend([
        ("cl_ord_id".into(), words(&c.cl_ord_id.0)),
        ("orig".into(), c.orig.0.into()),
        ("price".into(), c.price.0.into()),
        ("qty".into(), c.qty.0.into()),
        ("user_ref".into(), c.user_ref.0.into()),
    ]);
    Value::Object(fields)
}

fn terms(t: &Terms) -> Map<String, Value> {
    Map::from_iter([
        ("display".into(), letter(t.display.letter())),
        ("expire_s".into(), t.expire_s.into()),
        ("max_floor".into(), t.max_floor.0.into()),
        ("min_qty".into(), t.min_qty.0.into()),
        ("peg".into(), letter(t.peg as u8)),
        ("post_only".into(), format!("{:?}", t.post_only).to_lowercase().into()),
        ("tif".into(), letter(t.tif.letter())),
    ])
}

/// An operation as it is written in Rust: there are sixteen, each with fields of its own.
fn operation_text(operation: &Operation) -> String {
    format!("{operation:?}")
}

/// What the replies repeat, where it is not the command's.
fn repeating(mut fields: Value, echo: &Echo<'_>) -> Value {
    if let Value::Object(fields) = &mut fields {
        fields.extend([
            ("asked_capacity".into(), letter(echo.capacity)),
            ("asked_display".into(), letter(echo.display)),
            ("iso".into(), letter(echo.iso)),
            ("optional".into(), hex(echo.optional).into()),
        ]);
    }
    fields
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn letter(letter: u8) -> Value {
    char::from(letter).to_string().into()
}

fn words(text: &[u8]) -> Value {
    let shown = |&byte: &u8| if (b' '..=b'~').contains(&byte) { char::from(byte) } else { '?' };
    text.iter().map(shown).collect::<String>().trim_end().into()
}

//! A record as a line: for people, and for programs.
//!
//! The JSON has the record's place (`segment`, `offset`, `sequence`, `epoch`, `time_ns`), its
//! `kind`, and the command's fields under their own names: numbers as numbers, letters and names as
//! text, prices in 1/10000 dollar. Text that is not ASCII shows as `?`.

use ::journal::Entry;
use serde_json::{Map, Value, json};
use types::{Command, Enter, Operation, Replace, Terms};

/// How many commands there are of a kind.
#[derive(Debug, Default)]
pub(super) struct Kinds(Vec<(&'static str, u64)>);

impl Kinds {
    /// Counts one.
    pub(super) fn count(&mut self, command: &Command) {
        let kind = kind(command);
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
pub(super) fn text(segment: u64, offset: u64, entry: &Entry) -> String {
    let Entry { sequence, epoch, now, command } = entry;
    format!("{segment}:{offset} sequence {sequence} epoch {epoch} at {now} ns: {command:?}")
}

/// A record for programs.
pub(super) fn json(segment: u64, offset: u64, entry: &Entry) -> String {
    let mut line = json!({
        "segment": segment,
        "offset": offset,
        "sequence": entry.sequence,
        "epoch": entry.epoch,
        "time_ns": entry.now.0,
        "kind": kind(&entry.command),
    });
    if let (Value::Object(line), Value::Object(fields)) = (&mut line, fields(&entry.command)) {
        line.extend(fields);
    }
    line.to_string()
}

fn kind(command: &Command) -> &'static str {
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

fn fields(command: &Command) -> Value {
    let mut fields = match command {
        Command::Enter(c) => enter(c),
        Command::Replace(c) => replace(c),
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

fn letter(letter: u8) -> Value {
    char::from(letter).to_string().into()
}

fn words(text: &[u8]) -> Value {
    let shown = |&byte: &u8| if (b' '..=b'~').contains(&byte) { char::from(byte) } else { '?' };
    text.iter().map(shown).collect::<String>().trim_end().into()
}

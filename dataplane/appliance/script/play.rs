//! `peregrine match`: the bare engine on a script.
//!
//! The file is read twice: once for the symbols, accounts and firms it names, so that the engine
//! can take all its memory before the first command, and once to be carried out. A line that is no
//! command is told in its place among the events, and the rest goes on; the exit status then is 2.

use std::io::{self, BufWriter, Read, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};
use engine::ledger::{AccountTerms, LedgerConfig};
use engine::{Engine, EngineConfig, InstrumentConfig, REG_NMS};
use types::{Command, Nanos, SessionId, Symbol};

use super::words::WordsError;
use super::{Lines, Names, Words};
use crate::cli::{MatchArgs, REFUSED, SelfMatchArg, TicksArg};

/// Symbols an engine lists at most.
const SYMBOLS_MAX: usize = 16_384;

/// Carries a script out.
///
/// # Errors
/// The script cannot be read, or the events not be written.
pub(crate) fn play(args: &MatchArgs) -> Result<ExitCode> {
    let text = read(args)?;
    let script: Vec<_> = text.lines().map(parse).collect();
    let names = directory(&script);
    let mut engine = Engine::new(&engine_config(args, &names, script.len()));
    let mut out = BufWriter::new(io::stdout().lock());
    let mut player =
        Player { engine: &mut engine, names: &names, lines: Lines::new(&names), now: 0 };
    let mut mistakes = 0;
    for (words, number) in script.iter().zip(1..) {
        let done = match words {
            Ok(None) => Ok(()),
            Ok(Some(words)) => player.carry_out(words).map_err(|e| e.to_string()),
            Err(message) => Err(message.clone()),
        };
        if let Err(message) = done {
            mistakes += 1;
            player.lines.error(number, &message);
        }
        if let Err(error) = out.write_all(player.lines.take().as_bytes()) {
            return closed(error);
        }
    }
    if let Err(error) = out.flush() {
        return closed(error);
    }
    drop(out);
    finish(args, &engine, mistakes)
}

/// A reader that has closed the pipe has seen enough.
fn closed(error: io::Error) -> Result<ExitCode> {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        _ => Err(error).context("cannot write the events"),
    }
}

fn finish(args: &MatchArgs, engine: &Engine, mistakes: u64) -> Result<ExitCode> {
    engine.check().context("the engine's books are not whole; please report the script")?;
    if args.hash {
        eprintln!("state hash {:#018x}", engine.state_hash());
    }
    if mistakes == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("peregrine: {mistakes} lines are no commands; see the error events");
    Ok(ExitCode::from(REFUSED))
}

fn read(args: &MatchArgs) -> Result<String> {
    let path = args.commands.display();
    let mut bytes = Vec::new();
    if args.commands.as_os_str() == "-" {
        io::stdin().lock().read_to_end(&mut bytes).context("cannot read standard input")?;
    } else {
        bytes = std::fs::read(&args.commands).with_context(|| format!("cannot read {path}"))?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A line's words; `None` for an empty line or a comment (`#`, `//`).
fn parse(line: &str) -> Result<Option<Words>, String> {
    let line = line.trim().trim_start_matches('\u{feff}').trim_start();
    if line.is_empty() || line.starts_with('#') || line.starts_with("//") {
        return Ok(None);
    }
    if !line.starts_with('{') {
        return Err("not a command: a command is a JSON object".to_owned());
    }
    serde_json::from_str(line).map(Some).map_err(|e| explain(line, &e))
}

/// Why a line is no command. The parser says at which column a value is of the wrong kind; here the
/// key is found as well.
fn explain(line: &str, error: &serde_json::Error) -> String {
    let object: serde_json::Map<_, _> = serde_json::from_str(line).unwrap_or_default();
    for (key, value) in object {
        let alone = serde_json::Value::Object([(key.clone(), value)].into_iter().collect());
        if let Err(error) = serde_json::from_value::<Words>(alone) {
            return format!("{key:?}: {error}");
        }
    }
    format!("not a command: {error}")
}

/// Every symbol that can be and every account that the script names.
fn directory(script: &[Result<Option<Words>, String>]) -> Names {
    let mut names = Names::default();
    for words in script.iter().flatten().flatten() {
        if let Some(name) = words.symbol.as_deref().and_then(Symbol::new) {
            names.list_next(name, SYMBOLS_MAX);
        }
        if words.op == "enter"
            && let Some(session) = words.session
        {
            names.open_account(&words.account_name(SessionId(session)));
        }
        if let Some(name) = &words.firm {
            names.open_firm(&name.to_string());
        }
        for name in [&words.from, &words.to].into_iter().flatten() {
            names.open_account(&name.to_string());
        }
    }
    names
}

fn engine_config(args: &MatchArgs, names: &Names, lines: usize) -> EngineConfig {
    let ticks = match args.ticks {
        TicksArg::None => Vec::new(),
        TicksArg::RegNms => vec![REG_NMS.to_vec()],
    };
    let instruments = names.listed().map(|(id, name)| InstrumentConfig::plain(id, name)).collect();
    let most = args.orders.unwrap_or(u32::try_from(lines).unwrap_or(u32::MAX).max(16));
    let positions = u32::try_from(lines).unwrap_or(u32::MAX).max(16) * 2;
    EngineConfig {
        orders: most,
        levels: most,
        conditional_orders: most,
        trades: most.clamp(1 << 10, 1 << 24),
        ticks,
        self_match: match args.self_match {
            SelfMatchArg::Newest => engine::SelfMatch::CancelNewest,
            SelfMatchArg::Oldest => engine::SelfMatch::CancelOldest,
            SelfMatchArg::Decrement => engine::SelfMatch::Decrement,
            SelfMatchArg::Trade => engine::SelfMatch::Trade,
        },
        ledger: Some(LedgerConfig {
            accounts: vec![AccountTerms::default(); names.accounts()],
            positions,
        }),
        ..EngineConfig::new(instruments, u16::MAX)
    }
}

struct Player<'a> {
    engine: &'a mut Engine,
    names: &'a Names,
    lines: Lines<'a>,
    now: u64,
}

impl Player<'_> {
    fn carry_out(&mut self, words: &Words) -> Result<(), WordsError> {
        if words.op == "clock" && words.t_ns.is_none() {
            return Err(WordsError::Missing { op: words.op.clone(), field: "t_ns" });
        }
        let command = words.command(self.names, self.engine)?;
        let reference = words.reference_first(self.names)?;
        self.now = words.t_ns.unwrap_or(self.now);
        if let Some(operation) = reference {
            self.apply(&Command::Operate(operation));
        }
        self.apply(&command);
        Ok(())
    }

    fn apply(&mut self, command: &Command) {
        self.engine.apply(command, Nanos(self.now), &mut self.lines);
    }
}

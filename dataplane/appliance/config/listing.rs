//! What a venue opens: named symbols, a directory of a real day, or the former out of the latter.
//!
//! A directory file is an ITCH file, plain or gzip. Its Stock Directory messages all stand before
//! the first order, so reading ends there, and a whole day's file of ten gigabytes costs no more
//! than its first megabyte.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use anyhow::Context;
use flate2::read::MultiGzDecoder;
use types::{Symbol, SymbolId};
use wire::itch::{self, Message, StockDirectory};

use super::Listing;
use super::fault::hint;
use super::raw::{self, Text};
use super::roles;
use super::scope::Scope;

/// Symbols that a venue can open.
const SYMBOLS_MAX: usize = 16_384;
/// Messages read in search of the first order; more than any day has before it.
const MESSAGES_MAX: u32 = 1_000_000;

/// The symbols of `[[venue]]`, by ascending locate.
pub(super) fn listings(scope: &mut Scope<'_>, table: &str, raw: &raw::Venue) -> Vec<Listing> {
    let named = raw.symbols.as_deref();
    if let Some(one) = named.and_then(|named| named.get(SYMBOLS_MAX)) {
        let problem = format!("a venue opens at most {SYMBOLS_MAX} symbols; take some out");
        scope.fault((&format!("{table}.symbols[{SYMBOLS_MAX}]"), ""), one.span(), problem);
        return Vec::new();
    }
    let symbols = roles::symbols(scope, table, named.unwrap_or_default());
    let mut listings = match &raw.directory {
        None => numbered(&symbols),
        Some(file) => {
            let all = from_directory(scope, table, file);
            if named.is_none() {
                all
            } else {
                chosen(scope, table, named.unwrap_or_default(), &all)
            }
        }
    };
    if listings.is_empty() && scope.is_clean() {
        let problem = "opens no symbol; name some, or a `directory` that has some";
        let start = raw.name.span().start;
        scope.fault((table, "symbols"), start..start, problem);
    }
    if let Some(file) = raw.directory.as_ref().filter(|_| listings.len() > SYMBOLS_MAX) {
        let problem = format!(
            "has {} symbols, and a venue opens at most {SYMBOLS_MAX}; name some in `symbols`",
            listings.len()
        );
        scope.fault((table, "directory"), file.span(), problem);
    }
    listings.sort_by_key(|listing| listing.locate);
    listings
}

/// The symbols that an ITCH file's directory lists, in its order.
///
/// # Errors
/// A file that cannot be read, or is no ITCH file.
pub(crate) fn directory_symbols(path: &Path) -> anyhow::Result<Vec<String>> {
    let listings = read(path).with_context(|| path.display().to_string())?;
    Ok(listings.iter().map(|listing| listing.symbol.to_string()).collect())
}

/// Locates from 1 in the order of the file.
fn numbered(symbols: &[Symbol]) -> Vec<Listing> {
    let listing = |(&symbol, locate)| Listing { locate: SymbolId(locate), symbol, entry: None };
    symbols.iter().zip(1..=u16::MAX).map(listing).collect()
}

fn chosen(scope: &mut Scope<'_>, table: &str, named: &[Text], all: &[Listing]) -> Vec<Listing> {
    let mut found = Vec::with_capacity(named.len());
    let by_name: HashMap<Symbol, &Listing> = all.iter().rev().map(|l| (l.symbol, l)).collect();
    let names: Vec<String> = all.iter().map(|l| l.symbol.to_string()).collect();
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    for (index, text) in named.iter().enumerate() {
        let symbol = Symbol::new(text.get_ref());
        match symbol.and_then(|symbol| by_name.get(&symbol)) {
            Some(listing) => found.push((*listing).clone()),
            None if all.is_empty() || symbol.is_none() => {} // told already
            None => {
                let problem = format!("not in the directory; {}", hint(text.get_ref(), &known));
                scope.fault((&format!("{table}.symbols[{index}]"), ""), text.span(), problem);
            }
        }
    }
    found
}

fn from_directory(scope: &mut Scope<'_>, table: &str, file: &Text) -> Vec<Listing> {
    let before = scope.faults_len();
    let path = scope.file((table, "directory"), file);
    if scope.faults_len() > before {
        return Vec::new();
    }
    let problem = match read(&path) {
        Ok(listings) if listings.is_empty() => "has no Stock Directory message".to_owned(),
        Ok(listings) => return listings,
        Err(error) => error.to_string(),
    };
    let problem = format!("{problem}; it must be an ITCH file, each message after its length");
    scope.fault((table, "directory"), file.span(), problem);
    Vec::new()
}

fn read(path: &Path) -> io::Result<Vec<Listing>> {
    let mut magic = [0u8; 2];
    let gzip = File::open(path)?.read_exact(&mut magic).is_ok() && magic == [0x1f, 0x8b];
    let file = BufReader::with_capacity(1 << 16, File::open(path)?);
    if gzip { scan(&mut BufReader::new(MultiGzDecoder::new(file))) } else { scan(&mut { file }) }
}

/// Collects Stock Directory messages up to the first order.
fn scan(input: &mut impl Read) -> io::Result<Vec<Listing>> {
    let mut listings: Vec<Listing> = Vec::new();
    let mut seen = vec![false; 1 << 16];
    let mut message = [0u8; itch::MESSAGE_LEN_MAX];
    for _ in 0..MESSAGES_MAX {
        let Some(length) = next_length(input)? else { break };
        let Some(room) = message.get_mut(..length).filter(|room| !room.is_empty()) else {
            return Err(wrong(format!("a message of {length} bytes is none of ITCH's")));
        };
        input.read_exact(room)?;
        match itch::parse(room).map_err(|error| wrong(error.to_string()))? {
            Message::StockDirectory(entry) => add(&mut listings, &mut seen, entry)?,
            Message::AddOrder(_) | Message::AddOrderMpid(_) => break,
            _ => {}
        }
    }
    Ok(listings)
}

fn add(listings: &mut Vec<Listing>, seen: &mut [bool], entry: &StockDirectory) -> io::Result<()> {
    let locate = entry.head.stock_locate.get();
    let name = String::from_utf8_lossy(wire::field::trimmed(&entry.stock)).into_owned();
    let Some(symbol) = Symbol::new(&name).filter(|_| locate != 0) else {
        return Err(wrong(format!("locate {locate} has the name {name:?}")));
    };
    let slot = &mut seen[usize::from(locate)];
    if !std::mem::replace(slot, true) {
        listings.push(Listing { locate: SymbolId(locate), symbol, entry: Some(*entry) });
    }
    Ok(())
}

/// The next message's length; `None` at the end of the file.
fn next_length(input: &mut impl Read) -> io::Result<Option<usize>> {
    let mut length = [0u8; 2];
    if input.read(&mut length[..1])? == 0 {
        return Ok(None);
    }
    input.read_exact(&mut length[1..])?;
    Ok(Some(usize::from(u16::from_be_bytes(length))))
}

fn wrong(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

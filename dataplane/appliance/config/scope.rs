//! The checks that every section shares. Each takes a value as written, and gives it back as what
//! it stands for, or notes what is wrong with it and gives something harmless, so that one run of
//! the checks finds everything.

use std::fmt::Display;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};

use toml::Spanned;
use wire::Mac;

use super::fault::{self, ConfigError, Fault};
use super::raw::{EndpointText, Int, Money, Num, Text};
use super::{Endpoint, Group};

/// Units of money in a dollar.
const MONEY: i64 = types::Price::DOLLAR.0 as i64;

/// A key: the table's path and the name in it.
pub(super) type Key<'k> = (&'k str, &'k str);

/// The text under check, and what was found wrong with it.
#[derive(Debug)]
pub(super) struct Scope<'t> {
    text: &'t str,
    base: &'t Path,
    faults: Vec<Fault>,
}

impl<'t> Scope<'t> {
    pub(super) fn new(text: &'t str, base: &'t Path) -> Scope<'t> {
        Scope { text, base, faults: Vec::new() }
    }

    pub(super) fn finish(self, path: &Path) -> Result<(), ConfigError> {
        fault::judge(self.faults, self.text, path)
    }

    /// Whether nothing was found so far.
    pub(super) fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }

    /// How many faults were found so far.
    pub(super) fn faults_len(&self) -> usize {
        self.faults.len()
    }

    /// Notes a fault; its message repeats the value.
    pub(super) fn fault(&mut self, key: Key<'_>, span: Range<usize>, problem: impl Into<String>) {
        self.note(key, span, false, problem.into());
    }

    /// Notes a fault whose value is nobody's business.
    pub(super) fn secret_fault(&mut self, key: Key<'_>, span: Range<usize>, problem: &str) {
        self.note(key, span, true, problem.into());
    }

    fn note(&mut self, (table, name): Key<'_>, span: Range<usize>, secret: bool, problem: String) {
        let dot = if table.is_empty() || name.is_empty() { "" } else { "." };
        self.faults.push(Fault { span, key: format!("{table}{dot}{name}"), secret, problem });
    }

    /// Line of a byte, for messages that name a second place.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.text.bytes().take(offset).filter(|&b| b == b'\n').count() + 1
    }

    /// A whole number within bounds.
    pub(super) fn int<T>(
        &mut self,
        key: Key<'_>,
        value: Option<&Int>,
        default: T,
        bounds: RangeInclusive<i64>,
    ) -> T
    where
        T: TryFrom<i64>,
    {
        let Some(value) = value else { return default };
        let number = *value.get_ref();
        match T::try_from(number) {
            Ok(fits) if bounds.contains(&number) => fits,
            _ => {
                let problem = out_of(bounds.start(), bounds.end());
                self.fault(key, value.span(), problem);
                default
            }
        }
    }

    /// A whole number within bounds that is a power of two.
    pub(super) fn power_of_two<T>(
        &mut self,
        key: Key<'_>,
        value: Option<&Int>,
        default: T,
        bounds: RangeInclusive<i64>,
    ) -> T
    where
        T: TryFrom<i64>,
    {
        if let Some(value) = value {
            let number = *value.get_ref();
            if bounds.contains(&number) && !(number as u64).is_power_of_two() {
                let below = 1u64 << (number as u64).ilog2();
                let problem = format!("must be a power of two, such as {below} or {}", below * 2);
                self.fault(key, value.span(), problem);
                return default;
            }
        }
        self.int(key, value, default, bounds)
    }

    /// A number within bounds, which may have a fraction.
    pub(super) fn num(
        &mut self,
        key: Key<'_>,
        value: Option<&Num>,
        bounds: RangeInclusive<f64>,
    ) -> Option<f64> {
        let value = value?;
        if bounds.contains(value.get_ref()) {
            return Some(*value.get_ref());
        }
        self.fault(key, value.span(), out_of(bounds.start(), bounds.end()));
        None
    }

    /// Dollars within bounds, in 1/10000 dollar. Exact: the digits are read, not a binary fraction.
    pub(super) fn money(
        &mut self,
        key: Key<'_>,
        value: &Money,
        bounds: RangeInclusive<i64>,
    ) -> Option<i64> {
        let written = match value.get_ref() {
            toml::Value::String(text) => Some(text.as_str()),
            toml::Value::Integer(_) | toml::Value::Float(_) => self.text.get(value.span()),
            _ => None,
        };
        let Some(money) = written.and_then(parse_money) else {
            let problem = "not dollars with at most four decimals, as 1000000.25 or \"0.0001\"";
            self.fault(key, value.span(), problem);
            return None;
        };
        if money < *bounds.start() * MONEY || money > *bounds.end() * MONEY {
            let problem = out_of(bounds.start(), bounds.end());
            self.fault(key, value.span(), problem);
            return None;
        }
        Some(money)
    }

    /// A name of ours: a thread, a ring and a report's row are called so.
    pub(super) fn name(&mut self, key: Key<'_>, value: &Text) -> String {
        let name = value.get_ref();
        let fits = (1..=12).contains(&name.len());
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        if !fits || !name.chars().all(plain) {
            let problem = "a name is 1 to 12 letters, digits, - or _";
            self.fault(key, value.span(), problem);
        }
        name.clone()
    }

    /// Printable ASCII of 1 to `len_max` characters, as protocols' fields hold it.
    pub(super) fn field(&mut self, key: Key<'_>, value: &Text, len_max: usize) -> String {
        if !is_field(value.get_ref(), len_max) {
            let problem = format!("must be 1 to {len_max} printable ASCII characters, no spaces");
            self.fault(key, value.span(), problem);
        }
        value.get_ref().clone()
    }

    /// An IPv4 address.
    pub(super) fn ip(&mut self, key: Key<'_>, value: &Text) -> Ipv4Addr {
        value.get_ref().parse().unwrap_or_else(|_| {
            self.fault(key, value.span(), "not an IPv4 address, as \"10.0.1.1\"");
            Ipv4Addr::LOCALHOST
        })
    }

    /// An IPv4 address and a port.
    pub(super) fn socket(&mut self, key: Key<'_>, value: &Text) -> SocketAddrV4 {
        let parsed: Result<SocketAddrV4, _> = value.get_ref().parse();
        match parsed {
            Ok(addr) if addr.port() != 0 && is_host(*addr.ip()) => addr,
            _ => {
                let problem = "not a host's address and port, as \"10.0.1.1:26400\"";
                self.fault(key, value.span(), problem);
                SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1)
            }
        }
    }

    /// A multicast group and its port.
    pub(super) fn group(&mut self, table: &str, group: &Text, udp_port: Option<&Int>) -> Group {
        let ip = self.ip((table, "group"), group);
        let local = ip.octets()[..3] == [224, 0, 0];
        if ip != Ipv4Addr::LOCALHOST && (!ip.is_multicast() || local) {
            let problem = "not a group that can be joined: 224.0.1.0 to 239.255.255.255, \
                           as \"239.192.0.1\"";
            self.fault((table, "group"), group.span(), problem);
        }
        Group { ip, udp_port: self.int((table, "udp_port"), udp_port, 26477, 1..=65535) }
    }

    /// The keys that every endpoint has.
    pub(super) fn endpoint(&mut self, table: &str, raw: EndpointText<'_>) -> Endpoint {
        let (ip, prefix_len) = self.ip_with_prefix((table, "ip"), raw.ip);
        let gateway = raw.gateway.map(|text| {
            let gateway = self.ip((table, "gateway"), text);
            if !same_net(ip, gateway, prefix_len) || gateway == ip {
                let problem =
                    format!("must be another host of the network of ip = {}", raw.ip.get_ref());
                self.fault((table, "gateway"), text.span(), problem);
            }
            gateway
        });
        Endpoint {
            port: raw.port.get_ref().clone(),
            mac: raw.mac.map(|text| self.mac((table, "mac"), text)),
            ip,
            prefix_len,
            gateway,
            vlan: raw.vlan.map(|vlan| self.int((table, "vlan"), Some(vlan), 1, 1..=4094)),
        }
    }

    pub(super) fn ip_with_prefix(&mut self, key: Key<'_>, value: &Text) -> (Ipv4Addr, u8) {
        let (ip, bits) = value.get_ref().split_once('/').unwrap_or((value.get_ref(), ""));
        match (ip.parse(), bits.parse()) {
            (Ok(ip), Ok(bits @ 1..=32)) if is_host(ip) => (ip, bits),
            _ => {
                let problem =
                    "not a host's IPv4 address with its network's bits, as \"10.0.1.1/24\"";
                self.fault(key, value.span(), problem);
                (Ipv4Addr::LOCALHOST, 32)
            }
        }
    }

    pub(super) fn mac(&mut self, key: Key<'_>, value: &Text) -> Mac {
        let problem = match parse_mac(value.get_ref()) {
            None => "not a MAC address, as \"02:00:00:00:01:01\"",
            Some(mac) if mac[0] & 1 == 1 => {
                "a multicast address cannot be a station's: the first byte must be even"
            }
            Some([0, 0, 0, 0, 0, 0]) => "all zeroes are nobody's address",
            Some(mac) => return mac,
        };
        self.fault(key, value.span(), problem);
        [0; 6]
    }

    /// A file that can be opened, relative to the configuration.
    pub(super) fn file(&mut self, key: Key<'_>, value: &Text) -> PathBuf {
        let path = self.base.join(value.get_ref());
        let opened = std::fs::File::open(&path).and_then(|file| file.metadata());
        let problem = match opened {
            Ok(meta) if meta.is_file() => return path,
            Ok(_) => "not a file".to_owned(),
            Err(error) => error.to_string(),
        };
        let problem =
            format!("{}: {problem}; paths start from the configuration's folder", path.display());
        self.fault(key, value.span(), problem);
        path
    }

    /// Notes each name that stands in the list twice, with the line of the first.
    pub(super) fn unique<'n>(
        &mut self,
        what: &str,
        names: impl Iterator<Item = (String, &'n Text)>,
    ) {
        let mut seen: Vec<&Text> = Vec::new();
        for (table, name) in names {
            match seen.iter().find(|other| other.get_ref() == name.get_ref()) {
                Some(first) => {
                    let line = self.line(first.span().start);
                    let problem = format!("line {line} has a {what} of this name; rename one");
                    self.fault((&table, "name"), name.span(), problem);
                }
                None => seen.push(name),
            }
        }
    }
}

/// Where a value stands, for values that may be absent.
pub(super) fn span_of<T>(value: Option<&Spanned<T>>) -> Range<usize> {
    value.map_or(0..0, Spanned::span)
}

/// Whether `text` fills a protocol's field of at most `len_max` bytes.
pub(super) fn is_field(text: &str, len_max: usize) -> bool {
    (1..=len_max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// Whether two addresses are of one network.
pub(super) fn same_net(a: Ipv4Addr, b: Ipv4Addr, prefix_len: u8) -> bool {
    let host_bits = 32 - u32::from(prefix_len.min(32));
    u64::from(u32::from(a)) >> host_bits == u64::from(u32::from(b)) >> host_bits
}

/// Whether an address can be one host's.
fn is_host(ip: Ipv4Addr) -> bool {
    !(ip.is_multicast() || ip.is_broadcast() || ip.is_unspecified() || ip.is_loopback())
}

fn out_of(min: &impl Display, max: &impl Display) -> String {
    format!("out of bounds; must be {min} to {max}")
}

/// Decimal digits, with `_` between them where it pleases, and up to four behind a point.
fn parse_money(text: &str) -> Option<i64> {
    let (minus, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_digits = |s: &str| s.starts_with(|c: char| c.is_ascii_digit()) && !s.ends_with('_');
    if !is_digits(whole) || !is_digits(part) {
        return None;
    }
    let part = part.replace('_', "");
    if part.len() > 4 || !part.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let whole: u64 = whole.replace('_', "").parse().ok()?;
    let part: u64 = format!("{part:0<4}").parse().ok()?;
    let money = i64::try_from(whole.checked_mul(MONEY as u64)?.checked_add(part)?).ok()?;
    Some(if minus { -money } else { money })
}

fn parse_mac(text: &str) -> Option<Mac> {
    let mut mac = [0; 6];
    let mut parts = text.split(':');
    for byte in &mut mac {
        let part = parts.next().filter(|part| part.len() == 2)?;
        let hex = part.bytes().all(|b| b.is_ascii_hexdigit());
        *byte = hex.then(|| u8::from_str_radix(part, 16).ok())??;
    }
    parts.next().is_none().then_some(mac)
}

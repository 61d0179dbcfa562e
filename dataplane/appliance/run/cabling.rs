//! Cables of a switch that are taken out and put in by whoever may write to its socket.
//!
//! A Unix datagram a command: `cut PORT` or `mend PORT`, by the port's name in the configuration.

use super::house_thread::HouseThread;
use anyhow::{Context, Result};
use lcore::switch::Cabling;
use spsc::{Consumer, ring};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often the thread looks whether the run is over.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Longest command.
const COMMAND_BYTES_MAX: usize = 64;

/// Opens the socket; gives the switch's end, and the thread that listens.
///
/// # Errors
/// Something is there already, or the folder is not.
pub(super) fn listen(path: &Path, ports: &[String]) -> Result<(Consumer<Cabling>, HouseThread)> {
    let named = || format!("control {} of a switch", path.display());
    let socket = UnixDatagram::bind(path).with_context(named)?;
    socket.set_read_timeout(Some(LOOK_EVERY)).with_context(named)?;
    let (mut orders, cabling) = ring(64);
    let (ports, path) = (ports.to_vec(), path.to_owned());
    let keeper = HouseThread::start("cabling", move |stop| {
        let mut bytes = [0; COMMAND_BYTES_MAX];
        while !stop.load(Ordering::Relaxed) {
            let Ok(len) = socket.recv(&mut bytes) else { continue };
            let text = String::from_utf8_lossy(&bytes[..len]).into_owned();
            match command(&text, &ports) {
                Some(change) => drop(orders.push(change)),
                None => eprintln!("switch: {text:?} is no command; cut PORT or mend PORT"),
            }
        }
        let _ = std::fs::remove_file(&path);
    })?;
    Ok((cabling, keeper))
}

fn command(text: &str, ports: &[String]) -> Option<Cabling> {
    let (verb, name) = text.trim().split_once(' ')?;
    let port = ports.iter().position(|port| port == name)?;
    match verb {
        "cut" => Some(Cabling { port, is_in: false }),
        "mend" => Some(Cabling { port, is_in: true }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_name_a_port() {
        let ports = ["a".to_owned(), "b.a".to_owned()];
        assert_eq!(command("cut b.a\n", &ports), Some(Cabling { port: 1, is_in: false }));
        assert_eq!(command("mend a", &ports), Some(Cabling { port: 0, is_in: true }));
        for text in ["", "cut", "cut c", "burn a", "cut  a"] {
            assert_eq!(command(text, &ports), None, "{text}");
        }
    }
}

//! `peregrine loopback`: testpmd's forward modes on any ports, to trust a host before it trades.

// Nothing is shown and nothing asked before there are sessions.
#![allow(dead_code, unused_imports)]

mod prompt;
mod stats;
mod tables;
mod view;

#[cfg(test)]
mod fixture;

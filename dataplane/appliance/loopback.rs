//! `peregrine loopback`: testpmd's forward modes on any ports, to trust a host before it trades.

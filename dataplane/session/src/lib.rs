//! SoupBinTCP and MoldUDP64, both sides, sans-I/O.
#![forbid(unsafe_code)]

//! ARP, IGMP, UDP and TCP over a port.
#![forbid(unsafe_code)]

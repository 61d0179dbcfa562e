//! Zero-copy codecs: MoldUDP64, ITCH 5.0, SoupBinTCP, OUCH 5.0, Ethernet to UDP.
#![forbid(unsafe_code)]

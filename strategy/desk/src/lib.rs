//! Orders at a venue, from ask to last share; the trader's core.
#![forbid(unsafe_code)]

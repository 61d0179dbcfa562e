//! The desk against a naive venue: told races, random ones, lies and noise.

mod floor;
mod hostile;
mod model;
mod races;
mod venue;

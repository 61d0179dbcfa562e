//! The `peregrine` binary: one file a subcommand.
#![forbid(unsafe_code)]

mod config;

fn main() {
    let path = std::env::args().nth(1).unwrap_or_default();
    match config::Config::load(path.as_ref()) {
        Ok(config) => println!("{config:#?}"),
        Err(error) => println!("peregrine: {error}"),
    }
}

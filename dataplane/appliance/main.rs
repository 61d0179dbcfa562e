//! The `peregrine` binary: one file a subcommand.
#![forbid(unsafe_code)]

mod backtest;
mod check;
mod cli;
mod config;
mod console;
mod decode;
mod doctor;
mod drill;
mod eal;
mod fitness;
mod itch_files;
mod journal;
mod loopback;
mod placement;
mod ports;
mod replay;
mod report;
mod run;
mod script;
mod sim;

use std::process::ExitCode;

use cli::{Cli, Command};
use config::Config;

/// Counts the heap allocations of each thread: an lcore's must be none while it is hot.
#[global_allocator]
static ALLOCATOR: heapwatch::CountingAlloc = heapwatch::CountingAlloc;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os()) {
        Ok(cli) => dispatch(cli).unwrap_or_else(|error| cli::fail(&error)),
        Err(status) => status,
    }
}

fn dispatch(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Run(args) => {
            let mut config = Config::load(&args.config)?;
            config.apply(&args.overrides());
            run::run(&config, &args.options())
        }
        Command::Check(args) => {
            let config = Config::load(&args.config)?;
            cli::print(&check::describe(&config))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Replay(args) => replay::run(&args),
        Command::Backtest(args) => backtest::run(&args),
        Command::Match(args) => script::play(&args),
        Command::Tell(args) => console::tell(&args),
        Command::Decode(args) => decode::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Journal(args) => journal::look(&args),
        Command::Drill(args) => drill::run(&args),
        Command::Loopback(args) => loopback::run(&args),
        Command::Sim(args) => sim::run(&args),
        Command::Ports(args) => {
            ports::run(&args)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

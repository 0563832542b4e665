//! `qfc`: see an NVMe/TCP target work, without a kernel module: discover, identify, perf, verify; talk to its RPC
//! socket; say what is missing (doctor).
#![forbid(unsafe_code)]

mod cli;
mod discover;
mod doctor;
mod identify;
mod perf;
mod rpc;
mod target;
mod verify;

use clap::{CommandFactory, Parser};
use cli::{Cli, Command};
use std::process::ExitCode;

/// What a command ends with, if not with success.
pub enum Failure {
    /// A finding: the command worked, the answer is no (exit status 1). It has been printed.
    Finding,
    /// An error of the target or the connection (exit status 2).
    Host(host::Error),
    /// Anything else, in words (exit status 2).
    Text(String),
}

impl From<host::Error> for Failure {
    fn from(error: host::Error) -> Failure {
        Failure::Host(error)
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Failure {
        Failure::Text(text)
    }
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Finding) => ExitCode::from(1),
        Err(Failure::Text(text)) => {
            eprintln!("qfc: {text}");
            ExitCode::from(2)
        }
        Err(Failure::Host(error)) => {
            eprintln!("qfc: {error}");
            if let Some(advice) = error.advice() {
                eprintln!("  -> {advice}");
            }
            ExitCode::from(2)
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Discover(args) => discover::run(&args),
        Command::Identify(args) => identify::run(&args),
        Command::Perf(args) => perf::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Rpc(args) => rpc::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "qfc", &mut std::io::stdout());
            Ok(())
        }
        Command::Man { dir } => man(dir.as_deref()),
    }
}

fn man(dir: Option<&std::path::Path>) -> Result<(), Failure> {
    let fail = |e: std::io::Error| Failure::Text(format!("cannot write the manual: {e}"));
    match dir {
        Some(dir) => {
            std::fs::create_dir_all(dir).map_err(fail)?;
            clap_mangen::generate_to(Cli::command(), dir).map_err(fail)
        }
        None => clap_mangen::Man::new(Cli::command()).render(&mut std::io::stdout()).map_err(fail),
    }
}

/// Prints to standard output; a reader that went away (`qfc ... | head`) is no error.
pub fn print(text: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

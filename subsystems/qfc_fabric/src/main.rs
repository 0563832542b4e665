//! `qfc_fabric`: a Fibre Channel switch as a program, for ports of several processes and for FCoE.
//!
//! The same subsystem as in the target, with the JSON-RPC server beside it: `app::run` with two subsystems.
#![forbid(unsafe_code)]

mod cli;
mod hba;

use app::Subsystem;
use clap::{CommandFactory, Parser};
use cli::Cli;
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(shell) = cli.completions {
        clap_complete::generate(shell, &mut Cli::command(), "qfc_fabric", &mut std::io::stdout());
        return ExitCode::SUCCESS;
    }
    if cli.man {
        let written = clap_mangen::Man::new(Cli::command()).render(&mut std::io::stdout());
        return if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let subsystems: Vec<Arc<dyn Subsystem>> =
        vec![rpc::Rpc::new(), Arc::new(fabric_target::FabricSubsystem::default())];
    let config = cli.default_config();
    app::run(cli.into_app(), subsystems, &config)
}

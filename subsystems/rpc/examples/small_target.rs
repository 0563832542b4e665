//! A target with nothing but the RPC socket and RAM and null devices: to try clients on.
//!
//! `cargo run -p rpc --example small_target -- -r /tmp/x.sock --no-huge`

use clap::Parser;
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    let subsystems: Vec<Arc<dyn app::Subsystem>> = vec![
        rpc::Rpc::new(),
        Arc::new(bdev_malloc::MallocSubsystem::default()),
        Arc::new(bdev_null::NullSubsystem::default()),
    ];
    app::run(app::Cli::parse(), subsystems, "[Malloc]\n  NumberOfLuns 1\n  LunSizeInMB 8\n")
}

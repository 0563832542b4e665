//! `qfc_tgt`: the whole product on one page. Each subsystem is a folder beside this file.
#![forbid(unsafe_code)]

mod default_config;

use app::{Cli, Subsystem};
use clap::Parser;
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ports = Arc::new(fc::Ports::default());
    let fabric = fabric_target::FabricSubsystem::default();
    let hba = hba::Hba::new(ports.clone(), fabric.makers(), fabric.frames());
    let iscsi = Arc::new(iscsi_target::State::default());
    let scsi = Arc::new(scsi_target::ScsiTarget::new(vec![
        Arc::new(fcp::FcpFactory::new(ports.clone())),
        Arc::new(iscsi_target::IscsiFactory::new(iscsi.clone())),
    ]));
    let subsystems: Vec<Arc<dyn Subsystem>> = vec![
        rpc::Rpc::new(),
        Arc::new(bdev_malloc::MallocSubsystem::default()),
        Arc::new(bdev_null::NullSubsystem::default()),
        Arc::new(bdev_uring::UringSubsystem::default()),
        Arc::new(bdev_delay::DelaySubsystem::default()),
        Arc::new(bdev_error::ErrorSubsystem::default()),
        Arc::new(nvmf_target::NvmfTarget::new(vec![
            Arc::new(nvmf_tcp::TcpFactory),
            Arc::new(nvmf_fc::FcFactory::new(ports.clone())),
        ])),
        Arc::new(fabric),
        Arc::new(hba),
        Arc::new(iscsi_target::Iscsi::new(scsi.clone(), iscsi)),
        scsi,
    ];
    let config = match default_config::text(&cli) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("qfc_tgt: {error}");
            return ExitCode::FAILURE;
        }
    };
    app::run(cli, subsystems, &config)
}

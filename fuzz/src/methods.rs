//! The real method table of the target, of which nothing is started: parameters are decoded, nothing is done.

use app::{App, Options, Params, RpcError, Subsystem, assemble, in_order};
use rpc::protocol::Handler;
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock};

/// The target, not started.
pub fn app() -> &'static App {
    static APP: OnceLock<App> = OnceLock::new();
    APP.get_or_init(|| {
        let subsystems: Vec<Arc<dyn Subsystem>> = vec![
            rpc::Rpc::new(),
            Arc::new(bdev_malloc::MallocSubsystem::default()),
            Arc::new(bdev_null::NullSubsystem::default()),
            Arc::new(bdev_uring::UringSubsystem::default()),
            Arc::new(bdev_delay::DelaySubsystem::default()),
            Arc::new(bdev_error::ErrorSubsystem::default()),
            Arc::new(nvmf_target::NvmfTarget::new(vec![Arc::new(nvmf_tcp::TcpFactory)])),
        ];
        let subsystems = in_order(subsystems).expect("an order").into();
        let memory = dma::Options { backing: dma::Backing::Ordinary, single_file: false, reserve: 0 };
        let arena = dma::Arena::new(memory).expect("memory");
        assemble(Options::default(), arena, Arc::new([]), subsystems).expect("no name stands twice")
    })
}

/// Decodes the parameters of the real methods, and answers with them instead of doing it.
pub struct DryRun;

impl Handler for DryRun {
    fn call(&self, method: &str, params: Params) -> Result<Value, RpcError> {
        let found = app().methods.find(method).ok_or_else(RpcError::method_not_found)?;
        let shown = params.value.clone();
        found.verify(params)?;
        Ok(json!({ "method": found.name(), "params": shown }))
    }
}

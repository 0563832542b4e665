//! The `bdev_malloc_*` methods.

use crate::{Malloc, Shape};
use app::{App, Call, DecodeError, Method, Need, RpcError, Subsystem, When};
use bdev::{Bdev, Made, is_block_size};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use std::sync::{Arc, OnceLock};
use uuid::Uuid;

const EINVAL: i32 = 22;
/// What the arena gives out at once from this size on.
const HUGE_PAGE: u64 = 2 << 20;

/// The subsystem `bdev_malloc`.
#[derive(Default)]
pub struct MallocSubsystem {
    app: OnceLock<App>,
    made: Made<Malloc>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Create {
    /// Name of the device; `Malloc<n>` when absent.
    name: Option<String>,
    /// Bytes of a block: a power of two from 512 to 65,536.
    block_size: u32,
    /// Number of blocks.
    num_blocks: u64,
    /// Its identity; random when absent.
    #[schemars(with = "Option<String>")]
    uuid: Option<Uuid>,
    /// Accepted and kept; RAM has no boundaries.
    #[serde(default)]
    optimal_io_boundary: u32,
    /// Only 0: metadata is not supported.
    #[serde(default)]
    md_size: u32,
    /// Only false.
    #[serde(default)]
    md_interleave: bool,
    /// Only 0: protection information is not supported.
    #[serde(default)]
    dif_type: i32,
    /// Only false.
    #[serde(default)]
    dif_is_head_of_md: bool,
    /// Bytes that the device says it prefers; a multiple of the block size, which is the default.
    #[serde(default)]
    physical_block_size: u32,
    /// Only 0.
    #[serde(default)]
    dif_pi_format: u32,
    /// Accepted; memory is not placed by node.
    #[serde(default = "any_node")]
    numa_id: i32,
}

fn any_node() -> i32 {
    -1
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Delete {
    /// Name or UUID of the device.
    name: String,
}

impl MallocSubsystem {
    fn app(&self) -> &App {
        self.app.get().expect("methods run after start")
    }

    fn create(&self, params: Create) -> Result<String, RpcError> {
        let size = check(&params)?;
        if params.numa_id > 0 {
            log::warn!(target: "bdev_malloc", "numa_id {}: memory is not placed by node", params.numa_id);
        }
        let app = self.app();
        let name = params.name.unwrap_or_else(|| self.free_name());
        // Before the memory is taken: a second volume may not fit where a wrong name is the trouble.
        if app.bdevs.get(&name).is_some() {
            return Err(bdev::Error::Exists.into());
        }
        let region = app.arena.region(size).map_err(|error| RpcError::errno(12).because(error.to_string()))?;
        let shape = Shape {
            name: name.clone(),
            uuid: params.uuid.filter(|uuid| !uuid.is_nil()).unwrap_or_else(Uuid::new_v4),
            block_size: params.block_size,
            physical_block_size: params.physical_block_size.max(params.block_size),
            blocks: params.num_blocks,
            optimal_io_boundary: params.optimal_io_boundary,
        };
        self.made.add(&app.bdevs, Malloc::new(shape, region))?;
        Ok(name)
    }

    fn free_name(&self) -> String {
        let names = (0..).map(|n| format!("Malloc{n}"));
        names.into_iter().find(|name| self.app().bdevs.get(name).is_none()).expect("the numbers are many")
    }
}

/// The size in bytes, if all is as it must be.
fn check(params: &Create) -> Result<usize, RpcError> {
    let invalid = |reason: String| Err(RpcError::errno(EINVAL).because(reason));
    let (block, physical) = (params.block_size, params.physical_block_size);
    if !is_block_size(block.into()) {
        return invalid(format!("block_size: {block} is not a power of two from 512 to 65536"));
    }
    if !physical.is_multiple_of(block) {
        return invalid(format!("physical_block_size: {physical} is not a multiple of block_size {block}"));
    }
    if params.md_size != 0 || params.md_interleave {
        return invalid("md_size, md_interleave: metadata is not supported; use 0 and false".to_owned());
    }
    if params.dif_type != 0 || params.dif_is_head_of_md || params.dif_pi_format != 0 {
        return invalid(
            "dif_type, dif_is_head_of_md, dif_pi_format: protection information is not supported".to_owned(),
        );
    }
    let bytes = params.num_blocks.checked_mul(block.into()).and_then(|bytes| isize::try_from(bytes).ok());
    match bytes {
        Some(0) => invalid("num_blocks: a device has at least one block".to_owned()),
        Some(bytes) => Ok(bytes as usize),
        None => {
            invalid(format!("num_blocks: {} blocks of {block} bytes are more than memory can have", params.num_blocks))
        }
    }
}

impl Subsystem for MallocSubsystem {
    fn name(&self) -> &'static str {
        "bdev_malloc"
    }

    fn section(&self) -> &'static str {
        "bdev"
    }

    fn methods(self: Arc<Self>) -> Vec<Method> {
        let this = self.clone();
        let create = Method::new("bdev_malloc_create", When::Runtime, "Makes a block device in RAM.", move |params| {
            this.create(params)
        });
        let delete =
            Method::new("bdev_malloc_delete", When::Runtime, "Removes a block device in RAM.", move |p: Delete| {
                self.made.remove(&self.app().bdevs, &p.name)?;
                Ok(true)
            });
        [create, delete].map(|method| method.decode_error(DecodeError::Internal)).into()
    }

    fn memory(&self, _cores: usize, calls: &[Call]) -> Vec<Need> {
        let creates = calls.iter().filter(|call| call.method == "bdev_malloc_create");
        creates.filter_map(|call| serde_json::from_value(call.params.clone()).ok()).filter_map(need).collect()
    }

    fn start(&self, app: &App) -> anyhow::Result<()> {
        anyhow::ensure!(self.app.set(app.clone()).is_ok(), "bdev_malloc is started already");
        Ok(())
    }

    fn stop(&self) {}

    fn config(&self) -> Vec<Call> {
        let Some(app) = self.app.get() else { return Vec::new() };
        self.made.list(&app.bdevs).iter().map(|device| call(device)).collect()
    }
}

fn need(params: Create) -> Option<Need> {
    let bytes = check(&params).ok()? as u64;
    let what = format!("RAM disk {}", params.name.as_deref().unwrap_or("Malloc<n>"));
    Some(Need { what, bytes: bytes.next_multiple_of(if bytes < HUGE_PAGE { 4096 } else { HUGE_PAGE }) })
}

fn call(device: &Malloc) -> Call {
    let (info, shape) = (device.info(), device.shape());
    let params = json!({
        "name": info.name,
        "num_blocks": info.blocks,
        "block_size": info.block_size,
        "physical_block_size": info.physical_block_size,
        "uuid": info.uuid,
        "optimal_io_boundary": shape.optimal_io_boundary,
        "md_size": 0,
        "dif_type": 0,
        "dif_is_head_of_md": false,
        "dif_pi_format": 0,
        "numa_id": -1,
    });
    Call::new("bdev_malloc_create", params)
}

//! The `bdev_null_*` methods.

use crate::{Null, Shape, ZEROES};
use app::{App, Call, DecodeError, Method, Need, RpcError, Subsystem, When};
use bdev::{Bdev, Made, is_block_size};
use dma::Region;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use uuid::Uuid;

const EINVAL: i32 = 22;
const ENODEV: i32 = 19;
const MIB: u64 = 1 << 20;

/// The subsystem `bdev_null`.
#[derive(Default)]
pub struct NullSubsystem {
    app: OnceLock<App>,
    made: Made<Null>,
    /// What all devices lend from; taken when the first is made.
    zeroes: Mutex<Option<Region>>,
    /// What the clients said they prefer, by name: kept for `save_config`.
    hints: Mutex<BTreeMap<String, Hints>>,
}

/// Preferences in blocks. A device that keeps nothing has none of its own.
#[derive(Clone, Copy, Deserialize, Serialize, JsonSchema)]
struct Hints {
    preferred_write_granularity: u32,
    preferred_write_alignment: u32,
    optimal_write_size: u32,
    preferred_unmap_granularity: u32,
    preferred_unmap_alignment: u32,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Create {
    /// Name of the device.
    name: String,
    /// Bytes of a block: a power of two from 512 to 65,536.
    block_size: u32,
    /// Number of blocks.
    num_blocks: u64,
    /// Its identity; random when absent.
    #[schemars(with = "Option<String>")]
    uuid: Option<Uuid>,
    /// Bytes that the device says it prefers; a multiple of the block size, which is the default.
    #[serde(default)]
    physical_block_size: u32,
    /// Only 0: metadata is not supported.
    #[serde(default)]
    md_size: u32,
    /// Only 0: protection information is not supported.
    #[serde(default)]
    dif_type: i32,
    /// Only 0.
    #[serde(default)]
    dif_pi_format: u32,
    /// Only false.
    #[serde(default)]
    dif_is_head_of_md: bool,
    /// Accepted and kept.
    #[serde(default)]
    preferred_write_granularity: u32,
    /// Accepted and kept.
    #[serde(default)]
    preferred_write_alignment: u32,
    /// Accepted and kept.
    #[serde(default)]
    optimal_write_size: u32,
    /// Accepted and kept.
    #[serde(default)]
    preferred_unmap_granularity: u32,
    /// Accepted and kept.
    #[serde(default)]
    preferred_unmap_alignment: u32,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Delete {
    /// Name or UUID of the device.
    name: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Resize {
    /// Name or UUID of the device.
    name: String,
    /// Its new size in MiB, not below the present one.
    new_size: u64,
}

impl NullSubsystem {
    fn app(&self) -> &App {
        self.app.get().expect("methods run after start")
    }

    fn create(&self, params: Create) -> Result<String, RpcError> {
        check(&params)?;
        let hints = Hints {
            preferred_write_granularity: params.preferred_write_granularity,
            preferred_write_alignment: params.preferred_write_alignment,
            optimal_write_size: params.optimal_write_size,
            preferred_unmap_granularity: params.preferred_unmap_granularity,
            preferred_unmap_alignment: params.preferred_unmap_alignment,
        };
        let shape = Shape {
            name: params.name.clone(),
            uuid: params.uuid.filter(|uuid| !uuid.is_nil()).unwrap_or_else(Uuid::new_v4),
            block_size: params.block_size,
            physical_block_size: params.physical_block_size.max(params.block_size),
            blocks: params.num_blocks,
        };
        self.made.add(&self.app().bdevs, Null::new(shape, self.zeroes()?))?;
        lock(&self.hints).insert(params.name.clone(), hints);
        Ok(params.name)
    }

    fn zeroes(&self) -> Result<Region, RpcError> {
        let mut zeroes = lock(&self.zeroes);
        if let Some(region) = &*zeroes {
            return Ok(region.clone());
        }
        let region = self.app().arena.region(ZEROES).map_err(|error| RpcError::errno(12).because(error.to_string()))?;
        *zeroes = Some(region.clone());
        Ok(region)
    }

    fn resize(&self, params: &Resize) -> Result<bool, RpcError> {
        let bdevs = &self.app().bdevs;
        let invalid = |reason: String| Err(RpcError::errno(EINVAL).because(reason));
        if bdevs.get(&params.name).is_none() {
            return Err(RpcError::errno(ENODEV));
        }
        let Some(device) = self.made.find(bdevs, &params.name) else {
            return invalid(format!("name: {} is not a null device", params.name));
        };
        let info = device.info();
        let now = info.blocks * u64::from(info.block_size) / MIB;
        match params.new_size.checked_mul(MIB) {
            Some(_) if params.new_size < now => {
                invalid(format!("new_size: {} MiB is below {now} MiB", params.new_size))
            }
            Some(bytes) if bytes > 0 => {
                device.resize(bytes / u64::from(info.block_size));
                bdevs.resized(&info.name);
                Ok(true)
            }
            _ => invalid(format!("new_size: {} MiB", params.new_size)),
        }
    }

    fn call(&self, device: &Null) -> Call {
        let info = device.info();
        let mut params = json!({
            "name": info.name,
            "num_blocks": info.blocks,
            "block_size": info.block_size,
            "physical_block_size": info.physical_block_size,
            "md_size": 0,
            "dif_type": 0,
            "dif_is_head_of_md": false,
            "dif_pi_format": 0,
            "uuid": info.uuid,
        });
        if let Some(Ok(Value::Object(hints))) = lock(&self.hints).get(&info.name).map(serde_json::to_value) {
            params.as_object_mut().expect("made as one").extend(hints);
        }
        Call::new("bdev_null_create", params)
    }
}

fn check(params: &Create) -> Result<(), RpcError> {
    let invalid = |reason: String| Err(RpcError::errno(EINVAL).because(reason));
    let (block, physical) = (params.block_size, params.physical_block_size);
    if !is_block_size(block.into()) {
        return invalid(format!("block_size: {block} is not a power of two from 512 to 65536"));
    }
    if !physical.is_multiple_of(block) {
        return invalid(format!("physical_block_size: {physical} is not a multiple of block_size {block}"));
    }
    if params.md_size != 0 || params.dif_type != 0 || params.dif_pi_format != 0 || params.dif_is_head_of_md {
        return invalid("md_size, dif_*: metadata and protection information are not supported; use 0".to_owned());
    }
    match params.num_blocks.checked_mul(block.into()) {
        Some(0) => invalid("num_blocks: a device has at least one block".to_owned()),
        Some(_) => Ok(()),
        None => invalid(format!("num_blocks: {} blocks of {block} bytes are too many", params.num_blocks)),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Subsystem for NullSubsystem {
    fn name(&self) -> &'static str {
        "bdev_null"
    }

    fn section(&self) -> &'static str {
        "bdev"
    }

    fn methods(self: Arc<Self>) -> Vec<Method> {
        let (this, that) = (self.clone(), self.clone());
        let create =
            Method::new("bdev_null_create", When::Runtime, "Makes a device that keeps nothing.", move |params| {
                this.create(params)
            });
        let resize = Method::new("bdev_null_resize", When::Runtime, "Makes a null device larger.", move |params| {
            that.resize(&params)
        });
        let delete = Method::new("bdev_null_delete", When::Runtime, "Removes a null device.", move |params: Delete| {
            self.made.remove(&self.app().bdevs, &params.name)?;
            Ok(true)
        });
        [create, resize, delete].map(|method| method.decode_error(DecodeError::Internal)).into()
    }

    fn memory(&self, _cores: usize, calls: &[Call]) -> Vec<Need> {
        let wanted = calls.iter().any(|call| call.method == "bdev_null_create");
        wanted.then(|| Need { what: "zeroes of null devices".to_owned(), bytes: ZEROES as u64 }).into_iter().collect()
    }

    fn start(&self, app: &App) -> anyhow::Result<()> {
        anyhow::ensure!(self.app.set(app.clone()).is_ok(), "bdev_null is started already");
        Ok(())
    }

    fn stop(&self) {}

    fn config(&self) -> Vec<Call> {
        let Some(app) = self.app.get() else { return Vec::new() };
        self.made.list(&app.bdevs).iter().map(|device| self.call(device)).collect()
    }
}

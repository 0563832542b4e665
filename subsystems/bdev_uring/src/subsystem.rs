//! The `bdev_uring_*` and `bdev_aio_*` methods.

use crate::{Disk, OpenError, Product, Setup, ZEROES};
use app::{App, Call, DecodeError, Method, Need, RpcError, Subsystem, When};
use bdev::{Bdev, Made};
use dma::Region;
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use uuid::Uuid;

/// The subsystem `bdev_uring`, which serves `bdev_aio_*` as well.
#[derive(Default)]
pub struct UringSubsystem(Arc<Inner>);

#[derive(Default)]
struct Inner {
    app: OnceLock<App>,
    made: Made<Disk>,
    /// What all devices write zeroes from; taken when the first is made.
    zeroes: Mutex<Option<Region>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CreateUring {
    /// Name of the device.
    name: String,
    /// The file or block device; it must exist.
    filename: PathBuf,
    /// Bytes of a block; the device's own, or 512 for a file, when absent or 0.
    block_size: Option<u32>,
    /// Its identity; made from this machine and the path when absent.
    #[schemars(with = "Option<String>")]
    uuid: Option<Uuid>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CreateAio {
    /// Name of the device.
    name: String,
    /// The file or block device; it must exist.
    filename: PathBuf,
    /// Bytes of a block; the device's own, or 512 for a file, when absent or 0.
    block_size: Option<u32>,
    /// Its identity; made from this machine and the path when absent.
    #[schemars(with = "Option<String>")]
    uuid: Option<Uuid>,
    /// Takes no writes.
    #[serde(default)]
    readonly: bool,
    /// Offers unmap.
    #[serde(default)]
    fallocate: bool,
    /// Accepted for block devices; the ring never blocks the core.
    #[serde(default)]
    nowait: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Named {
    /// Name or UUID of the device.
    name: String,
}

impl Inner {
    fn app(&self) -> &App {
        self.app.get().expect("methods run after start")
    }

    fn create_uring(&self, params: CreateUring) -> Result<String, RpcError> {
        let setup = Setup {
            name: params.name,
            filename: params.filename,
            block_size: params.block_size,
            uuid: params.uuid.filter(|uuid| !uuid.is_nil()),
            product: Product::Uring,
            readonly: false,
            fallocate: true,
        };
        // SPDK says the same of every failure here; scripts see no difference, people read the data.
        let refuse = |error: &dyn std::fmt::Display| {
            Err(RpcError::internal("Unable to create URING bdev.").because(error.to_string()))
        };
        match self.create(setup) {
            Ok(name) => Ok(name),
            Err(Failure::Open(error)) => refuse(&error),
            Err(Failure::Other(error)) => refuse(&error),
        }
    }

    fn create_aio(&self, params: CreateAio) -> Result<String, RpcError> {
        if params.nowait && params.filename.metadata().is_ok_and(|about| about.is_file()) {
            return Err(RpcError::errno(libc::EOPNOTSUPP).because("nowait is for block devices only"));
        }
        let setup = Setup {
            name: params.name,
            filename: params.filename,
            block_size: params.block_size,
            uuid: params.uuid.filter(|uuid| !uuid.is_nil()),
            product: Product::Aio,
            readonly: params.readonly,
            fallocate: params.fallocate,
        };
        self.create(setup).map_err(|failure| match failure {
            Failure::Open(error) => RpcError::errno(error.errno).because(error.detail),
            Failure::Other(error) => error,
        })
    }

    fn create(&self, setup: Setup) -> Result<String, Failure> {
        let name = setup.name.clone();
        let disk = Disk::open(setup, self.zeroes()?)?;
        self.made.add(&self.app().bdevs, disk).map_err(RpcError::from)?;
        Ok(name)
    }

    fn zeroes(&self) -> Result<Region, RpcError> {
        let mut zeroes = self.zeroes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(region) = &*zeroes {
            return Ok(region.clone());
        }
        let region = self.app().arena.region(ZEROES).map_err(|error| RpcError::errno(12).because(error.to_string()))?;
        *zeroes = Some(region.clone());
        Ok(region)
    }

    fn find(&self, name: &str, product: Product) -> Result<Arc<Disk>, RpcError> {
        let disk = self.made.find(&self.app().bdevs, name).filter(|disk| disk.setup().product == product);
        disk.ok_or_else(|| bdev::Error::NotFound.into())
    }

    fn delete(&self, name: &str, product: Product) -> Result<bool, RpcError> {
        let name = self.find(name, product)?.info().name;
        self.made.remove(&self.app().bdevs, &name)?;
        Ok(true)
    }

    fn rescan(&self, name: &str, product: Product) -> Result<bool, RpcError> {
        let disk = self.find(name, product)?;
        let name = disk.info().name;
        match disk.rescan()? {
            // As with SPDK: a device without size is gone.
            Some(0) => self.app().bdevs.remove(&name)?,
            Some(blocks) => {
                log::info!(target: "bdev_uring", "{name} has {blocks} blocks now");
                self.app().bdevs.resized(&name);
            }
            None => {}
        }
        Ok(true)
    }
}

enum Failure {
    Open(OpenError),
    Other(RpcError),
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<RpcError> for Failure {
    fn from(error: RpcError) -> Self {
        Self::Other(error)
    }
}

impl UringSubsystem {
    /// The methods that both families have.
    fn common(&self, names: [&'static str; 2], product: Product) -> [Method; 2] {
        let (rescan, delete) = (self.0.clone(), self.0.clone());
        let summaries = ["Looks how large a device on a file is now.", "Removes a device on a file; the file stays."];
        [
            Method::new(names[0], When::Runtime, summaries[0], move |p: Named| rescan.rescan(&p.name, product)),
            Method::new(names[1], When::Runtime, summaries[1], move |p: Named| delete.delete(&p.name, product)),
        ]
    }
}

impl Subsystem for UringSubsystem {
    fn name(&self) -> &'static str {
        "bdev_uring"
    }

    fn section(&self) -> &'static str {
        "bdev"
    }

    fn methods(self: Arc<Self>) -> Vec<Method> {
        let (uring, aio) = (self.0.clone(), self.0.clone());
        let summary = "Makes a device on a file or block device, through io_uring.";
        let mut methods = vec![
            Method::new("bdev_uring_create", When::Runtime, summary, move |params| uring.create_uring(params)),
            Method::new("bdev_aio_create", When::Runtime, summary, move |params| aio.create_aio(params)),
        ];
        methods.extend(self.common(["bdev_uring_rescan", "bdev_uring_delete"], Product::Uring));
        methods.extend(self.common(["bdev_aio_rescan", "bdev_aio_delete"], Product::Aio));
        methods.into_iter().map(|method| method.decode_error(DecodeError::Internal)).collect()
    }

    fn memory(&self, _cores: usize, calls: &[Call]) -> Vec<Need> {
        let wanted = calls.iter().any(|call| ["bdev_uring_create", "bdev_aio_create"].contains(&call.method.as_str()));
        wanted.then(|| Need { what: "zeroes to write".to_owned(), bytes: ZEROES as u64 }).into_iter().collect()
    }

    fn start(&self, app: &App) -> anyhow::Result<()> {
        anyhow::ensure!(self.0.app.set(app.clone()).is_ok(), "bdev_uring is started already");
        Ok(())
    }

    fn stop(&self) {}

    fn config(&self) -> Vec<Call> {
        let Some(app) = self.0.app.get() else { return Vec::new() };
        let call = |disk: Arc<Disk>| {
            let method = match disk.setup().product {
                Product::Uring => "bdev_uring_create",
                Product::Aio => "bdev_aio_create",
            };
            Call::new(method, disk.params())
        };
        self.0.made.list(&app.bdevs).into_iter().map(call).collect()
    }
}

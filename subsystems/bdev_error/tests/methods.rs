//! The methods of all device subsystems together: results, codes and texts as SPDK's, and what `save_config` would write.

use app::{App, Options, State, Subsystem, assemble};
use bdev_delay::DelaySubsystem;
use bdev_error::ErrorSubsystem;
use bdev_malloc::MallocSubsystem;
use bdev_null::NullSubsystem;
use bdev_uring::UringSubsystem;
use serde_json::{Value, json};
use std::sync::Arc;

struct Target {
    app: App,
    subsystems: Arc<[Arc<dyn Subsystem>]>,
}

impl Target {
    fn new() -> Self {
        let subsystems: Arc<[Arc<dyn Subsystem>]> = Arc::new([
            Arc::new(MallocSubsystem::default()),
            Arc::new(NullSubsystem::default()),
            Arc::new(UringSubsystem::default()),
            Arc::new(DelaySubsystem::default()),
            Arc::new(ErrorSubsystem::default()),
        ]);
        let memory = dma::Options { backing: dma::Backing::Ordinary, single_file: false, reserve: 0 };
        let arena = dma::Arena::new(memory).unwrap();
        let app = assemble(Options::default(), arena, Arc::new([]), subsystems.clone()).unwrap();
        subsystems.iter().for_each(|subsystem| subsystem.start(&app).unwrap());
        app.methods.enter(State::Runtime);
        Self { app, subsystems }
    }

    fn call(&self, method: &str, params: Value) -> Value {
        self.app.methods.call(method, params.clone()).unwrap_or_else(|error| panic!("{method} {params}: {error}"))
    }

    fn error(&self, method: &str, params: Value) -> (i64, String) {
        let error = self.app.methods.call(method, params).unwrap_err();
        (error.code, error.message)
    }

    fn config(&self) -> Value {
        json!(self.subsystems.iter().flat_map(|subsystem| subsystem.config()).collect::<Vec<_>>())
    }

    fn names(&self) -> Vec<String> {
        self.app.bdevs.list().iter().map(|device| device.info().name).collect()
    }
}

fn failure(code: i64, text: &str) -> (i64, String) {
    (code, text.to_owned())
}

fn latencies(name: &str, base: &str) -> Value {
    json!({ "name": name, "base_bdev_name": base, "avg_read_latency": 1, "p99_read_latency": 2,
            "avg_write_latency": 3, "p99_write_latency": 4 })
}

#[test]
fn malloc_and_null_take_what_the_stock_client_sends() {
    let target = Target::new();
    // As captured from the client: explicit false for what is not asked for.
    let golden = json!({ "num_blocks": 131072, "block_size": 512, "name": "M0", "md_interleave": false,
                         "dif_is_head_of_md": false });
    assert_eq!(target.call("bdev_malloc_create", golden.clone()), "M0");
    let anonymous = json!({ "num_blocks": 2, "block_size": 65536 });
    assert_eq!(target.call("bdev_malloc_create", anonymous.clone()), "Malloc0");
    assert_eq!(target.call("bdev_malloc_create", anonymous), "Malloc1");
    let null = json!({ "num_blocks": 2097152, "block_size": 512, "name": "Null0", "dif_is_head_of_md": false });
    assert_eq!(target.call("bdev_null_create", null.clone()), "Null0");

    let exists = failure(-17, "File exists");
    assert_eq!(
        (target.error("bdev_malloc_create", golden), target.error("bdev_null_create", null)),
        (exists.clone(), exists)
    );
    let invalid = failure(-22, "Invalid argument");
    for wrong in [
        json!({ "num_blocks": 0, "block_size": 512 }),
        json!({ "num_blocks": 1, "block_size": 520 }),
        json!({ "num_blocks": 1, "block_size": 131072 }),
        json!({ "num_blocks": 1, "block_size": 512, "md_size": 8 }),
        json!({ "num_blocks": 1, "block_size": 512, "dif_type": 1 }),
        json!({ "num_blocks": 1, "block_size": 4096, "physical_block_size": 512 }),
        json!({ "num_blocks": u64::MAX, "block_size": 512 }),
    ] {
        assert_eq!(target.error("bdev_malloc_create", wrong), invalid);
    }
    let undecodable = failure(-32603, "spdk_json_decode_object failed");
    assert_eq!(target.error("bdev_malloc_create", json!({ "num_blocks": 1 })), undecodable);
    assert_eq!(target.error("bdev_null_delete", json!({ "name": "Null0", "force": true })), undecodable);
    assert_eq!(target.error("bdev_malloc_delete", json!({ "name": "Null0" })), failure(-19, "No such device"));
    assert_eq!(target.error("bdev_null_delete", json!({ "name": "nobody" })), failure(-19, "No such device"));
    let huge = json!({ "num_blocks": 1u64 << 40, "block_size": 512 });
    assert_eq!(target.error("bdev_malloc_create", huge).0, -12);

    let resize = |size: u64| json!({ "name": "Null0", "new_size": size });
    assert_eq!(target.error("bdev_null_resize", resize(1023)), invalid);
    assert_eq!(target.call("bdev_null_resize", resize(2048)), true);
    assert_eq!(target.app.bdevs.get("Null0").unwrap().info().blocks, 4 << 20);
    let other = json!({ "name": "M0", "new_size": 4096 });
    assert_eq!(target.error("bdev_null_resize", other), invalid);
    assert_eq!(target.call("bdev_malloc_delete", json!({ "name": "M0" })), true);
    assert_eq!(target.names(), ["Malloc0", "Malloc1", "Null0"]);
}

#[test]
fn files_come_and_grow_and_keep_their_identity() {
    let target = Target::new();
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path();
    let uring = |name: &str| json!({ "name": name, "filename": path });
    let refused = failure(-32603, "Unable to create URING bdev.");
    assert_eq!(target.error("bdev_uring_create", uring("U0")), refused, "an empty file");
    file.as_file().set_len(1 << 20).unwrap();
    assert_eq!(target.call("bdev_uring_create", uring("U0")), "U0");
    let first = target.app.bdevs.get("U0").unwrap().info();
    assert_eq!((first.block_size, first.blocks, first.product), (512, 2048, "URING bdev"));

    assert_eq!(target.call("bdev_uring_rescan", json!({ "name": "U0" })), true);
    file.as_file().set_len(2 << 20).unwrap();
    assert_eq!(target.app.bdevs.get("U0").unwrap().info().blocks, 2048);
    target.call("bdev_uring_rescan", json!({ "name": "U0" }));
    assert_eq!(target.app.bdevs.get("U0").unwrap().info().blocks, 4096);
    assert_eq!(target.error("bdev_aio_delete", json!({ "name": "U0" })), failure(-19, "No such device"));
    target.call("bdev_uring_delete", json!({ "name": "U0" }));

    let aio = json!({ "filename": path, "name": "AIO0", "block_size": 4096, "readonly": false, "fallocate": false,
                      "nowait": false });
    assert_eq!(target.call("bdev_aio_create", aio), "AIO0");
    let again = target.app.bdevs.get("AIO0").unwrap().info();
    assert_eq!((again.uuid, again.block_size, again.product), (first.uuid, 4096, "AIO disk"));
    assert!(again.features.write && !again.features.unmap);
    let missing = json!({ "filename": "/nonexistent/file", "name": "A1" });
    let error = target.app.methods.call("bdev_aio_create", missing.clone()).unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (-2, "No such file or directory"));
    assert!(error.data.unwrap().as_str().unwrap().contains("truncate"));
    assert_eq!(target.error("bdev_uring_create", missing), refused);
    let readonly = json!({ "filename": path, "name": "A2", "readonly": true, "uuid": uuid::Uuid::new_v4() });
    target.call("bdev_aio_create", readonly);
    assert!(!target.app.bdevs.get("A2").unwrap().info().features.write);
    let small = json!({ "filename": path, "name": "A3", "block_size": 256 });
    assert_eq!(target.error("bdev_aio_create", small), failure(-22, "Invalid argument"));
    file.as_file().set_len(0).unwrap();
    target.call("bdev_aio_rescan", json!({ "name": "A2" }));
    assert_eq!(target.names(), ["AIO0"], "a device without size is gone");
}

#[test]
fn wrappers_come_with_their_base_and_go_with_it() {
    let target = Target::new();
    assert_eq!(target.call("bdev_error_create", json!({ "base_name": "M0" })), true);
    assert_eq!(target.call("bdev_delay_create", latencies("D0", "EE_M0")), "D0");
    assert_eq!(target.error("bdev_error_create", json!({ "base_name": "M0" })), failure(-17, "File exists"));
    assert!(target.names().is_empty());
    let m0 = json!({ "num_blocks": 100, "block_size": 512, "name": "M0", "uuid": uuid::Uuid::from_u128(7) });
    target.call("bdev_malloc_create", m0.clone());
    assert_eq!(target.names(), ["D0", "EE_M0", "M0"]);
    assert_eq!(target.app.bdevs.claimed_by("M0").as_deref(), Some("error EE_M0"));
    assert_eq!(target.error("bdev_error_create", json!({ "base_name": "M0" })), failure(-17, "File exists"));
    assert_eq!(target.error("bdev_delay_create", latencies("D1", "M0")).0, -16, "claimed");
    let identity = target.app.bdevs.get("D0").unwrap().info().uuid;

    let mut update = json!({ "delay_bdev_name": "D0", "latency_type": "p99_write", "latency_us": 77 });
    assert_eq!(target.call("bdev_delay_update_latency", update.clone()), true);
    let shown = target.app.bdevs.get("D0").unwrap().driver_specific();
    assert_eq!(shown["delay"]["p99_write_latency"], 77);
    update["delay_bdev_name"] = json!("D9");
    let unknown = failure(-32602, "The requested bdev does not exist.");
    assert_eq!(target.error("bdev_delay_update_latency", update), unknown);
    let mut below = latencies("D1", "X");
    below["p99_read_latency"] = json!(0);
    assert_eq!(target.error("bdev_delay_create", below), failure(-22, "Invalid argument"));

    let config = target.config();
    target.call("bdev_malloc_delete", json!({ "name": "M0" }));
    assert!(target.names().is_empty() && target.config() == json!([]));

    // The saved calls rebuild it all, in the order in which they are saved and in reverse.
    let mut calls = config.as_array().unwrap().clone();
    for _ in 0..2 {
        for call in &calls {
            target.call(call["method"].as_str().unwrap(), call["params"].clone());
        }
        assert_eq!(target.names(), ["D0", "EE_M0", "M0"]);
        assert_eq!((target.config(), target.app.bdevs.get("D0").unwrap().info().uuid), (config.clone(), identity));
        target.call("bdev_malloc_delete", json!({ "name": "M0" }));
        calls.reverse();
    }

    target.call("bdev_malloc_create", m0);
    target.call("bdev_error_create", json!({ "base_name": "M0" }));
    target.call("bdev_error_delete", json!({ "name": "EE_M0" }));
    assert_eq!(target.app.bdevs.claimed_by("M0"), None);
    assert_eq!(target.error("bdev_error_delete", json!({ "name": "EE_M0" })), failure(-19, "No such device"));
}

#[test]
fn injections_are_checked() {
    let target = Target::new();
    target.call("bdev_malloc_create", json!({ "num_blocks": 100, "block_size": 512, "name": "M0" }));
    target.call("bdev_error_create", json!({ "base_name": "M0" }));
    let inject = |more: Value| {
        let mut params = json!({ "name": "EE_M0", "io_type": "read", "error_type": "failure" });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        params
    };
    let method = "bdev_error_inject_error";
    assert_eq!(target.call(method, inject(json!({ "num": 5, "io_type": "all" }))), true);
    assert_eq!(target.call(method, inject(json!({ "io_type": "clear" }))), true);
    assert_eq!(
        target.call(method, inject(json!({ "error_type": "nvme_failure", "nvme_sc": 0x81, "nvme_sct": 2 }))),
        true
    );
    assert_eq!(target.call("bdev_error_resume_pending", json!({ "name": "EE_M0" })), true);
    let coded = failure(-22, "nvme_sct or nvme_sc should be specified for NVMe error injection");
    assert_eq!(target.error(method, inject(json!({ "nvme_sc": 1 }))), coded);
    assert_eq!(target.error(method, inject(json!({ "error_type": "nvme_failure" }))), coded);
    assert_eq!(target.error(method, inject(json!({ "error_type": "corrupt_data" }))).0, -22);
    assert_eq!(target.error(method, inject(json!({ "name": "M0" }))), failure(-19, "No such device"));
    let undecodable = failure(-32602, "spdk_json_decode_object failed");
    assert_eq!(target.error(method, inject(json!({ "error_type": "melt" }))), undecodable);
    assert_eq!(target.error("bdev_error_resume_pending", json!({ "name": "M0" })), failure(-19, "No such device"));
}

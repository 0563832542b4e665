//! Methods that SPDK's scripts and saved configurations call and that have little or nothing to switch here.

use super::Built;
use crate::{Call, Method, NoParams, RpcError, When};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::{Mutex, PoisonError};

/// Generic settings that are kept to be saved again.
#[derive(Default)]
pub(crate) struct Generic {
    bdev_options: Mutex<Option<Value>>,
}

impl Generic {
    pub(crate) fn config(&self) -> Vec<Call> {
        let options = self.bdev_options.lock().unwrap_or_else(PoisonError::into_inner).clone();
        options.map(|params| Call::new("bdev_set_options", params)).into_iter().collect()
    }

    pub(crate) fn set_bdev_options(&self, params: Value) {
        *self.bdev_options.lock().unwrap_or_else(PoisonError::into_inner) = Some(params);
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Notifications {
    /// First wanted
    #[serde(default)]
    id: u64,
    /// At most so many
    max: Option<u64>,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Iobuf {
    small_pool_count: Option<u64>,
    large_pool_count: Option<u64>,
    small_bufsize: Option<u32>,
    large_bufsize: Option<u32>,
    enable_numa: Option<bool>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SockImpl {
    /// Socket layer: posix
    impl_name: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SockOptions {
    /// Socket layer: posix
    impl_name: String,
    recv_buf_size: Option<u32>,
    send_buf_size: Option<u32>,
    enable_recv_pipe: Option<bool>,
    enable_quickack: Option<bool>,
    enable_placement_id: Option<u32>,
    enable_zerocopy_send_server: Option<bool>,
    enable_zerocopy_send_client: Option<bool>,
    zerocopy_threshold: Option<u32>,
    tls_version: Option<u32>,
    enable_ktls: Option<bool>,
}

pub(super) fn methods(built: &Built) -> Vec<Method> {
    let (kinds, since) = (built.app.notify.clone(), built.app.notify.clone());
    let mut list = vec![
        Method::new("notify_get_types", When::Runtime, "Lists the kinds of notifications", move |_: NoParams| {
            Ok(kinds.kinds())
        })
        .alias("get_notification_types"),
        Method::new(
            "notify_get_notifications",
            When::Runtime,
            "Lists what happened lately",
            move |p: Notifications| Ok(since.since(p.id, p.max.unwrap_or(u64::MAX))),
        )
        .alias("get_notifications"),
        Method::new(
            "iobuf_set_options",
            When::Startup,
            "Accepted; buffers are sized from queue depths and I/O sizes",
            |p: Iobuf| {
                let _ = (p.small_pool_count, p.large_pool_count, p.small_bufsize, p.large_bufsize, p.enable_numa);
                Ok(true)
            },
        ),
        Method::new("iobuf_get_stats", When::Runtime, "Lists shared buffer pools; there are none", |_: NoParams| {
            Ok(json!([]))
        }),
        Method::new("keyring_get_keys", When::Runtime, "Lists the keys; there are none", |_: NoParams| Ok(json!([]))),
    ];
    list.extend(sockets());
    list
}

fn sockets() -> Vec<Method> {
    vec![
        Method::new("sock_get_default_impl", When::Both, "Tells the socket layer", |_: NoParams| {
            Ok(json!({ "impl_name": "posix" }))
        }),
        Method::new(
            "sock_set_default_impl",
            When::Startup,
            "Chooses the socket layer; there is only posix",
            |p: SockImpl| posix(&p.impl_name).map(|()| true),
        ),
        Method::new("sock_impl_get_options", When::Both, "Tells the options of the socket layer", |p: SockImpl| {
            posix(&p.impl_name)?;
            Ok(sock_options())
        }),
        Method::new(
            "sock_impl_set_options",
            When::Startup,
            "Accepted for posix; sockets are tuned by the transport",
            |p: SockOptions| {
                let _ =
                    (p.recv_buf_size, p.send_buf_size, p.enable_recv_pipe, p.enable_quickack, p.enable_placement_id);
                let _ =
                    (p.enable_zerocopy_send_server, p.enable_zerocopy_send_client, p.zerocopy_threshold, p.tls_version);
                posix(&p.impl_name)?;
                match p.enable_ktls {
                    Some(true) => Err(RpcError::invalid_params("enable_ktls: there is no TLS yet")),
                    _ => Ok(true),
                }
            },
        ),
    ]
}

fn posix(name: &str) -> Result<(), RpcError> {
    match name {
        "posix" => Ok(()),
        other => Err(RpcError::invalid_params(format!("impl_name: there is only posix, not {other}"))),
    }
}

fn sock_options() -> Value {
    json!({
        "recv_buf_size": kernel("rmem_default"),
        "send_buf_size": kernel("wmem_default"),
        "enable_recv_pipe": false,
        "enable_quickack": false,
        "enable_placement_id": 0,
        "enable_zerocopy_send_server": false,
        "enable_zerocopy_send_client": false,
        "zerocopy_threshold": 0,
        "tls_version": 0,
        "enable_ktls": false,
    })
}

fn kernel(name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/sys/net/core/{name}")).unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

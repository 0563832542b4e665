//! `nvmf_create_transport`, `nvmf_get_transports`.

use crate::NvmfTarget;
use crate::answer::{invalid, no_effect, not_there};
use app::{Method, RpcError, When};
use nvmf::{Error, TransportOptions, Trtype};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

/// Largest transfer that a transport may be made for.
const MOST_IO_SIZE: u32 = 16 << 20;
/// Entries of an admin queue: from what every host may ask for, to what the standard has room for (AQA).
const AQ_DEPTHS: std::ops::RangeInclusive<u32> = 32..=4096;
/// I/O queues of a controller over Fibre Channel: as many as an association has places for.
const MOST_FC_QUEUES: u16 = 128;
/// A unit of KAS in milliseconds.
const KAS_MS: u32 = 100;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Create {
    /// TCP or FC, in any letter case
    trtype: String,
    /// nvmf_tgt
    tgt_name: Option<String>,
    /// Entries of an I/O queue
    max_queue_depth: Option<u16>,
    /// I/O queues of a controller
    max_io_qpairs_per_ctrlr: Option<u16>,
    /// Bytes of in-capsule data, a multiple of 16
    in_capsule_data_size: Option<u32>,
    /// Bytes of the largest transfer, a power of two from 4096
    max_io_size: Option<u32>,
    /// Without effect (deprecated)
    io_unit_size: Option<u32>,
    /// Entries of the admin queue, 32 to 4096
    max_aq_depth: Option<u32>,
    /// Without effect (deprecated)
    num_shared_buffers: Option<u32>,
    /// Without effect (deprecated)
    buf_cache_size: Option<u32>,
    /// Without effect
    iobuf_small_cache_size: Option<u32>,
    /// Without effect
    iobuf_large_cache_size: Option<u32>,
    /// Without effect
    #[serde(default)]
    zcopy: bool,
    /// RDMA: without effect
    num_cqe: Option<i32>,
    /// RDMA: without effect
    max_srq_depth: Option<u32>,
    /// RDMA: without effect
    #[serde(default)]
    #[expect(dead_code, reason = "the stock client sends it for every transport")]
    no_srq: bool,
    /// TCP: a read's last data PDU says that the command succeeded
    c2h_success: Option<bool>,
    /// Only false
    #[serde(default)]
    dif_insert_or_strip: bool,
    /// TCP: priority of the sockets
    sock_priority: Option<u32>,
    /// Connections that may wait to be accepted
    acceptor_backlog: Option<i32>,
    /// Seconds that an Abort waits for its command
    abort_timeout_sec: Option<u32>,
    /// RDMA: without effect
    #[serde(default)]
    #[expect(dead_code, reason = "the stock client sends it for every transport")]
    no_wr_batching: bool,
    /// TCP: kept and shown
    control_msg_num: Option<u16>,
    /// vfio-user: without effect
    #[serde(default)]
    #[expect(dead_code, reason = "the stock client sends it for every transport")]
    disable_mappable_bar0: bool,
    /// vfio-user: without effect
    #[serde(default)]
    #[expect(dead_code, reason = "the stock client sends it for every transport")]
    disable_adaptive_irq: bool,
    /// vfio-user: without effect
    #[serde(default)]
    #[expect(dead_code, reason = "the stock client sends it for every transport")]
    disable_shadow_doorbells: bool,
    /// Without effect: accepting is not polled
    acceptor_poll_rate: Option<u32>,
    /// Milliseconds that a lost peer may go unnoticed
    ack_timeout: Option<u32>,
    /// RDMA: without effect
    data_wr_pool_size: Option<u32>,
    /// Commands are never passed through
    #[serde(default)]
    #[expect(dead_code, reason = "the stock client sends it for every transport")]
    disable_command_passthru: bool,
    /// Keep-alive granularity in 100 ms
    kas: Option<u16>,
    /// Shortest keep-alive time-out in milliseconds
    min_kato: Option<u32>,
    /// Only reservs and nvmcpys, which are not offered anyway
    #[serde(default)]
    masked_oncs: Vec<String>,
    /// Only fcws, which is not offered anyway
    #[serde(default)]
    masked_fuses: Vec<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Get {
    /// Only this one
    trtype: Option<String>,
    /// nvmf_tgt
    tgt_name: Option<String>,
}

pub(crate) fn methods(nvmf: &Arc<NvmfTarget>) -> Vec<Method> {
    let (create, get) = (nvmf.clone(), nvmf.clone());
    vec![
        Method::new("nvmf_create_transport", When::Runtime, "Makes a transport", move |p: Create| {
            create.create_transport(&p)
        }),
        Method::new("nvmf_get_transports", When::Runtime, "Shows the transports", move |p: Get| get.get_transports(&p)),
    ]
}

/// The options that `params` of `nvmf_create_transport` mean, if they mean any.
pub(crate) fn options(params: Value) -> Option<TransportOptions> {
    let create: Create = serde_json::from_value(params).ok()?;
    let trtype = Trtype::parse(&create.trtype)?;
    create.options(trtype).ok()
}

impl NvmfTarget {
    fn create_transport(&self, params: &Create) -> Result<bool, RpcError> {
        let target = self.named(params.tgt_name.as_deref())?;
        let kind = Trtype::parse(&params.trtype).and_then(|trtype| Some((trtype, self.factory(trtype)?)));
        let unknown = || RpcError::bad_params(format!("Invalid transport type '{}'", params.trtype));
        let (trtype, factory) = kind.ok_or_else(unknown)?;
        let options = params.options(trtype)?;
        params.warn(trtype);
        let made = target.add_transport(trtype, || factory.create(self.app(), &options));
        made.map(|()| true).map_err(|error| match error {
            Error::Exists(_) => RpcError::internal(format!("Transport type '{}' already exists", params.trtype)),
            Error::Failed(why) => {
                RpcError::internal(format!("Transport type '{}' create failed", params.trtype)).because(why)
            }
            error => invalid(error),
        })
    }

    fn get_transports(&self, params: &Get) -> Result<Vec<Value>, RpcError> {
        let target = self.named(params.tgt_name.as_deref())?;
        let wanted = match &params.trtype {
            None => None,
            Some(name) => Some(Trtype::parse(name).ok_or_else(|| RpcError::errno(19))?),
        };
        let all = target.transports();
        let shown = all.iter().filter(|transport| wanted.is_none_or(|wanted| wanted == transport.view().trtype));
        let shown: Vec<Value> = shown.map(|transport| Value::Object(transport.options().to_json())).collect();
        if wanted.is_some() && shown.is_empty() { Err(RpcError::errno(19)) } else { Ok(shown) }
    }
}

impl Create {
    fn options(&self, trtype: Trtype) -> Result<TransportOptions, RpcError> {
        let mut options = TransportOptions::defaults(trtype);
        set(&mut options.max_queue_depth, self.max_queue_depth);
        set(&mut options.max_io_qpairs_per_ctrlr, self.max_io_qpairs_per_ctrlr);
        set(&mut options.in_capsule_data_size, self.in_capsule_data_size);
        set(&mut options.max_io_size, self.max_io_size.filter(|bytes| *bytes != 0));
        set(&mut options.abort_timeout_sec, self.abort_timeout_sec);
        set(&mut options.ack_timeout, self.ack_timeout);
        set(&mut options.kas, self.kas);
        set(&mut options.min_kato, self.min_kato);
        set(&mut options.c2h_success, self.c2h_success);
        set(&mut options.sock_priority, self.sock_priority);
        set(&mut options.control_msg_num, self.control_msg_num);
        set(
            &mut options.acceptor_backlog,
            self.acceptor_backlog.and_then(|n| u32::try_from(n).ok()).filter(|n| *n != 0),
        );
        set(&mut options.max_aq_depth, self.admin_depth());
        if trtype == Trtype::Fc {
            options.in_capsule_data_size = 0;
            options.max_io_qpairs_per_ctrlr = options.max_io_qpairs_per_ctrlr.min(MOST_FC_QUEUES);
        }
        self.check_features()?;
        check(&options)?;
        let unit = u32::from(options.kas) * KAS_MS;
        options.min_kato = options.min_kato.checked_next_multiple_of(unit).unwrap_or(options.min_kato);
        Ok(options)
    }

    fn admin_depth(&self) -> Option<u16> {
        self.max_aq_depth.map(|depth| depth.clamp(*AQ_DEPTHS.start(), *AQ_DEPTHS.end()) as u16)
    }

    fn check_features(&self) -> Result<(), RpcError> {
        not_there(self.dif_insert_or_strip, "dif_insert_or_strip")?;
        for name in self.masked_oncs.iter().filter(|name| !["reservs", "nvmcpys"].contains(&name.as_str())) {
            not_there(true, &format!("masked_oncs: hiding {name}"))?;
        }
        for name in self.masked_fuses.iter().filter(|name| *name != "fcws") {
            not_there(true, &format!("masked_fuses: hiding {name}"))?;
        }
        Ok(())
    }

    /// Says what was accepted and means nothing here.
    fn warn(&self, trtype: Trtype) {
        if trtype == Trtype::Fc {
            no_effect(
                self.in_capsule_data_size.is_some_and(|bytes| bytes != 0),
                "in_capsule_data_size: over Fibre Channel commands carry no data",
            );
            if let Some(many) = self.max_io_qpairs_per_ctrlr.filter(|many| *many > MOST_FC_QUEUES) {
                log::warn!(target: "nvmf", "max_io_qpairs_per_ctrlr {many}: {MOST_FC_QUEUES} is used over Fibre Channel");
            }
        }
        no_effect(self.io_unit_size.is_some(), "io_unit_size (deprecated)");
        no_effect(self.num_shared_buffers.is_some(), "num_shared_buffers (deprecated)");
        no_effect(self.buf_cache_size.is_some(), "buf_cache_size (deprecated)");
        no_effect(self.iobuf_small_cache_size.is_some_and(|n| n != 0), "iobuf_small_cache_size");
        no_effect(self.iobuf_large_cache_size.is_some_and(|n| n != 0), "iobuf_large_cache_size");
        no_effect(self.zcopy, "zcopy: data is not copied more than needed anyway");
        no_effect(self.num_cqe.is_some() || self.max_srq_depth.is_some(), "num_cqe, max_srq_depth");
        no_effect(self.data_wr_pool_size.is_some_and(|n| n != 0), "data_wr_pool_size");
        no_effect(self.acceptor_poll_rate.is_some(), "acceptor_poll_rate: accepting is not polled");
        if let Some(depth) = self.max_aq_depth.filter(|depth| !AQ_DEPTHS.contains(depth)) {
            log::warn!(target: "nvmf", "max_aq_depth {depth}: {} is used", self.admin_depth().unwrap_or_default());
        }
    }
}

fn set<T>(option: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *option = given;
    }
}

fn check(options: &TransportOptions) -> Result<(), RpcError> {
    let refuse = |reason: String| Err(RpcError::invalid_params(reason));
    let (io, capsule) = (options.max_io_size, options.in_capsule_data_size);
    if options.max_queue_depth < 2 {
        return refuse(format!("max_queue_depth: {} is less than 2", options.max_queue_depth));
    }
    if options.max_io_qpairs_per_ctrlr == u16::MAX {
        return Err(RpcError::bad_params("max_io_qpairs_per_ctrlr too large"));
    }
    if options.max_io_qpairs_per_ctrlr == 0 {
        return refuse("max_io_qpairs_per_ctrlr: at least 1".to_owned());
    }
    if !io.is_power_of_two() || !(4096..=MOST_IO_SIZE).contains(&io) {
        return refuse(format!("max_io_size: {io} is not a power of two from 4096 to {MOST_IO_SIZE}"));
    }
    if !capsule.is_multiple_of(16) || capsule > io {
        return refuse(format!("in_capsule_data_size: {capsule} is not a multiple of 16 up to max_io_size {io}"));
    }
    if options.kas == 0 || options.min_kato == 0 {
        return refuse("kas, min_kato: at least 1".to_owned());
    }
    Ok(())
}

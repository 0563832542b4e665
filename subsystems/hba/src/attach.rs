//! `hba_attach` and what goes with it: adapters become ports.

use crate::made::{Made, Source, VIRTUAL};
use crate::names;
use crate::open::Opened;
use crate::params::{Attach, EEXIST, EINVAL, ENODEV, SetNames, Transport, Which, invalid, wwn};
use crate::poller::AdapterPoller;
use crate::report::AdapterReport;
use crate::subsystem::Hba;
use app::RpcError;
use fc::{Names, Port, Wake};
use qla::{Adapter, QlaPort};
use reactor::{Poller, PollerId};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long an adapter may take until its names are known: reset of the chip, reading of the flash.
const KNOWN: Duration = Duration::from_secs(20);

/// What stands for all adapters that are found, or for models where there is none.
pub(crate) const AUTO: &str = "auto";

/// An adapter that is to be taken.
#[derive(Clone)]
struct Order {
    address: String,
    name: Option<String>,
    /// Instead of those in its NVRAM; what a model has in its NVRAM.
    names: Option<Names>,
    link: String,
    core: Option<usize>,
    transport: Transport,
    /// A model that was not asked for: a maker's firmware file is none of its business.
    stands_in: bool,
}

impl Hba {
    /// Takes an adapter, or all; their port names come back.
    pub(crate) fn attach(&self, params: &Attach) -> Result<Vec<String>, RpcError> {
        let _one_at_a_time = self.changes();
        let orders = self.orders(params)?;
        orders.into_iter().map(|order| self.attach_one(&order).map(|names| names.port.to_string())).collect()
    }

    fn orders(&self, params: &Attach) -> Result<Vec<Order>, RpcError> {
        let given = match (&params.wwpn, &params.wwnn) {
            (Some(port), node) => Some(self.names(node.as_deref(), Some(port), None)?),
            (None, Some(_)) => return Err(invalid("wwnn: give a wwpn, too")),
            (None, None) => None,
        };
        let order = |address: &str, names: Option<Names>| Order {
            address: address.to_owned(),
            name: params.name.clone(),
            names,
            link: params.link.clone().unwrap_or_else(|| "fabric".to_owned()),
            core: params.core,
            transport: params.transport.unwrap_or_else(|| self.options().transport()),
            stands_in: false,
        };
        if params.address != AUTO {
            return Ok(vec![order(&params.address, given)]);
        }
        let found = self.found();
        if !found.is_empty() {
            return Ok(found.iter().map(|address| order(address, None)).collect());
        }
        log::warn!("no adapter was found that this target may have: models in this process stand for adapters");
        let wanted = params.names.iter().map(|text| port_names(text)).collect::<Result<Vec<_>, _>>()?;
        let wanted = if wanted.is_empty() { vec![None] } else { wanted.into_iter().map(Some).collect() };
        Ok(wanted.into_iter().map(|names| Order { stands_in: true, ..order(VIRTUAL, names) }).collect())
    }

    fn attach_one(&self, order: &Order) -> Result<Names, RpcError> {
        if let Some(names) = order.names {
            self.check_free(names.port)?;
        }
        let there = |made: &Made| made.source.address() == Some(order.address.as_str());
        if order.address != VIRTUAL && self.table().iter().any(there) {
            return Err(RpcError::errno(EEXIST).because(format!("{}: it is attached already", order.address)));
        }
        let place = self.place(order.core)?;
        let mut pollers = Vec::new();
        let made = self.bring_up(order, place, &mut pollers).and_then(|port| self.admit(order, place, &pollers, port));
        if made.is_err() {
            self.remove_pollers(place, pollers);
        }
        made
    }

    /// Opens the device and has its driver (and its model) run; waits until it has names.
    fn bring_up(&self, order: &Order, place: usize, pollers: &mut Vec<PollerId>) -> Result<Arc<QlaPort>, RpcError> {
        let waker = self.app().cores[place].waker();
        let wake: Wake = Arc::new(move || waker.wake());
        let nvram = order.names.unwrap_or_else(names::random);
        let Opened { device, model } = self.open(&order.address, &order.link, nvram, wake.clone())?;
        let instead = order.names.filter(|_| model.is_none());
        let mut options = self.options();
        if order.stands_in {
            options.load_firmware_from_file = None;
        }
        let settings = options.settings(order.transport, instead);
        let adapter = Adapter::new(device, settings, &self.app().arena, wake);
        let (adapter, port) = adapter.map_err(|error| RpcError::errno(EINVAL).because(error.to_string()))?;
        if let Some(model) = model {
            pollers.push(self.add_poller(place, model)?);
        }
        pollers.push(self.add_poller(place, AdapterPoller::new(adapter, &order.address))?);
        wait_for_names(&port, &order.address)?;
        Ok(port)
    }

    /// Makes it a port of the target.
    fn admit(&self, order: &Order, place: usize, pollers: &[PollerId], port: Arc<QlaPort>) -> Result<Names, RpcError> {
        let names = port.names();
        self.check_free(names.port)?;
        let name = order.name.clone().unwrap_or_else(|| names.port.to_string());
        if self.table().find(&name).is_ok() {
            return Err(RpcError::errno(EEXIST).because(format!("name: a port {name} is there already")));
        }
        self.ports.add(port.clone()).map_err(|reason| RpcError::errno(EEXIST).because(reason))?;
        let source = Source::Adapter { address: order.address.clone(), link: order.link.clone(), names: order.names };
        let (core, transport, pollers) = (order.core, order.transport, pollers.to_vec());
        log::info!("adapter {} is FC port {name}, {names}", order.address);
        self.table().add(Made { name, port, source, core, transport, place, pollers, virtuals: Vec::new() });
        Ok(names)
    }

    fn add_poller(&self, place: usize, poller: impl Poller + Send + 'static) -> Result<PollerId, RpcError> {
        let added = self.app().cores[place].call(move |reactor| reactor.add(Box::new(poller)));
        added.map_err(|error| RpcError::internal(format!("core {place}: {error}")))
    }

    /// Takes pollers from their core, the last one first.
    pub(crate) fn remove_pollers(&self, place: usize, pollers: Vec<PollerId>) {
        let remove = move |reactor: &mut reactor::Reactor| {
            pollers.into_iter().rev().for_each(|poller| drop(reactor.remove(poller)));
        };
        if let Err(error) = self.app().cores[place].call(remove) {
            log::error!("core {place}: {error}");
        }
    }

    pub(crate) fn detach(&self, which: &Which) -> Result<bool, RpcError> {
        let _one_at_a_time = self.changes();
        let made = self.take_adapter(which.text()?)?;
        self.end(made);
        Ok(true)
    }

    fn take_adapter(&self, text: &str) -> Result<Made, RpcError> {
        self.table().take(text, |source| match source {
            Source::Adapter { .. } => Ok(()),
            Source::Soft(_) => Err(invalid(format!("{text} is a port in software: fc_port_delete removes it"))),
        })
    }

    /// Gives an adapter other names: it is taken down and brought up with them.
    pub(crate) fn set_names(&self, params: &SetNames) -> Result<String, RpcError> {
        let _one_at_a_time = self.changes();
        let names = self.names(params.wwnn.as_deref(), Some(&params.wwpn), None)?;
        self.check_free(names.port)?;
        if !self.table().find(&params.name)?.virtuals.is_empty() {
            return Err(invalid(format!("{} has virtual ports: fc_vport_delete them first", params.name)));
        }
        let made = self.take_adapter(&params.name)?;
        let Source::Adapter { address, link, names: old } = made.source.clone() else {
            unreachable!("it is an adapter's")
        };
        let name = Some(made.name.clone()).filter(|name| wwn("name", name).is_err());
        let (core, transport) = (made.core, made.transport);
        let order = Order { address, name, names: Some(names), link, core, transport, stands_in: false };
        self.end(made);
        self.attach_one(&order).map(|names| names.port.to_string()).inspect_err(|_| {
            if let Err(error) = self.attach_one(&Order { names: old, ..order.clone() }) {
                log::error!("{}: it does not come back with its old names, either: {error}", order.address);
            }
        })
    }

    /// All adapters.
    pub(crate) fn adapters(&self) -> Vec<AdapterReport> {
        let table = self.table();
        table.iter().filter_map(AdapterReport::of).collect()
    }
}

/// `nn-...:pn-...`, or a port name alone.
fn port_names(text: &str) -> Result<Names, RpcError> {
    if let Ok(names) = text.parse::<Names>() {
        return Ok(names);
    }
    let port = wwn("names", text)?;
    Ok(Names { node: names::node_of(port), port })
}

/// Waits until the adapter's NVRAM was read.
fn wait_for_names(port: &QlaPort, address: &str) -> Result<(), RpcError> {
    let end = Instant::now() + KNOWN;
    while !port.is_known() {
        let adapter = port.adapter();
        let why = || adapter.reason.clone().or(adapter.last_fault.clone()).unwrap_or_else(|| adapter.state.clone());
        if Instant::now() >= end || adapter.state == "given up" {
            let text = format!("{address}: the adapter does not come up: {}", why());
            return Err(RpcError::errno(ENODEV).because(text));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

//! Making and unmaking of software ports.

use crate::made::{Made, Source};
use crate::own::Own;
use crate::params::{EEXIST, EINVAL, PortCreate, Transport, VportCreate, invalid, refused, wwn};
use crate::subsystem::Hba;
use crate::{NodePoller, names};
use app::RpcError;
use fc::{Config, Names, Node, PortState, make_link};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wire::fc::Wwn;

/// How long the maker of a port waits for the fabric's word on it. A fabric that says nothing in that time is no reason to
/// refuse: its link may come up later.
const WORD: Duration = Duration::from_millis(500);

impl Hba {
    /// The names that a call asks for, or made ones.
    pub(crate) fn names(&self, node: Option<&str>, port: Option<&str>, parent: Option<Wwn>) -> Result<Names, RpcError> {
        let Some(port) = port else {
            let made = names::random();
            return Ok(Names { node: parent.unwrap_or(made.node), ..made });
        };
        let port = wwn("wwpn", port)?;
        let node = node.map(|node| wwn("wwnn", node)).transpose()?;
        Ok(Names { node: node.or(parent).unwrap_or_else(|| names::node_of(port)), port })
    }

    /// A port name must be nobody else's in this process.
    pub(crate) fn check_free(&self, name: Wwn) -> Result<(), RpcError> {
        let Some(other) = self.ports.find(name) else { return Ok(()) };
        let (driver, link) = (other.driver(), other.status().link);
        let place = format!("port name {name} is in use by the {driver} port {} on {link}", other.names());
        Err(RpcError::errno(EEXIST).because(place))
    }

    pub(crate) fn create(&self, params: PortCreate) -> Result<String, RpcError> {
        let _one_at_a_time = self.changes();
        let names = self.names(params.wwnn.as_deref(), params.wwpn.as_deref(), None)?;
        let name = params.name.clone().unwrap_or_else(|| names.port.to_string());
        self.check_free(names.port)?;
        if self.table().find(&name).is_ok() {
            return Err(RpcError::errno(EEXIST).because(format!("name: a port {name} is there already")));
        }
        let transport = params.transport.unwrap_or_else(|| self.options().transport());
        let made = self.start(name, names, &params, transport)?;
        if let Some(reason) = self.word_of(made.port.as_ref()) {
            self.end(made);
            return Err(refused(format!("{}: {reason}", params.link)));
        }
        log::info!("FC port {} is {} on {}", made.name, names, params.link);
        self.table().add(made);
        Ok(names.port.to_string())
    }

    /// Makes link and node, tells the services, and puts the node on its core.
    fn start(&self, name: String, names: Names, params: &PortCreate, transport: Transport) -> Result<Made, RpcError> {
        let cores = &self.app().cores;
        let place = self.place(params.core)?;
        let waker = cores[place].waker();
        let wake: fc::Wake = Arc::new(move || waker.wake());
        let link = make_link(&self.makers, &params.link, names, wake.clone());
        let link = link.map_err(|reason| invalid(format!("link: {}: {reason}", params.link)))?;
        let config = Config { serves: transport.protocols(), ..Config::new(names, self.frames.clone()) };
        let (node, port) = Node::new(config, link, wake);
        self.ports.add(port.clone()).map_err(|reason| RpcError::errno(EEXIST).because(reason))?;
        let poller = NodePoller::new(node, &name);
        let poller = cores[place].call(move |reactor| reactor.add(Box::new(poller))).map_err(|error| {
            self.ports.remove(names.port);
            RpcError::internal(format!("core {place}: {error}"))
        })?;
        let (source, core) = (Source::Soft(params.link.clone()), params.core);
        Ok(Made { name, port, source, core, transport, place, pollers: vec![poller], virtuals: Vec::new() })
    }

    /// The core that is asked for, or the one with the fewest ports; by its place among the target's.
    pub(crate) fn place(&self, core: Option<usize>) -> Result<usize, RpcError> {
        let cores = &self.app().cores;
        let Some(number) = core else { return Ok(self.table().least_loaded(cores.len())) };
        let found = cores.iter().position(|core| core.core() == Some(number));
        found.ok_or_else(|| invalid(format!("core: {number} is not one of the target's cores")))
    }

    /// Waits a moment until the fabric has taken a port or refused it; in the latter case, why.
    pub(crate) fn word_of(&self, port: &dyn Own) -> Option<String> {
        let end = Instant::now() + WORD;
        loop {
            let status = port.shown();
            match status.state {
                PortState::Online => return None,
                PortState::Refused => return Some(status.reason.unwrap_or_else(|| "refused".to_owned())),
                _ if Instant::now() >= end => return None,
                _ => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    /// Takes a port and all virtual ones on it away.
    pub(crate) fn end(&self, made: Made) {
        for port in made.virtuals.iter().rev() {
            self.end_virtual(port.as_ref());
        }
        self.ports.remove(made.port.names().port);
        made.port.set_up(false);
        if !made.port.reaches(PortState::Disabled) {
            log::warn!("port {}: its core does not take it down in time", made.port.names());
        }
        self.remove_pollers(made.place, made.pollers);
    }

    pub(crate) fn delete(&self, text: &str) -> Result<bool, RpcError> {
        let _one_at_a_time = self.changes();
        let made = self.table().take(text, |source| match source {
            Source::Soft(_) => Ok(()),
            Source::Adapter { .. } => Err(invalid(format!("{text} is an adapter's port: hba_detach lets it go"))),
        })?;
        self.end(made);
        Ok(true)
    }

    pub(crate) fn create_virtual(&self, params: &VportCreate) -> Result<String, RpcError> {
        let _one_at_a_time = self.changes();
        let parent = self.table().find(&params.parent)?.port.clone();
        let names = self.names(params.wwnn.as_deref(), params.wwpn.as_deref(), Some(parent.names().node))?;
        self.check_free(names.port)?;
        let port = parent.clone().add_virtual(names).map_err(|reason| RpcError::errno(EINVAL).because(reason))?;
        if let Err(reason) = self.ports.add(port.clone()) {
            port.take_away();
            return Err(RpcError::errno(EEXIST).because(reason));
        }
        if let Some(reason) = self.word_of(port.as_ref()) {
            self.end_virtual(port.as_ref());
            return Err(refused(reason));
        }
        log::info!("virtual FC port {names} is on {}", parent.names());
        self.table().find(&params.parent)?.virtuals.push(port);
        Ok(names.port.to_string())
    }

    fn end_virtual(&self, port: &dyn Own) {
        self.ports.remove(port.names().port);
        if !port.take_away() {
            log::warn!("virtual port {}: its core does not let it go in time", port.names());
        }
    }

    pub(crate) fn delete_virtual(&self, text: &str) -> Result<bool, RpcError> {
        let _one_at_a_time = self.changes();
        let name = wwn("wwpn", text)?;
        let taken = self.table().take_virtual(name);
        let port = taken.ok_or_else(|| {
            RpcError::errno(crate::params::ENODEV).because(format!("there is no virtual port {name}"))
        })?;
        self.end_virtual(port.as_ref());
        Ok(true)
    }
}

//! The name server: what ports registered, and the answers. FC-GS-8, clause 5.

use crate::n_ports::{NPort, NPorts, Place};
use crate::reach::Reach;
use wire::IntoBytes;
use wire::fc::ct::{
    Command, CtHeader, Explanation, Fc4Features, Fc4Types, GaNxt, NameEntry, PortEntry, PortIdObject, PortType,
    ReasonCode, Reject, Request, SymbolicName, write_name_entries, write_port_entries,
};
use wire::fc::{PortId, Type, Wwn};

/// The classes of service that a port has unless it says otherwise: class 3.
const CLASS_3: u32 = 1 << 3;

/// What is registered for a port.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) types: Fc4Types,
    pub(crate) features: Fc4Features,
    pub(crate) port_name: Box<[u8]>,
    pub(crate) node_name: Box<[u8]>,
    port_type: PortType,
    classes: u32,
}

impl Default for Object {
    fn default() -> Self {
        Self {
            types: Fc4Types::NONE,
            features: Fc4Features::NONE,
            port_name: Box::default(),
            node_name: Box::default(),
            port_type: PortType::N_PORT,
            classes: CLASS_3,
        }
    }
}

const DENIED: Reject = Reject::new(ReasonCode::UNABLE, Explanation::ACCESS_DENIED);

/// What a request comes to: the body of the accept, and whether others must be told.
pub(crate) struct Outcome {
    pub(crate) body: Vec<u8>,
    /// The port whose entry changed in a way that others care for.
    pub(crate) changed: Option<Place>,
}

fn say(body: impl Into<Vec<u8>>) -> Result<Outcome, Reject> {
    Ok(Outcome { body: body.into(), changed: None })
}

/// The directory as one port sees it.
pub(crate) struct View<'a> {
    pub(crate) ports: &'a mut NPorts,
    pub(crate) reach: &'a Reach,
    /// Who asks.
    pub(crate) place: Place,
    /// Names the F_Port of a number.
    pub(crate) f_port_name: &'a dyn Fn(u16) -> Wwn,
}

impl View<'_> {
    /// Answers a whole request: preamble and body of the reply.
    pub(crate) fn answer(&mut self, header: &CtHeader, body: &[u8]) -> (Vec<u8>, Option<Place>) {
        let outcome = match header.is_name_server() {
            true => Request::parse(header.command(), body).and_then(|request| self.serve(&request, header)),
            false => Err(Reject::UNSUPPORTED),
        };
        match outcome {
            Err(reject) => (header.reject(reject).to_bytes().to_vec(), None),
            Ok(Outcome { mut body, changed }) => {
                let residual = cut(&mut body, header.max_bytes());
                let mut reply = header.accept(residual).to_bytes().to_vec();
                reply.append(&mut body);
                (reply, changed)
            }
        }
    }

    fn serve(&mut self, request: &Request<'_>, header: &CtHeader) -> Result<Outcome, Reject> {
        match *request {
            Request::ById(Command::DA_ID, id) => self.register(id, |port| port.object = Object::default()),
            Request::ById(Command::GA_NXT, id) => self.after(id),
            Request::ById(command, id) => self.by_id(command, id),
            Request::ByName(Command::GID_PN, name) => match self.visible().find(|port| port.name == name) {
                Some(port) => say(PortIdObject::new(port.id).to_bytes()),
                None => Err(Reject::NO_PORT_NAME),
            },
            Request::ByName(command, node) => self.by_node(command, node),
            Request::ByType { command, domain, area, type_ } => self.by_type(command, domain, area, type_),
            Request::GidPt { port_type, domain, area } => {
                let fits = |object: &Object| port_type == PortType::NX_PORT || object.port_type == port_type;
                let no = Reject::new(ReasonCode::UNABLE, Explanation::PORT_TYPE);
                ids(self.scoped(domain, area).filter(|port| fits(&port.object)), no)
            }
            Request::GidFf { domain, area, features, type_ } => {
                let fits = |object: &Object| object.features.get(type_).0 & features.0 == features.0;
                let ports = self.scoped(domain, area).filter(|port| port.object.types.contains(type_));
                let no = Reject::new(ReasonCode::UNABLE, Explanation::FC4_FEATURES);
                ids(ports.filter(|port| fits(&port.object)), no)
            }
            _ => self.registration(request, header),
        }
    }

    fn registration(&mut self, request: &Request<'_>, _header: &CtHeader) -> Result<Outcome, Reject> {
        match *request {
            Request::RftId(id, types) => self.register(id, |port| port.object.types = types),
            Request::RffId(id, features, type_) => self.register(id, |port| {
                port.object.types = port.object.types.with(type_);
                port.object.features = port.object.features.with(type_, features);
            }),
            // The names are those of the login with the fabric; they can be said again, not changed.
            Request::RpnId(id, name) => self.confirm(id, |port| port.name == name, Reject::NO_PORT_NAME),
            Request::RnnId(id, node) => self.confirm(id, |port| port.node == node, Reject::NO_NODE_NAME),
            Request::RcsId(id, classes) => self.note(id, |port| port.object.classes = classes),
            Request::RptId(id, port_type) => self.note(id, |port| port.object.port_type = port_type),
            Request::RspnId(id, name) => self.note(id, |port| port.object.port_name = name.as_bytes().into()),
            Request::RsnnNn(node, name) => self.name_node(node, name),
            _ => Err(Reject::UNSUPPORTED),
        }
    }

    /// Ports that the asker may see, by address; itself among them.
    fn visible(&self) -> impl Iterator<Item = &NPort> {
        let ports = self.ports.iter().filter(|(place, _)| self.reach.allows(self.place, *place));
        let mut ports: Vec<&NPort> = ports.map(|(_, port)| port).collect();
        ports.sort_by_key(|port| port.id);
        ports.into_iter()
    }

    fn scoped(&self, domain: u8, area: u8) -> impl Iterator<Item = &NPort> {
        let fits = move |id: PortId| (domain == 0 || id.domain() == domain) && (area == 0 || id.area() == area);
        self.visible().filter(move |port| fits(port.id))
    }

    fn after(&self, id: PortId) -> Result<Outcome, Reject> {
        let port = self.visible().find(|port| port.id > id).or_else(|| self.visible().next());
        let port = port.ok_or(Reject::NO_PORT_ID)?;
        let object = &port.object;
        let mut all = GaNxt::new(object.port_type, port.id, port.name, port.node);
        all.set_symbolic_names(SymbolicName::new(&object.port_name), SymbolicName::new(&object.node_name));
        all.types = object.types;
        all.classes = object.classes.into();
        all.fabric_port_name = (self.f_port_name)(port.f_port).to_bytes();
        say(all.as_bytes())
    }

    fn by_id(&self, command: Command, id: PortId) -> Result<Outcome, Reject> {
        let port = self.visible().find(|port| port.id == id).ok_or(Reject::NO_PORT_ID)?;
        let object = &port.object;
        match command {
            Command::GPN_ID => say(port.name.to_bytes()),
            Command::GNN_ID => say(port.node.to_bytes()),
            Command::GFPN_ID => say((self.f_port_name)(port.f_port).to_bytes()),
            Command::GCS_ID => say(object.classes.to_be_bytes()),
            Command::GFT_ID => say(object.types.0),
            Command::GFF_ID => say(object.features.to_bytes()),
            Command::GPT_ID => say([object.port_type.0, 0, 0, 0]),
            Command::GHA_ID => say([0; 4]),
            Command::GSPN_ID => say(symbolic(&object.port_name)),
            _ => Err(Reject::UNSUPPORTED),
        }
    }

    fn by_node(&self, command: Command, node: Wwn) -> Result<Outcome, Reject> {
        let ports = || self.visible().filter(|port| port.node == node);
        match command {
            Command::GID_NN => ids(ports(), Reject::NO_NODE_NAME),
            Command::GPN_NN => names(ports().map(|port| (port.id, port.name)), Reject::NO_NODE_NAME),
            Command::GSNN_NN => {
                let port = ports().find(|port| !port.object.node_name.is_empty()).or_else(|| ports().next());
                say(symbolic(&port.ok_or(Reject::NO_NODE_NAME)?.object.node_name))
            }
            _ => Err(Reject::UNSUPPORTED),
        }
    }

    fn by_type(&self, command: Command, domain: u8, area: u8, type_: Type) -> Result<Outcome, Reject> {
        let ports = self.scoped(domain, area).filter(|port| port.object.types.contains(type_));
        match command {
            Command::GID_FT => ids(ports, Reject::NO_FC4_TYPE),
            Command::GPN_FT => names(ports.map(|port| (port.id, port.name)), Reject::NO_FC4_TYPE),
            Command::GNN_FT => names(ports.map(|port| (port.id, port.node)), Reject::NO_FC4_TYPE),
            _ => Err(Reject::UNSUPPORTED),
        }
    }

    /// The entry of `id`, which must be a port behind the same F_Port as the asker.
    fn own(&mut self, id: PortId) -> Result<(Place, &mut NPort), Reject> {
        let f_port = self.ports.get(self.place).map(|port| port.f_port);
        let place = self.ports.place_of(id).ok_or(Reject::NO_PORT_ID)?;
        let port = self.ports.get_mut(place).ok_or(Reject::NO_PORT_ID)?;
        if Some(port.f_port) == f_port { Ok((place, port)) } else { Err(DENIED) }
    }

    fn note(&mut self, id: PortId, change: impl FnOnce(&mut NPort)) -> Result<Outcome, Reject> {
        self.own(id).map(|(_, port)| change(port))?;
        say([])
    }

    /// A change that others are told of, if it is one.
    fn register(&mut self, id: PortId, change: impl FnOnce(&mut NPort)) -> Result<Outcome, Reject> {
        let (place, port) = self.own(id)?;
        let before = (port.object.types, port.object.features);
        change(port);
        let changed = before != (port.object.types, port.object.features);
        Ok(Outcome { body: Vec::new(), changed: changed.then_some(place) })
    }

    fn confirm(&mut self, id: PortId, right: impl FnOnce(&NPort) -> bool, no: Reject) -> Result<Outcome, Reject> {
        let (_, port) = self.own(id)?;
        if right(port) { say([]) } else { Err(no) }
    }

    fn name_node(&mut self, node: Wwn, name: SymbolicName<'_>) -> Result<Outcome, Reject> {
        let f_port = self.ports.get(self.place).map(|port| port.f_port);
        let mut found = false;
        for (_, port) in self.ports.iter_mut().filter(|(_, port)| port.node == node && Some(port.f_port) == f_port) {
            port.object.node_name = name.as_bytes().into();
            found = true;
        }
        if found { say([]) } else { Err(Reject::NO_NODE_NAME) }
    }
}

fn symbolic(name: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 256];
    SymbolicName::new(name).write(&mut out);
    out
}

fn ids<'a>(ports: impl Iterator<Item = &'a NPort>, none: Reject) -> Result<Outcome, Reject> {
    let entries: Vec<PortEntry> = ports.map(|port| PortIdObject::new(port.id)).collect();
    let mut out = vec![0; entries.len() * size_of::<PortEntry>()];
    write_port_entries(&mut out, &entries);
    if entries.is_empty() { Err(none) } else { say(out) }
}

fn names(ports: impl Iterator<Item = (PortId, Wwn)>, none: Reject) -> Result<Outcome, Reject> {
    let entries: Vec<NameEntry> = ports.map(|(id, name)| NameEntry::new(id, name)).collect();
    let mut out = vec![0; entries.len() * size_of::<NameEntry>()];
    write_name_entries(&mut out, &entries);
    if entries.is_empty() { Err(none) } else { say(out) }
}

/// Cuts a body to what the asker takes; returns how many words were left out.
fn cut(body: &mut Vec<u8>, max: Option<usize>) -> u16 {
    let keep = max.unwrap_or(usize::MAX).min(body.len());
    let words = (body.len() - keep) / 4;
    body.truncate(keep);
    words.min(usize::from(u16::MAX)) as u16
}

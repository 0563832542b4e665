//! What can go wrong between this host and a target, and what to do about it.

use crate::Violation;
use iscsi::initiator::Failure;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use wire::fabrics::{Where, data_offset, parse_connect_invalid, sqe_offset};
use wire::nvme::Status;
use wire::tcp::Fault;

/// Any failure. `Display` names the cause, [`Error::advice`] the next step.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No TCP connection came about.
    #[error("cannot connect to {address}: {source}")]
    Unreachable {
        /// Where to.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The connection broke.
    #[error("connection lost while {what}: {source}")]
    Lost {
        /// What was going on.
        what: &'static str,
        /// What the kernel says.
        source: io::Error,
    },
    /// The target closed the connection without a word.
    #[error("the target closed the connection while {what}")]
    Closed {
        /// What was going on.
        what: &'static str,
    },
    /// The fabric or a port on it does not play along.
    #[error("{what}")]
    Fabric {
        /// What happened.
        what: String,
    },
    /// No answer in time.
    #[error("no answer to {what} within {} ms", after.as_millis())]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long.
        after: Duration,
    },
    /// The target broke the standard.
    #[error("the target broke the standard: {0}")]
    Violation(Box<Violation>),
    /// The target says that we broke the standard.
    #[error("the target ended the connection (C2HTermReq): {:?}, information {:#x}", fault.fes, fault.fei)]
    Terminated {
        /// What it reports.
        fault: Fault,
    },
    /// The target refused a Connect command.
    #[error("{}", refusal(*status, *dw0, subnqn, hostnqn))]
    Refused {
        /// Status of the command.
        status: Status,
        /// Dword 0: which parameter is wrong.
        dw0: u32,
        /// The subsystem asked for.
        subnqn: String,
        /// Who asked.
        hostnqn: String,
    },
    /// The target refused an iSCSI login.
    #[error("{}{failure}", if node.is_empty() { String::new() } else { format!("{node}: ") })]
    Login {
        /// The node; empty for a discovery.
        node: String,
        /// What it said.
        failure: Failure,
    },
    /// A command failed.
    #[error("{command} failed: {} ({:#x}{})", status_name(*status), status.code().0, if status.dnr() { ", do not retry" } else { "" })]
    Status {
        /// Which one.
        command: String,
        /// Its status.
        status: Status,
    },
    /// The controller does not do what a controller must, or lacks what is needed.
    #[error("{0}")]
    Controller(String),
    /// Something here on the host: a file, a number that makes no sense.
    #[error("{0}")]
    Local(String),
}

fn status_name(status: Status) -> String {
    status.code().name().map_or_else(|| format!("{status:?}"), str::to_owned)
}

fn refusal(status: Status, dw0: u32, subnqn: &str, hostnqn: &str) -> String {
    let name = status.fabrics_name().map_or_else(|| format!("{status:?}"), str::to_owned);
    let mut text = format!("{subnqn} refused to connect host {hostnqn}: {name}");
    if status.is(Status::CONNECT_INVALID_PARAMETERS) {
        text += &format!(", wrong is {}", parameter(dw0));
    }
    text
}

fn parameter(dw0: u32) -> String {
    let (place, offset) = parse_connect_invalid(dw0);
    let name = match (place, offset) {
        (Where::Sqe, sqe_offset::RECFMT) => "RECFMT",
        (Where::Sqe, sqe_offset::QID) => "QID",
        (Where::Sqe, sqe_offset::SQSIZE) => "SQSIZE",
        (Where::Sqe, sqe_offset::CATTR) => "CATTR",
        (Where::Sqe, sqe_offset::KATO) => "KATO",
        (Where::Data, data_offset::HOSTID) => "HOSTID",
        (Where::Data, data_offset::CNTLID) => "CNTLID",
        (Where::Data, data_offset::SUBNQN) => "SUBNQN (no such subsystem)",
        (Where::Data, data_offset::HOSTNQN) => "HOSTNQN",
        _ => return format!("byte {offset} of its {place:?}"),
    };
    name.to_owned()
}

impl Error {
    /// The next step for the person who sees the error, if there is one.
    pub fn advice(&self) -> Option<String> {
        match self {
            Error::Unreachable { address, source } => Some(unreachable(address, source.kind())),
            Error::Refused { status, dw0, subnqn, hostnqn } => refused(*status, *dw0, subnqn, hostnqn),
            Error::Login { failure, .. } => login_refused(failure),
            Error::Closed { .. } | Error::Lost { .. } => Some(
                "the target's log says why it closed; is it still running? (`qfc rpc framework_get_reactors`)"
                    .to_owned(),
            ),
            Error::Fabric { .. } => Some(
                "is the target's port on this fabric, up, and in a zone with this host's? `qfc rpc fc_get_ports` and \
                 `qfc rpc fabric_get_ports` show it; --fabric names another fabric"
                    .to_owned(),
            ),
            Error::Timeout { .. } => Some(
                "is that an NVMe/TCP port, and is the target not stopped in a debugger? --timeout waits longer"
                    .to_owned(),
            ),
            Error::Violation(_) => Some("this is a bug of the target; --lenient checks less and may get on".to_owned()),
            Error::Terminated { .. } => {
                Some("this is a bug of the host or of the target: the target's log names the PDU".to_owned())
            }
            _ => None,
        }
    }

    /// Whether the same again on a new connection may work: the connection is gone, or the target is away.
    pub fn is_connection(&self) -> bool {
        match self {
            Error::Unreachable { .. }
            | Error::Lost { .. }
            | Error::Closed { .. }
            | Error::Fabric { .. }
            | Error::Timeout { .. } => true,
            Error::Refused { status, .. } | Error::Status { status, .. } => !status.dnr(),
            // "Service unavailable" and "out of resources" pass.
            Error::Login { failure: Failure::Refused(status, _), .. } => matches!(status, 0x0301 | 0x0302),
            _ => false,
        }
    }
}

fn unreachable(address: &SocketAddr, kind: io::ErrorKind) -> String {
    match kind {
        io::ErrorKind::ConnectionRefused => format!(
            "nothing listens on {address}. Start the target (`qfc_tgt -c qfc.conf -g`, or `make run`); if it runs, \
             `qfc rpc nvmf_get_subsystems` shows its listeners"
        ),
        io::ErrorKind::TimedOut => format!(
            "{address} does not answer: is the address right, and does a firewall drop port {}?",
            address.port()
        ),
        _ => format!("is {} an address of the target that can be reached from here?", address.ip()),
    }
}

fn refused(status: Status, dw0: u32, subnqn: &str, hostnqn: &str) -> Option<String> {
    let rpc = |method: &str, params: serde_json::Value| format!("`qfc rpc {method} '{params}'`");
    match status.code() {
        Status::CONNECT_INVALID_HOST => Some(format!(
            "this host is not on the subsystem's list: allow it with {}, or name an allowed one with --hostnqn",
            rpc("nvmf_subsystem_add_host", serde_json::json!({"nqn": subnqn, "host": hostnqn}))
        )),
        Status::CONNECT_INVALID_PARAMETERS if parameter(dw0).starts_with("SUBNQN") => {
            Some("`qfc discover -a ADDRESS -s PORT` lists the subsystems that are there".to_owned())
        }
        Status::CONNECT_INVALID_PARAMETERS if parameter(dw0) == "SQSIZE" => {
            Some("the queue is too deep for the controller: take a smaller -q".to_owned())
        }
        Status::CONNECT_CONTROLLER_BUSY => Some(
            "all controllers of the subsystem are in use: disconnect a host, or raise its limit (max_cntlid)"
                .to_owned(),
        ),
        Status::CONNECT_RESTART_DISCOVERY => Some("the subsystem moved: run `qfc discover` again".to_owned()),
        Status::AUTH_REQUIRED => Some("the subsystem wants authentication, which this host does not do".to_owned()),
        _ => None,
    }
}

fn login_refused(failure: &Failure) -> Option<String> {
    let Failure::Refused(status, _) = failure else { return None };
    let advice = match status {
        0x0201 => "--chap-file names a file (mode 600) with `[AuthGroup1]` and `Auth user secret`",
        0x0202 => {
            "`qfc rpc iscsi_get_initiator_groups` shows who may log in; --initiator is another name to log in with"
        }
        0x0203 => "`qfc discover -t iscsi -a ADDRESS` lists the nodes of a portal",
        _ => return None,
    };
    Some(advice.to_owned())
}

impl From<Violation> for Error {
    fn from(violation: Violation) -> Error {
        Error::Violation(Box::new(violation))
    }
}

impl From<crate::AddressError> for Error {
    fn from(error: crate::AddressError) -> Error {
        Error::Local(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::fabrics::connect_invalid;

    #[test]
    fn errors_name_cause_and_next_step() {
        let e = Error::Unreachable {
            address: "127.0.0.1:4420".parse().unwrap(),
            source: io::ErrorKind::ConnectionRefused.into(),
        };
        assert!(e.to_string().contains("127.0.0.1:4420") && e.advice().unwrap().contains("qfc_tgt -c"));
        let refused = |status, dw0| Error::Refused { status, dw0, subnqn: "nqn.s".into(), hostnqn: "nqn.h".into() };
        let e = refused(Status::CONNECT_INVALID_HOST.with_dnr(), 0);
        assert!(e.advice().unwrap().contains(r#"nvmf_subsystem_add_host '{"nqn":"nqn.s","host":"nqn.h"}'"#));
        assert!(!e.is_connection() && refused(Status::CONNECT_CONTROLLER_BUSY, 0).is_connection());
        let e =
            refused(Status::CONNECT_INVALID_PARAMETERS.with_dnr(), connect_invalid(Where::Data, data_offset::SUBNQN));
        assert!(e.to_string().contains("no such subsystem") && e.advice().unwrap().contains("qfc discover"), "{e}");
        let e = Error::Status { command: "Read".into(), status: Status::LBA_OUT_OF_RANGE.with_dnr() };
        assert_eq!(e.to_string(), "Read failed: LBA_OUT_OF_RANGE (0x80, do not retry)");
    }
}

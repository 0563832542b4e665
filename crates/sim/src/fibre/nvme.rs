//! What a model host says and hears in NVMe.

use super::target::NQN;
use crate::{BLOCK, Command, Kind};
use wire::fabrics::{Connect, ConnectData, Nqn, PropertySet};
use wire::fcnvme::{CmndIu, CreateAssociation, CreateConnection, Ersp, LsCommand, LsReply, RSP};
use wire::fcp::Direction;
use wire::nvm::Rw;
use wire::nvme::{Cqe, NvmOpcode, Property, SglDescriptor, Sqe};
use wire::{IntoBytes, U16};

/// How far a host is with its association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It has none.
    None,
    /// Create Association is out.
    Associating,
    /// Connect of the admin queue is out.
    ConnectingAdmin,
    /// CC.EN is being set.
    Enabling,
    /// Create I/O Connection is out.
    Creating,
    /// Connect of the I/O queue is out.
    ConnectingIo,
    /// I/O may go.
    Ready,
    /// It failed: what is open ends, then it is disconnected.
    Failing,
    /// Disconnect Association is out.
    Ending,
}

/// What a host knows of its association.
#[derive(Clone, Copy, Debug, Default)]
pub struct Link {
    /// Its identifier.
    pub association: u64,
    /// The admin queue's.
    pub admin: u64,
    /// The I/O queue's.
    pub io: u64,
    /// The controller.
    pub controller: u16,
}

fn nqn(name: &str) -> Nqn {
    Nqn::new(name).expect("a short name")
}

fn host_nqn(number: u64) -> Nqn {
    nqn(&format!("nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-{number:012x}"))
}

/// Create Association of host `number`.
pub fn associate(number: u64) -> Vec<u8> {
    CreateAssociation::new(host_nqn(number), [number as u8 + 1; 16], nqn(NQN), 32, 8).to_bytes().to_vec()
}

/// Create I/O Connection.
pub fn connection(link: &Link) -> Vec<u8> {
    CreateConnection::new(link.association, 1, 32, 8).to_bytes().to_vec()
}

/// The connection that a reply gave, and the association if it was that. `None`: refused.
pub fn created(payload: &[u8], stage: Stage) -> Option<(u64, u64)> {
    match stage {
        Stage::Associating => match LsReply::parse(payload, LsCommand::CREATE_ASSOCIATION) {
            Ok(LsReply::Association { association_id, connection_id }) => Some((association_id, connection_id)),
            _ => None,
        },
        _ => match LsReply::parse(payload, LsCommand::CREATE_CONNECTION) {
            Ok(LsReply::Connection { connection_id }) => Some((0, connection_id)),
            _ => None,
        },
    }
}

/// A command IU.
pub fn unit(connection: u64, context: u64, mut sqe: Sqe, direction: Direction, len: u32) -> Vec<u8> {
    sqe.cid = U16::new(context as u16);
    sqe.dptr = SglDescriptor::transport(len);
    CmndIu::new(connection, context as u32, direction, len, sqe, false).to_bytes().to_vec()
}

/// Connect, of the queue that a stage connects: the command and its data.
pub fn connect(number: u64, link: &Link, stage: Stage) -> (Sqe, Vec<u8>) {
    let (qid, controller) = if stage == Stage::ConnectingAdmin { (0, 0xffff) } else { (1, link.controller) };
    let data = ConnectData::new([number as u8 + 1; 16], controller, nqn(NQN), host_nqn(number));
    (Connect::new(qid, 32, 0).into_sqe(), data.as_bytes().to_vec())
}

/// Sets CC.EN.
pub fn enable() -> Sqe {
    PropertySet::sqe(Property::CC, 0x0046_0001)
}

/// The submission queue entry of a command, which way its data go, and how many bytes.
pub fn entry(command: &Command) -> (Sqe, Direction, u32) {
    let len = command.blocks * BLOCK;
    match command.kind {
        Kind::Read => (Rw::sqe(NvmOpcode::READ, 1, command.block, command.blocks, 0), Direction::Read, len),
        Kind::Write => (Rw::sqe(NvmOpcode::WRITE, 1, command.block, command.blocks, 0), Direction::Write, len),
        _ => (Rw::sqe(NvmOpcode::FLUSH, 1, 0, 1, 0), Direction::None, 0),
    }
}

/// The completion of a response to the command of `context`; `None`: success in short.
pub fn completion(payload: &[u8], context: u64) -> Option<Cqe> {
    if payload == RSP {
        return None;
    }
    let extended = Ersp::parse(payload).expect("a response");
    assert_eq!(extended.result.0, 0, "the target found the command invalid");
    assert_eq!(extended.cqe.cid.get(), context as u16, "the completion of another command");
    Some(extended.cqe)
}

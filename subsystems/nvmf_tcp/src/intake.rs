//! What comes in on a connection: bytes to PDUs, PDUs to events.

use crate::commands::{Command, Phase as Data_};
use crate::connection::{Phase, Sink};
use crate::limits::{self, ADMIN_CAPSULE_BYTES, R2T_BYTES, SCATTER_BYTES};
use crate::port::{Cursor, PortEvent, TcpPort};
use crate::receiver::Step;
use dma::Data;
use exchange::Event;
use nvmf::Capsule;
use os::Received;
use ring::Tag;
use std::os::fd::AsFd;
use wire::tcp::{Fault, Fes, Framing, H2CData, ICReq, ICResp, Layout, PduType, Sender, TermReq};
use zerocopy::FromBytes;

impl TcpPort {
    /// Receives once on a connection that may have something.
    pub(crate) fn receive(&mut self, queue: u32) {
        let Some(connection) = self.connections[queue as usize].as_mut() else { return };
        if connection.dirty {
            // Its socket was full and takes more now.
            connection.dirty = false;
            self.mark_dirty(queue);
        }
        let connection = self.connection(queue);
        match connection.phase {
            Phase::Fresh { .. } | Phase::Ready if connection.stalled.is_some() => return,
            // Data that the host owes still comes.
            Phase::Fresh { .. } | Phase::Ready if connection.quiet && connection.fetching == 0 => return,
            Phase::Fresh { .. } | Phase::Ready | Phase::Lingering { .. } => {}
            Phase::Closing { .. } | Phase::Terminating { .. } | Phase::Lost => return,
        }
        match self.receive_bytes(queue) {
            Ok((Received::Bytes(_), end)) => {
                self.had(queue, true);
                self.cursor = Some(Cursor { queue, at: 0, end });
            }
            Ok((Received::Empty, _)) => self.had(queue, false),
            Ok((Received::Closed, _)) | Err(_) => self.lose(queue),
        }
    }

    fn had(&mut self, queue: u32, something: bool) {
        let now = self.now;
        let Self { ready, connections, .. } = self;
        let connection = connections[queue as usize].as_mut().expect("it was asked");
        if something {
            connection.moved = now;
        }
        ready.had(connection, queue, something);
    }

    /// One system call. A large payload goes where it belongs, and only what follows it into the shared buffer, of which
    /// the filled length is returned.
    fn receive_bytes(&mut self, queue: u32) -> std::io::Result<(Received, usize)> {
        let Self { connections, commands, buffer, .. } = self;
        let connection = connections[queue as usize].as_mut().expect("it was asked");
        let left = connection.receiver.payload_left();
        if left >= SCATTER_BYTES
            && let Sink::Inline(tag) | Sink::Fetch(tag) = connection.sink
            && let Some(Command { phase: Data_::Fetching { data, got, .. }, .. }) = commands.get_mut(tag)
            && *got + left <= data.len()
        {
            let place = &mut data.bytes_mut()[*got as usize..(*got + left) as usize];
            let received = os::receive_scatter(connection.socket.as_fd(), place, buffer)?;
            let Received::Bytes(bytes) = received else { return Ok((received, 0)) };
            let direct = bytes.min(left as usize);
            connection.receiver.took(&place[..direct]);
            *got += direct as u32;
            return Ok((received, bytes - direct));
        }
        let received = os::receive(connection.socket.as_fd(), buffer)?;
        let end = if let Received::Bytes(bytes) = received { bytes } else { 0 };
        Ok((received, end))
    }

    /// Goes on with what was put aside when a command had to wait for its buffer.
    pub(crate) fn resume(&mut self, queue: u32) -> bool {
        let Some(connection) = self.connections[queue as usize].as_mut() else { return true };
        let end = connection.stash.len();
        self.buffer[..end].copy_from_slice(&connection.stash);
        connection.stash.clear();
        self.cursor = Some(Cursor { queue, at: 0, end });
        true
    }

    /// Looks at received bytes until something happens that the group must know. The cursor ends with the bytes.
    pub(crate) fn look(&mut self, cursor: Cursor) -> Option<PortEvent> {
        let Cursor { queue, mut at, end } = cursor;
        loop {
            let Self { connections, commands, buffer, .. } = self;
            let Some(connection) = connections[queue as usize].as_mut() else { break };
            if !matches!(connection.phase, Phase::Ready | Phase::Fresh { .. }) {
                break;
            }
            if let Sink::Inline(tag) = connection.sink
                && commands.get(tag).is_some_and(|command| matches!(command.phase, Data_::New))
            {
                connection.stalled = Some(tag);
                connection.stash.extend_from_slice(&buffer[at..end]);
                break;
            }
            let mut bytes = &buffer[at..end];
            let step = connection.receiver.step(&mut bytes);
            at = end - bytes.len();
            let event = match step {
                Step::More => break,
                Step::Payload(payload) => {
                    if let Sink::Inline(tag) | Sink::Fetch(tag) = connection.sink
                        && let Some(command) = commands.get_mut(tag)
                    {
                        command.place(payload);
                    }
                    None
                }
                Step::Header(layout) => self.on_header(queue, layout),
                Step::End { sound } => self.on_end(queue, sound),
                Step::Wrong(fault) => {
                    self.refuse(queue, fault);
                    None
                }
            };
            if event.is_some() {
                self.cursor = Some(Cursor { queue, at, end });
                return event;
            }
        }
        self.cursor = None;
        None
    }

    /// Ends a connection that broke the standard, and says which rule and where.
    fn refuse(&mut self, queue: u32, fault: Fault) {
        let (pdu, len) = {
            let header = self.connection(queue).receiver.header();
            TermReq::pdu(Sender::Controller, fault, header)
        };
        self.terminate(queue, &pdu[..len]);
    }

    fn on_header(&mut self, queue: u32, layout: Layout) -> Option<PortEvent> {
        let connection = self.connection(queue);
        let fresh = matches!(connection.phase, Phase::Fresh { .. });
        let mut head = [0; 128];
        let bytes = layout.header as usize;
        head[..bytes].copy_from_slice(&connection.receiver.header()[..bytes]);
        connection.sink = Sink::Nothing;
        let result = match PduType(head[0]) {
            PduType::IC_REQ if fresh => self.on_icreq(queue, &head).map(|()| None),
            PduType::H2C_TERM_REQ => {
                self.lose(queue);
                Ok(None)
            }
            PduType::CAPSULE_CMD if !fresh => self.on_capsule(queue, &head, layout.data).map(Some),
            PduType::H2C_DATA if !fresh => self.on_data(queue, &head, layout.data).map(|()| None),
            _ => Err(Fault::of(Fes::PDU_SEQUENCE_ERROR)),
        };
        result.unwrap_or_else(|fault| {
            self.refuse(queue, fault);
            None
        })
    }

    /// Initialize connection (NVMe/TCP 1.0, 3.6.2.2).
    fn on_icreq(&mut self, queue: u32, head: &[u8; 128]) -> Result<(), Fault> {
        let options = self.options;
        let request = ICReq::read_from_bytes(head).expect("128 bytes");
        request.check()?;
        let (hdgst, ddgst) = (request.hdgst(), request.ddgst());
        let capsule = options.in_capsule_data_size.max(ADMIN_CAPSULE_BYTES);
        let incoming = Framing { hdgst, ddgst, pda: 0, max_data: capsule.max(R2T_BYTES) };
        let framing = Framing { hdgst, ddgst, pda: request.hpda, max_data: u32::MAX };
        let connection = self.connection(queue);
        connection.negotiated(framing, incoming, options.depth);
        connection.out.header(&ICResp::new(0, hdgst, ddgst, R2T_BYTES).to_bytes());
        self.mark_dirty(queue);
        Ok(())
    }

    fn on_capsule(&mut self, queue: u32, head: &[u8; 128], inline: u32) -> Result<PortEvent, Fault> {
        let capsule = self.options.in_capsule_data_size.max(ADMIN_CAPSULE_BYTES);
        if inline > capsule {
            return Err(Fault::of(Fes::DATA_TRANSFER_LIMIT_EXCEEDED));
        }
        // More commands than entries of any queue that we offer: the host does not count.
        if self.connection(queue).open >= u32::from(self.options.depth) {
            return Err(Fault::of(Fes::PDU_SEQUENCE_ERROR));
        }
        let mut sqe = [0; 64];
        sqe.copy_from_slice(&head[8..72]);
        let cid = u16::from_le_bytes([sqe[2], sqe[3]]);
        let command = Command { queue, cid, inline, phase: Data_::New };
        let tag = self.commands.insert(command).expect("room for the depth of each connection");
        let connection = self.connection(queue);
        connection.open += 1;
        if inline > 0 {
            connection.sink = Sink::Inline(tag);
        }
        Ok(Event::Command { tag, queue, command: Capsule { sqe, queue, inline } })
    }

    /// Host-to-controller data: only what an R2T asked for, in order (NVMe/TCP 1.0, 3.6.2.8).
    fn on_data(&mut self, queue: u32, head: &[u8; 128], data_bytes: u32) -> Result<(), Fault> {
        let pdu = H2CData::read_from_bytes(&head[..24]).expect("24 bytes");
        let (offset, len) = (pdu.datao.get(), pdu.datal.get());
        if data_bytes > R2T_BYTES {
            return Err(Fault::of(Fes::DATA_TRANSFER_LIMIT_EXCEEDED));
        }
        let tag = self.connection(queue).ttags.get(pdu.ttag.get()).ok_or(Fault::field(10))?;
        let command = self.commands.get(tag).expect("a transfer tag names an open command");
        let Data_::Fetching { got, asked, .. } = command.phase else {
            unreachable!("transfer tags end with the fetch")
        };
        if command.cid != pdu.cccid.get() {
            return Err(Fault::field(8));
        }
        if offset != got {
            return Err(Fault::of(Fes::DATA_TRANSFER_OUT_OF_RANGE));
        }
        if len == 0 || len != data_bytes {
            return Err(Fault::field(16));
        }
        if asked - got < len {
            return Err(Fault::of(Fes::DATA_TRANSFER_OUT_OF_RANGE));
        }
        if pdu.last() != (got + len == asked) {
            return Err(Fault::field(1));
        }
        self.connection(queue).sink = Sink::Fetch(tag);
        Ok(())
    }

    /// A payload is complete.
    fn on_end(&mut self, queue: u32, sound: bool) -> Option<PortEvent> {
        let sink = std::mem::replace(&mut self.connection(queue).sink, Sink::Nothing);
        let (Sink::Inline(tag) | Sink::Fetch(tag)) = sink else { return None };
        let command = self.commands.get_mut(tag)?;
        let cid = command.cid;
        let Data_::Fetching { data, got, asked, ttag, sound: all_sound, cancelled } = &mut command.phase else {
            return None;
        };
        *all_sound &= sound;
        let (complete, more) = (*got == data.len(), data.len() - *got);
        if complete || ttag.is_none() || *cancelled {
            let ok = complete && *all_sound && !*cancelled;
            return self.take_fetched(tag).map(|data| Event::Fetched { tag, data, ok });
        }
        if *got == *asked {
            let (offset, len, ttag) = (*got, more.min(R2T_BYTES), (*ttag)?);
            *asked += len;
            let connection = self.connection(queue);
            if !connection.out.room() {
                // A host that answers R2Ts before it reads them.
                self.lose(queue);
                return None;
            }
            connection.queue_r2t(cid, ttag, offset, len);
            self.mark_dirty(queue);
        }
        None
    }

    /// Ends a fetch early.
    pub(crate) fn end_fetch(&mut self, tag: Tag, ok: bool) {
        if let Some(data) = self.take_fetched(tag) {
            self.event(Event::Fetched { tag, data, ok });
        }
    }

    /// The data of a fetch that is over.
    fn take_fetched(&mut self, tag: Tag) -> Option<Data> {
        let command = self.commands.get_mut(tag)?;
        let queue = command.queue;
        let Data_::Fetching { data, ttag, .. } = std::mem::replace(&mut command.phase, Data_::Fetched) else {
            unreachable!("the caller looked");
        };
        let connection = self.connection(queue);
        connection.fetching -= 1;
        if let Some(ttag) = ttag {
            connection.ttags.give(ttag);
        }
        Some(data)
    }
}

impl Command {
    /// Puts a piece of payload behind what came before, as far as the command wants it.
    fn place(&mut self, payload: &[u8]) {
        let Data_::Fetching { data, got, .. } = &mut self.phase else { return };
        let place = &mut data.bytes_mut()[*got as usize..];
        let len = place.len().min(payload.len());
        place[..len].copy_from_slice(&payload[..len]);
        *got += len as u32;
    }
}

const _: () = assert!(R2T_BYTES as usize <= limits::RECEIVE_BYTES && R2T_BYTES.is_multiple_of(4));

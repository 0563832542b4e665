//! From received bytes to data in its place and completions.

use super::check;
use super::input::Head;
use super::table::Use;
use super::{Grant, Slot, TcpQueue};
use crate::{Error, Result, Violation};
use os::Received;
use std::os::fd::AsFd;
use wire::nvme::{Cqe, Status};
use wire::tcp::{C2HData, CapsuleResp, Fault, Fes, PduType, R2T, TermReq};

/// Data of a C2HData PDU that is arriving.
#[derive(Debug, Clone, Copy)]
struct Run {
    slot: Slot,
    at: u32,
    left: u32,
    /// CRC32C so far, with data digests.
    crc: Option<u32>,
    success: bool,
}

/// Where in a PDU the stream is: before a header, or inside of data.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    run: Option<Run>,
}

impl TcpQueue {
    /// One receive; data that is awaited goes to its place without a stop.
    #[inline]
    pub(super) fn receive(&mut self) -> Result<()> {
        let fd = self.link.stream.as_fd();
        let direct = match &self.incoming.run {
            Some(run) if run.left > 0 && self.input.bytes().is_empty() => run.left as usize,
            _ => 0,
        };
        let received = match &self.incoming.run {
            Some(run) if direct > 0 => {
                let place = self.table.bytes_mut(run.slot, run.at..run.at + run.left);
                os::receive_scatter(fd, place, self.input.room())
            }
            _ => os::receive(fd, self.input.room()),
        };
        match received {
            Ok(Received::Bytes(n)) => {
                self.placed(n.min(direct) as u32);
                self.input.filled(n - n.min(direct));
                self.parse()
            }
            Ok(Received::Empty) => Ok(()),
            Ok(Received::Closed) => Err(Error::Closed { what: "commands were running or it was idle" }),
            Err(source) => Err(Error::Lost { what: "receiving", source }),
        }
    }

    /// `n` bytes of the data that is arriving are in their place.
    #[inline]
    fn placed(&mut self, n: u32) {
        let Some(run) = self.incoming.run.as_mut().filter(|_| n > 0) else { return };
        if let Some(crc) = &mut run.crc {
            *crc = crc32c::crc32c_append(*crc, self.table.bytes(run.slot, run.at..run.at + n));
        }
        run.at += n;
        run.left -= n;
        self.table.entries[run.slot.index()].moved += n;
    }

    fn parse(&mut self) -> Result<()> {
        loop {
            if let Some(run) = self.incoming.run {
                if !self.continue_run(run)? {
                    return Ok(());
                }
            } else {
                match self.input.head(&self.link.from)? {
                    Some(head) => self.pdu(&head)?,
                    None => return Ok(()),
                }
            }
        }
    }

    /// Copies data to its place; true when the PDU is over.
    #[inline]
    fn continue_run(&mut self, run: Run) -> Result<bool> {
        let n = (run.left as usize).min(self.input.bytes().len());
        if n > 0 {
            let place = self.table.bytes_mut(run.slot, run.at..run.at + n as u32);
            place.copy_from_slice(&self.input.bytes()[..n]);
            self.input.consume(n);
            self.placed(n as u32);
        }
        let Some(run) = self.incoming.run.filter(|run| run.left == 0) else { return Ok(false) };
        if let Some(crc) = run.crc {
            let Some(digest) = self.input.bytes().first_chunk::<4>() else { return Ok(false) };
            let found = u32::from_le_bytes(*digest);
            if found != crc {
                let what = format!(
                    "{found:#010x}, the data's CRC32C is {crc:#010x} (command {:#x})",
                    self.table.entries[run.slot.index()].cid
                );
                let fault = Fault::of(Fes::PDU_SEQUENCE_ERROR);
                return Err(Violation { pdu: PduType::C2H_DATA, field: "DDGST", what, fault }.into());
            }
            self.input.consume(4);
        }
        self.incoming.run = None;
        if run.success {
            self.seen.successes += 1;
            let cid = self.table.entries[run.slot.index()].cid;
            self.complete(run.slot, Cqe::new(cid, Status::SUCCESS));
        }
        Ok(true)
    }

    #[inline]
    fn pdu(&mut self, head: &Head) -> Result<()> {
        match head.kind {
            PduType::C2H_DATA => self.data(head),
            PduType::CAPSULE_RESP => self.response(head),
            PduType::R2T => self.r2t(head),
            PduType::C2H_TERM_REQ => {
                let term: TermReq = wire::read(&head.bytes).expect("a header has 24 bytes");
                Err(Error::Terminated { fault: term.fault() })
            }
            kind => Err(Violation::sequence(kind, "PDU-Type", "may not come now".to_owned()).into()),
        }
    }

    fn data(&mut self, head: &Head) -> Result<()> {
        let pdu: C2HData = wire::read(&head.bytes).expect("a header has 24 bytes");
        let strict = self.options.strict;
        let Some((slot, entry)) = self.table.find(pdu.cccid.get()) else { return Err(unknown(head, pdu.cccid.get())) };
        check::c2h_data(&pdu, head.layout.data, entry, strict)?;
        self.seen.data += 1;
        let crc = head.layout.ddgst.then_some(0);
        self.incoming.run = Some(Run { slot, at: pdu.datao.get(), left: pdu.datal.get(), crc, success: pdu.success() });
        Ok(())
    }

    fn response(&mut self, head: &Head) -> Result<()> {
        let pdu: CapsuleResp = wire::read(&head.bytes).expect("a header has 24 bytes");
        let (cid, strict) = (pdu.cqe.cid.get(), self.options.strict);
        let Some((slot, entry)) = self.table.find(cid) else { return Err(unknown(head, cid)) };
        check::response(&pdu.cqe, entry, strict)?;
        if strict && self.options.flow_control {
            check::sqhd(pdu.cqe.sqhd.get(), self.options.entries)?;
        }
        self.seen.responses += 1;
        self.complete(slot, pdu.cqe);
        Ok(())
    }

    fn r2t(&mut self, head: &Head) -> Result<()> {
        let pdu: R2T = wire::read(&head.bytes).expect("a header has 24 bytes");
        let (strict, maxr2t) = (self.options.strict, self.link.maxr2t);
        let Some((slot, entry)) = self.table.find(pdu.cccid.get()) else { return Err(unknown(head, pdu.cccid.get())) };
        check::r2t(&pdu, entry, maxr2t, strict)?;
        debug_assert!(entry.used == Use::Busy);
        entry.moved += pdu.r2tl.get();
        entry.open_r2ts += 1;
        self.seen.r2ts += 1;
        self.grants.push_back(Grant { slot, ttag: pdu.ttag.get(), at: pdu.r2to.get(), left: pdu.r2tl.get() });
        Ok(())
    }
}

fn unknown(head: &Head, cid: u16) -> Error {
    let field = if head.kind == PduType::CAPSULE_RESP { "CQE.CID" } else { "CCCID" };
    let what = format!("{cid:#x} is no outstanding command (FLAGS {:#x}, PLEN {})", head.ch.flags, head.ch.plen.get());
    Violation::sequence(head.kind, field, what).into()
}

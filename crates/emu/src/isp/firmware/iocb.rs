//! Which part carries out which IOCB of the initiator side.

use super::core::Core;
use super::data::refusal;
use super::{Entry, Mailbox};
use pci::Bus;
use wire::isp::iocb::{Abort, CompletionStatus, EntryHeader, EntryType, MailboxIocb, Marker, SKIP_HANDLE};
use wire::isp::mailbox::Status;

impl Core {
    /// An IOCB with its continuations.
    pub fn iocb(&mut self, bus: &mut dyn Bus, queue: u16, entries: &[Entry]) {
        let head = &entries[0];
        match EntryHeader::of(head).entry_type {
            EntryType::COMMAND_7 => self.command_7(bus, queue, entries),
            EntryType::COMMAND_6 => self.command_6(bus, queue, entries),
            EntryType::COMMAND_NVME => self.command_nvme(bus, queue, entries),
            EntryType::TASK_MANAGEMENT => self.task_management(bus, queue, head),
            EntryType::ABORT => self.abort(queue, head),
            EntryType::MARKER => self.marker(queue, head),
            EntryType::LOGIN_LOGOUT => self.login_iocb(queue, head),
            EntryType::CT_PASS_THROUGH => self.ct(bus, queue, entries),
            EntryType::ELS_PASS_THROUGH => self.els(bus, queue, head),
            EntryType::PT_LS4 => self.ls(bus, queue, entries),
            EntryType::MAILBOX => self.mailbox_iocb(bus, queue, head),
            EntryType::VP_CONFIG => self.vp_config(queue, head),
            EntryType::VP_CONTROL => self.vp_control(queue, head),
            _ => self.refuse(queue, head, refusal::TYPE),
        }
    }

    /// Nothing is held back here after a reset, so a marker has nothing to release.
    fn marker(&mut self, queue: u16, entry: &Entry) {
        if Marker::of(entry).handle.get() != SKIP_HANDLE {
            self.echo(queue, entry);
        }
    }

    /// Returns an entry as a completion.
    fn echo(&mut self, queue: u16, entry: &Entry) {
        let mut entry = *entry;
        (entry[1], entry[3]) = (1, 0);
        self.respond(queue, vec![entry]);
    }

    /// Aborts a command, or another IOCB that waits for a peer. Its own completion comes first.
    fn abort(&mut self, queue: u16, entry: &Entry) {
        let abort = *Abort::of(entry);
        let (of, handle) = (abort.request_queue.get(), abort.handle_to_abort.get());
        let found = self.abort_command(of, handle, (queue, abort)) || self.abort_request(of, handle, (queue, abort));
        if !found {
            self.respond(queue, vec![*abort.completed(CompletionStatus::IOCB_ERROR).entry()]);
        }
    }

    /// A mailbox command in an IOCB.
    fn mailbox_iocb(&mut self, bus: &mut dyn Bus, queue: u16, entry: &Entry) {
        let mut iocb = *MailboxIocb::of(entry);
        iocb.header.entry_status = 0;
        let mut mailboxes = [0; 32];
        mailboxes.iter_mut().zip(&iocb.mailboxes).for_each(|(to, from)| *to = from.get());
        let out = match self.mailbox(&mailboxes, bus) {
            Mailbox::Done(out) => out,
            Mailbox::NotMine => {
                mailboxes[0] = Status::INVALID_COMMAND.0;
                mailboxes
            }
        };
        iocb.mailboxes.iter_mut().zip(out).for_each(|(to, from)| to.set(from));
        self.respond(queue, vec![*iocb.entry()]);
    }
}

//! Mailbox commands that are about the link, the fabric and logins. All others are the chip's.

use super::Mailbox;
use super::core::Core;
use super::logins::Login;
use super::requests::{ELS, What};
use fc::Fc4;
use pci::Bus;
use ring::Tick;
use wire::fc::els::{Logo, ScrFunction};
use wire::isp::database::{IdListEntry, NameListEntry, PortDatabase};
use wire::isp::iocb::handles;
use wire::isp::mailbox::{
    A64, Command, FirmwareState, LOOP_NOT_READY, Mailboxes, NAME_LIST_EXTENDED, Rnid, Status, Topology,
};
use wire::{FromZeros, IntoBytes};

/// R_A_TOV, twice, in units of 100 ms; and how often a login is tried.
const R_A_TOV_TWICE: u16 = 200;
const RETRIES: u16 = 8;

/// For the answer to a LOGO that nobody waits for.
const PATIENCE: Tick = 4_000_000_000;

/// Most entries of an ID list: as many as a driver has room for.
const IDS: usize = 2048;

/// "Port name" option of command 6Ah.
const NODE_NAME: u16 = 1;

/// Mailbox 7 of the adapter's ID: the switch lets several ports log in by one link. Stock drivers make no virtual port without it.
const SWITCH_HAS_NPIV: u16 = 1 << 10;

/// What a command gives back: its status, and what it put into the mailboxes.
type Done = Result<(), Status>;

impl Core {
    /// Carries out a mailbox command, if it is one of the firmware's.
    pub fn mailbox(&mut self, mailboxes: &Mailboxes, bus: &mut dyn Bus) -> Mailbox {
        let mut out = [0; 32];
        let done = match Command(mailboxes[0]) {
            Command::GET_ADAPTER_ID => self.adapter_id(mailboxes, &mut out),
            Command::GET_RETRY_COUNT => {
                (out[1], out[3]) = (RETRIES, R_A_TOV_TWICE);
                Ok(())
            }
            Command::DATA_RATE => self.data_rate(&mut out),
            Command::GET_FIRMWARE_STATE => self.state(&mut out),
            Command::GET_PORT_NAME => self.port_name(mailboxes, &mut out),
            Command::SEND_CHANGE_REQUEST => self.change_request(mailboxes),
            Command::GET_PORT_DATABASE => self.port_database(mailboxes, bus),
            Command::GET_NAME_LIST => self.name_list(mailboxes, &mut out, bus),
            Command::GET_ID_LIST => self.id_list(mailboxes, &mut out, bus),
            Command::GET_LINK_STATISTICS => self.link_statistics(mailboxes, bus),
            Command::PORT_PARAMETERS => self.port_parameters(mailboxes, &mut out),
            Command::PORT_LOGOUT => self.port_logout(mailboxes),
            Command::LINK_INITIALIZATION | Command::INITIATE_LIP => {
                self.link_bounce();
                Ok(())
            }
            Command::SET_RNID if mailboxes[1] >> 8 == u16::from(Rnid::PUREX.0) => self.set_purex_map(mailboxes, bus),
            _ => return Mailbox::NotMine,
        };
        self.counters.mailboxes += 1;
        out[0] = done.err().unwrap_or(Status::COMPLETE).0;
        Mailbox::Done(out)
    }

    /// The virtual port that a command is about.
    fn vp_of_command(&self, mailboxes: &Mailboxes) -> Result<u8, Status> {
        let vp = u8::try_from(mailboxes[9]).ok().filter(|vp| self.port(*vp).is_some());
        vp.ok_or(Status::PARAMETER_ERROR)
    }

    fn write(&mut self, bus: &mut dyn Bus, mailboxes: &Mailboxes, bytes: &[u8]) -> Done {
        bus.write(A64::get(mailboxes), bytes).map_err(|_| {
            self.counters.faults += 1;
            Status::HOST_INTERFACE_ERROR
        })
    }

    fn adapter_id(&mut self, mailboxes: &Mailboxes, out: &mut Mailboxes) -> Done {
        let port = self.ports[usize::from(self.vp_of_command(mailboxes)?)];
        if !port.is_online() {
            out[1] = LOOP_NOT_READY;
            return Err(Status::COMMAND_ERROR);
        }
        let [domain, area, al_pa] = port.id.to_bytes();
        (out[1], out[2], out[3]) = (handles::F_PORT, u16::from(area) << 8 | u16::from(al_pa), u16::from(domain));
        out[6] = Topology::F_PORT.0;
        out[7] = if self.link.npiv { SWITCH_HAS_NPIV } else { 0 };
        Ok(())
    }

    /// The rate is what it is: setting it changes nothing.
    fn data_rate(&mut self, out: &mut Mailboxes) -> Done {
        out[1] = self.speed;
        Ok(())
    }

    fn state(&mut self, out: &mut Mailboxes) -> Done {
        self.link.asked(self.now);
        self.tell_link();
        let state = match () {
            () if !self.link.started => FirmwareState::CONFIG_WAIT,
            () if self.link.told => FirmwareState::READY,
            () if self.link.up => FirmwareState::WAIT_LOGIN,
            () => FirmwareState::LOSS_OF_SYNC,
        };
        out[1] = state.0;
        Ok(())
    }

    fn port_name(&mut self, mailboxes: &Mailboxes, out: &mut Mailboxes) -> Done {
        let vp = self.vp_of_command(mailboxes)?;
        let names = match mailboxes[1] {
            handles::F_PORT => self.link.fabric,
            handle => self.logins.get(vp, handle).filter(|login| login.is_up()).map(|login| login.names),
        };
        let names = names.ok_or(Status::NOT_LOGGED_IN)?;
        let name = if mailboxes[10] == NODE_NAME { names.node } else { names.port }.to_bytes();
        for (register, at) in [(2, 0), (3, 2), (6, 4), (7, 6)] {
            out[register] = u16::from_be_bytes([name[at], name[at + 1]]);
        }
        Ok(())
    }

    fn change_request(&mut self, mailboxes: &Mailboxes) -> Done {
        let vp = self.vp_of_command(mailboxes)?;
        let function = match mailboxes[1] {
            1 => ScrFunction::FABRIC,
            2 => ScrFunction::N_PORT,
            3 => ScrFunction::FULL,
            _ => return Err(Status::PARAMETER_ERROR),
        };
        self.register_for_changes(vp, function);
        Ok(())
    }

    fn port_database(&mut self, mailboxes: &Mailboxes, bus: &mut dyn Bus) -> Done {
        let vp = self.vp_of_command(mailboxes)?;
        let login = self.logins.get(vp, mailboxes[1]).filter(|login| login.is_up());
        let entry = database(login.ok_or(Status::NOT_LOGGED_IN)?);
        self.write(bus, mailboxes, entry.as_bytes())
    }

    fn name_list(&mut self, mailboxes: &Mailboxes, out: &mut Mailboxes, bus: &mut dyn Bus) -> Done {
        let vp = self.vp_of_command(mailboxes)?;
        if mailboxes[1] != NAME_LIST_EXTENDED {
            return Err(Status::PARAMETER_ERROR);
        }
        let most = usize::from(mailboxes[8]) / size_of::<NameListEntry>();
        let ports = self.ports_of(vp).take(most);
        let list: Vec<NameListEntry> = ports.map(|login| NameListEntry::from(&database(login))).collect();
        out[1] = (list.len() * size_of::<NameListEntry>()) as u16;
        self.write(bus, mailboxes, list.as_bytes())
    }

    fn id_list(&mut self, mailboxes: &Mailboxes, out: &mut Mailboxes, bus: &mut dyn Bus) -> Done {
        let vp = self.vp_of_command(mailboxes)?;
        let ids = self.ports_of(vp).take(IDS).map(|login| {
            let [domain, area, al_pa] = login.id.to_bytes();
            IdListEntry { port_id: [al_pa, area, domain], handle: login.handle.into(), ..IdListEntry::new_zeroed() }
        });
        let list: Vec<IdListEntry> = ids.collect();
        out[1] = list.len() as u16;
        self.write(bus, mailboxes, list.as_bytes())
    }

    /// The logins of a port, without those of services.
    fn ports_of(&self, vp: u8) -> impl Iterator<Item = &Login> {
        let named = move |login: &&Login| login.vp == vp && login.is_up() && handles::service(login.handle).is_none();
        self.logins.iter().filter(named)
    }

    fn link_statistics(&mut self, mailboxes: &Mailboxes, bus: &mut dyn Bus) -> Done {
        let block = self.statistics();
        let wanted = match usize::from(mailboxes[8]) * 4 {
            0 => size_of_val(&block),
            wanted => wanted.min(size_of_val(&block)),
        };
        self.write(bus, mailboxes, &block.as_bytes()[..wanted])
    }

    /// The speed of a port: taken note of by nobody, as frames here have none.
    fn port_parameters(&mut self, mailboxes: &Mailboxes, out: &mut Mailboxes) -> Done {
        let vp = self.vp_of_command(mailboxes)?;
        let login = self.logins.get(vp, mailboxes[1]).filter(|login| login.is_up());
        login.ok_or(Status::NOT_LOGGED_IN)?;
        let set = mailboxes[2] & 1 != 0;
        (out[1], out[3]) = (mailboxes[1], if set { mailboxes[3] } else { self.speed });
        Ok(())
    }

    fn port_logout(&mut self, mailboxes: &Mailboxes) -> Done {
        let vp = self.vp_of_command(mailboxes)?;
        let Some(login) = self.logins.get(vp, mailboxes[1]).copied() else { return Ok(()) };
        let port = self.ports[usize::from(vp)];
        if login.is_up() && port.is_online() {
            let logo = Logo::new(port.id, port.names.port).to_bytes();
            self.request((port.id, login.id), ELS, &logo, PATIENCE, What::Quiet);
        }
        self.drop_login(vp, login.handle);
        Ok(())
    }

    fn set_purex_map(&mut self, mailboxes: &Mailboxes, bus: &mut dyn Bus) -> Done {
        let mut map = [0; 32];
        bus.read(A64::get(mailboxes), &mut map).map_err(|_| Status::HOST_INTERFACE_ERROR)?;
        self.purex_map = map;
        Ok(())
    }
}

/// A login as the port database has it.
fn database(login: &Login) -> PortDatabase {
    let [fcp, nvme] = [Fc4::Fcp, Fc4::Nvme].map(|fc4| if login.speaks(fc4) { login.params[fc4 as usize] } else { 0 });
    let mut entry = PortDatabase::new_zeroed();
    entry.state = login.state_byte();
    entry.last_state = entry.state;
    entry.port_id = login.id.to_bytes();
    entry.handle.set(login.handle);
    entry.receive_size.set(login.max_payload);
    entry.prli_word_3 = [fcp as u8, (fcp >> 8) as u8];
    entry.port_name = login.names.port.to_bytes();
    entry.node_name = login.names.node.to_bytes();
    entry.nvme_first_burst.set(login.first_burst);
    entry.nvme_word_3.set(nvme as u16);
    entry
}

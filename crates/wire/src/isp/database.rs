//! What mailbox commands write into the host's memory: port database, lists of ports, statistics.

use zerocopy::byteorder::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

open_enum! {
    /// State of a login; a nibble of [`PortDatabase::state`].
    pub enum LoginState: u8 {
        /// No login.
        NONE = 0,
        /// PLOGI is under way.
        PLOGI_PENDING = 3,
        /// PLOGI is complete.
        PLOGI_COMPLETE = 4,
        /// PRLI is under way.
        PRLI_PENDING = 5,
        /// PRLI is complete.
        PRLI_COMPLETE = 6,
        /// The port is gone.
        UNAVAILABLE = 7,
        /// PRLO is under way.
        PRLO_PENDING = 9,
        /// LOGO is under way.
        LOGO_PENDING = 0xa,
    }
}

/// Both states of a login in one byte.
pub const fn login_states(fcp: LoginState, nvme: LoginState) -> u8 {
    nvme.0 << 4 | fcp.0 & 0xf
}

bitfield! {
    /// [`PortDatabase::flags`].
    pub struct PortFlags(u16) {
        flags {
            /// It has a hard address.
            hard_address, with_hard_address = 1;
            /// Class 2.
            class_2, with_class_2 = 4;
            /// FCP confirmation.
            confirmation, with_confirmation = 5;
            /// ACK_0.
            ack_0, with_ack_0 = 6;
            /// FC tape.
            fc_tape, with_fc_tape = 7;
            /// Task retry identification.
            task_retry, with_task_retry = 14;
        }
        fields {}
    }
}

/// What mailbox command 64h tells about a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct PortDatabase {
    /// See [`PortFlags`].
    pub flags: U16,
    /// See [`login_states`].
    pub state: u8,
    /// The state before.
    pub last_state: u8,
    /// Hard address: domain, area, AL_PA.
    pub hard_address: [u8; 3],
    /// 0.
    pub reserved_7: u8,
    /// Address: domain, area, AL_PA.
    pub port_id: [u8; 3],
    /// Sequence id.
    pub sequence_id: u8,
    /// Timer.
    pub timer: U16,
    /// Its handle.
    pub handle: U16,
    /// Its receive data field size.
    pub receive_size: U16,
    /// 0.
    pub reserved_18: U16,
    /// Service parameters of its PRLI, word 0.
    pub prli_word_0: [u8; 2],
    /// Service parameters of its PRLI, word 3: bits 7:0, bits 15:8.
    pub prli_word_3: [u8; 2],
    /// Port name, as on the link.
    pub port_name: [u8; 8],
    /// Node name, as on the link.
    pub node_name: [u8; 8],
    /// 0.
    pub reserved_40: U16,
    /// First burst of NVMe, in 512 bytes.
    pub nvme_first_burst: U16,
    /// Service parameters of its PRLI for NVMe, word 0.
    pub nvme_word_0: U16,
    /// Service parameters of its PRLI for NVMe, word 3.
    pub nvme_word_3: U16,
    /// Secure login.
    pub secure_login: u8,
    /// 0.
    pub reserved_49: [u8; 15],
}
assert_size!(PortDatabase = 64);
assert_offset!(PortDatabase: state = 2, last_state = 3, hard_address = 4, port_id = 8, sequence_id = 11, timer = 12, handle = 14);
assert_offset!(PortDatabase: receive_size = 16, prli_word_0 = 20, prli_word_3 = 22, port_name = 24, node_name = 32);
assert_offset!(PortDatabase: nvme_first_burst = 42, nvme_word_0 = 44, nvme_word_3 = 46, secure_login = 48);

impl PortDatabase {
    /// State of FCP.
    pub const fn fcp_state(&self) -> LoginState {
        LoginState(self.state & 0xf)
    }

    /// State of NVMe.
    pub const fn nvme_state(&self) -> LoginState {
        LoginState(self.state >> 4)
    }
}

/// An entry of the list that mailbox command 75h makes with [`NAME_LIST_EXTENDED`](super::mailbox::NAME_LIST_EXTENDED).
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct NameListEntry {
    /// See [`PortFlags`].
    pub flags: U16,
    /// See [`login_states`].
    pub state: u8,
    /// The state before.
    pub last_state: u8,
    /// Hard address: domain, area, AL_PA.
    pub hard_address: [u8; 3],
    /// 0.
    pub reserved_7: u8,
    /// Address: AL_PA, area, domain.
    pub port_id: [u8; 3],
    /// Sequence id.
    pub sequence_id: u8,
    /// Timer.
    pub timer: U16,
    /// Its handle in bits 14:0.
    pub handle: U16,
    /// Its receive data field size.
    pub receive_size: U16,
    /// 0.
    pub reserved_18: U16,
    /// Service parameters of its PRLI, word 0.
    pub prli_word_0: [u8; 2],
    /// Service parameters of its PRLI, word 3: bits 7:0, bits 15:8.
    pub prli_word_3: [u8; 2],
    /// Port name, last byte first.
    pub port_name: [u8; 8],
    /// Node name, last byte first.
    pub node_name: [u8; 8],
}
assert_size!(NameListEntry = 40);
assert_offset!(NameListEntry: state = 2, hard_address = 4, port_id = 8, handle = 14, prli_word_0 = 20, prli_word_3 = 22);
assert_offset!(NameListEntry: port_name = 24, node_name = 32);

impl From<&PortDatabase> for NameListEntry {
    fn from(port: &PortDatabase) -> Self {
        let [domain, area, al_pa] = port.port_id;
        Self {
            flags: port.flags,
            state: port.state,
            last_state: port.last_state,
            hard_address: port.hard_address,
            reserved_7: 0,
            port_id: [al_pa, area, domain],
            sequence_id: port.sequence_id,
            timer: port.timer,
            handle: U16::new(port.handle.get() & 0x7fff),
            receive_size: port.receive_size,
            reserved_18: U16::new(0),
            prli_word_0: port.prli_word_0,
            prli_word_3: port.prli_word_3,
            port_name: reversed(port.port_name),
            node_name: reversed(port.node_name),
        }
    }
}

/// A name with its last byte first, or back.
pub const fn reversed(name: [u8; 8]) -> [u8; 8] {
    u64::from_be_bytes(name).to_le_bytes()
}

/// An entry of the list that mailbox command 7Ch makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct IdListEntry {
    /// Address: AL_PA, area, domain.
    pub port_id: [u8; 3],
    /// Loop id of old chips.
    pub old_loop_id: u8,
    /// Its handle.
    pub handle: U16,
    /// 0.
    pub reserved_6: U16,
}
assert_size!(IdListEntry = 8);
assert_offset!(IdListEntry: old_loop_id = 3, handle = 4, reserved_6 = 6);

/// What mailbox command 6Dh writes. Words that no driver names are reserved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct LinkStatistics {
    /// Link failures.
    pub link_failures: U32,
    /// Losses of synchronization.
    pub loss_of_sync: U32,
    /// Losses of signal.
    pub loss_of_signal: U32,
    /// Primitive sequence protocol errors.
    pub primitive_errors: U32,
    /// Invalid transmission words.
    pub invalid_words: U32,
    /// Frames with a wrong CRC.
    pub invalid_crc: U32,
    /// LIPs.
    pub lips: U32,
    /// Link came up.
    pub link_ups: U32,
    /// Link went down: loop initialization timed out.
    pub down_loop_init: U32,
    /// Link went down: loss of signal.
    pub down_loss_of_signal: U32,
    /// Link went down: receive clock lost.
    pub down_receive_clock: U32,
    /// Reserved.
    pub reserved_44: [U32; 5],
    /// Changes of port configuration.
    pub port_config_changes: U32,
    /// Reserved.
    pub reserved_68: [U32; 11],
    /// Response queue was full.
    pub response_full: U32,
    /// ATIO queue was full.
    pub atio_full: U32,
    /// Events dropped.
    pub dropped_events: U32,
    /// ELS protocol errors.
    pub els_errors: U32,
    /// Reserved.
    pub reserved_128: U32,
    /// Frames sent.
    pub transmitted_frames: U32,
    /// Frames received.
    pub received_frames: U32,
    /// Frames discarded.
    pub discarded_frames: U32,
    /// Frames dropped.
    pub dropped_frames: U32,
    /// Reserved.
    pub reserved_148: U32,
    /// NOS received.
    pub nos: U32,
    /// Reserved.
    pub reserved_156: [U32; 4],
    /// P_RJT sent.
    pub p_rjt: U32,
    /// Received sequences without an exchange for them.
    pub exchange_failures: U32,
    /// ABTS received.
    pub abts: U32,
    /// Frames missing.
    pub missing_frames: U32,
    /// Errors corrected.
    pub corrected_errors: U32,
    /// Mailbox commands.
    pub mailbox_commands: U32,
    /// Ports not logged in for want of room.
    pub ports_full: U32,
    /// Frames that ended in EOFa.
    pub eofa: U32,
    /// Reserved.
    pub reserved_204: U32,
    /// Words received.
    pub received_words: U64,
    /// Words discarded.
    pub discarded_words: U64,
    /// Words sent.
    pub transmitted_words: U64,
    /// Reserved.
    pub reserved_232: [U32; 70],
}
assert_size!(LinkStatistics = 512);
assert_offset!(LinkStatistics: primitive_errors = 12, invalid_words = 16, invalid_crc = 20, lips = 24, link_ups = 28, down_loop_init = 32);
assert_offset!(LinkStatistics: down_loss_of_signal = 36, down_receive_clock = 40, port_config_changes = 64, response_full = 112);
assert_offset!(LinkStatistics: atio_full = 116, dropped_events = 120, els_errors = 124, transmitted_frames = 132, received_frames = 136);
assert_offset!(LinkStatistics: discarded_frames = 140, dropped_frames = 144, nos = 152, p_rjt = 172, exchange_failures = 176, abts = 180);
assert_offset!(LinkStatistics: missing_frames = 184, corrected_errors = 188, mailbox_commands = 192, ports_full = 196, eofa = 200);
assert_offset!(LinkStatistics: received_words = 208, discarded_words = 216, transmitted_words = 224);

#[cfg(test)]
mod tests {
    use super::*;
    use zerocopy::FromZeros;

    /// The example of an FCP target at 01.02.00 with handle 0.
    #[test]
    fn a_port_in_both_lists() {
        let mut port = PortDatabase::new_zeroed();
        port.state = login_states(LoginState::PRLI_COMPLETE, LoginState::NONE);
        port.port_id = [1, 2, 0];
        port.receive_size = U16::new(2048);
        port.prli_word_3 = [0x10, 0];
        port.port_name = [0x21, 0, 0, 0, 0, 0, 0, 1];
        port.handle = U16::new(0x8005);
        assert_eq!(port.as_bytes()[..18], [0, 0, 6, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 5, 0x80, 0, 8]);
        assert_eq!((port.fcp_state(), port.nvme_state()), (LoginState::PRLI_COMPLETE, LoginState::NONE));
        let entry = NameListEntry::from(&port);
        assert_eq!(entry.as_bytes()[8..16], [0, 2, 1, 0, 0, 0, 5, 0]);
        assert_eq!(entry.port_name, [1, 0, 0, 0, 0, 0, 0, 0x21]);
    }

    #[test]
    fn states_share_a_byte() {
        assert_eq!(login_states(LoginState::PRLI_COMPLETE, LoginState::PLOGI_COMPLETE), 0x46);
    }
}

//! Virtual ports, the address that a port got, mailbox commands in queue entries.

use super::LeId;
use crate::{U16, U32};

open_enum! {
    /// What VP control does.
    pub enum VpCommand: u16 {
        /// Enables virtual ports.
        ENABLE = 0x0,
        /// Disables them.
        DISABLE = 0x8,
        /// Disables them and initialises the link anew.
        DISABLE_REINIT = 0x9,
        /// Disables them and logs out.
        DISABLE_LOGO = 0xa,
        /// Disables them and logs all out.
        DISABLE_LOGO_ALL = 0xb,
    }
}

entry! {
    /// VP control.
    pub struct VpControl: VP_CONTROL {
        /// The host's.
        handle: U32 = 4,
        /// The virtual port that it failed for.
        vp_index_failed: U16 = 8,
        /// 1 error in the entry, 2 no address, 5 busy.
        comp_status: U16 = 10,
        /// See [`VpCommand`].
        command: U16 = 12,
        /// Number of virtual ports.
        vp_count: U16 = 14,
        /// Bit n - 1: virtual port n.
        vp_map: [u8; 16] = 16,
        /// Flags.
        flags: U16 = 32,
        /// Virtual fabric.
        id: U16 = 34,
        /// Reserved.
        rsvd36: [u8; 2] = 36,
        /// Hop count.
        hop_count: U16 = 38,
        /// Reserved.
        rsvd40: [u8; 24] = 40,
    }
}

impl VpControl {
    /// What to do.
    pub const fn command(&self) -> VpCommand {
        VpCommand(self.command.get())
    }

    /// The virtual ports that it is for.
    pub fn ports(&self) -> impl Iterator<Item = u8> + '_ {
        (1..=128u8).filter(|vp| self.vp_map[usize::from(vp - 1) / 8] >> ((vp - 1) % 8) & 1 != 0)
    }
}

entry! {
    /// VP config: names of one or two virtual ports.
    pub struct VpConfig: VP_CONFIG {
        /// The host's.
        handle: U32 = 4,
        /// Flags.
        flags: U16 = 8,
        /// 0, or what is wrong.
        comp_status: U16 = 10,
        /// 0 changes them, 1 changes and enables them.
        command: u8 = 12,
        /// One or two.
        vp_count: u8 = 13,
        /// The first.
        vp_index_1: u8 = 14,
        /// The second.
        vp_index_2: u8 = 15,
        /// Bit 5 target mode disabled, 4 initiator mode, 3 enabled.
        options_1: u8 = 16,
        /// Hard address.
        hard_address_1: u8 = 17,
        /// Reserved.
        rsvd18: [u8; 2] = 18,
        /// Port name.
        port_name_1: [u8; 8] = 20,
        /// Node name.
        node_name_1: [u8; 8] = 28,
        /// Of the second.
        options_2: u8 = 36,
        /// Of the second.
        hard_address_2: u8 = 37,
        /// Reserved.
        rsvd38: [u8; 2] = 38,
        /// Of the second.
        port_name_2: [u8; 8] = 40,
        /// Of the second.
        node_name_2: [u8; 8] = 48,
        /// Virtual fabric.
        id: U16 = 56,
        /// Reserved.
        rsvd58: [u8; 2] = 58,
        /// Hop count.
        hop_count: U16 = 60,
        /// Reserved.
        rsvd62: [u8; 2] = 62,
    }
}

open_enum! {
    /// How the login with the fabric went.
    pub enum ReportIdStatus: u8 {
        /// Complete.
        COMPLETE = 0,
        /// Failed.
        FAILED = 1,
        /// The address is another one now.
        ID_CHANGED = 2,
        /// The name server did not answer.
        SNS_TIMEOUT = 3,
        /// The name server refused.
        SNS_REJECT = 4,
        /// SCR was not answered.
        SCR_TIMEOUT = 5,
        /// SCR was refused.
        SCR_REJECT = 6,
    }
}

open_enum! {
    /// What is at the other end of the link: bits 3:1 of the flags, in place.
    pub enum Topology: u8 {
        /// Fabric by a loop.
        FL = 0x2,
        /// Another N_Port.
        N2N = 0x4,
        /// Fabric.
        F = 0x6,
    }
}

entry! {
    /// Report ID acquisition (RIDA), format 1; that of format 2 uses the last field only.
    pub struct ReportId: REPORT_ID {
        /// Reserved.
        rsvd4: [u8; 4] = 4,
        /// Virtual ports that have an address.
        vp_acquired: u8 = 8,
        /// Virtual ports that are set up.
        vp_setup: u8 = 9,
        /// Which virtual port this is about.
        vp_index: u8 = 10,
        /// How it went.
        status: ReportIdStatus = 11,
        /// The address.
        port_id: LeId = 12,
        /// 0 loop, 1 fabric or N2N, 2 N2N direct.
        format: u8 = 15,
        /// Why a virtual port has none.
        vp_subcode: u8 = 16,
        /// Bits 3:1 [`Topology`], 6 FA-WWN.
        flags: u8 = 17,
        /// FIP.
        fip_flags: U16 = 18,
        /// Reserved.
        rsvd20: [u8; 12] = 20,
        /// LS_RJT: vendor.
        ls_rjt_vendor: u8 = 32,
        /// LS_RJT: explanation.
        ls_rjt_explanation: u8 = 33,
        /// LS_RJT: reason.
        ls_rjt_reason: u8 = 34,
        /// Reserved.
        rsvd35: [u8; 5] = 35,
        /// Of the F_Port or N2N peer.
        port_name: [u8; 8] = 40,
        /// Of the fabric or N2N peer.
        node_name: [u8; 8] = 48,
        /// BB_CR.
        bb_cr: U16 = 56,
        /// Reserved.
        rsvd58: [u8; 2] = 58,
        /// Format 2: address of the peer.
        remote_port_id: LeId = 60,
        /// Reserved.
        rsvd63: u8 = 63,
    }
}

impl ReportId {
    /// What is at the other end.
    pub const fn topology(&self) -> Topology {
        Topology(self.flags & 0x0e)
    }
}

entry! {
    /// A mailbox command in a queue entry; the completion is the same entry with the outgoing mailboxes.
    pub struct MailboxIocb: MAILBOX {
        /// The host's.
        handle: U32 = 4,
        /// Mailboxes 0 to 27.
        mailboxes: [U16; 28] = 8,
    }
}

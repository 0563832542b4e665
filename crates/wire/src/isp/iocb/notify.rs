//! Immediate notify and its acknowledgement: logins and events that the target decides on.

use super::LeId;
use crate::fc::els::Command;
use crate::{U16, U32};

open_enum! {
    /// What a notify is about.
    pub enum NotifyStatus: u16 {
        /// LIP reset.
        LIP_RESET = 0x0e,
        /// The loop was initialised anew.
        LIP_LINK_REINIT = 0x0f,
        /// Queue overflow.
        IOCB_OVERFLOW = 0x16,
        /// Abort task.
        ABORT_TASK = 0x20,
        /// A port is logged out.
        PORT_LOGOUT = 0x29,
        /// A port's configuration changed.
        PORT_CONFIG_CHANGED = 0x2a,
        /// TPRLO of all.
        GLOBAL_TPRLO = 0x2d,
        /// LOGO of all.
        GLOBAL_LOGO = 0x2e,
        /// Resources are short.
        RESOURCE = 0x34,
        /// A message came.
        MESSAGE = 0x36,
        /// Sequence retransmission request.
        SRR = 0x45,
        /// An ELS: the subcode says which.
        ELS = 0x46,
    }
}

/// The subcode of [`NotifyStatus::ELS`]: the ELS.
pub type NotifyElsCode = Command;

bitfield! {
    /// Flags of a notify.
    pub struct NotifyFlags(u16) {
        flags {
            /// A PUREX with the payload follows.
            purex, with_purex = 0;
            /// TPRLO of all.
            global_tprlo, with_global_tprlo = 1;
            /// FC-SP.
            fc_sp, with_fc_sp = 5;
        }
        fields {}
    }
}

entry! {
    /// Immediate notify.
    pub struct ImmediateNotify: IMMEDIATE_NOTIFY {
        /// Reserved.
        rsvd4: [u8; 4] = 4,
        /// Port.
        nport_handle: U16 = 8,
        /// Reserved.
        rsvd10: [u8; 2] = 10,
        /// See [`NotifyFlags`].
        flags: U16 = 12,
        /// SRR: responder's exchange.
        srr_rx_id: U16 = 14,
        /// See [`NotifyStatus`].
        status: U16 = 16,
        /// Of status ELS: which.
        status_subcode: Command = 18,
        /// The firmware's.
        fw_handle: u8 = 19,
        /// The exchange that the acknowledgement answers.
        exchange_address: U32 = 20,
        /// SRR: where to begin again.
        srr_rel_offset: U32 = 24,
        /// SRR: which IU.
        srr_ui: U16 = 28,
        /// SRR: originator's exchange.
        srr_ox_id: U16 = 30,
        /// PLOGI: node name. PRLI: low half of word 3 and, by the model, the type (see [`prli_word3`](Self::prli_word3)). Other ELS:
        /// address (3) and, at 4, handle of the port that is meant.
        node_name: [u8; 8] = 32,
        /// Port name of the sender.
        port_name: [u8; 8] = 40,
        /// Reserved.
        rsvd48: [u8; 3] = 48,
        /// Virtual port.
        vp_index: u8 = 51,
        /// Reserved.
        rsvd52: [u8; 4] = 52,
        /// Address of the sender.
        port_id: LeId = 56,
        /// Reserved.
        rsvd59: [u8; 3] = 59,
        /// Originator's exchange.
        ox_id: U16 = 62,
    }
}

impl ImmediateNotify {
    /// What it is about.
    pub const fn status(&self) -> NotifyStatus {
        NotifyStatus(self.status.get())
    }

    /// PRLI: the low half of word 3 of the sender's service parameters.
    pub const fn prli_word3(&self) -> u16 {
        u16::from_le_bytes([self.node_name[0], self.node_name[1]])
    }

    /// PRLI: byte 34, which the model gives the FC-4 type of the page (08h FCP, 28h NVMe). What real firmware puts there is not known.
    pub const fn prli_type(&self) -> u8 {
        self.node_name[2]
    }

    /// This PRLI with its service parameters.
    #[must_use]
    pub const fn with_prli(mut self, word3: u16, type_: u8) -> Self {
        let [low, high] = word3.to_le_bytes();
        self.node_name = [low, high, type_, 0, 0, 0, 0, 0];
        self
    }
}

bitfield! {
    /// Flags of an acknowledgement.
    pub struct NotifyAckFlags(u16) {
        flags {
            /// As in the notify.
            purex, with_purex = 0;
            /// LS_RJT instead of LS_ACC.
            terminate, with_terminate = 3;
            /// FC-SP.
            fc_sp, with_fc_sp = 5;
        }
        fields {}
    }
}

/// Status of the completion of an acknowledgement that went well.
pub const NOTIFY_ACK_SUCCESS: u16 = 1;

entry! {
    /// Notify acknowledge; the completion is the same entry with a status.
    pub struct NotifyAck: NOTIFY_ACK {
        /// The host's.
        handle: U32 = 4,
        /// As in the notify.
        nport_handle: U16 = 8,
        /// Reserved.
        rsvd10: [u8; 2] = 10,
        /// See [`NotifyAckFlags`].
        flags: U16 = 12,
        /// As in the notify.
        srr_rx_id: U16 = 14,
        /// As in the notify; in the completion [`NOTIFY_ACK_SUCCESS`].
        status: U16 = 16,
        /// As in the notify.
        status_subcode: Command = 18,
        /// As in the notify.
        fw_handle: u8 = 19,
        /// As in the notify.
        exchange_address: U32 = 20,
        /// As in the notify.
        srr_rel_offset: U32 = 24,
        /// As in the notify.
        srr_ui: U16 = 28,
        /// 0 accepts, 1 rejects the SRR.
        srr_flags: U16 = 30,
        /// Reserved.
        rsvd32: [u8; 19] = 32,
        /// As in the notify.
        vp_index: u8 = 51,
        /// SRR reject: vendor.
        srr_reject_vendor: u8 = 52,
        /// SRR reject: explanation.
        srr_reject_explanation: u8 = 53,
        /// SRR reject: reason.
        srr_reject_code: u8 = 54,
        /// Reserved.
        rsvd55: [u8; 7] = 55,
        /// As in the notify.
        ox_id: U16 = 62,
    }
}

impl NotifyAck {
    /// The acknowledgement of a notify.
    pub fn to(notify: &ImmediateNotify, handle: u32) -> Self {
        let purex = notify.status() == NotifyStatus::ELS && NotifyFlags(notify.flags.get()).purex();
        Self {
            handle: U32::new(handle),
            nport_handle: notify.nport_handle,
            flags: U16::new(NotifyAckFlags(0).with_purex(purex).0),
            srr_rx_id: notify.srr_rx_id,
            status: notify.status,
            status_subcode: notify.status_subcode,
            fw_handle: notify.fw_handle,
            exchange_address: notify.exchange_address,
            srr_rel_offset: notify.srr_rel_offset,
            srr_ui: notify.srr_ui,
            vp_index: notify.vp_index,
            ox_id: notify.ox_id,
            ..Self::new()
        }
    }

    /// Flags.
    pub const fn flags(&self) -> NotifyAckFlags {
        NotifyAckFlags(self.flags.get())
    }

    /// This acknowledgement as a refusal.
    #[must_use]
    pub const fn rejecting(mut self) -> Self {
        self.flags = U16::new(self.flags().with_terminate(true).0);
        self
    }
}

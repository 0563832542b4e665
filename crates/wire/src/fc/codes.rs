//! R_CTL and TYPE. FC-FS-5 clause 12.3 and 12.5 (tables of routing control and of FC-4 types).

open_enum! {
    /// Routing control: what kind of frame this is.
    pub enum RCtl: u8 {
        /// Uncategorized information.
        UNCATEGORIZED = 0x00,
        /// Solicited data: the data of a command.
        SOLICITED_DATA = 0x01,
        /// Unsolicited control: a CT request.
        UNSOLICITED_CONTROL = 0x02,
        /// Solicited control: a CT response; FCP_CONF, NVMe_CONF.
        SOLICITED_CONTROL = 0x03,
        /// Unsolicited data: first burst.
        UNSOLICITED_DATA = 0x04,
        /// Data descriptor: XFER_RDY.
        DATA_DESCRIPTOR = 0x05,
        /// Unsolicited command: FCP_CMND, NVMe_CMND.
        UNSOLICITED_COMMAND = 0x06,
        /// Command status: FCP_RSP, NVMe_RSP.
        COMMAND_STATUS = 0x07,
        /// FC-NVMe extended response (NVMe_ERSP).
        EXTENDED_COMMAND_STATUS = 0x08,
        /// FC-NVMe sequence retransmission request (NVMe_SR).
        NVME_SR = 0x09,
        /// FC-NVMe sequence retransmission response (NVMe_SR_RSP).
        NVME_SR_RSP = 0x0a,
        /// Extended link service request.
        ELS_REQUEST = 0x22,
        /// Extended link service reply.
        ELS_REPLY = 0x23,
        /// FC-4 link service request: NVMe_LS, FCP SRR.
        FC4_LS_REQUEST = 0x32,
        /// FC-4 link service reply.
        FC4_LS_REPLY = 0x33,
        /// Virtual fabric tagging header.
        VFT_HEADER = 0x50,
        /// Inter-fabric routing header.
        IFR_HEADER = 0x51,
        /// Encapsulation header.
        ENC_HEADER = 0x52,
        /// Basic link service: no operation.
        NOP = 0x80,
        /// Basic link service: abort sequence.
        ABTS = 0x81,
        /// Basic link service: remove connection (obsolete).
        RMC = 0x82,
        /// Basic accept.
        BA_ACC = 0x84,
        /// Basic reject.
        BA_RJT = 0x85,
        /// Dedicated connection preempted (obsolete).
        PRMT = 0x86,
        /// Acknowledge, one frame.
        ACK_1 = 0xc0,
        /// Acknowledge, a whole sequence.
        ACK_0 = 0xc1,
        /// Port reject.
        P_RJT = 0xc2,
        /// Fabric reject.
        F_RJT = 0xc3,
        /// Port busy.
        P_BSY = 0xc4,
        /// Fabric busy for a data frame.
        F_BSY = 0xc5,
        /// Fabric busy for a link control frame.
        F_BSY_LINK = 0xc6,
        /// Link credit reset.
        LCR = 0xc7,
        /// Notify (obsolete).
        NTY = 0xc8,
        /// End (obsolete).
        END = 0xc9,
    }
}

impl RCtl {
    /// Bits 7:4: the group of the code (0h FC-4 device data, 2h extended link data, 3h FC-4 link data, 8h basic link data,
    /// Ch link control).
    pub const fn routing(self) -> u8 {
        self.0 >> 4
    }
}

open_enum! {
    /// What the data field holds.
    pub enum Type: u8 {
        /// Basic link service.
        BLS = 0x00,
        /// Extended link service.
        ELS = 0x01,
        /// IP over Fibre Channel.
        IP = 0x05,
        /// SCSI-FCP; commands and data of FC-NVMe too.
        FCP = 0x08,
        /// FICON / SBCCS channel to control unit.
        SB_TO_CONTROL_UNIT = 0x1b,
        /// FICON / SBCCS control unit to channel.
        SB_TO_CHANNEL = 0x1c,
        /// Common transport: the generic services.
        CT = 0x20,
        /// Switch fabric internal link service.
        SW_ILS = 0x22,
        /// FC-NVMe: link services (and the name of the FC-4 in logins and at the name server).
        NVME = 0x28,
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn names() {
        assert_eq!(RCtl(0x81), RCtl::ABTS);
        assert_eq!(RCtl(0x81).to_string(), "ABTS");
        assert_eq!(RCtl(0x99).to_string(), "RCtl(0x99)");
        assert_eq!(RCtl::BA_RJT.routing(), 8);
        assert_eq!(Type(0x28).to_string(), "NVME");
    }
}

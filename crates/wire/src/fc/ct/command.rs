//! Codes: commands of the name server, of the fabric configuration server and of FDMI, and those of rejects. FC-GS-8 tables of
//! the request commands of 5.2.2, 6.2.2 and 6.4.2, and of CT reject codes (4.4.4, 5.2.4).

open_enum! {
    /// Commands of the name server, and the two response codes.
    pub enum Command: u16 {
        /// Get all next.
        GA_NXT = 0x0100,
        /// Get identifiers by scope.
        GID_A = 0x0101,
        /// Get port name by address.
        GPN_ID = 0x0112,
        /// Get node name by address.
        GNN_ID = 0x0113,
        /// Get class of service by address.
        GCS_ID = 0x0114,
        /// Get FC-4 types by address.
        GFT_ID = 0x0117,
        /// Get symbolic port name by address.
        GSPN_ID = 0x0118,
        /// Get port type by address.
        GPT_ID = 0x011a,
        /// Get IP address (port) by address.
        GIPP_ID = 0x011b,
        /// Get fabric port name by address.
        GFPN_ID = 0x011c,
        /// Get hard address by address.
        GHA_ID = 0x011d,
        /// Get FC-4 descriptors by address.
        GFD_ID = 0x011e,
        /// Get FC-4 features by address.
        GFF_ID = 0x011f,
        /// Get address by port name.
        GID_PN = 0x0121,
        /// Get IP address (port) by port name.
        GIPP_PN = 0x012b,
        /// Get addresses by node name.
        GID_NN = 0x0131,
        /// Get port names by node name.
        GPN_NN = 0x0132,
        /// Get IP address (node) by node name.
        GIP_NN = 0x0135,
        /// Get initial process associator by node name.
        GIPA_NN = 0x0136,
        /// Get symbolic node name by node name.
        GSNN_NN = 0x0139,
        /// Get node name by IP address.
        GNN_IP = 0x0153,
        /// Get initial process associator by IP address.
        GIPA_IP = 0x0156,
        /// Get addresses by FC-4 type.
        GID_FT = 0x0171,
        /// Get port names by FC-4 type.
        GPN_FT = 0x0172,
        /// Get node names by FC-4 type.
        GNN_FT = 0x0173,
        /// Get addresses by port type.
        GID_PT = 0x01a1,
        /// Get addresses by IP address (port).
        GID_IPP = 0x01b1,
        /// Get addresses by FC-4 feature.
        GID_FF = 0x01f1,
        /// Get addresses by domain.
        GID_DP = 0x01f2,
        /// Register port name.
        RPN_ID = 0x0212,
        /// Register node name.
        RNN_ID = 0x0213,
        /// Register class of service.
        RCS_ID = 0x0214,
        /// Register FC-4 types.
        RFT_ID = 0x0217,
        /// Register symbolic port name.
        RSPN_ID = 0x0218,
        /// Register port type.
        RPT_ID = 0x021a,
        /// Register IP address (port).
        RIPP_ID = 0x021b,
        /// Register hard address.
        RHA_ID = 0x021d,
        /// Register FC-4 descriptors.
        RFD_ID = 0x021e,
        /// Register FC-4 features.
        RFF_ID = 0x021f,
        /// Register IP address (node).
        RIP_NN = 0x0235,
        /// Register initial process associator.
        RIPA_NN = 0x0236,
        /// Register symbolic node name.
        RSNN_NN = 0x0239,
        /// Remove all.
        DA_ID = 0x0300,
        /// Response: rejected.
        REJECT = 0x8001,
        /// Response: accepted.
        ACCEPT = 0x8002,
    }
}

open_enum! {
    /// Commands of the fabric configuration server.
    pub enum FcsCommand: u16 {
        /// Get topology information.
        GTIN = 0x0100,
        /// Get interconnect element list.
        GIEL = 0x0101,
        /// Get interconnect element type.
        GIET = 0x0111,
        /// Get domain identifier.
        GDID = 0x0112,
        /// Get management identifier.
        GMID = 0x0113,
        /// Get fabric name.
        GFN = 0x0114,
        /// Get interconnect element logical name.
        GIELN = 0x0115,
        /// Get management address list.
        GMAL = 0x0116,
        /// Get interconnect element information list.
        GIEIL = 0x0117,
        /// Get port list.
        GPL = 0x0118,
        /// Get port type.
        GPT = 0x0121,
        /// Get physical port number.
        GPPN = 0x0122,
        /// Get attached port name list.
        GAPNL = 0x0124,
        /// Get port state.
        GPS = 0x0126,
        /// Get port speed capabilities.
        GPSC = 0x0127,
        /// Get attached topology information.
        GATIN = 0x0128,
        /// Get switch enforcement status.
        GSES = 0x0130,
        /// Get platform node name list.
        GPLNL = 0x0191,
        /// Get platform type.
        GPLT = 0x0192,
        /// Get platform management address list.
        GPLML = 0x0193,
        /// Get platform attribute block.
        GPAB = 0x0197,
        /// Get node position in list.
        GNPL = 0x01a1,
        /// Get platform name list.
        GPNL = 0x01a2,
        /// Register interconnect element logical name.
        RIELN = 0x0215,
        /// Register platform.
        RPL = 0x0280,
        /// Register platform node name.
        RPLN = 0x0291,
        /// Deregister platform.
        DPL = 0x0380,
        /// Deregister platform node name.
        DPLN = 0x0391,
    }
}

open_enum! {
    /// Commands of FDMI, the management server's register of HBAs.
    pub enum FdmiCommand: u16 {
        /// Get registered HBA list.
        GRHL = 0x0100,
        /// Get HBA attributes.
        GHAT = 0x0101,
        /// Get registered port list.
        GRPL = 0x0102,
        /// Get port attributes.
        GPAT = 0x0110,
        /// Register HBA.
        RHBA = 0x0200,
        /// Register HBA attributes.
        RHAT = 0x0201,
        /// Register port.
        RPRT = 0x0210,
        /// Register port attributes.
        RPA = 0x0211,
        /// Deregister HBA.
        DHBA = 0x0300,
        /// Deregister HBA attributes.
        DHAT = 0x0301,
        /// Deregister port.
        DPRT = 0x0310,
        /// Deregister port attributes.
        DPA = 0x0311,
    }
}

open_enum! {
    /// Why a CT request was rejected.
    pub enum ReasonCode: u8 {
        /// The command code is not one of the service.
        INVALID_COMMAND = 0x01,
        /// Invalid version level.
        INVALID_VERSION = 0x02,
        /// Logical error.
        LOGICAL_ERROR = 0x03,
        /// Invalid CT_IU size.
        INVALID_SIZE = 0x04,
        /// Try again.
        LOGICAL_BUSY = 0x05,
        /// Protocol error.
        PROTOCOL_ERROR = 0x07,
        /// Cannot be done: the explanation says what is not there.
        UNABLE = 0x09,
        /// The command is known and not done here.
        UNSUPPORTED = 0x0b,
        /// Server is not available.
        NOT_AVAILABLE = 0x0d,
        /// The session could not be established.
        NO_SESSION = 0x0e,
        /// The vendor byte says it.
        VENDOR = 0xff,
    }
}

open_enum! {
    /// More about the reason, by the names of the name server.
    pub enum Explanation: u8 {
        /// Nothing to add.
        NONE = 0x00,
        /// Port identifier not registered.
        PORT_ID = 0x01,
        /// Port name not registered.
        PORT_NAME = 0x02,
        /// Node name not registered.
        NODE_NAME = 0x03,
        /// Class of service not registered.
        CLASS_OF_SERVICE = 0x04,
        /// IP address (node) not registered.
        IP_ADDRESS_NODE = 0x05,
        /// Initial process associator not registered.
        PROCESS_ASSOCIATOR = 0x06,
        /// FC-4 types not registered.
        FC4_TYPES = 0x07,
        /// Symbolic port name not registered.
        SYMBOLIC_PORT_NAME = 0x08,
        /// Symbolic node name not registered.
        SYMBOLIC_NODE_NAME = 0x09,
        /// Port type not registered.
        PORT_TYPE = 0x0a,
        /// IP address (port) not registered.
        IP_ADDRESS_PORT = 0x0b,
        /// Fabric port name not registered.
        FABRIC_PORT_NAME = 0x0c,
        /// Hard address not registered.
        HARD_ADDRESS = 0x0d,
        /// FC-4 descriptor not registered.
        FC4_DESCRIPTOR = 0x0e,
        /// FC-4 features not registered.
        FC4_FEATURES = 0x0f,
        /// Access denied.
        ACCESS_DENIED = 0x10,
        /// Unacceptable port identifier.
        UNACCEPTABLE_PORT_ID = 0x11,
        /// Database empty.
        DATABASE_EMPTY = 0x12,
        /// No object registered in the scope.
        NOT_IN_SCOPE = 0x13,
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn names() {
        assert_eq!(Command(0x0172).to_string(), "GPN_FT");
        assert_eq!(FdmiCommand(0x0200).to_string(), "RHBA");
        assert_eq!(FcsCommand(0x0127).to_string(), "GPSC");
        assert_eq!(ReasonCode(9).to_string(), "UNABLE");
        assert_eq!(Command(0x4242).to_string(), "Command(0x4242)");
    }
}

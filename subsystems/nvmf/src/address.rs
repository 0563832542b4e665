//! `listen_address`, as several methods have it.

use app::RpcError;
use nvmf::ListenAddress;
use schemars::JsonSchema;
use serde::Deserialize;

/// `listen_address`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Address {
    /// TCP or FC, in any letter case
    pub trtype: String,
    /// IPv4, IPv6 or FC; from the address unless given
    pub adrfam: Option<String>,
    /// IP address, or the names of a Fibre Channel port: nn-0x<16 digits>:pn-0x<16 digits>
    pub traddr: String,
    /// Port number; not for FC
    pub trsvcid: Option<String>,
}

impl Address {
    pub fn read(&self) -> Result<ListenAddress, RpcError> {
        ListenAddress::new(&self.trtype, self.adrfam.as_deref(), &self.traddr, self.trsvcid.as_deref())
            .map_err(RpcError::invalid_params)
    }
}

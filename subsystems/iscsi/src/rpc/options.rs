//! `iscsi_set_options`, `iscsi_get_options`, `iscsi_set_discovery_auth`.

use super::auth::Chap;
use crate::Iscsi;
use crate::options::SetOptions;
use app::{Method, NoParams, RpcError, When};
use iscsi::secrets::AuthGroups;
use std::path::Path;
use std::sync::Arc;

pub(super) fn methods(iscsi: &Arc<Iscsi>) -> Vec<Method> {
    let (set, get, auth) = (iscsi.clone(), iscsi.clone(), iscsi.clone());
    vec![
        Method::new("iscsi_set_options", When::Startup, "Sets the options of iSCSI", move |p: SetOptions| {
            set.set_options(&p)
        }),
        Method::new("iscsi_get_options", When::Both, "Shows the options of iSCSI", move |_: NoParams| {
            Ok(get.state.options().to_json())
        }),
        Method::new(
            "iscsi_set_discovery_auth",
            When::Runtime,
            "Says what discovery sessions must prove",
            move |p: Chap| {
                let discovery = p.read()?;
                let old = auth.state.options();
                auth.state.set_options(crate::options::Options { discovery, ..(*old).clone() });
                Ok(true)
            },
        ),
    ]
}

impl Iscsi {
    fn set_options(&self, params: &SetOptions) -> Result<bool, RpcError> {
        let new = params.apply(&self.state.options())?;
        if let Some(file) = new.auth_file.as_ref().filter(|_| params.auth_file.is_some()) {
            let loaded = AuthGroups::load(Path::new(file));
            let (secrets, advice) = loaded.map_err(|why| RpcError::invalid_params(format!("auth_file: {why}")))?;
            advice.iter().for_each(|text| log::warn!(target: "iscsi", "{file}: {text}"));
            self.state.groups().secrets = secrets;
        }
        self.state.set_options(new);
        Ok(true)
    }
}

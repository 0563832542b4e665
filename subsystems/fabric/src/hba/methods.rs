//! `fabric_hba_*`, `fabric_get_hbas`.

use super::params::{Create, Get, Named, SetCable};
use crate::subsystem::Inner;
use app::{Method, When};
use std::sync::Arc;

pub(crate) fn methods(inner: &Arc<Inner>) -> Vec<Method> {
    let [a, b, c, d] = std::array::from_fn(|_| inner.clone());
    vec![
        Method::new(
            "fabric_hba_create",
            When::Runtime,
            "Makes a virtual QLE27xx for a guest (vfio-user).",
            move |p: Create| a.create_hba(p),
        ),
        Method::new("fabric_hba_delete", When::Runtime, "Removes a virtual adapter.", move |p: Named| {
            b.hbas.delete(&p.name).map(|()| true)
        }),
        Method::new("fabric_get_hbas", When::Runtime, "Shows the virtual adapters and their guests.", move |p: Get| {
            let hbas = c.hbas.list(p.name.as_deref())?;
            hbas.iter().map(|hba| hba.report(c.find(Some(&hba.fabric))?.as_ref())).collect::<Result<Vec<_>, _>>()
        }),
        Method::new(
            "fabric_hba_set_cable",
            When::Runtime,
            "Plugs the cable of a virtual adapter in or out.",
            move |p: SetCable| d.hbas.find(&p.name)?.set_cable(p.plugged).map(|()| true),
        ),
    ]
}

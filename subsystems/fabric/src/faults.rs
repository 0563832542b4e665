//! Faults on purpose: `fabric_inject`.

use crate::methods::{Which, name};
use crate::subsystem::Inner;
use app::{Method, RpcError, When};
use fabric::{Action, Match, Rule};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;
use wire::fc::els::Command;
use wire::fc::{PortId, RCtl, Type};

/// A number, or a name that stands for one.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Code {
    Number(u32),
    Text(String),
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Drop,
    Delay,
    Reorder,
    Corrupt,
    Duplicate,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Inject {
    /// The fabric; not needed when there is one only.
    fabric: Option<String>,
    /// Only frames from this address, e.g. `0x010100`.
    s_id: Option<Code>,
    /// Only frames to this address.
    d_id: Option<Code>,
    /// Only frames from or to the port of this name.
    wwpn: Option<String>,
    /// Only frames of this R_CTL: a number, or a name such as `SOLICITED_DATA`.
    r_ctl: Option<Code>,
    /// Only frames of this type: a number, or `FCP`, `NVME`, `ELS`, `CT`.
    #[serde(rename = "type")]
    type_: Option<Code>,
    /// Only requests of this link service: a number, or `PLOGI`, `PRLI`, `RSCN`, ...
    els: Option<Code>,
    /// What happens to them.
    action: Kind,
    /// For `delay`: by how many milliseconds.
    delay_ms: Option<f64>,
    /// For `corrupt`: which byte of the payload; any when it is not said.
    offset: Option<u16>,
    /// For `corrupt`: what the byte is exclusive-ored with.
    value: Option<u8>,
    /// To how many frames; to all when it is not said.
    count: Option<u64>,
    /// To how large a part of them, 0 to 1.
    probability: Option<f64>,
    /// What chance begins with.
    #[serde(default)]
    seed: u64,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Clear {
    /// The fabric; not needed when there is one only.
    fabric: Option<String>,
    /// The rule's number; all rules when it is not said.
    id: Option<u32>,
}

/// A code as a number up to `most`; `named` gives the name of a number.
fn code(what: &str, code: &Code, most: u32, named: impl Fn(u32) -> Option<&'static str>) -> Result<u32, RpcError> {
    let number = match code {
        Code::Number(number) => Some(*number),
        Code::Text(text) => match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => {
                let by_name = || (0..=most.min(255)).find(|n| named(*n).is_some_and(|n| n.eq_ignore_ascii_case(text)));
                text.parse().ok().or_else(by_name)
            }
        },
    };
    let shown = match code {
        Code::Number(number) => number.to_string(),
        Code::Text(text) => text.clone(),
    };
    number
        .filter(|number| *number <= most)
        .ok_or_else(|| RpcError::bad_params(format!("{what}: '{shown}' is none (a number up to {most:#x}, or a name)")))
}

fn matches(p: &Inject) -> Result<Match, RpcError> {
    let id = |what, given: &Option<Code>| given.as_ref().map(|c| code(what, c, 0xff_ffff, |_| None)).transpose();
    let r_ctl = p.r_ctl.as_ref().map(|c| code("r_ctl", c, 255, |n| RCtl(n as u8).name())).transpose()?;
    let type_ = p.type_.as_ref().map(|c| code("type", c, 255, |n| Type(n as u8).name())).transpose()?;
    let els = p.els.as_ref().map(|c| code("els", c, 255, |n| Command(n as u8).name())).transpose()?;
    Ok(Match {
        s_id: id("s_id", &p.s_id)?.map(PortId),
        d_id: id("d_id", &p.d_id)?.map(PortId),
        wwpn: p.wwpn.as_deref().map(name).transpose()?,
        r_ctl: r_ctl.map(|n| RCtl(n as u8)),
        type_: type_.map(|n| Type(n as u8)),
        els: els.map(|n| Command(n as u8)),
    })
}

fn action(p: &Inject) -> Result<Action, RpcError> {
    let only = |given: bool, kind: Kind, what: &str| match given && p.action != kind {
        true => Err(RpcError::bad_params(format!("{what} goes with another action"))),
        false => Ok(()),
    };
    only(p.delay_ms.is_some(), Kind::Delay, "delay_ms")?;
    only(p.offset.is_some(), Kind::Corrupt, "offset")?;
    only(p.value.is_some(), Kind::Corrupt, "value")?;
    Ok(match p.action {
        Kind::Drop => Action::Drop,
        Kind::Reorder => Action::Reorder,
        Kind::Duplicate => Action::Duplicate,
        Kind::Corrupt => match p.value {
            Some(0) => return Err(RpcError::bad_params("value: 0 changes nothing")),
            value => Action::Corrupt { offset: p.offset, xor: value.unwrap_or(0xff) },
        },
        Kind::Delay => match p.delay_ms {
            Some(ms) if (0.0..=600_000.0).contains(&ms) => Action::Delay { ns: (ms * 1e6) as u64 },
            _ => return Err(RpcError::bad_params("delay_ms: 0 to 600000")),
        },
    })
}

fn rule(p: &Inject) -> Result<Rule, RpcError> {
    let probability = p.probability.unwrap_or(1.0);
    if !(0.0..=1.0).contains(&probability) {
        return Err(RpcError::bad_params("probability: 0 to 1"));
    }
    Ok(Rule { matches: matches(p)?, action: action(p)?, count: p.count, probability, seed: p.seed })
}

pub(crate) fn methods(inner: &Arc<Inner>) -> Vec<Method> {
    let (add, clear, show) = (inner.clone(), inner.clone(), inner.clone());
    let run = When::Runtime;
    vec![
        Method::new("fabric_inject", run, "Has frames go wrong; answers with the rule's number.", move |p: Inject| {
            let rule = rule(&p)?;
            add.find(p.fabric.as_deref())?.call(move |switch, _| switch.inject(rule))
        }),
        Method::new("fabric_inject_clear", run, "Ends a rule of fabric_inject, or all.", move |p: Clear| {
            let id = p.id;
            match clear.find(p.fabric.as_deref())?.call(move |switch, _| switch.inject_clear(id))? {
                true => Ok(true),
                false => Err(RpcError::bad_params(format!("there is no rule {}", id.unwrap_or(0)))),
            }
        }),
        Method::new("fabric_inject_get", run, "Shows the rules of fabric_inject.", move |p: Which| {
            show.find(p.fabric.as_deref())?.call(|switch, _| switch.injections())
        }),
    ]
}

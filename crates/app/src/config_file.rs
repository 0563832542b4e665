//! A configuration file, qfc.conf or SPDK's JSON, as the calls that it stands for.

use crate::{Call, Methods, When, json};
use serde_json::{Value, json};
use std::fmt;
use std::path::Path;

/// The largest file that is read, in bytes, and the most JSON values in it.
const LIMIT: u64 = 64 << 20;
const VALUES: usize = 4 << 20;

/// A call and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// The call.
    pub call: Call,
    /// `qfc.conf:12` or `x.json: subsystem bdev, call 3`.
    pub origin: String,
}

/// What a configuration file says.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Its start options.
    pub options: conf::StartOptions,
    /// Its calls, in order.
    pub calls: Vec<Planned>,
    /// Its Fibre Channel part, checked; no port serves it yet.
    pub fc: conf::FcConfig,
    /// Remarks and errors, with file and line.
    pub remarks: Vec<String>,
    /// Whether an error is among the remarks.
    pub failed: bool,
}

/// A file that cannot be used.
#[derive(Debug)]
pub struct Unusable(String);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}

impl Plan {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read. What is wrong inside is in [`Plan::remarks`].
    pub fn read(path: &Path) -> Result<Self, Unusable> {
        let name = path.display().to_string();
        let unusable = |error: &dyn fmt::Display| Unusable(format!("{name}: cannot read it: {error}"));
        let size = std::fs::metadata(path).map_err(|error| unusable(&error))?.len();
        if size > LIMIT {
            return Err(unusable(&format!("{size} bytes are more than a configuration has")));
        }
        let bytes = std::fs::read(path).map_err(|error| unusable(&error))?;
        Ok(Self::parse(&name, &bytes))
    }

    /// Understands the bytes of a file: JSON when the first thing in it is `{`, else qfc.conf. `name` is for messages.
    pub fn parse(name: &str, bytes: &[u8]) -> Self {
        let blanked = without_comments(bytes);
        match blanked.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => {
                from_json(name, &blanked).unwrap_or_else(|error| Self::unusable(format!("{name}: error: {error}")))
            }
            _ => from_ini(name, bytes),
        }
    }

    fn unusable(error: String) -> Self {
        Self { remarks: vec![error], failed: true, ..Self::default() }
    }

    /// Checks every call against the methods there are, without making it; adds what is wrong to the remarks.
    ///
    /// A configuration that SPDK saved also tunes parts that are not here (its accelerators, its NVMe driver). Such calls
    /// are left out with a warning: they configure nothing that is served.
    pub fn verify(&mut self, methods: &Methods) {
        let mut kept = Vec::with_capacity(self.calls.len());
        for planned in std::mem::take(&mut self.calls) {
            let Call { method, params } = &planned.call;
            let Planned { origin, .. } = &planned;
            match methods.find(method).map(|found| found.verify(params.clone())) {
                None if is_tuning(method) => {
                    self.remarks.push(format!("{origin}: warning: {method} tunes what is not here; left out"));
                    continue;
                }
                None => self.fail(format!("{origin}: error: {method}: Method not found")),
                Some(Err(error)) => self.fail(format!("{origin}: error: {method}: {error}")),
                Some(Ok(())) => {}
            }
            kept.push(planned);
        }
        self.calls = kept;
    }

    fn fail(&mut self, error: String) {
        self.remarks.push(error);
        self.failed = true;
    }

    /// The calls to make before the framework is initialised, and those after: a method for both is called before.
    pub fn phases(&self, methods: &Methods) -> (Vec<Planned>, Vec<Planned>) {
        let early = |planned: &Planned| methods.find(&planned.call.method).is_some_and(|m| m.when() != When::Runtime);
        self.calls.iter().cloned().partition(early)
    }

    /// The calls in the shape of SPDK's JSON configuration, section by section.
    pub fn to_json(&self) -> Value {
        let mut sections: Vec<(String, Vec<Value>)> = Vec::new();
        for Planned { call, .. } in &self.calls {
            let section = call.method.split('_').next().unwrap_or_default();
            let call = serde_json::to_value(call).expect("a call is plain JSON");
            match sections.iter_mut().find(|(name, _)| name == section) {
                Some((_, calls)) => calls.push(call),
                None => sections.push((section.to_owned(), vec![call])),
            }
        }
        let section = |(name, calls)| json!({ "subsystem": name, "config": Value::Array(calls) });
        json!({ "subsystems": sections.into_iter().map(section).collect::<Vec<_>>() })
    }
}

fn is_tuning(method: &str) -> bool {
    let part = ["accel_", "vmd_", "scheduler_", "fsdev_", "trace_"].iter().any(|part| method.starts_with(part));
    part || method.ends_with("_set_options") || method.ends_with("_set_hotplug")
}

fn from_ini(name: &str, bytes: &[u8]) -> Plan {
    let plan = conf::parse_and_translate(name, bytes);
    let failed = plan.has_errors();
    let remarks = plan.diagnostics.iter().map(ToString::to_string).collect();
    let planned = |call: conf::Call| Planned {
        call: Call { method: call.method, params: call.params },
        origin: format!("{name}:{}", call.line),
    };
    Plan { options: plan.options, calls: plan.calls.into_iter().map(planned).collect(), fc: plan.fc, remarks, failed }
}

fn from_json(name: &str, text: &[u8]) -> Result<Plan, String> {
    let parsed = json::parse(text, VALUES).map_err(|error| error.to_string())?;
    if let Some(path) = parsed.duplicates.first() {
        return Err(format!("{path}: the name stands twice"));
    }
    let sections = parsed.value.get("subsystems").ok_or("there is no \"subsystems\"")?;
    let mut plan = Plan::default();
    for section in sections.as_array().ok_or("\"subsystems\" is not an array")? {
        read_section(name, section, &mut plan)?;
    }
    Ok(plan)
}

fn read_section(file: &str, section: &Value, plan: &mut Plan) -> Result<(), String> {
    let name = section.get("subsystem").and_then(Value::as_str).ok_or("a section without a \"subsystem\" name")?;
    let calls = match section.get("config") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Array(calls)) => calls,
        Some(_) => return Err(format!("subsystem {name}: \"config\" is not an array")),
    };
    // With SPDK's `with_batches` a call may be an array of calls.
    let flat = calls.iter().flat_map(|call| call.as_array().map_or(std::slice::from_ref(call), Vec::as_slice));
    for (n, call) in flat.enumerate() {
        let origin = format!("{file}: subsystem {name}, call {}", n + 1);
        let call = serde_path_to_error::deserialize(call)
            .map_err(|error| format!("subsystem {name}, call {}: {error}", n + 1))?;
        plan.calls.push(Planned { call, origin });
    }
    Ok(())
}

/// JSON text with `//` and `/* */` comments blanked, so that positions stay; SPDK's reader takes such comments too.
fn without_comments(text: &[u8]) -> Vec<u8> {
    let mut out = text.to_vec();
    let mut at = 0;
    while at < out.len() {
        at = match (out[at], out.get(at + 1)) {
            (b'"', _) => end_of_string(&out, at),
            (b'/', Some(b'/')) => blank(&mut out, at, |rest| rest.iter().position(|byte| *byte == b'\n')),
            (b'/', Some(b'*')) => {
                blank(&mut out, at, |rest| rest[2..].windows(2).position(|two| two == b"*/").map(|n| n + 4))
            }
            _ => at + 1,
        };
    }
    out
}

fn end_of_string(text: &[u8], from: usize) -> usize {
    let mut at = from + 1;
    while at < text.len() {
        match text[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

fn blank(text: &mut [u8], from: usize, length: impl Fn(&[u8]) -> Option<usize>) -> usize {
    let end = length(&text[from..]).map_or(text.len(), |length| from + length);
    text[from..end].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMENTED: &str = r#"// made by hand
/* two
   lines */ { "subsystems": [
  { "subsystem": "bdev", "config": [
    { "method": "bdev_null_create", "params": { "name": "// no comment /* here */ \" //", "num_blocks": 8 } }, // tail
    [ { "method": "a" }, { "method": "b", "params": null } ]
  ] },
  { "subsystem": "scheduler", "config": null }, { "subsystem": "vmd", "config": [] } ] }"#;

    #[test]
    fn json_with_comments_and_batches() {
        let plan = Plan::parse("x.json", COMMENTED.as_bytes());
        assert!(!plan.failed, "{:?}", plan.remarks);
        let methods: Vec<&str> = plan.calls.iter().map(|p| p.call.method.as_str()).collect();
        assert_eq!(methods, ["bdev_null_create", "a", "b"]);
        assert_eq!(plan.calls[0].call.params["name"], "// no comment /* here */ \" //");
        assert_eq!(plan.calls[2].origin, "x.json: subsystem bdev, call 3");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (text, part) in [
            ("{", "line 1"),
            ("{\n\n\"subsystems\": [}", "line 3"),
            ("{}", "no \"subsystems\""),
            ("{\"subsystems\": {}}", "not an array"),
            ("{\"subsystems\": [{\"config\": []}]}", "without a \"subsystem\" name"),
            ("{\"subsystems\": [{\"subsystem\": \"bdev\", \"config\": 5}]}", "subsystem bdev"),
            (
                "{\"subsystems\": [{\"subsystem\": \"bdev\", \"config\": [{\"methud\": \"x\"}]}]}",
                "subsystem bdev, call 1",
            ),
            (
                "{\"subsystems\": [{\"subsystem\": \"b\", \"config\": [{\"method\": \"x\", \"method\": \"y\"}]}]}",
                "subsystems.0.config.0.method",
            ),
            ("{ /* never closed", "line 1"),
        ] {
            let plan = Plan::parse("f.json", text.as_bytes());
            assert!(plan.failed && plan.remarks[0].contains(part), "{text}: {:?}", plan.remarks);
            assert!(plan.remarks[0].starts_with("f.json: error: "), "{:?}", plan.remarks);
        }
    }

    #[test]
    fn ini_goes_to_conf_and_comes_back_as_json() {
        let plan = Plan::parse("qfc.conf", b"# a comment\n[Malloc]\n  NumberOfLuns 2\n  LunSizeInMB 32\n");
        assert!(!plan.failed, "{:?}", plan.remarks);
        assert_eq!(plan.calls.len(), 2);
        assert!(plan.calls[0].origin.starts_with("qfc.conf:"), "{}", plan.calls[0].origin);
        let text = plan.to_json().to_string();
        let again = Plan::parse("again.json", text.as_bytes());
        let calls = |plan: &Plan| plan.calls.iter().map(|p| p.call.clone()).collect::<Vec<_>>();
        assert_eq!(calls(&again), calls(&plan));
    }

    #[test]
    fn tuning_of_parts_that_are_not_here_is_left_out_and_the_rest_is_checked() {
        let text = r#"{"subsystems":[{"subsystem":"accel","config":[{"method":"accel_set_options","params":{}}]},
            {"subsystem":"bdev","config":[{"method":"bdev_nvme_set_hotplug"},{"method":"bdev_nonsense_create"},{"method":"known"}]}]}"#;
        let mut plan = Plan::parse("x.json", text.as_bytes());
        let methods = Methods::default();
        methods.fill(vec![crate::Method::new("known", When::Both, "Known", |_: crate::NoParams| Ok(true))]).unwrap();
        plan.verify(&methods);
        let remarks: Vec<&str> = plan.remarks.iter().map(|remark| remark.split(": ").nth(2).unwrap()).collect();
        assert_eq!(
            (remarks.as_slice(), plan.failed, plan.calls.len()),
            (&["warning", "warning", "error"][..], true, 2)
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error_with_its_name() {
        let error = Plan::read(Path::new("/nowhere/qfc.conf")).unwrap_err().to_string();
        assert!(error.starts_with("/nowhere/qfc.conf: cannot read it: No such file"), "{error}");
    }
}

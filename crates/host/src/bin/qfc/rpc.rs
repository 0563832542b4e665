//! `qfc rpc`: one call to the target's JSON-RPC socket.

use crate::cli::RpcArgs;
use crate::{Failure, print};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

pub fn run(args: &RpcArgs) -> Result<(), Failure> {
    let (method, params) = match &args.method {
        Some(method) => (method.as_str(), params(args)?),
        None => ("rpc_get_methods", None),
    };
    let answer = call(&args.socket, args.timeout, method, params)?;
    if let Some(error) = answer.get("error") {
        eprintln!("qfc: {method}: {} (code {})", error["message"].as_str().unwrap_or("no message"), error["code"]);
        if error["code"] == -32601 {
            eprintln!("  -> `qfc rpc` lists the methods that are there");
        }
        return Err(Failure::Finding);
    }
    let result = &answer["result"];
    match (&args.method, result.as_array()) {
        (None, Some(names)) => {
            let mut names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            names.sort_unstable();
            print(&names.join("\n"));
        }
        _ => print(&serde_json::to_string_pretty(result).expect("it was JSON")),
    }
    Ok(())
}

fn params(args: &RpcArgs) -> Result<Option<Value>, Failure> {
    let text = match args.params.as_deref() {
        None => return Ok(None),
        Some("-") => {
            std::io::read_to_string(std::io::stdin()).map_err(|e| Failure::Text(format!("standard input: {e}")))?
        }
        Some(text) => text.to_owned(),
    };
    match serde_json::from_str(&text) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => Ok(Some(value)),
        Ok(_) => Err(Failure::Text(format!("the parameters are no JSON object: {text}"))),
        Err(e) => Err(Failure::Text(format!(
            "the parameters are no JSON: {e}\n  -> write them as '{{\"name\": \"value\"}}', in single quotes"
        ))),
    }
}

/// Calls a method; what comes back is the whole answer, with `result` or `error`.
pub fn call(socket: &Path, timeout: Duration, method: &str, params: Option<Value>) -> Result<Value, Failure> {
    let path = socket.display();
    let mut stream = UnixStream::connect(socket).map_err(|e| {
        Failure::Text(format!("cannot connect to {path}: {e}\n  -> is the target running? Start it: `qfc_tgt -c qfc.conf -g`; -s names another socket (its -r)"))
    })?;
    let broken = |e: std::io::Error| Failure::Text(format!("{path}: {e}"));
    stream.set_read_timeout(Some(timeout)).map_err(broken)?;
    let mut request = json!({"jsonrpc": "2.0", "id": 1, "method": method});
    if let Some(params) = params {
        request["params"] = params;
    }
    stream.write_all(request.to_string().as_bytes()).map_err(broken)?;
    read(&mut stream, timeout)
}

/// The first whole JSON value that comes.
fn read(stream: &mut UnixStream, timeout: Duration) -> Result<Value, Failure> {
    let mut bytes = Vec::new();
    let mut part = [0; 65536];
    loop {
        let n = match stream.read(&mut part) {
            Ok(0) => return Err(Failure::Text("the target closed the socket without an answer".to_owned())),
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {
                return Err(Failure::Text(format!(
                    "no answer within {} s (--timeout waits longer)",
                    timeout.as_secs_f64()
                )));
            }
            Err(e) => return Err(Failure::Text(e.to_string())),
        };
        bytes.extend_from_slice(&part[..n]);
        match serde_json::Deserializer::from_slice(&bytes).into_iter::<Value>().next() {
            Some(Ok(value)) => return Ok(value),
            Some(Err(e)) if !e.is_eof() => return Err(Failure::Text(format!("the answer is no JSON: {e}"))),
            _ => {}
        }
    }
}

//! `jsonrpc`: a client's bytes, cut into pieces, through the session and the parameter decoders of all methods.
//!
//! Input: a seed for the pieces, the stream.

use crate::input::{Input, Pieces};
use crate::methods::DryRun;
use rpc::protocol::{Session, Step};
use serde_json::Value;

/// One input.
pub fn run(data: &[u8]) {
    if data.len() > crate::INPUT_MAX {
        return;
    }
    let mut input = Input(data);
    let mut pieces = Pieces::new(input.u8());
    let stream = input.0;
    let said = talk(stream, |_| pieces.length());
    assert_eq!(said, talk(stream, |left| left), "however the stream is cut");
    accepts_json(stream, &said);
}

/// All replies, and whether the connection was closed.
fn talk(stream: &[u8], mut piece: impl FnMut(usize) -> usize) -> (Vec<Value>, bool) {
    let (mut session, mut replies, mut rest) = (Session::default(), Vec::new(), stream);
    while !rest.is_empty() {
        let (now, later) = rest.split_at(piece(rest.len()).min(rest.len()));
        rest = later;
        session.feed(now);
        loop {
            match session.step(&DryRun) {
                Step::Wait => break,
                Step::Silent => {}
                Step::Reply(reply) => replies.push(value(&reply)),
                Step::Close(reply) => {
                    replies.push(value(&reply));
                    session.feed(rest);
                    assert_eq!(session.step(&DryRun), Step::Wait, "nothing is done after the end");
                    return (replies, true);
                }
            }
        }
    }
    (replies, false)
}

fn value(reply: &[u8]) -> Value {
    assert_eq!(reply.last(), Some(&b'\n'), "a reply ends with a newline");
    let value = serde_json::from_slice(reply).expect("a reply is JSON");
    match &value {
        Value::Array(batch) => batch.iter().for_each(check),
        one => check(one),
    }
    value
}

fn check(reply: &Value) {
    assert!(reply["jsonrpc"] == "2.0" && reply.get("id").is_some(), "{reply}");
    assert!(reply.get("result").is_some() != reply.get("error").is_some(), "{reply}");
    if let Some(error) = reply.get("error") {
        assert!(error["code"].is_i64() && error["message"].is_string(), "{reply}");
    }
}

/// One JSON value, as serde_json sees it, is never a reason to close the connection, up to the limits.
fn accepts_json(stream: &[u8], said: &(Vec<Value>, bool)) {
    if let Ok(value) = serde_json::from_slice::<Value>(stream)
        && (value.is_object() || value.is_array())
        && depth(&value) <= rpc::scan::DEPTH
    {
        let few = stream.iter().filter(|byte| b",:[{".contains(byte)).count() < rpc::protocol::VALUES_MAX / 4;
        assert!(!said.1 || !few, "closed because of {value}");
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

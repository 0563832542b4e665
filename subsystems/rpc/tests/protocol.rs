//! The protocol without sockets: bytes in, replies out.

use app::{Params, RpcError};
use rpc::protocol::{Handler, REPLY_MAX, REQUEST_MAX, Session, Step, VALUES_MAX};
use serde_json::{Value, json};
use std::cell::RefCell;

/// Returns the parameters, and remembers who was called.
#[derive(Default)]
struct Echo(RefCell<Vec<String>>);

impl Handler for Echo {
    fn call(&self, method: &str, params: Params) -> Result<Value, RpcError> {
        self.0.borrow_mut().push(method.to_owned());
        match method {
            "echo" if params.duplicate.is_some() => Err(RpcError::invalid_params(params.duplicate.unwrap())),
            "echo" => Ok(params.value),
            "long" => Ok(Value::String("x".repeat(REPLY_MAX))),
            "much" => Ok(Value::String("x".repeat(REPLY_MAX / 4))),
            _ => Err(RpcError::method_not_found()),
        }
    }
}

/// All that comes back for `bytes` fed in pieces of `piece`; whether the connection was closed.
fn talk(bytes: &[u8], piece: usize) -> (Vec<Value>, bool) {
    let (mut session, echo, mut replies) = (Session::default(), Echo::default(), Vec::new());
    for piece in bytes.chunks(piece) {
        session.feed(piece);
        loop {
            match session.step(&echo) {
                Step::Wait => break,
                Step::Silent => {}
                Step::Reply(reply) => replies.push(value(&reply)),
                Step::Close(reply) => return (vec_with(replies, value(&reply)), true),
            }
        }
    }
    (replies, false)
}

fn vec_with(mut list: Vec<Value>, last: Value) -> Vec<Value> {
    list.push(last);
    list
}

fn value(reply: &[u8]) -> Value {
    assert_eq!(reply.last(), Some(&b'\n'), "a reply ends with a newline");
    serde_json::from_slice(reply).unwrap()
}

fn one(text: &str) -> Value {
    let (replies, closed) = talk(text.as_bytes(), usize::MAX);
    assert!(!closed && replies.len() == 1, "{text}: {replies:?}");
    replies[0].clone()
}

fn code(text: &str) -> (Value, i64) {
    let reply = one(text);
    (reply["id"].clone(), reply["error"]["code"].as_i64().unwrap_or_else(|| panic!("{text}: {reply}")))
}

#[test]
fn a_request_is_answered_under_its_id() {
    for (id, shown) in
        [("1", json!(1)), ("\"a\"", json!("a")), ("null", Value::Null), ("-7", json!(-7)), ("1.5", json!(1.5))]
    {
        let reply = one(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"echo","params":{{"a":[1,"x",null]}}}}"#));
        assert_eq!(reply, json!({ "jsonrpc": "2.0", "id": shown, "result": { "a": [1, "x", null] } }));
    }
    assert_eq!(one(r#"{"id":1,"method":"echo","params":null}"#)["result"], Value::Null);
    assert_eq!(code(r#"{"id":9,"method":"nonsense"}"#), (json!(9), -32601));
    assert_eq!(one(r#"{"id":9,"method":"nonsense"}"#)["error"]["message"], "Method not found");
}

#[test]
fn what_is_no_request_is_32600() {
    let long = format!(r#"{{"id":"{}","method":"echo"}}"#, "x".repeat(129));
    for text in [
        "5 ",
        "\"x\"",
        "true ",
        "[]",
        r#"{"id":1}"#,
        r#"{"id":1,"method":5}"#,
        r#"{"id":{},"method":"echo"}"#,
        r#"{"id":[1],"method":"echo"}"#,
        r#"{"id":true,"method":"echo"}"#,
        r#"{"id":1,"method":"echo","params":5}"#,
        r#"{"id":1,"method":"echo","params":"x"}"#,
        r#"{"jsonrpc":"1.0","id":1,"method":"echo"}"#,
        r#"{"jsonrpc":2.0,"id":1,"method":"echo"}"#,
        r#"{"id":1,"method":"echo","extra":1}"#,
        r#"{"id":1,"method":"echo","method":"echo"}"#,
        r#"{"id":1,"id":2,"method":"echo"}"#,
        "{}",
        &long,
    ] {
        assert_eq!(code(text).1, -32600, "{text}");
    }
    assert_eq!(code(r#"{"id":1,"method":5}"#).0, 1, "answered under the id where there is one");
    assert!(one(&format!(r#"{{"id":"{}","method":"echo"}}"#, "x".repeat(128)))["error"].is_null());
}

#[test]
fn a_notification_has_no_reply() {
    let text = br#"{"method":"echo"}{"method":"nonsense"}[{"method":"echo"},{"method":"echo"}]"#;
    assert_eq!(talk(text, usize::MAX), (vec![], false));
}

#[test]
fn a_batch_is_answered_in_one_array() {
    let reply = one(
        r#"[{"id":1,"method":"echo"},{"method":"echo"},7,{"id":2,"method":"no"},{"id":3,"method":"echo","params":{"a":1,"a":2}}]"#,
    );
    let shown: Vec<(Value, Value)> =
        reply.as_array().unwrap().iter().map(|r| (r["id"].clone(), r["error"]["code"].clone())).collect();
    assert_eq!(
        shown,
        [(json!(1), Value::Null), (Value::Null, json!(-32600)), (json!(2), json!(-32601)), (json!(3), json!(-32602))]
    );
    let reply = one(
        r#"[{"id":1,"method":"echo","params":{"a":1,"a":2}},{"id":2,"method":"echo","params":{"b":1,"b":2}},{"id":3,"method":"echo"}]"#,
    );
    let codes: Vec<&Value> = reply.as_array().unwrap().iter().map(|r| &r["error"]["code"]).collect();
    assert_eq!(codes, [&json!(-32602), &json!(-32602), &Value::Null]);
}

#[test]
fn duplicate_parameters_are_the_methods_to_refuse() {
    let reply = one(r#"{"id":1,"method":"echo","params":{"a":{"b":1,"b":2}}}"#);
    assert_eq!((&reply["error"]["code"], &reply["error"]["data"]), (&json!(-32602), &json!("a.b")));
}

#[test]
fn malformed_json_closes_the_connection() {
    for text in [
        "{\"a\":}",
        "{\"a\" 1}",
        "{]",
        "}",
        "{'a':1}",
        "{\"id\":1,}",
        "[1,]",
        "{\"a\":tru}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\u{1}\"}",
        "?",
        "nonsense ",
        "{\"a\":01}",
        "{\"a\":1e999}",
        "{\"a\":\"\\ud800\"}",
    ] {
        for piece in [1, usize::MAX] {
            let (replies, closed) = talk(text.as_bytes(), piece);
            assert!(closed, "{text}: {replies:?}");
            assert_eq!((&replies[0]["error"]["code"], &replies[0]["id"]), (&json!(-32700), &Value::Null), "{text}");
        }
    }
    let (replies, closed) = talk(b"{\"id\":1,\"method\":\"echo\",\"params\":{\"a\":\"\xff\xfe\"}}", usize::MAX);
    assert!(closed && replies[0]["error"]["code"] == -32700, "not UTF-8");
    let (replies, closed) = talk(br#"{"id":1,"method":"echo"} } {"id":2,"method":"echo"}"#, usize::MAX);
    assert!(closed && replies.len() == 2, "what came before is answered, what comes after is not: {replies:?}");
}

#[test]
fn pieces_and_pipelines_do_not_matter() {
    let text: String =
        (0..20).map(|n| format!(" {{\"id\":{n},\"method\":\"echo\",\"params\":{{\"s\":\"}}]\\\"{{\"}}}}\n")).collect();
    let whole = talk(text.as_bytes(), usize::MAX);
    assert_eq!(whole.0.len(), 20);
    for piece in [1, 2, 3, 7, 50, 64, 1000] {
        assert_eq!(talk(text.as_bytes(), piece), whole, "in pieces of {piece}");
    }
}

#[test]
fn limits() {
    let with = |length: usize| {
        let frame = r#"{"id":1,"method":"echo","params":{"s":""}}"#.len();
        format!(r#"{{"id":1,"method":"echo","params":{{"s":"{}"}}}}"#, "x".repeat(length - frame))
    };
    for piece in [4096, usize::MAX] {
        let (replies, closed) = talk(with(REQUEST_MAX).as_bytes(), piece);
        assert!(!closed && replies[0]["error"].is_null());
        let (replies, closed) = talk(with(REQUEST_MAX + 1).as_bytes(), piece);
        assert!(closed && replies[0]["error"]["code"] == -32700);
    }
    // Nobody waits for the end of what is too long already.
    assert!(
        talk("[\"".to_owned().as_bytes(), 9).1
            || talk(format!("[\"{}", "x".repeat(REQUEST_MAX + 9)).as_bytes(), 4096).1
    );
    // Values: the object, its three names and three values, the array's brackets.
    let numbers = |n: usize| format!(r#"{{"id":1,"method":"echo","params":[{}]}}"#, vec!["0"; n].join(","));
    let most = (1..VALUES_MAX).rev().find(|n| !talk(numbers(*n).as_bytes(), usize::MAX).1).unwrap();
    assert!((VALUES_MAX - 12..VALUES_MAX).contains(&most), "{most}");
    let deep = |n: usize| format!(r#"{{"id":1,"method":"echo","params":{}{}}}"#, "[".repeat(n), "]".repeat(n));
    assert!(!talk(deep(63).as_bytes(), usize::MAX).1 && talk(deep(64).as_bytes(), usize::MAX).1);
}

#[test]
fn blanks_without_end_are_not_kept() {
    let mut session = Session::default();
    for _ in 0..1000 {
        session.feed(&[b' '; 4096]);
        assert_eq!(session.step(&Echo::default()), Step::Wait);
        assert!(!session.is_inside());
    }
}

#[test]
fn a_reply_that_is_too_long_becomes_an_error() {
    assert_eq!(code(r#"{"id":4,"method":"long"}"#), (json!(4), -32603));
    let batch = [r#"{"id":1,"method":"much"}"#; 6].join(",");
    let (replies, closed) = talk(format!("[{batch}]").as_bytes(), usize::MAX);
    assert!(closed && replies[0]["error"]["code"] == -32603);
}

/// Time grows with the length, not its square: 64 times as much in one-byte pieces within 640 times the time.
#[test]
fn one_byte_at_a_time_costs_no_more_than_it_must() {
    let time = |length: usize| {
        let text = format!(r#"{{"id":1,"method":"echo","params":{{"s":"{}"}}}}"#, "x".repeat(length));
        let start = std::time::Instant::now();
        assert_eq!(talk(text.as_bytes(), 1).0.len(), 1);
        start.elapsed()
    };
    let short = time(4000).max(std::time::Duration::from_micros(50));
    assert!(time(64 * 4000 - 100) < short * 640);
}

/// Anything at all: never a panic, and after a close never another word.
#[test]
fn noise_is_survived() {
    let mut chance = 0x2545_f491_4f6c_dd1du64;
    let mut next = || {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        chance
    };
    let seeds = [
        r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":[1,2,{"b":null}]}}"#,
        r#"[{"id":"x","method":"echo"},{"method":"y"}]"#,
    ];
    for _ in 0..20_000 {
        let mut bytes = seeds[next() as usize % 2].as_bytes().to_vec();
        for _ in 0..next() % 6 {
            let at = next() as usize % bytes.len();
            match next() % 3 {
                0 => bytes[at] = b"{}[]\",:\\0-1etn \x00\xff"[next() as usize % 17],
                1 => bytes.truncate(at + 1),
                _ => bytes.insert(at, next() as u8),
            }
        }
        let mut session = Session::default();
        let echo = Echo::default();
        let mut closed = false;
        for piece in bytes.chunks(1 + next() as usize % 9) {
            session.feed(piece);
            loop {
                let step = session.step(&echo);
                assert!(!closed || step == Step::Wait);
                match step {
                    Step::Wait => break,
                    Step::Close(_) => closed = true,
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn blanks_before_a_request_do_not_count() {
    // Found by fuzzing: the column depended on whether the blanks came in the same piece as the request.
    let bytes = b"\t\n Z{ ";
    let whole = talk(bytes, usize::MAX);
    assert_eq!(whole, talk(bytes, 1));
    assert_eq!(whole.0[0]["error"]["data"], "expected value at line 1 column 1");
    let mut far = vec![b' '; REQUEST_MAX + 1];
    far.extend(br#"{"id":1,"method":"echo"}"#);
    assert_eq!(talk(&far, usize::MAX).0[0]["id"], 1);
}

//! The server on real sockets, with several clients, good ones and others.

use app::{Params, RpcError};
use rpc::protocol::{Handler, REQUEST_MAX};
use rpc::server::{CLIENTS, Server};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

struct Fake {
    calls: AtomicUsize,
    gate: Mutex<Option<mpsc::Receiver<()>>>,
}

impl Handler for Fake {
    fn call(&self, method: &str, params: Params) -> Result<Value, RpcError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        match method {
            "echo" => Ok(params.value),
            "long" => Ok(Value::String("y".repeat(2 << 20))),
            "panic" => panic!("on purpose"),
            "gate" => {
                let gate = self.gate.lock().unwrap().take().unwrap();
                Ok(json!(gate.recv_timeout(Duration::from_secs(20)).is_ok()))
            }
            _ => Err(RpcError::method_not_found()),
        }
    }
}

struct Bench {
    _dir: tempfile::TempDir,
    path: PathBuf,
    fake: Arc<Fake>,
    open: mpsc::Sender<()>,
    server: Option<Server>,
}

fn bench() -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rpc.sock");
    let (open, gate) = mpsc::channel();
    let fake = Arc::new(Fake { calls: AtomicUsize::new(0), gate: Mutex::new(Some(gate)) });
    let server = Server::start(&path, fake.clone()).unwrap();
    Bench { _dir: dir, path, fake, open, server: Some(server) }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
    }
}

struct Client(BufReader<UnixStream>);

impl Client {
    fn new(bench: &Bench) -> Self {
        let stream = UnixStream::connect(&bench.path).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(BufReader::new(stream))
    }

    fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn reply(&mut self) -> Value {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"))
    }

    fn call(&mut self, method: &str) -> Value {
        self.send(&json!({ "id": 1, "method": method, "params": { "m": method } }).to_string());
        self.reply()
    }

    /// Whether it is answered; one that was turned away is not.
    fn gets_served(mut self) -> bool {
        let _ = self.0.get_mut().write_all(br#"{"id":5,"method":"echo"}"#);
        self.reply()["id"] == 5
    }

    fn is_closed(&mut self) -> bool {
        matches!(self.0.read(&mut [0; 1]), Ok(0) | Err(_))
    }
}

#[test]
fn several_clients_pipelines_and_pieces() {
    let bench = bench();
    let mut clients: Vec<Client> = (0..5).map(|_| Client::new(&bench)).collect();
    for client in &mut clients {
        client.send(r#"{"id":1,"method":"echo"}{"id":2,"meth"#);
        assert_eq!(client.reply()["id"], 1);
    }
    for client in &mut clients {
        client.send(r#"od":"echo"} [{"id":3,"method":"no"}]"#);
        assert_eq!(
            (client.reply()["id"].clone(), client.reply()[0]["error"]["code"].clone()),
            (json!(2), json!(-32601))
        );
    }
}

#[test]
fn one_that_reads_nothing_holds_up_nobody() {
    let bench = bench();
    let mut deaf = Client::new(&bench);
    (0..20).for_each(|_| deaf.send(r#"{"id":1,"method":"long"}"#));
    let start = Instant::now();
    let mut quick = Client::new(&bench);
    (0..50).for_each(|_| assert_eq!(quick.call("echo")["result"]["m"], "echo"));
    assert!(start.elapsed() < Duration::from_secs(5));
    // Its requests wait for it: not one reply more than fits the socket is made in advance.
    assert!(bench.fake.calls.load(Ordering::SeqCst) <= 50 + 2);
}

#[test]
fn one_that_vanishes_in_the_middle_does_no_harm() {
    let bench = bench();
    for _ in 0..CLIENTS - 1 {
        let mut client = Client::new(&bench);
        client.send(r#"{"id":1,"method":"long"}{"id":2,"me"#);
    }
    assert_eq!(Client::new(&bench).call("echo")["result"]["m"], "echo");
    // Their places become free again.
    let start = Instant::now();
    while !(0..CLIENTS).map(|_| Client::new(&bench)).collect::<Vec<_>>().into_iter().all(Client::gets_served) {
        assert!(start.elapsed() < Duration::from_secs(20), "places are not free");
    }
}

#[test]
fn a_method_that_takes_its_time_or_panics_holds_up_nobody() {
    let bench = bench();
    let mut slow = Client::new(&bench);
    slow.send(r#"{"id":1,"method":"gate"}"#);
    let mut other = Client::new(&bench);
    assert_eq!(other.call("echo")["result"]["m"], "echo");
    assert_eq!(other.call("panic")["error"]["code"], -32603);
    assert_eq!(other.call("echo")["result"]["m"], "echo");
    bench.open.send(()).unwrap();
    assert_eq!(slow.reply()["result"], true);
}

#[test]
fn one_client_too_many_is_told_so_and_a_place_is_free_again_later() {
    let bench = bench();
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| Client::new(&bench)).collect();
    clients.iter_mut().for_each(|client| assert!(client.call("echo")["error"].is_null()));
    let mut extra = Client::new(&bench);
    let reply = extra.reply();
    assert_eq!((&reply["error"]["message"], &reply["id"]), (&json!("Too many connections"), &Value::Null));
    assert!(extra.is_closed());
    clients.pop();
    let start = Instant::now();
    while !Client::new(&bench).gets_served() {
        assert!(start.elapsed() < Duration::from_secs(10), "the place is not free");
    }
}

#[test]
fn garbage_and_excess_are_answered_and_the_connection_closed() {
    let bench = bench();
    for text in ["}".to_owned(), format!("[\"{}", "x".repeat(REQUEST_MAX + 100))] {
        let mut client = Client::new(&bench);
        let _ = client.0.get_mut().write_all(text.as_bytes());
        assert_eq!(client.reply()["error"]["code"], -32700);
        assert!(client.is_closed());
    }
}

#[test]
fn stopping_answers_what_is_being_done_and_removes_the_socket() {
    let mut bench = bench();
    let mut client = Client::new(&bench);
    client.send(r#"{"id":1,"method":"gate"}"#);
    while bench.fake.calls.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    let server = bench.server.take().unwrap();
    let stopping = std::thread::spawn(move || server.stop());
    while bench.path.exists() {
        std::thread::yield_now();
    }
    bench.open.send(()).unwrap();
    assert_eq!(client.reply()["result"], true);
    assert!(client.is_closed());
    stopping.join().unwrap();
    assert!(UnixStream::connect(&bench.path).is_err());
}

#[test]
fn stopping_does_not_wait_for_one_that_is_just_connected() {
    let mut bench = bench();
    let client = Client::new(&bench);
    let start = Instant::now();
    bench.server.take().unwrap().stop();
    // It would be two seconds if it waited for the client to go.
    assert!(start.elapsed() < Duration::from_millis(1900));
    client.0.get_ref().shutdown(Shutdown::Both).unwrap();
}

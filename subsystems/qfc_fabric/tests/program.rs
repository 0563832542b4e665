//! The program: started, logged in to, asked, stopped.

use fabric::link::UnixLink;
use fc::{Frame, Frames, Link, LinkEvent};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use wire::fc::els::{Command as Els, Login};
use wire::fc::{FCtl, FrameHeader, PortId, RCtl, Type, Wwn};

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qfc_fabric"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn until<T>(what: &str, mut check: impl FnMut(u64) -> Option<T>) -> T {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(30) {
        if let Some(result) = check(began.elapsed().as_nanos() as u64) {
            return result;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    panic!("never: {what}");
}

#[test]
fn it_serves_ports_answers_questions_and_stops() {
    let dir = tempfile::tempdir().unwrap();
    let (socket, rpc) = (dir.path().join("san"), dir.path().join("rpc"));
    let mut link = UnixLink::new(&socket, Frames::new(64)).unwrap();
    assert_eq!(link.event(0), None, "nobody is there yet");
    let arguments = ["-l", socket.to_str().unwrap(), "-r", rpc.to_str().unwrap()];
    let mut running = Running(program(&arguments).spawn().unwrap());
    let mut out = BufReader::new(running.0.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert!(line.contains("fabric fabric") && line.contains(socket.to_str().unwrap()), "{line}");
    until("link up", |now| link.event(1_000_000_000 + now).filter(|event| matches!(event, LinkEvent::Up(_))));
    let header = FrameHeader::new(RCtl::ELS_REQUEST, Type::ELS, PortId::NONE, PortId::FABRIC).with_f_ctl(FCtl::REQUEST);
    let login = Login::fabric(Els::FLOGI, Wwn(0x2100_0000_0000_000a), Wwn(1), 2112, true);
    link.send(Frame::new(&header, &login.to_bytes()));
    link.flush(0);
    let reply = until("FLOGI", |now| link.receive(60_000_000_000 + now));
    assert_eq!((reply.payload()[0], reply.header().d_id()), (2, PortId::new(1, 1, 0)));
    let mut client = UnixStream::connect(&rpc).unwrap();
    client.write_all(br#"{"jsonrpc":"2.0","id":1,"method":"fabric_get_ports"}"#).unwrap();
    let mut answer = [0; 4096];
    let length = client.read(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]);
    assert!(answer.contains("0x210000000000000a"), "{answer}");
    kill(Pid::from_raw(running.0.id() as i32), Signal::SIGTERM).unwrap();
    until("down", |now| link.event(120_000_000_000 + now).filter(|event| *event == LinkEvent::Down));
    assert!(running.0.wait().unwrap().success());
    assert!(!socket.exists() && !rpc.exists());
}

/// Asks the program by its socket.
fn ask(rpc: &Path, method: &str, params: &str) -> String {
    let mut client = UnixStream::connect(rpc).unwrap();
    client
        .write_all(format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#).as_bytes())
        .unwrap();
    let mut answer = [0; 16384];
    let length = client.read(&mut answer).unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

#[test]
fn it_serves_adapters_of_the_command_line_and_saves_them() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let hba = format!("{},wwpn=21000024ff0a0001,priority=nvme", at("vm1.sock"));
    let arguments = ["-l", &at("san"), "-r", &at("rpc"), "--hba", &hba, "--hba", &at("vm2.sock")];
    let mut running = Running(program(&arguments).spawn().unwrap());
    until("the sockets", |_| (Path::new(&at("vm2.sock")).exists() && Path::new(&at("rpc")).exists()).then_some(()));
    until("the RPC answers", |_| ask(Path::new(&at("rpc")), "fabric_get_hbas", "{}").contains("vm2").then_some(()));
    let hbas = ask(Path::new(&at("rpc")), "fabric_get_hbas", "{}");
    assert!(hbas.contains("0x21000024ff0a0001") && hbas.contains(r#""fc4_priority":"nvme""#), "{hbas}");
    let saved = ask(Path::new(&at("rpc")), "framework_get_config", r#"{"name":"fabric"}"#);
    assert_eq!(saved.matches("fabric_hba_create").count(), 2, "{saved}");
    kill(Pid::from_raw(running.0.id() as i32), Signal::SIGTERM).unwrap();
    assert!(running.0.wait().unwrap().success());
    assert!(!Path::new(&at("vm1.sock")).exists(), "its sockets go with it");
}

#[test]
fn it_explains_itself_and_what_is_wrong() {
    let output = program(&["--help"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("--listen") && text.contains("fabric_get_ports"), "{text}");
    assert!(program(&["--man"]).output().unwrap().stdout.starts_with(b".ie"));
    assert_eq!(program(&["--nonsense"]).output().unwrap().status.code(), Some(2));
    let dir = tempfile::tempdir().unwrap();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/examples/fabric.json");
    assert!(program(&["--check", "-c", example]).output().unwrap().status.success());
    let file = dir.path().join("fabric.json");
    let config = r#"{"subsystems":[{"subsystem":"fabric","config":[
        {"method":"fabric_create","params":{"name":"a","domain":2}},
        {"method":"fabric_zone_create","params":{"fabric":"a","nonsense":1}}]}]}"#;
    std::fs::write(&file, config).unwrap();
    let output = program(&["--check", "-c", file.to_str().unwrap()]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("nonsense"), "{text}");
}

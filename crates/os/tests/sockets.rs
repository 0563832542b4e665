//! Receiving, listening, tuning, waiting, and cores, on real descriptors of loopback.
use os::{Congestion, Epoll, EventFd, Interest, Ready, Received, Tune, listen, receive, receive_scatter, tune};
use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

fn accept(listener: &TcpListener) -> TcpStream {
    let limit = Instant::now() + Duration::from_secs(5);
    loop {
        match listener.accept() {
            Ok((stream, _)) => return stream,
            Err(e) => assert!(e.kind() == ErrorKind::WouldBlock && Instant::now() < limit, "{e}"),
        }
    }
}

fn connected() -> (TcpStream, TcpStream) {
    let listener = listen("127.0.0.1:0".parse().unwrap(), 16).unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, accept(&listener))
}

fn until_something(mut receive: impl FnMut() -> Received) -> Received {
    loop {
        match receive() {
            Received::Empty => {}
            other => return other,
        }
    }
}

#[test]
fn receiving_tells_bytes_nothing_and_the_end() {
    let (mut client, server) = connected();
    let mut buffer = [0; 16];
    assert_eq!(receive(server.as_fd(), &mut buffer).unwrap(), Received::Empty);
    client.write_all(b"hello").unwrap();
    assert_eq!(until_something(|| receive(server.as_fd(), &mut buffer).unwrap()), Received::Bytes(5));
    assert_eq!(&buffer[..6], b"hello\0");
    drop(client);
    assert_eq!(until_something(|| receive(server.as_fd(), &mut buffer).unwrap()), Received::Closed);
}

#[test]
fn scattering_fills_the_first_before_the_rest() {
    let (mut client, server) = connected();
    let (mut first, mut rest) = ([0; 4], [0; 16]);
    assert_eq!(receive_scatter(server.as_fd(), &mut first, &mut rest).unwrap(), Received::Empty);
    client.write_all(b"abcdefg").unwrap();
    let got = until_something(|| receive_scatter(server.as_fd(), &mut first, &mut rest).unwrap());
    assert_eq!((got, &first, &rest[..4]), (Received::Bytes(7), b"abcd", b"efg\0".as_slice()));
    client.write_all(b"x").unwrap();
    let got = until_something(|| receive_scatter(server.as_fd(), &mut [], &mut rest).unwrap());
    assert_eq!((got, rest[0]), (Received::Bytes(1), b'x'));
}

#[test]
fn listeners_of_both_families_share_a_port_and_a_taken_one_is_refused() {
    let four = listen("127.0.0.1:0".parse().unwrap(), 16).unwrap();
    let address = four.local_addr().unwrap();
    assert_eq!(listen(address, 16).unwrap_err().kind(), ErrorKind::AddrInUse);
    match listen(SocketAddr::new("::1".parse().unwrap(), address.port()), u32::MAX) {
        Ok(six) => {
            let _client = TcpStream::connect(six.local_addr().unwrap()).unwrap();
            assert!(accept(&six).peer_addr().unwrap().is_ipv6());
        }
        Err(e) => println!("no IPv6 here ({e}): only IPv4 tested"),
    }
}

#[test]
fn an_address_can_be_taken_again_while_old_connections_linger() {
    let listener = listen("127.0.0.1:0".parse().unwrap(), 16).unwrap();
    let address = listener.local_addr().unwrap();
    let client = TcpStream::connect(address).unwrap();
    drop((accept(&listener), listener));
    drop(client);
    listen(address, 16).unwrap();
}

#[test]
fn tuning_sets_what_was_asked_and_leaves_bbr() {
    use nix::sys::socket::{getsockopt, setsockopt, sockopt};
    let (client, server) = connected();
    // Whether the system has BBR or not: afterwards it is not in use.
    let had = setsockopt(&server, sockopt::TcpCongestion, &"bbr".into()).is_ok();
    tune(&server, Tune { priority: Some(5), ..Tune::default() }).unwrap();
    let name = getsockopt(&server, sockopt::TcpCongestion).unwrap();
    let name = name.to_string_lossy().trim_end_matches('\0').to_owned();
    println!("bbr here: {had}; used: {name}");
    assert!(!name.starts_with("bbr") && !name.is_empty());
    assert!(server.nodelay().unwrap());
    assert_eq!(getsockopt(&server, sockopt::Priority).unwrap(), 5);
    let named = Tune { nodelay: false, priority: None, congestion: Congestion::Named("reno") };
    tune(&client, named).unwrap();
    assert!(!client.nodelay().unwrap());
    assert!(getsockopt(&client, sockopt::TcpCongestion).unwrap().to_string_lossy().starts_with("reno"));
    assert!(tune(&client, Tune { congestion: Congestion::Named("no-such"), ..named }).is_err());
    tune(&client, Tune { congestion: Congestion::System, ..named }).unwrap();
}

#[test]
fn epoll_tells_what_is_ready_and_for_how_long_it_waits() {
    let (mut client, server) = connected();
    let epoll = Epoll::new().unwrap();
    let mut ready = [Ready::NONE; 4];
    epoll.add(server.as_fd(), 77, Interest::READ).unwrap();
    assert!(epoll.add(server.as_fd(), 77, Interest::READ).is_err(), "twice");
    assert_eq!(epoll.wait(&mut ready, Some(Duration::ZERO)).unwrap(), 0);
    let start = Instant::now();
    assert_eq!(epoll.wait(&mut ready, Some(Duration::from_micros(300))).unwrap(), 0);
    assert!(start.elapsed() >= Duration::from_micros(300));
    client.write_all(b"x").unwrap();
    assert_eq!(epoll.wait(&mut ready, None).unwrap(), 1);
    assert!(ready[0].token() == 77 && ready[0].readable() && !ready[0].writable() && !ready[0].closed());
    epoll.modify(server.as_fd(), 78, Interest::BOTH).unwrap();
    assert_eq!(epoll.wait(&mut ready, None).unwrap(), 1, "level-triggered: it is still there");
    assert!(ready[0].token() == 78 && ready[0].readable() && ready[0].writable());
    drop(client);
    epoll.wait(&mut ready, None).unwrap();
    while !ready[0].closed() {
        epoll.wait(&mut ready, None).unwrap();
    }
    epoll.remove(server.as_fd()).unwrap();
    assert_eq!(epoll.wait(&mut ready, Some(Duration::ZERO)).unwrap(), 0);
}

#[test]
fn signals_wake_a_nested_wait_and_are_drained() {
    let (event, inner, outer) = (EventFd::new().unwrap(), Epoll::new().unwrap(), Epoll::new().unwrap());
    inner.add(event.fd(), 1, Interest::READ).unwrap();
    outer.add(inner.fd(), 2, Interest::READ).unwrap();
    assert!(!event.drain());
    std::thread::scope(|threads| {
        threads.spawn(|| {
            std::thread::sleep(Duration::from_millis(20));
            event.signal();
            event.signal();
        });
        let mut ready = [Ready::NONE; 1];
        assert_eq!(outer.wait(&mut ready, Some(Duration::from_secs(10))).unwrap(), 1);
        assert_eq!(ready[0].token(), 2);
    });
    assert!(event.drain() && !event.drain());
    assert_eq!(outer.wait(&mut [Ready::NONE], Some(Duration::ZERO)).unwrap(), 0);
}

#[test]
fn a_thread_stays_on_its_core() {
    let cores = os::online_cores().unwrap();
    assert!(!cores.is_empty() && cores.is_sorted());
    let last = *cores.last().unwrap();
    std::thread::spawn(move || {
        os::pin_to_core(last).unwrap();
        for _ in 0..50 {
            // The 39th field, 37th after the name in brackets: the core it last ran on.
            let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
            let core = stat.rsplit(')').next().unwrap().split_whitespace().nth(36).unwrap().to_owned();
            assert_eq!(core, last.to_string());
            std::thread::yield_now();
        }
    })
    .join()
    .unwrap();
    assert!(os::pin_to_core(1023).is_err());
    assert!(os::pin_to_core(1 << 20).is_err());
}

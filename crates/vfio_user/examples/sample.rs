//! Serves the sample function of the contract, to look at it from a guest: `cargo run -p vfio_user --example sample -- SOCKET`.

use os::{Epoll, Interest, Ready};
use pci::contract::Sample;
use std::time::{Duration, Instant};
use vfio_user::Server;

fn main() -> std::io::Result<()> {
    let path = std::env::args().nth(1).expect("usage: sample SOCKET");
    let mut server = Server::bind(path.as_ref(), Sample::default())?;
    let epoll = Epoll::new()?;
    epoll.add(server.fd(), 0, Interest::READ)?;
    let (clock, mut clients) = (Instant::now(), 0);
    loop {
        while server.poll(clock.elapsed().as_nanos() as u64) > 0 || server.is_pending() {}
        if clients != server.clients() {
            clients = server.clients();
            println!("clients so far: {clients}");
        }
        epoll.wait(&mut [Ready::NONE], Some(Duration::from_secs(1)))?;
    }
}

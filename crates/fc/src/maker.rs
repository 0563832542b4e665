//! Where links come from: who drives ports asks a list of makers.

use crate::{FrameBox, Link, LinkEvent, Names, Wake};
use ring::Tick;
use std::os::fd::BorrowedFd;

/// Makes the ends of one kind of link: the embedded switch, a Unix socket, FCoE. Called on control threads.
pub trait LinkMaker: Send + Sync {
    /// The word that a link of this kind begins with: `fabric`, `unix`, `fcoe`, `vn2vn`.
    fn scheme(&self) -> &'static str;

    /// Makes the N_Port's end of a link. `to` is what follows the scheme and a colon (`/run/fabric.sock`, `eth0`), empty when
    /// there is none. `wake` wakes the core of that end. `names` are the port's: FIP has to say them.
    ///
    /// # Errors
    /// A sentence for the operator: there is no such interface, nobody listens.
    fn make(&self, to: &str, names: Names, wake: Wake) -> Result<Box<dyn Link>, String>;
}

/// Makes the link that `text` (`scheme[:to]`) asks for.
///
/// # Errors
/// A sentence: no maker has that scheme (those there are, are named), or the maker refused.
pub fn make_link(
    makers: &[std::sync::Arc<dyn LinkMaker>],
    text: &str,
    names: Names,
    wake: Wake,
) -> Result<Box<dyn Link>, String> {
    let (scheme, to) = text.split_once(':').unwrap_or((text, ""));
    match makers.iter().find(|maker| maker.scheme() == scheme) {
        Some(maker) => maker.make(to, names, wake),
        None => {
            let known: Vec<_> = makers.iter().map(|maker| maker.scheme()).collect();
            Err(format!("there are no links of the kind '{scheme}'; there are: {}", known.join(", ")))
        }
    }
}

impl Link for Box<dyn Link> {
    fn event(&mut self, now: Tick) -> Option<LinkEvent> {
        (**self).event(now)
    }
    fn receive(&mut self, now: Tick) -> Option<FrameBox> {
        (**self).receive(now)
    }
    fn room(&self) -> usize {
        (**self).room()
    }
    fn send(&mut self, frame: FrameBox) {
        (**self).send(frame);
    }
    fn flush(&mut self, now: Tick) {
        (**self).flush(now);
    }
    fn set_up(&mut self, up: bool) {
        (**self).set_up(up);
    }
    fn max_payload(&self) -> u16 {
        (**self).max_payload()
    }
    fn is_pending(&self) -> bool {
        (**self).is_pending()
    }
    fn deadline(&self) -> Option<Tick> {
        (**self).deadline()
    }
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        (**self).fd()
    }
    fn is_gone(&self) -> bool {
        (**self).is_gone()
    }
    fn peer_name(&self, peer: wire::fc::PortId) -> Option<wire::fc::Wwn> {
        (**self).peer_name(peer)
    }
    fn describe(&self) -> String {
        (**self).describe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Attachment::Login, ring_links};
    use std::sync::Arc;
    use wire::fc::Wwn;

    struct Rings;

    impl LinkMaker for Rings {
        fn scheme(&self) -> &'static str {
            "ring"
        }
        fn make(&self, to: &str, _names: Names, wake: Wake) -> Result<Box<dyn Link>, String> {
            match to {
                "here" => {
                    let [near, far] = ring_links(4, [wake, Arc::new(|| {})]);
                    std::mem::forget(far);
                    Ok(Box::new(near))
                }
                _ => Err(format!("nothing at '{to}'")),
            }
        }
    }

    #[test]
    fn the_scheme_chooses_the_maker() {
        let makers: [Arc<dyn LinkMaker>; 1] = [Arc::new(Rings)];
        let names = Names { node: Wwn(1), port: Wwn(2) };
        let make = |text| make_link(&makers, text, names, Arc::new(|| {}));
        let mut link = make("ring:here").unwrap();
        assert_eq!(link.event(0), Some(LinkEvent::Up(Login)));
        assert_eq!((link.room(), link.describe().as_str()), (4, "ring"));
        assert_eq!(make("ring:there:or").err().unwrap(), "nothing at 'there:or'");
        assert_eq!(make("ring").err().unwrap(), "nothing at ''");
        assert!(make("fcoe:eth0").err().unwrap().contains("'fcoe'; there are: ring"));
    }
}

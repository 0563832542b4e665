//! What the firmware is made of, and what its host asked for when it started it.

use fc::fc2::Limits;
use fc::{Frames, Names};
use wire::fc::Wwn;
use wire::isp::icb::{Icb, Options1, Options2};

/// What the firmware is made of, for life.
pub struct Settings {
    /// Names of the physical port, from the NVRAM; the host's control block has precedence.
    pub names: Names,
    /// The speed code that it tells: 6 is 32 Gb/s.
    pub speed: u16,
    /// Where frames come from: the pool of the link.
    pub frames: Frames,
    /// Memory that data are staged in between the host's memory and frames. A command of more bytes than its largest piece is refused.
    pub pool: dma::Pool,
    /// Sizes of the exchange table.
    pub limits: Limits,
    /// Virtual ports (NPIV) beside the physical one, at most 254.
    pub vports: u8,
}

/// What the host asked for at the start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// Names of the physical port.
    pub names: Names,
    /// Inbound logins and commands go to the host (ICB options 1.4).
    pub target: bool,
    /// The host sends commands (ICB options 1.5 is not set).
    pub initiator: bool,
    /// The host decides on PRLI (ICB options 2.14).
    pub prli_control: bool,
    /// Unsolicited ELS may be passed up (mailbox 38h, word 1 bit 10).
    pub purex: bool,
    /// Unsolicited entries go to the ATIO queue (mailbox 38h, word 2 bit 11).
    pub move_to_atio: bool,
    /// Most payload bytes of a frame that the host wants.
    pub frame_payload: u16,
}

impl Options {
    /// As the control block and mailbox 38h say it.
    pub fn new(settings: Names, icb: &Icb, words: [u16; 3]) -> Self {
        let (one, two): (Options1, Options2) = (icb.options_1(), icb.options_2());
        Self {
            names: names(settings, icb, one),
            target: one.target_mode(),
            initiator: !one.no_initiator(),
            prli_control: two.target_prli_control(),
            purex: words[0] & 1 << 10 != 0,
            move_to_atio: words[1] & 1 << 11 != 0,
            frame_payload: icb.frame_payload.get().clamp(256, wire::fc::MAX_PAYLOAD as u16) & !3,
        }
    }

    /// Those of an adapter that was not started.
    pub fn stopped(names: Names) -> Self {
        Self {
            names,
            target: false,
            initiator: false,
            prli_control: false,
            purex: false,
            move_to_atio: false,
            frame_payload: 2048,
        }
    }
}

/// Without "node name option" the node name is the port name with the upper half of its first byte only.
fn names(settings: Names, icb: &Icb, options: Options1) -> Names {
    let port = Wwn::from_bytes(icb.port_name);
    if port == Wwn::NONE {
        return settings;
    }
    let node = match options.node_name() {
        true => Wwn::from_bytes(icb.node_name),
        false => Wwn(port.0 & 0xf0ff_ffff_ffff_ffff),
    };
    Names { node, port }
}

//! Name server requests and answers.

use crate::capture::{Capture, HOST, TARGET};
use wire::IntoBytes;
use wire::fc::ct::*;
use wire::fc::{PortId, RCtl, Type, Wwn};

const ASK: (RCtl, Type) = (RCtl::UNSOLICITED_CONTROL, Type::CT);
const ANSWER: (RCtl, Type) = (RCtl::SOLICITED_CONTROL, Type::CT);
const SERVER: PortId = PortId::DIRECTORY;
const PORT: Wwn = Wwn(0x2100_0024_ff77_99ab);
const NODE: Wwn = Wwn(0x2000_0024_ff77_99ab);

fn ask(c: &mut Capture, name: &'static str, ox_id: u16, request: Request<'_>, meant: &[(&'static str, &str)]) {
    let mut out = [0; Request::MAX_BYTES];
    let length = request.write(&mut out, 0).unwrap();
    c.request(name, ASK, SERVER, ox_id, &out[..length], meant);
}

fn answer(
    c: &mut Capture,
    name: &'static str,
    ox_id: u16,
    command: Command,
    body: &[u8],
    meant: &[(&'static str, &str)],
) {
    let mut payload = CtHeader::name_server(command).accept(0).to_bytes().to_vec();
    payload.extend(body);
    c.reply(name, ANSWER, SERVER, ox_id, &payload, meant);
}

pub fn capture() -> Capture {
    let mut c = Capture::default();
    registrations(&mut c);
    lists(&mut c);
    objects(&mut c);
    c
}

fn registrations(c: &mut Capture) {
    ask(
        c,
        "RPN_ID",
        0x21,
        Request::RpnId(HOST, PORT),
        &[
            ("fcdns.opcode", "0x0212"),
            ("fcct.gstype", "0xfc"),
            ("fcct.gssubtype", "0x02"),
            ("fcdns.req.portid", "01.02.00"),
            ("fcdns.req.portname", "21:00:00:24:ff:77:99:ab"),
        ],
    );
    answer(c, "RPN_ID accept", 0x21, Command::RPN_ID, &[], &[("fcdns.opcode", "0x8002")]);
    ask(
        c,
        "RNN_ID",
        0x22,
        Request::RnnId(HOST, NODE),
        &[("fcdns.opcode", "0x0213"), ("fcdns.req.nname", "20:00:00:24:ff:77:99:ab")],
    );
    ask(
        c,
        "RFT_ID",
        0x23,
        Request::RftId(HOST, Fc4Types::NONE.with(Type::FCP)),
        &[
            ("fcdns.opcode", "0x0217"),
            ("fcdns.req.portid", "01.02.00"),
            ("fcdns.fc4types.fcp", "1"),
            ("fcdns.fc4types.ip", "0"),
        ],
    );
    let features = FeatureBits(0).with_initiator(true);
    ask(
        c,
        "RFF_ID",
        0x24,
        Request::RffId(HOST, features, Type::FCP),
        &[
            ("fcdns.opcode", "0x021f"),
            ("fcdns.fc4features.i", "1"),
            ("fcdns.fc4features.t", "0"),
            ("fcdns.req.fc4type", "0x08"),
        ],
    );
    ask(
        c,
        "RSNN_NN",
        0x25,
        Request::RsnnNn(NODE, SymbolicName::new(b"qfc on test")),
        &[
            ("fcdns.opcode", "0x0239"),
            ("fcdns.req.nname", "20:00:00:24:ff:77:99:ab"),
            ("fcdns.req.snamelen", "11"),
            ("fcdns.req.sname", "qfc on test"),
        ],
    );
    ask(
        c,
        "RSPN_ID",
        0x26,
        Request::RspnId(HOST, SymbolicName::new(b"port 0")),
        &[("fcdns.opcode", "0x0218"), ("fcdns.req.spnamelen", "6"), ("fcdns.req.spname", "port 0")],
    );
    ask(c, "RCS_ID", 0x27, Request::RcsId(HOST, 1 << 3), &[("fcdns.opcode", "0x0214"), ("fcdns.cos.3", "1")]);
    ask(
        c,
        "RPT_ID",
        0x28,
        Request::RptId(HOST, PortType::N_PORT),
        &[("fcdns.opcode", "0x021a"), ("fcdns.req.porttype", "0x01")],
    );
    ask(c, "DA_ID", 0x29, Request::ById(Command::DA_ID, HOST), &[("fcdns.opcode", "0x0300")]);
}

fn lists(c: &mut Capture) {
    let of_type = |command| Request::ByType { command, domain: 0, area: 0, type_: Type::FCP };
    ask(c, "GID_FT", 0x31, of_type(Command::GID_FT), &[("fcdns.opcode", "0x0171"), ("fcdns.req.fc4type", "0x08")]);
    let mut body = [0; 12];
    let ids = [PortEntry::new(HOST), PortEntry::new(TARGET), PortEntry::new(PortId(0x0a0b0c))];
    assert_eq!(write_port_entries(&mut body, &ids), (12, 0));
    answer(
        c,
        "GID_FT accept",
        0x31,
        Command::GID_FT,
        &body,
        &[("fcdns.opcode", "0x8002"), ("fcdns.rply.portid", "01.02.00,01.03.00,0a.0b.0c")],
    );
    ask(c, "GPN_FT", 0x32, of_type(Command::GPN_FT), &[("fcdns.opcode", "0x0172"), ("fcdns.req.fc4type", "0x08")]);
    let mut body = [0; 32];
    let names = [NameEntry::new(HOST, PORT), NameEntry::new(TARGET, Wwn(0x2100_0000_0000_0002))];
    assert_eq!(write_name_entries(&mut body, &names), (32, 0));
    // tshark 4.0 reads the names of these two lists four bytes too early (FC-GS-8 has a reserved word before them).
    answer(c, "GPN_FT accept", 0x32, Command::GPN_FT, &body, &[("fcdns.rply.portid", "01.02.00,01.03.00")]);
    ask(c, "GNN_FT", 0x33, of_type(Command::GNN_FT), &[("fcdns.opcode", "0x0173")]);
    answer(c, "GNN_FT accept", 0x33, Command::GNN_FT, &body, &[("fcdns.rply.portid", "01.02.00,01.03.00")]);
    ask(
        c,
        "GID_PT",
        0x34,
        Request::GidPt { port_type: PortType::N_PORT, domain: 1, area: 2 },
        &[
            ("fcdns.opcode", "0x01a1"),
            ("fcdns.req.porttype", "0x01"),
            ("fcdns.req.domainid", "0x01"),
            ("fcdns.req.areaid", "0x02"),
        ],
    );
    let features = FeatureBits(0).with_target(true);
    ask(
        c,
        "GID_FF",
        0x35,
        Request::GidFf { domain: 1, area: 2, features, type_: Type::FCP },
        &[
            ("fcdns.opcode", "0x01f1"),
            ("fcdns.req.domainid", "0x01"),
            ("fcdns.fc4features.t", "1"),
            ("fcdns.req.fc4type", "0x08"),
        ],
    );
    c.reply(
        "reject",
        ANSWER,
        SERVER,
        0x34,
        &CtHeader::name_server(Command::GID_PT).reject(Reject::NO_FC4_TYPE).to_bytes(),
        &[("fcdns.opcode", "0x8001"), ("fcdns.rply.reason", "0x09"), ("fcdns.rply.reasondet", "0x07")],
    );
}

fn objects(c: &mut Capture) {
    ask(
        c,
        "GID_PN",
        0x41,
        Request::ByName(Command::GID_PN, PORT),
        &[("fcdns.opcode", "0x0121"), ("fcdns.req.portname", "21:00:00:24:ff:77:99:ab")],
    );
    answer(
        c,
        "GID_PN accept",
        0x41,
        Command::GID_PN,
        &PortIdObject::new(HOST).to_bytes(),
        &[("fcdns.rply.portid", "01.02.00")],
    );
    ask(
        c,
        "GPN_ID",
        0x42,
        Request::ById(Command::GPN_ID, HOST),
        &[("fcdns.opcode", "0x0112"), ("fcdns.req.portid", "01.02.00")],
    );
    answer(
        c,
        "GPN_ID accept",
        0x42,
        Command::GPN_ID,
        &PORT.to_bytes(),
        &[("fcdns.rply.pname", "21:00:00:24:ff:77:99:ab")],
    );
    ask(c, "GFT_ID", 0x43, Request::ById(Command::GFT_ID, HOST), &[("fcdns.opcode", "0x0117")]);
    let types = Fc4Types::NONE.with(Type::FCP).with(Type::CT);
    answer(
        c,
        "GFT_ID accept",
        0x43,
        Command::GFT_ID,
        &types.0,
        &[("fcdns.fc4types.fcp", "1"), ("fcdns.fc4types.gs3", "1")],
    );
    ask(c, "GA_NXT", 0x44, Request::ById(Command::GA_NXT, HOST), &[("fcdns.opcode", "0x0100")]);
    let mut port = GaNxt::new(PortType::N_PORT, TARGET, PORT, NODE);
    port.set_symbolic_names(SymbolicName::new(b"the port"), SymbolicName::new(b"the node"));
    port.types = Fc4Types::NONE.with(Type::FCP);
    port.fabric_port_name = Wwn(0x2001_0000_0000_0001).to_bytes();
    answer(
        c,
        "GA_NXT accept",
        0x44,
        Command::GA_NXT,
        port.as_bytes(),
        &[
            ("fcdns.rply.porttype", "0x01"),
            ("fcdns.rply.portid", "01.03.00"),
            ("fcdns.rply.pname", "21:00:00:24:ff:77:99:ab"),
            ("fcdns.rply.nname", "20:00:00:24:ff:77:99:ab"),
            ("fcdns.rply.spname", "the port"),
            ("fcdns.rply.sname", "the node"),
            ("fcdns.rply.fpname", "20:01:00:00:00:00:00:01"),
            ("fcdns.fc4types.fcp", "1"),
            ("fcdns.cos.3", "1"),
        ],
    );
}

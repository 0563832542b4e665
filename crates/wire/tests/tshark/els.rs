//! Extended and basic link services.

use crate::capture::{Capture, HOST, TARGET};
use wire::fc::bls::{BaAcc, BaRjt};
use wire::fc::els::*;
use wire::fc::{FCtl, FrameHeader, PortId, RCtl, Type, Wwn};

const ASK: (RCtl, Type) = (RCtl::ELS_REQUEST, Type::ELS);
const ANSWER: (RCtl, Type) = (RCtl::ELS_REPLY, Type::ELS);
const PORT: Wwn = Wwn(0x2100_0024_ff77_99ab);
const NODE: Wwn = Wwn(0x2000_0024_ff77_99ab);
const FABRIC: PortId = PortId::FABRIC;

fn pages(command: Command, pages: &[Page]) -> Vec<u8> {
    let mut out = vec![0; 256];
    let length = write_pages(&mut out, command, pages).unwrap();
    out.truncate(length);
    out
}

pub fn capture() -> Capture {
    let mut c = Capture::default();
    logins(&mut c);
    processes(&mut c);
    exchanges(&mut c);
    rest(&mut c);
    basic(&mut c);
    c
}

fn logins(c: &mut Capture) {
    let flogi = Login::fabric(Command::FLOGI, PORT, NODE, 2112, true).with_credit(10);
    c.request(
        "FLOGI",
        ASK,
        FABRIC,
        0x11,
        &flogi.to_bytes(),
        &[
            ("fcels.opcode", "0x04"),
            ("fcels.logi.b2b", "10"),
            ("fcels.logi.rcvsize", "2112"),
            ("fcels.npname", "21:00:00:24:ff:77:99:ab"),
            ("fcels.fnname", "20:00:00:24:ff:77:99:ab"),
        ],
    );
    let accept = Login::fabric_accept(Wwn(0x2001_0000_0000_0001), Wwn(0x1000_0000_0000_0001), 2112, true);
    c.reply(
        "FLOGI accept",
        ANSWER,
        FABRIC,
        0x11,
        &accept.to_bytes(),
        &[
            ("fcels.opcode", "0x02"),
            ("fcels.logi.rcvsize", "2112"),
            ("fcels.npname", "20:01:00:00:00:00:00:01"),
            ("fcels.fnname", "10:00:00:00:00:00:00:01"),
        ],
    );
    let plogi = Login::n_port(Command::PLOGI, PORT, NODE, 2048);
    c.request(
        "PLOGI",
        ASK,
        TARGET,
        0x12,
        &plogi.to_bytes(),
        &[
            ("fcels.opcode", "0x03"),
            ("fcels.logi.b2b", "4"),
            ("fcels.logi.cmnfeatures", "0x8000"),
            ("fcels.logi.rcvsize", "2048"),
            ("fcels.logi.maxconseq", "255"),
            ("fcels.npname", "21:00:00:24:ff:77:99:ab"),
            ("fcels.fnname", "20:00:00:24:ff:77:99:ab"),
        ],
    );
    let accept = Login::n_port(Command::LS_ACC, Wwn(1), Wwn(2), 1024);
    c.reply("PLOGI accept", ANSWER, TARGET, 0x12, &accept.to_bytes(), &[("fcels.logi.rcvsize", "1024")]);
    let fdisc = Login::fabric(Command::FDISC, PORT, NODE, 2112, true);
    c.request("FDISC", ASK, FABRIC, 0x13, &fdisc.to_bytes(), &[("fcels.opcode", "0x51")]);
    let rjt = LsRjt::new(Reject::new(Reason::UNABLE, Explanation::INSUFFICIENT_RESOURCES));
    c.reply(
        "LS_RJT",
        ANSWER,
        FABRIC,
        0x13,
        &rjt.to_bytes(),
        &[("fcels.opcode", "0x01"), ("fcels.rjt.reason", "0x09"), ("fcels.rjt.detail", "0x29")],
    );
}

fn processes(c: &mut Capture) {
    let params = FcpParams(0).with_initiator(true).with_read_xfer_rdy_disabled(true).with_confirmed_completion(true);
    c.request(
        "PRLI",
        ASK,
        TARGET,
        0x14,
        &pages(Command::PRLI, &[Page::fcp(params)]),
        &[
            ("fcels.opcode", "0x20"),
            ("fcels.prlilo.type", "8"),
            ("fcels.prlilo.page_length", "16"),
            ("fcels.prlilo.payload_length", "20"),
            ("fcels.fcpflags.initiator", "1"),
            ("fcels.fcpflags.target", "0"),
            ("fcels.fcpflags.rdxr", "1"),
            ("fcels.fcpflags.ccomp", "1"),
        ],
    );
    let params = FcpParams(0).with_target(true).with_read_xfer_rdy_disabled(true).with_retry(true);
    let accept = Page::fcp(params).respond(PageResponse::EXECUTED, params.0);
    c.reply(
        "PRLI accept",
        ANSWER,
        TARGET,
        0x14,
        &pages(Command::LS_ACC, &[accept]),
        &[
            ("fcels.prlilo.type", "8"),
            ("fcels.fcpflags.target", "1"),
            ("fcels.fcpflags.initiator", "0"),
            ("fcels.fcpflags.retry", "1"),
        ],
    );
    let params = NvmeParams(0).with_target(true).with_discovery(true);
    let nvme = pages(Command::PRLI, &[Page::nvme(params, 0)]);
    c.request(
        "PRLI for NVMe",
        ASK,
        TARGET,
        0x1e,
        &nvme,
        &[
            ("fcels.opcode", "0x20"),
            ("fcels.prlilo.type", "40"),
            ("fcels.prlilo.page_length", "20"),
            ("fcels.prlilo.payload_length", "24"),
        ],
    );
    c.request(
        "PRLO",
        ASK,
        TARGET,
        0x15,
        &pages(Command::PRLO, &[Page::logout(Type::FCP)]),
        &[("fcels.opcode", "0x21"), ("fcels.prlilo.type", "8"), ("fcels.prlilo.payload_length", "20")],
    );
}

fn exchanges(c: &mut Capture) {
    c.request(
        "RRQ",
        ASK,
        TARGET,
        0x16,
        &ExchangeId::new(Command::RRQ, HOST, 0x1234, 0x5678).to_bytes(),
        &[("fcels.opcode", "0x12"), ("fcels.portid", "01.02.00"), ("fcels.oxid", "0x1234"), ("fcels.rxid", "0x5678")],
    );
    let rec = ExchangeId::new(Command::REC, HOST, 0x1234, 0xffff);
    c.request("REC", ASK, TARGET, 0x17, &rec.to_bytes(), &[("fcels.opcode", "0x13"), ("fcels.oxid", "0x1234")]);
    let status = RecStatus(0).with_initiative_here(true).with_owner_is_responder(true);
    c.reply(
        "REC accept",
        ANSWER,
        TARGET,
        0x17,
        &RecAcc::new(&rec, 0x5678, TARGET, 4096, status).to_bytes(),
        &[
            ("fcels.oxid", "0x1234"),
            ("fcels.rxid", "0x5678"),
            ("fcels.portid", "01.02.00"),
            ("fcels.resportid", "01.03.00"),
            ("fcels.rec.fc4value", "0x00001000"),
            ("fcels.estat.resp", "1"),
            ("fcels.estat.seq_init", "1"),
            ("fcels.estat.complete", "0"),
        ],
    );
}

fn rest(c: &mut Capture) {
    c.request(
        "LOGO",
        ASK,
        TARGET,
        0x18,
        &Logo::new(HOST, PORT).to_bytes(),
        &[("fcels.opcode", "0x05"), ("fcels.portid", "01.02.00"), ("fcels.npname", "21:00:00:24:ff:77:99:ab")],
    );
    c.reply("LOGO accept", ANSWER, TARGET, 0x18, &LsAcc::PLAIN.to_bytes(), &[("fcels.opcode", "0x02")]);
    c.request(
        "ADISC",
        ASK,
        TARGET,
        0x19,
        &Adisc::new(Command::ADISC, PORT, NODE, HOST).to_bytes(),
        &[
            ("fcels.opcode", "0x52"),
            ("fcels.npname", "21:00:00:24:ff:77:99:ab"),
            ("fcels.fnname", "20:00:00:24:ff:77:99:ab"),
            ("fcels.portid", "01.02.00"),
        ],
    );
    c.request(
        "SCR",
        ASK,
        PortId::FABRIC_CONTROLLER,
        0x1a,
        &Scr::new(ScrFunction::FULL).to_bytes(),
        &[("fcels.opcode", "0x62"), ("fcels.scr.regn", "0x03")],
    );
    let mut rscn = [0; 12];
    let affected = [
        RscnPage::new(EventQualifier::NAME_SERVER, AddressFormat::PORT, TARGET),
        RscnPage::new(EventQualifier::NONE, AddressFormat::DOMAIN, PortId(0x040000)),
    ];
    write_rscn(&mut rscn, &affected).unwrap();
    c.request(
        "RSCN",
        ASK,
        TARGET,
        0x1b,
        &rscn,
        &[
            ("fcels.opcode", "0x61"),
            ("fcels.rscn.payload_len", "12"),
            ("fcels.rscn.evqual", "0x01,0x00"),
            ("fcels.rscn.addrfmt", "0x00,0x02"),
            ("fcels.rscn.domain", "0x01,0x04"),
            ("fcels.rscn.area", "0x03,0x00"),
        ],
    );
    // tshark does not look into these; it must not find them malformed.
    c.request("RLS", ASK, TARGET, 0x1c, &Rls::new(TARGET).to_bytes(), &[]);
    let errors = LinkErrors { link_failures: 1.into(), invalid_crcs: 6.into(), ..LinkErrors::default() };
    c.reply("RLS accept", ANSWER, TARGET, 0x1c, &RlsAcc::new(errors).to_bytes(), &[]);
    c.request("RTV", ASK, TARGET, 0x1d, &[0x0e, 0, 0, 0], &[]);
}

fn basic(c: &mut Capture) {
    let abts =
        FrameHeader::new(RCtl::ABTS, Type::BLS, HOST, TARGET).with_f_ctl(FCtl::REQUEST).with_exchange(0x1234, 0xffff);
    c.fc("ABTS", abts, &[], &[]);
    let reply =
        |r_ctl| FrameHeader::new(r_ctl, Type::BLS, TARGET, HOST).with_f_ctl(FCtl::REPLY).with_exchange(0x1234, 0x5678);
    c.fc(
        "BA_ACC",
        reply(RCtl::BA_ACC),
        &BaAcc::exchange(0x1234, 0x5678).with_last_sequence(3).to_bytes(),
        &[
            ("fc.bls_seqidvld", "0x80"),
            ("fc.bls_lastseqid", "0x03"),
            ("fc.bls_oxid", "0x1234"),
            ("fc.bls_rxid", "0x5678"),
            ("fc.bls_lseqcnt", "0x0000"),
            ("fc.bls_hseqcnt", "0xffff"),
        ],
    );
    c.fc(
        "BA_RJT",
        reply(RCtl::BA_RJT),
        &BaRjt::UNKNOWN_EXCHANGE.to_bytes(),
        &[("fc.bls_reason", "0x03"), ("fc.bls_rjtdetail", "0x03")],
    );
}

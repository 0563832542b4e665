//! `els`: extended and basic link services, names as text. Input: the payload of a request or of a reply; as text, a name.

use wire::fc::bls::{BaAcc, BaRjt};
use wire::fc::els::*;
use wire::fc::{MAX_PAYLOAD, MIN_PAYLOAD, PortId, Wwn};
use wire::fcnvme::TrAddr;
use wire::{IntoBytes, parse};

/// One input.
pub fn run(data: &[u8]) {
    if data.len() > crate::INPUT_MAX {
        return;
    }
    match Request::parse(data) {
        Ok(request) => same(data, request),
        Err(reject) => {
            let reply = LsRjt::new(reject).to_bytes();
            assert_eq!(accepted(&reply), Err(Refusal::Rejected(reject)), "what we answer is understood");
        }
    }
    replies(data);
    basic(data);
    text(data);
}

/// What was read and is written again are the bytes that came.
fn same(data: &[u8], request: Request<'_>) {
    match request {
        Request::Flogi(login) | Request::Fdisc(login) | Request::Plogi(login) | Request::Pdisc(login) => {
            assert_eq!(login.to_bytes(), data[..116]);
            logged_in(login);
        }
        Request::Logo(logo) => assert_eq!(logo.to_bytes(), data[..16]),
        Request::Adisc(adisc) => assert_eq!(adisc.to_bytes(), data[..28]),
        Request::Rrq(id) | Request::Rec(id) => assert_eq!(id.to_bytes(), data[..12]),
        Request::Prli(pages) | Request::Prlo(pages) | Request::Tprlo(pages) => paged(data, pages),
        Request::Rscn(rscn) => notified(data, rscn),
        Request::Scr(function) => assert_eq!(data[7], function.0),
        Request::Rls(port) => assert_eq!(port.to_bytes(), data[5..8]),
        Request::Echo(payload) => assert_eq!(payload, &data[4..]),
        Request::Rtv | Request::Test => {}
    }
}

fn logged_in(login: &Login) {
    if let Some(size) = login.receive_size() {
        assert!((MIN_PAYLOAD..=MAX_PAYLOAD).contains(&usize::from(size)) && size % 4 == 0, "{size}");
    }
    assert!(login.common.e_d_tov_ms() <= login.common.e_d_tov.get());
}

fn paged(data: &[u8], pages: Pages<'_>) {
    let all: Vec<Page> = pages.collect();
    assert!(!all.is_empty() && all.len() * pages.page_bytes() <= data.len() - 4);
    let mut out = vec![0; data.len() + 4 * all.len()];
    let command = Command(data[0]);
    let length = write_pages(&mut out, command, &all).expect("no more than what came, or a little");
    assert!(Pages::parse(&out[..length]).expect("what was written is sound").eq(all.iter().copied()));
    if matches!(pages.page_bytes(), 16 | 20) {
        assert_eq!(out[..length], data[..length]);
    }
    for (i, page) in all.iter().enumerate().filter(|_| pages.page_bytes() == 16) {
        assert_eq!(ThirdPartyPage::of(page).as_bytes(), &data[4 + i * 16..][..16]);
    }
    let _: Vec<_> = all.iter().map(|page| (page.response(), page.first_burst_bytes())).collect();
}

fn notified(data: &[u8], rscn: Rscn<'_>) {
    let mut out = vec![0; data.len()];
    let length = write_rscn(&mut out, rscn.pages()).expect("as long as it came");
    assert_eq!(out[..length], data[..length]);
    for page in rscn.pages() {
        assert!(page.affects(page.port_id()), "{page:?}");
        assert_eq!(page.affects(PortId(0)) && page.affects(PortId(0xff_ffff)), page.format() == AddressFormat::FABRIC);
    }
}

fn replies(data: &[u8]) {
    let Ok(accept) = accepted(data) else { return };
    assert_eq!(accept[0], Command::LS_ACC.0);
    parse(accept).map(logged_in);
    if let Some(pages) = Pages::parse(accept) {
        paged(accept, pages);
    }
    assert!(parse::<RecAcc>(accept).is_none_or(|acc| acc.to_bytes() == accept[..24]));
    assert!(parse::<RtvAcc>(accept).is_none_or(|acc| acc.e_d_tov_ms() <= acc.e_d_tov.get()));
    assert!(parse::<RlsAcc>(accept).is_none_or(|acc| acc.to_bytes() == accept[..28]));
}

fn basic(data: &[u8]) {
    assert!(
        parse::<BaAcc>(data).is_none_or(|acc| acc.to_bytes() == data[..12] && acc.last_sequence() != Some(!acc.seq_id))
    );
    assert!(parse::<BaRjt>(data).is_none_or(|rjt| rjt.to_bytes() == data[..4]));
}

/// A name that is taken prints as one that means the same.
fn text(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(name) = text.parse::<Wwn>() {
        assert_eq!(name.to_string().parse(), Ok(name));
        assert_eq!(name.colons().to_string().parse(), Ok(name));
    }
    if let Ok(address) = text.parse::<TrAddr>() {
        assert_eq!(address.to_string().parse(), Ok(address));
    }
}

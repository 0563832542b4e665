//! Extended link services. FC-LS-4 clause 4 (and FC-FS-5 for the frames: R_CTL 22h requests, 23h replies, TYPE 01h).
//!
//! Each service has a layout with constructors for the side that sends it; [`Request::parse`] reads whatever arrives at a
//! port, [`accepted`] what comes back.

mod command;
mod exchange;
mod login;
mod notify;
mod process;
mod reject;
mod status;

pub use command::{Command, Request};
pub use exchange::{ExchangeId, RecAcc, RecStatus};
pub use login::{ClassFlags, ClassParams, CommonFeatures, CommonParams, LOGIN_LONG_BYTES, Login};
pub use notify::{AddressFormat, EventQualifier, Rscn, RscnPage, Scr, ScrFunction, write_rscn};
pub use process::{
    FcpParams, NvmeParams, Page, PageFlags, PageResponse, Pages, ProcessHeader, ThirdPartyPage, write_pages,
};
pub use reject::{Explanation, LsRjt, Reason, Refusal, Reject, accepted};
pub use status::{Adisc, LinkErrors, Logo, LsAcc, Rls, RlsAcc, RtvAcc, TimeoutQualifier};

//! Login and logout of a remote port.

use super::{CompletionStatus, LeId};
use crate::{U16, U32};

open_enum! {
    /// What is to be done: bits 3:0 of the control flags.
    pub enum LoginCommand: u8 {
        /// PLOGI.
        PLOGI = 0x0,
        /// PRLI.
        PRLI = 0x1,
        /// PDISC.
        PDISC = 0x2,
        /// ADISC.
        ADISC = 0x3,
        /// LOGO.
        LOGO = 0x8,
        /// PRLO.
        PRLO = 0x9,
        /// TPRLO.
        TPRLO = 0xa,
    }
}

bitfield! {
    /// Control flags. Bits 4 to 7 mean one thing with PLOGI and PRLI, another with LOGO and PRLO.
    pub struct LoginFlags(u16) {
        flags {
            /// PLOGI: not when there is a login already.
            conditional, with_conditional = 4;
            /// PLOGI: no PRLI after it.
            skip_prli, with_skip_prli = 5;
            /// PRLI: of NVMe.
            nvme, with_nvme = 6;
            /// PLOGI: use the common features.
            common_features, with_common_features = 7;
            /// LOGO, PRLO: send no frame.
            implicit, with_implicit = 4;
            /// LOGO: of all ports, without frames.
            implicit_all, with_implicit_all = 5;
            /// LOGO: send a frame.
            explicit, with_explicit = 6;
            /// LOGO: the handle is free afterwards.
            free_handle, with_free_handle = 7;
            /// Class 2.
            class_2, with_class_2 = 8;
            /// PRLI: FCP-2 override.
            fcp_2_override, with_fcp_2_override = 9;
            /// LOGO of all: the name server, too.
            include_sns, with_include_sns = 10;
        }
        fields {
            /// See [`LoginCommand`].
            code, with_code: u8 = 0, 4;
        }
    }
}

impl LoginFlags {
    /// What is to be done.
    pub const fn command(self) -> LoginCommand {
        LoginCommand(self.code())
    }
}

open_enum! {
    /// Why a login failed: `io_parameter[0]` with [`CompletionStatus::IOCB_ERROR`].
    pub enum LoginSubcode: u32 {
        /// No link.
        NO_LINK = 0x01,
        /// No IOCB resource.
        NO_IOCB = 0x02,
        /// No exchange.
        NO_EXCHANGE = 0x03,
        /// The command failed.
        COMMAND_FAILED = 0x04,
        /// No fabric.
        NO_FABRIC = 0x05,
        /// The firmware is not ready.
        NOT_READY = 0x07,
        /// Not logged in.
        NOT_LOGGED_IN = 0x09,
        /// No port control block.
        NO_PORT_CONTROL_BLOCK = 0x0a,
        /// LS_RJT; its reason and explanation are in the next parameter.
        ELS_REJECTED = 0x18,
        /// A parameter is not valid; the next parameter is its offset.
        PARAMETER = 0x19,
        /// The address is in use by the handle in the next parameter.
        PORT_ID_USED = 0x1a,
        /// The handle is in use by the address in the next parameter.
        HANDLE_USED = 0x1b,
        /// No handle is free.
        NO_HANDLE = 0x1c,
        /// Logged in already.
        LOGGED_IN = 0x1d,
        /// FLOGI was not accepted.
        NO_FLOGI_ACC = 0x1f,
    }
}

bitfield! {
    /// `io_parameter[0]` of a PRLI, or of a PLOGI with PRLI, that went well: word 3 of the peer's service parameters.
    pub struct PrliParameters(u32) {
        flags {
            /// NVMe: first burst.
            first_burst, with_first_burst = 0;
            /// NVMe: discovery service.
            discovery, with_discovery = 3;
            /// Target.
            target, with_target = 4;
            /// Initiator.
            initiator, with_initiator = 5;
            /// Confirmed completion.
            confirm, with_confirm = 7;
            /// FCP: retry; NVMe: sequence level error recovery.
            retry, with_retry = 8;
            /// NVMe: protection information control.
            pi_control, with_pi_control = 9;
        }
        fields {}
    }
}

entry! {
    /// Login or logout of a port; the completion is the same entry.
    pub struct LoginLogout: LOGIN_LOGOUT {
        /// The host's.
        handle: U32 = 4,
        /// See [`CompletionStatus`].
        comp_status: U16 = 8,
        /// The handle that the port has or is to have.
        nport_handle: U16 = 10,
        /// See [`LoginFlags`].
        control_flags: U16 = 12,
        /// Virtual port.
        vp_index: u8 = 14,
        /// Reserved.
        rsvd15: u8 = 15,
        /// Address of the port.
        port_id: LeId = 16,
        /// Words of response.
        response_size: u8 = 19,
        /// Parameters, by command and outcome.
        io_parameter: [U32; 11] = 20,
    }
}

impl LoginLogout {
    /// Completion status.
    pub const fn comp_status(&self) -> CompletionStatus {
        CompletionStatus(self.comp_status.get())
    }

    /// Control flags.
    pub const fn control(&self) -> LoginFlags {
        LoginFlags(self.control_flags.get())
    }

    /// The completion of this request: all went well.
    #[must_use]
    pub fn completed(mut self, prli: PrliParameters) -> Self {
        self.comp_status.set(CompletionStatus::COMPLETE.0);
        self.io_parameter = [U32::ZERO; 11];
        self.io_parameter[0].set(prli.0);
        self
    }

    /// The completion of this request: it failed.
    #[must_use]
    pub fn failed(mut self, subcode: LoginSubcode, detail: u32) -> Self {
        self.comp_status.set(CompletionStatus::IOCB_ERROR.0);
        self.io_parameter = [U32::ZERO; 11];
        self.io_parameter[0].set(subcode.0);
        self.io_parameter[1].set(detail);
        self
    }

    /// Why it failed, and the parameter beside; `None`: it did not, or the completion status says all.
    pub fn failure(&self) -> Option<(LoginSubcode, u32)> {
        let failed = self.comp_status() == CompletionStatus::IOCB_ERROR;
        failed.then(|| (LoginSubcode(self.io_parameter[0].get()), self.io_parameter[1].get()))
    }

    /// The peer's service parameters, of a completion without failure.
    pub const fn prli(&self) -> PrliParameters {
        PrliParameters(self.io_parameter[0].get())
    }
}

//! Registers: where they are in BAR0 and BAR4, and what is in them.
//!
//! All of BAR0 is 32 bits wide but the mailboxes, which are 16. BAR4 has one page of pointers for each queue number.

/// PCI vendor.
pub const VENDOR: u16 = 0x1077;
/// PCI device of the ISP2031 (QLE2660, QLE2670 and their relatives, 16 Gb/s).
pub const DEVICE_2031: u16 = 0x2031;
/// PCI device of the ISP2261 (QLE2690, QLE2740 and their relatives, 16 and 32 Gb/s).
pub const DEVICE_2261: u16 = 0x2261;
/// PCI device of the ISP2071, an early ISP27xx.
pub const DEVICE_2071: u16 = 0x2071;
/// PCI device of the ISP2271, an ISP27xx.
pub const DEVICE_2271: u16 = 0x2271;
/// PCI class code: serial bus, Fibre Channel.
pub const CLASS: u32 = 0x000c_0400;
/// Where in configuration space drivers expect the MSI-X capability.
pub const MSIX_CAPABILITY: u16 = 0x90;

/// Flash access address, in dwords. Bit 31: see [`FLASH_FLAG`].
pub const FLASH_ADDRESS: u64 = 0x00;
/// Flash access data.
pub const FLASH_DATA: u64 = 0x04;
/// See [`CtrlStatus`].
pub const CTRL_STATUS: u64 = 0x08;
/// Interrupt control: see [`ICTRL_ENABLE`].
pub const ICTRL: u64 = 0x0c;
/// Interrupt status: see [`ISTATUS_PENDING`].
pub const ISTATUS: u64 = 0x10;
/// In-pointer of request queue 0 of chips before the ISP2031; later ones have it in BAR4.
pub const REQUEST_IN: u64 = 0x1c;
/// Out-pointer of request queue 0 of chips before the ISP2031.
pub const REQUEST_OUT: u64 = 0x20;
/// In-pointer of response queue 0 of chips before the ISP2031.
pub const RESPONSE_IN: u64 = 0x24;
/// Out-pointer of response queue 0 of chips before the ISP2031.
pub const RESPONSE_OUT: u64 = 0x28;
/// In-pointer of the priority request queue.
pub const PRIORITY_IN: u64 = 0x2c;
/// Out-pointer of the priority request queue.
pub const PRIORITY_OUT: u64 = 0x30;
/// See [`HostStatus`].
pub const HOST_STATUS: u64 = 0x44;
/// See [`HccrCommand`] and [`HccrStatus`].
pub const HCCR: u64 = 0x48;
/// General purpose output data.
pub const GPIO_DATA: u64 = 0x4c;
/// General purpose output enables.
pub const GPIO_ENABLE: u64 = 0x50;
/// Chooses what of the RISC's I/O space is seen at [`IOBASE_WINDOW`].
pub const IOBASE_ADDRESS: u64 = 0x54;
/// The first of the [`MAILBOXES`] mailboxes of 16 bits.
pub const MAILBOX: u64 = 0x80;
/// How many mailboxes there are.
pub const MAILBOXES: usize = 32;
/// 16 dwords of the RISC's I/O space.
pub const IOBASE_WINDOW: u64 = 0xc0;
/// As much of BAR0 as is registers.
pub const REGISTERS: u64 = 0x100;

/// Bytes of BAR0.
pub const BAR0_BYTES: u64 = 0x1000;
/// Bytes of BAR2: MSI-X table at 0, pending bits at [`MSIX_PENDING`].
pub const BAR2_BYTES: u64 = 0x2000;
/// Where in BAR2 the MSI-X pending bits are.
pub const MSIX_PENDING: u64 = 0x1000;
/// Bytes of BAR4.
pub const BAR4_BYTES: u64 = 0x10_0000;

/// Where mailbox `n` is in BAR0.
pub const fn mailbox(n: usize) -> u64 {
    MAILBOX + 2 * n as u64
}

/// Bytes of BAR4 for each queue number.
pub const QUEUE_PAGE: u64 = 0x1000;
/// In a page: in-pointer of the request queue, written by the host.
pub const QUEUE_REQUEST_IN: u64 = 0x00;
/// In a page: out-pointer of the request queue, written by the adapter.
pub const QUEUE_REQUEST_OUT: u64 = 0x04;
/// In a page: in-pointer of the response queue, written by the adapter.
pub const QUEUE_RESPONSE_IN: u64 = 0x08;
/// In a page: out-pointer of the response queue, written by the host.
pub const QUEUE_RESPONSE_OUT: u64 = 0x0c;
/// In page 0: in-pointer of the ATIO queue, written by the adapter.
pub const QUEUE_ATIO_IN: u64 = 0x10;
/// In page 0: out-pointer of the ATIO queue, written by the host.
pub const QUEUE_ATIO_OUT: u64 = 0x14;

/// Where in BAR4 a pointer of a queue is.
pub const fn queue_register(queue: u16, register: u64) -> u64 {
    queue as u64 * QUEUE_PAGE + register
}

/// Bit of [`ICTRL`]: the RISC may interrupt the host.
pub const ICTRL_ENABLE: u32 = 1 << 3;
/// Bit of [`ISTATUS`]: the RISC interrupts the host.
pub const ISTATUS_PENDING: u32 = 1 << 3;

/// Bit of [`FLASH_ADDRESS`]: written 0, it starts a read and is 1 when the data is there; written 1, it starts a write and is 0 when that is done.
pub const FLASH_FLAG: u32 = 1 << 31;
/// Dword address of flash byte 0 (ISP81xx, ISP2031, ISP27xx).
pub const FLASH_WINDOW: u32 = 0x7f80_0000;
/// Dword address of the flash part's own commands.
pub const FLASH_COMMANDS: u32 = 0x7ffd_0000;
/// What a driver takes for the data when the flash does not answer.
pub const FLASH_DEAD: u32 = 0xdead_dead;

/// What the last word of an entry of a response or ATIO queue is after the host has taken it.
pub const PROCESSED: u32 = 0xdead_dead;

bitfield! {
    /// Register [`CTRL_STATUS`].
    pub struct CtrlStatus(u32) {
        flags {
            /// Soft reset; reads as 1 until it is done.
            soft_reset, with_soft_reset = 0;
            /// The flash may be written.
            flash_enable, with_flash_enable = 1;
            /// In a slot of 64 bits.
            slot_64, with_slot_64 = 2;
            /// Function number.
            function, with_function = 15;
            /// Stops DMA.
            dma_shutdown, with_dma_shutdown = 16;
            /// There still is DMA.
            dma_active, with_dma_active = 17;
            /// The flash had an error.
            flash_error, with_flash_error = 18;
        }
        fields {
            /// Longest write burst; 3: 4,096 bytes.
            burst, with_burst: u8 = 4, 2;
            /// PCI-X mode of old chips.
            bus_mode, with_bus_mode: u8 = 8, 4;
        }
    }
}

open_enum! {
    /// What is written to [`HCCR`].
    pub enum HccrCommand: u32 {
        /// Nothing.
        NOP = 0x0000_0000,
        /// Holds the RISC in reset.
        SET_RISC_RESET = 0x1000_0000,
        /// Lets it out of reset.
        CLEAR_RISC_RESET = 0x2000_0000,
        /// Pauses the RISC.
        SET_RISC_PAUSE = 0x3000_0000,
        /// Lets it go on.
        RELEASE_RISC_PAUSE = 0x4000_0000,
        /// A mailbox command is written.
        SET_HOST_INTERRUPT = 0x5000_0000,
        /// Takes that back.
        CLEAR_HOST_INTERRUPT = 0x6000_0000,
        /// What [`HOST_STATUS`] shows was seen.
        CLEAR_RISC_INTERRUPT = 0xa000_0000,
    }
}

bitfield! {
    /// What is read from [`HCCR`].
    pub struct HccrStatus(u32) {
        flags {
            /// The RISC is in reset.
            risc_reset, with_risc_reset = 5;
            /// The firmware did not take the mailbox command yet.
            host_interrupt, with_host_interrupt = 6;
        }
        fields {}
    }
}

bitfield! {
    /// Register [`HOST_STATUS`].
    pub struct HostStatus(u32) {
        flags {
            /// The RISC is paused; unless the host paused it, the firmware is dead.
            paused, with_paused = 8;
            /// The other fields are of an event that the host has not acknowledged.
            pending, with_pending = 15;
        }
        fields {
            /// See [`Cause`].
            cause, with_cause: u8 = 0, 8;
            /// Copy of outgoing mailbox 0.
            mailbox0, with_mailbox0: u16 = 16, 16;
        }
    }
}

open_enum! {
    /// What an event in [`HostStatus`] is.
    pub enum Cause: u8 {
        /// The ROM did a mailbox command.
        ROM_SUCCESS = 0x01,
        /// The ROM did not do it.
        ROM_FAILURE = 0x02,
        /// The firmware did a mailbox command.
        MAILBOX_SUCCESS = 0x10,
        /// The firmware did not do it.
        MAILBOX_FAILURE = 0x11,
        /// Asynchronous event; see [`Event`](super::mailbox::Event).
        ASYNC_EVENT = 0x12,
        /// There is something in response queue 0.
        RESPONSE = 0x13,
        /// The same, ISP83xx.
        RESPONSE_83XX = 0x14,
        /// There is something in the ATIO queue.
        ATIO = 0x1c,
        /// There is something in both.
        ATIO_AND_RESPONSE = 0x1d,
        /// There is something in the ATIO queue, ISP27xx.
        ATIO_27XX = 0x1e,
    }
}

impl Cause {
    /// Whether a mailbox command is complete, with whatever status.
    pub const fn is_mailbox(self) -> bool {
        matches!(self, Self::ROM_SUCCESS | Self::ROM_FAILURE | Self::MAILBOX_SUCCESS | Self::MAILBOX_FAILURE)
    }

    /// Whether there is something in response queue 0.
    pub const fn is_response(self) -> bool {
        matches!(self, Self::RESPONSE | Self::RESPONSE_83XX | Self::ATIO_AND_RESPONSE)
    }

    /// Whether there is something in the ATIO queue.
    pub const fn is_atio(self) -> bool {
        matches!(self, Self::ATIO | Self::ATIO_27XX | Self::ATIO_AND_RESPONSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_completion_as_drivers_see_it() {
        let status = HostStatus(0x4000_8010);
        assert!(status.pending() && !status.paused());
        assert_eq!(status.mailbox0(), 0x4000);
        assert_eq!(Cause(status.cause()), Cause::MAILBOX_SUCCESS);
        let event = HostStatus(0).with_pending(true).with_cause(Cause::ASYNC_EVENT.0).with_mailbox0(0x8014);
        assert_eq!(event.0, 0x8014_8012);
        assert!(Cause(0x1d).is_response() && Cause(0x1d).is_atio() && !Cause(0x12).is_mailbox());
    }

    #[test]
    fn places() {
        assert_eq!(mailbox(31), 0xbe);
        assert_eq!(queue_register(3, QUEUE_RESPONSE_OUT), 0x300c);
        assert_eq!(CtrlStatus(0x31).burst(), 3);
        assert!(CtrlStatus(0x31).soft_reset());
    }
}

//! The host interface of QLogic ISP26xx and ISP27xx Fibre Channel adapters (QLE2670, QLE2690, QLE2740 and their relatives):
//! registers, mailbox commands, control blocks, flash contents, queue entries.
//!
//! Numbers and names are those of the Linux driver qla2xxx, which is the public description of this interface. All is little-endian
//! unless a type says otherwise. A string of bytes marked *swapped* has the bytes of each 32-bit word reversed against the order on
//! the link: see [`swap_words`].

pub mod database;
pub mod flash;
pub mod icb;
pub mod iocb;
pub mod mailbox;
pub mod regs;

/// Reverses the bytes of each 32-bit word; bytes behind the last whole word stay.
pub fn swap_words(bytes: &mut [u8]) {
    bytes.chunks_exact_mut(4).for_each(<[u8]>::reverse);
}

#[cfg(test)]
mod tests {
    #[test]
    fn words_are_swapped_each() {
        let mut bytes = [1, 2, 3, 4, 5, 6, 7, 8, 9];
        super::swap_words(&mut bytes);
        assert_eq!(bytes, [4, 3, 2, 1, 8, 7, 6, 5, 9]);
    }
}

//! Association and connection identifiers: nobody who was not told one can guess it.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Bits of a connection identifier that say which connection of its core it is.
const QUEUE_BITS: u32 = 24;

/// Makes identifiers. The same secret makes the same ones again, which simulations want.
#[derive(Debug)]
pub(crate) struct Ids {
    secret: [u64; 2],
    count: u64,
}

impl Ids {
    pub fn new(secret: [u64; 2]) -> Self {
        Self { secret, count: 0 }
    }

    fn next(&mut self) -> u64 {
        self.count += 1;
        let mut hasher = DefaultHasher::new();
        (self.secret, self.count).hash(&mut hasher);
        hasher.finish()
    }

    /// An identifier for an association; not 0.
    pub fn association(&mut self) -> u64 {
        self.next().max(1)
    }

    /// An identifier for the connection `queue` of `core`: the low byte is the core's (see [`fc::lane_of_connection`]).
    pub fn connection(&mut self, queue: u32, core: usize) -> u64 {
        assert!(queue < 1 << QUEUE_BITS && core < 256, "there are fewer connections and cores");
        self.next() << 32 | u64::from(queue) << 8 | core as u64
    }
}

/// Which connection of its core an identifier can only mean.
pub(crate) fn queue_of(connection: u64) -> u32 {
    (connection >> 8) as u32 & ((1 << QUEUE_BITS) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn an_identifier_says_core_and_connection_and_is_never_repeated() {
        let mut ids = Ids::new([1, 2]);
        let connections: BTreeSet<u64> = (0..1000).map(|n| ids.connection(n % 10, 7)).collect();
        assert_eq!(connections.len(), 1000);
        assert!(connections.iter().all(|id| fc::lane_of_connection(*id, 16) == 7 && queue_of(*id) < 10));
        let upper: BTreeSet<u64> = connections.iter().map(|id| id >> 32).collect();
        assert_eq!(upper.len(), 1000);
        assert_ne!(Ids::new([1, 2]).association(), Ids::new([1, 3]).association());
        assert_eq!(Ids::new([1, 2]).association(), Ids::new([1, 2]).association());
    }
}

//! Tokens: representations of data (ROD tokens, SPC-4 5.16.6; SBC-3 4.25), good at any nexus of any transport.
//!
//! What is made here is «point in time copy, change vulnerable» (ROD type 00800001h): it stands for what was in its blocks
//! when it was made, and is invalid as soon as they may hold anything else. There are no snapshots here, so this is the type
//! whose rules can be kept: «persistent» and «default» ones promise the old data, «access upon reference» promises nothing
//! about when it is read. Initiators that let the target choose (Windows' ODX does) take it.
//!
//! - A write looks here twice: before it is done, and when it has ended; so one that was under way when a token was made makes
//!   it invalid too, at the latest when its initiator hears of its end. Who copies reads blocks first and then asks whether
//!   the token is valid: what is written elsewhere afterwards is what the token stood for.
//! - On the I/O path this is one load for each look, of the logical unit's own count; only where that is not 0 the table is
//!   locked.
//! - Owns: all tokens of the device server, [`MOST_TOKENS`] at most; the count of each logical unit ([`UnitTokens`]).
//! - Limits: writes of NVMe hosts to a volume that is offered both ways are not seen; do not copy by tokens from what such
//!   hosts write to at the same time. Tokens do not outlive the process. One that nobody used for as long as it says is
//!   found expired when somebody looks.

use super::Shared;
use crate::core::Fail;
use ring::Tick;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;
use wire::scsi::Asc;
use wire::scsi::copy::TOKEN_BYTES;

/// Tokens that are valid at once.
const MOST_TOKENS: usize = 256;
/// Tokens that are not valid any more and of which the reason is known.
const MOST_REMEMBERED: usize = 256;

/// How many valid tokens stand for blocks of a logical unit.
#[derive(Debug, Default)]
pub(crate) struct UnitTokens(AtomicU32);

impl UnitTokens {
    /// Whether there are any: writes must look.
    #[inline]
    pub fn any(&self) -> bool {
        self.0.load(Ordering::SeqCst) != 0
    }
}

/// Whether a token can be used, and why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum State {
    Valid,
    Revoked,
    Expired,
    Deleted,
}

impl State {
    fn of(byte: u8) -> Self {
        [Self::Valid, Self::Revoked, Self::Expired]
            .into_iter()
            .find(|state| *state as u8 == byte)
            .unwrap_or(Self::Deleted)
    }

    fn fail(self) -> Fail {
        Fail::illegal(match self {
            Self::Valid => Asc::INVALID_TOKEN_OPERATION_CAUSE_NOT_REPORTABLE,
            Self::Revoked => Asc::INVALID_TOKEN_OPERATION_TOKEN_REVOKED,
            Self::Expired => Asc::INVALID_TOKEN_OPERATION_TOKEN_EXPIRED,
            Self::Deleted => Asc::INVALID_TOKEN_OPERATION_TOKEN_DELETED,
        })
    }
}

/// What a token stands for.
#[derive(Clone, Debug)]
pub(crate) struct Stands {
    /// The logical unit ([`crate::LogicalUnitView::id`]) and the volume behind it.
    pub unit: u32,
    pub volume: Uuid,
    /// First block and count of each range, in order.
    pub ranges: Vec<(u64, u64)>,
    /// Bytes of a block, as a power of two.
    pub shift: u32,
    /// How long it may stay unused.
    pub idle: Tick,
}

/// A token.
#[derive(Debug)]
pub(crate) struct Token {
    /// Its number, never reused.
    pub id: u64,
    /// As hosts have it.
    pub bytes: [u8; TOKEN_BYTES],
    pub stands: Stands,
    shared: Arc<Shared>,
    state: AtomicU8,
    /// When it was used last.
    used: AtomicU64,
    /// Copies that use it now.
    users: AtomicU32,
}

impl Token {
    /// Bytes that it stands for.
    pub fn size(&self) -> u64 {
        self.stands.ranges.iter().map(|(_, blocks)| blocks << self.stands.shift).sum()
    }

    /// Whether it is valid now, which is a use of it.
    pub fn check(&self, now: Tick) -> Result<(), Fail> {
        match State::of(self.state.load(Ordering::SeqCst)) {
            State::Valid => {
                self.used.store(now, Ordering::Relaxed);
                Ok(())
            }
            state => Err(state.fail()),
        }
    }

    /// Whether it stands for one of these blocks.
    pub fn has(&self, unit: u32, lba: u64, blocks: u64) -> bool {
        let end = lba.saturating_add(blocks);
        blocks > 0
            && self.stands.unit == unit
            && self.stands.ranges.iter().any(|(first, count)| *first < end && lba < first + count)
    }

    fn is_expired(&self, now: Tick) -> bool {
        let unused = now.saturating_sub(self.used.load(Ordering::Relaxed));
        self.users.load(Ordering::Relaxed) == 0 && unused > self.stands.idle
    }

    /// A copy starts, or ends, that uses it.
    pub fn hold(&self, now: Tick) {
        self.users.fetch_add(1, Ordering::Relaxed);
        self.used.store(now, Ordering::Relaxed);
    }

    pub fn release(&self, now: Tick) {
        self.used.store(now, Ordering::Relaxed);
        self.users.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
struct Table {
    valid: Vec<Arc<Token>>,
    /// Those that were valid, oldest first.
    gone: VecDeque<Arc<Token>>,
    next: u64,
}

/// The tokens of the device server.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    table: Mutex<Table>,
    /// How many are valid.
    live: AtomicU32,
}

impl Tokens {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is one.
    #[inline]
    pub fn any(&self) -> bool {
        self.live.load(Ordering::SeqCst) != 0
    }

    /// Makes those invalid that are meant.
    fn end(&self, table: &mut Table, state: State, which: impl Fn(&Token) -> bool) {
        table.end(state, which);
        self.live.store(table.valid.len() as u32, Ordering::SeqCst);
    }

    fn expire(&self, table: &mut Table, now: Tick) {
        self.end(table, State::Expired, |token| token.is_expired(now));
    }

    /// Makes a token; `word` gives its bytes from its number and 32 bytes that nobody can guess. `None`: there are too many.
    pub fn make(
        &self,
        shared: &Arc<Shared>,
        stands: Stands,
        now: Tick,
        word: impl FnOnce(u64, &[u8; 32]) -> [u8; TOKEN_BYTES],
    ) -> Option<Arc<Token>> {
        let mut table = self.lock();
        self.expire(&mut table, now);
        if table.valid.len() >= MOST_TOKENS {
            return None;
        }
        table.next += 1;
        let mut secret = [0; 32];
        secret[..16].copy_from_slice(Uuid::new_v4().as_bytes());
        secret[16..].copy_from_slice(Uuid::new_v4().as_bytes());
        let token = Arc::new(Token {
            id: table.next,
            bytes: word(table.next, &secret),
            stands,
            shared: shared.clone(),
            state: AtomicU8::new(State::Valid as u8),
            used: AtomicU64::new(now),
            users: AtomicU32::new(0),
        });
        table.valid.push(token.clone());
        self.live.store(table.valid.len() as u32, Ordering::SeqCst);
        shared.tokens.0.fetch_add(1, Ordering::SeqCst);
        Some(token)
    }

    /// The token of these bytes, all of which must be as they were made.
    ///
    /// # Errors
    /// As it is to be told: unknown, corrupt, revoked, expired, deleted.
    pub fn find(&self, bytes: &[u8; TOKEN_BYTES], id: u64, now: Tick) -> Result<Arc<Token>, Fail> {
        let mut table = self.lock();
        self.expire(&mut table, now);
        let found = table.valid.iter().chain(&table.gone).find(|token| token.id == id);
        let token = found.ok_or(Fail::illegal(Asc::INVALID_TOKEN_OPERATION_TOKEN_UNKNOWN))?;
        if token.bytes != *bytes {
            return Err(Fail::illegal(Asc::INVALID_TOKEN_OPERATION_TOKEN_CORRUPT));
        }
        token.check(now)?;
        Ok(token.clone())
    }

    /// Blocks of a logical unit are written, or were: the tokens that stand for one of them are invalid, `but` for one.
    #[cold]
    pub fn written(&self, unit: u32, lba: u64, blocks: u64, but: Option<u64>, now: Tick) {
        let mut table = self.lock();
        self.expire(&mut table, now);
        self.end(&mut table, State::Revoked, |token| Some(token.id) != but && token.has(unit, lba, blocks));
    }

    /// A token was used for the last time.
    pub fn delete(&self, id: u64) {
        let mut table = self.lock();
        self.end(&mut table, State::Deleted, |token| token.id == id);
    }

    /// The valid tokens.
    pub fn all(&self, now: Tick) -> Vec<Arc<Token>> {
        let mut table = self.lock();
        self.expire(&mut table, now);
        table.valid.clone()
    }
}

impl Table {
    fn end(&mut self, state: State, which: impl Fn(&Token) -> bool) {
        let gone = &mut self.gone;
        self.valid.retain(|token| {
            let stays = !which(token);
            if !stays {
                token.state.store(state as u8, Ordering::SeqCst);
                token.shared.tokens.0.fetch_sub(1, Ordering::SeqCst);
                gone.push_back(token.clone());
            }
            stays
        });
        let surplus = gone.len().saturating_sub(MOST_REMEMBERED);
        gone.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(tokens: &Tokens, shared: &Arc<Shared>, ranges: &[(u64, u64)], now: Tick) -> Option<Arc<Token>> {
        let stands = Stands { unit: 1, volume: Uuid::nil(), ranges: ranges.to_vec(), shift: 9, idle: 100 };
        tokens.make(shared, stands, now, |id, secret| {
            let mut bytes = [0; TOKEN_BYTES];
            bytes[..8].copy_from_slice(&id.to_be_bytes());
            bytes[8..40].copy_from_slice(secret);
            bytes
        })
    }

    fn asc(fail: Fail) -> u16 {
        let Fail::Check(sense) = fail else { panic!("{fail:?}") };
        sense.asc.0
    }

    #[test]
    fn only_a_write_to_its_blocks_revokes_a_token() {
        let (tokens, shared) = (Tokens::default(), Arc::new(Shared::default()));
        let token = make(&tokens, &shared, &[(10, 5), (100, 1)], 0).unwrap();
        for (unit, lba, blocks) in [(1, 0, 10), (1, 15, 85), (1, 101, u64::MAX), (2, 10, 5), (1, 12, 0)] {
            tokens.written(unit, lba, blocks, None, 1);
            assert!(tokens.find(&token.bytes, token.id, 1).is_ok(), "{lba}");
        }
        tokens.written(1, 14, 1, Some(token.id), 1);
        assert!(shared.tokens.any() && token.check(1).is_ok());
        tokens.written(1, 14, 1, None, 1);
        assert_eq!((shared.tokens.any(), asc(token.check(1).unwrap_err())), (false, 0x2306));
        assert_eq!(asc(tokens.find(&token.bytes, token.id, 1).unwrap_err()), 0x2306);
    }

    #[test]
    fn a_token_that_nobody_uses_expires_and_one_in_use_does_not() {
        let (tokens, shared) = (Tokens::default(), Arc::new(Shared::default()));
        let [idle, held] = [0, 0].map(|now| make(&tokens, &shared, &[(0, 1)], now).unwrap());
        held.hold(0);
        assert_eq!(tokens.all(100).len(), 2);
        assert_eq!(tokens.all(101).iter().map(|token| token.id).collect::<Vec<_>>(), [held.id]);
        assert_eq!(asc(tokens.find(&idle.bytes, idle.id, 101).unwrap_err()), 0x2307);
        held.release(500);
        assert!(tokens.find(&held.bytes, held.id, 600).is_ok());
        tokens.delete(held.id);
        assert_eq!(asc(tokens.find(&held.bytes, held.id, 600).unwrap_err()), 0x2309);
        assert!(!shared.tokens.any());
    }

    #[test]
    fn a_guess_is_no_token_and_there_are_only_so_many() {
        let (tokens, shared) = (Tokens::default(), Arc::new(Shared::default()));
        let token = make(&tokens, &shared, &[(0, 1)], 0).unwrap();
        let other = make(&tokens, &shared, &[(0, 1)], 0).unwrap();
        assert_ne!(token.bytes[8..40], other.bytes[8..40]);
        let mut guess = token.bytes;
        guess[39] ^= 1;
        assert_eq!(asc(tokens.find(&guess, token.id, 0).unwrap_err()), 0x2305);
        assert_eq!(asc(tokens.find(&guess, 77, 0).unwrap_err()), 0x2304);
        assert_eq!((2..=MOST_TOKENS + 5).filter(|_| make(&tokens, &shared, &[(0, 1)], 0).is_some()).count(), 254);
        assert!(make(&tokens, &shared, &[(0, 1)], 101).is_some(), "the old ones have expired");
    }
}

//! The far side of the ring: taking what has ended, and waiting for it.
use super::{CANCEL, Completion, Uring, name};
use std::io;

impl Uring {
    /// The next operation that has ended, without waiting. Enters the kernel only if that says it has something to finish.
    #[expect(clippy::should_implement_trait, reason = "it may have more later, unlike an iterator")]
    pub fn next(&mut self) -> Option<Completion> {
        let (slot, result) = self.reap()?;
        let flight = &mut self.flights[slot as usize];
        let data = std::mem::take(&mut flight.data);
        let token = flight.token;
        self.free.push(slot);
        let result = if result < 0 { Err(io::Error::from_raw_os_error(-result)) } else { Ok(result) };
        Some(Completion { token, result, data })
    }

    /// Takes a completion from the kernel; the memory is ours from then on.
    pub(super) fn reap(&mut self) -> Option<(u32, i32)> {
        loop {
            let entry = self.completed().or_else(|| if self.nudge() { self.completed() } else { None })?;
            if entry.user_data() == CANCEL {
                continue;
            }
            let slot = entry.user_data() as u32;
            let flight = &mut self.flights[slot as usize];
            debug_assert!(flight.busy && entry.user_data() == name(slot, flight.turn));
            flight.busy = false;
            return Some((slot, entry.result()));
        }
    }

    #[inline]
    fn completed(&mut self) -> Option<io_uring::cqueue::Entry> {
        self.ring.completion().next()
    }

    /// Lets the kernel finish what it has put off until we enter it. False if there is nothing of that kind.
    fn nudge(&mut self) -> bool {
        let queue = self.ring.submission();
        let due = queue.taskrun() || queue.cq_overflow();
        drop(queue);
        const GETEVENTS: u32 = 1;
        // SAFETY: submits nothing and passes no argument.
        due && unsafe { self.ring.submitter().enter::<()>(0, 0, GETEVENTS, None) }.is_ok()
    }

    /// Submits, and waits until at least one operation has ended. Returns at once if none is in flight.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn wait(&mut self) -> io::Result<()> {
        self.submit()?;
        let busy = self.flights.iter().any(|flight| flight.busy);
        if !busy || !self.ring.completion().is_empty() {
            return Ok(());
        }
        match self.ring.submit_and_wait(1) {
            Err(e) if !matches!(e.raw_os_error(), Some(libc::EINTR | libc::EAGAIN | libc::EBUSY)) => Err(e),
            _ => Ok(()),
        }
    }

    /// Waits for all that is in flight and hands it to `each`.
    ///
    /// # Errors
    /// What the kernel says; the rest is still in flight then.
    pub fn finish(&mut self, mut each: impl FnMut(Completion)) -> io::Result<()> {
        while self.in_flight() > 0 {
            self.wait()?;
            while let Some(completion) = self.next() {
                each(completion);
            }
        }
        Ok(())
    }
}

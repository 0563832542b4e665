//! A bounded queue into one core, from any thread.

use crossbeam_queue::ArrayQueue;
use std::fmt;
use std::sync::Arc;

/// The mailbox had no room; the value is given back.
pub struct Full<T>(pub T);

impl<T> fmt::Debug for Full<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the mailbox is full")
    }
}

type Wake = Arc<dyn Fn() + Send + Sync>;

/// The sending side. Clones send into the same mailbox.
pub struct Sender<T> {
    queue: Arc<ArrayQueue<T>>,
    wake: Wake,
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), wake: self.wake.clone() }
    }
}

impl<T> Sender<T> {
    /// Puts `value` in and wakes the receiving core if it sleeps.
    ///
    /// # Errors
    /// [`Full`] with the value when the mailbox has no room.
    pub fn send(&self, value: T) -> Result<(), Full<T>> {
        self.queue.push(value).map_err(Full)?;
        (self.wake)();
        Ok(())
    }
}

/// The receiving side; it stays on its core.
pub struct Mailbox<T> {
    queue: Arc<ArrayQueue<T>>,
}

impl<T> Mailbox<T> {
    /// The oldest value, if there is one.
    #[expect(clippy::should_implement_trait, reason = "an empty mailbox is not the end of an iteration")]
    pub fn next(&mut self) -> Option<T> {
        self.queue.pop()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

/// Makes a mailbox of `capacity`; `wake` is called after each send and must be cheap when the receiver is awake.
pub fn mailbox<T>(capacity: usize, wake: impl Fn() + Send + Sync + 'static) -> (Sender<T>, Mailbox<T>) {
    let queue = Arc::new(ArrayQueue::new(capacity));
    (Sender { queue: queue.clone(), wake: Arc::new(wake) }, Mailbox { queue })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn values_arrive_once_in_order_and_wake() {
        let woken = Arc::new(AtomicUsize::new(0));
        let count = woken.clone();
        let (sender, mut mailbox) = mailbox(2, move || {
            count.fetch_add(1, Ordering::Relaxed);
        });
        sender.send(1).unwrap();
        sender.clone().send(2).unwrap();
        assert_eq!(sender.send(3).unwrap_err().0, 3);
        assert_eq!((mailbox.next(), mailbox.next(), mailbox.next()), (Some(1), Some(2), None));
        assert_eq!(woken.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn many_senders_lose_nothing() {
        let (sender, mut mailbox) = mailbox(64, || {});
        let threads: Vec<_> = (0..4u64)
            .map(|n| {
                let sender = sender.clone();
                std::thread::spawn(move || {
                    for value in 0..1000 {
                        let mut value = n * 1000 + value;
                        while let Err(Full(back)) = sender.send(value) {
                            value = back;
                            std::thread::yield_now();
                        }
                    }
                })
            })
            .collect();
        let mut seen = vec![false; 4000];
        let mut count = 0;
        while count < 4000 {
            if let Some(value) = mailbox.next() {
                assert!(!std::mem::replace(&mut seen[value as usize], true));
                count += 1;
            }
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}

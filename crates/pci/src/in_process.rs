//! A model in this process, driven without a bus between.
use crate::{Bus, Device, Error, Fault, Model, Registers};
use dma::{Arena, Window};
use os::EventFd;
use ring::Tick;
use std::ops::DerefMut;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard};

/// The driver's side of a model in this process, and the side that gives the model time. Memory that the model reaches is the arena's,
/// once the driver has mapped it. When the runner ends, the device is gone.
///
/// # Errors
/// The process has too many descriptors.
pub fn in_process<M: Model + 'static>(model: M, arena: &Arc<Arena>) -> std::io::Result<(InProcess<M>, Runner<M>)> {
    let inner = Inner { model, window: None, vectors: Vec::new() };
    let shared = Shared {
        inner: Mutex::new(inner),
        arena: arena.clone(),
        touched: AtomicBool::new(false),
        gone: AtomicBool::new(false),
        wake: EventFd::new()?,
    };
    let shared = Arc::new(shared);
    Ok((InProcess(shared.clone()), Runner(shared)))
}

struct Shared<M> {
    inner: Mutex<Inner<M>>,
    arena: Arc<Arena>,
    /// A register was accessed since the last poll.
    touched: AtomicBool,
    gone: AtomicBool,
    wake: EventFd,
}

struct Inner<M> {
    model: M,
    /// What it may reach: nothing before the driver has mapped it.
    window: Option<Window>,
    vectors: Vec<EventFd>,
}

impl<M> Shared<M> {
    fn inner(&self) -> MutexGuard<'_, Inner<M>> {
        self.inner.lock().unwrap_or_else(|panicked| panicked.into_inner())
    }

    /// Carries out an access, and wakes the runner if it sleeps.
    fn access<R>(&self, what: impl FnOnce(&mut Inner<M>) -> R) -> Option<R> {
        if self.gone.load(SeqCst) {
            return None;
        }
        let result = what(&mut self.inner());
        if !self.touched.swap(true, SeqCst) {
            self.wake.signal();
        }
        Some(result)
    }

    fn unless_gone<R>(&self, what: impl FnOnce(&mut Inner<M>) -> R) -> Result<R, Error> {
        let gone = || Error::Gone { address: "virtual".into(), reason: "its model has ended".into() };
        self.access(what).ok_or_else(gone)
    }
}

/// The driver's side.
pub struct InProcess<M>(Arc<Shared<M>>);

/// The model's side: polled on one core.
pub struct Runner<M>(Arc<Shared<M>>);

impl<M: Model> Runner<M> {
    /// Gives the model time; returns how many things it did.
    pub fn poll(&mut self, now: Tick) -> usize {
        if self.0.touched.swap(false, SeqCst) {
            self.0.wake.drain();
        }
        let Inner { model, window, vectors } = &mut *self.0.inner();
        model.poll(&mut Memory { window, vectors }, now)
    }

    /// Whether there is something to do at once.
    pub fn is_pending(&self) -> bool {
        self.0.touched.load(SeqCst) || self.0.inner().model.is_pending()
    }

    /// When it must be polled although nobody accesses it.
    pub fn deadline(&self) -> Option<Tick> {
        self.0.inner().model.deadline()
    }

    /// Readable when the driver has accessed it. What the model itself waits for is behind [`Model::fd`].
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.0.wake.fd()
    }

    /// The model, to look at it or to change what the driver does not see. The driver's accesses wait meanwhile.
    pub fn model(&self) -> impl DerefMut<Target = M> + '_ {
        Guard(self.0.inner())
    }
}

impl<M> Drop for Runner<M> {
    fn drop(&mut self) {
        self.0.gone.store(true, SeqCst);
    }
}

struct Guard<'a, M>(MutexGuard<'a, Inner<M>>);

impl<M> std::ops::Deref for Guard<'_, M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.0.model
    }
}

impl<M> DerefMut for Guard<'_, M> {
    fn deref_mut(&mut self) -> &mut M {
        &mut self.0.model
    }
}

/// What the model reaches.
struct Memory<'a> {
    window: &'a mut Option<Window>,
    vectors: &'a [EventFd],
}

impl Bus for Memory<'_> {
    fn read(&mut self, address: u64, into: &mut [u8]) -> Result<(), Fault> {
        let len = into.len();
        let read = self.window.as_mut().is_some_and(|window| window.read(address, into));
        if read { Ok(()) } else { Err(Fault { address, len }) }
    }

    fn write(&mut self, address: u64, from: &[u8]) -> Result<(), Fault> {
        let written = self.window.as_mut().is_some_and(|window| window.write(address, from));
        if written { Ok(()) } else { Err(Fault { address, len: from.len() }) }
    }

    fn interrupt(&mut self, vector: u16) {
        if let Some(event) = self.vectors.get(usize::from(vector)) {
            event.signal();
        }
    }
}

fn unusable(reason: String) -> Error {
    Error::Unusable { address: "virtual".into(), reason }
}

impl<M: Model + 'static> Device for InProcess<M> {
    fn address(&self) -> String {
        "virtual".into()
    }

    fn read_config(&mut self, offset: u16, into: &mut [u8]) -> Result<(), Error> {
        self.0.unless_gone(|inner| inner.model.read_config(offset, into))
    }

    fn write_config(&mut self, offset: u16, from: &[u8]) -> Result<(), Error> {
        self.0.unless_gone(|inner| inner.model.write_config(offset, from))
    }

    fn bar(&mut self, index: u8) -> Result<Arc<dyn Registers>, Error> {
        let bars = self.0.unless_gone(|inner| inner.model.bars())?;
        match bars.get(usize::from(index)) {
            Some(bar) if bar.size > 0 => Ok(Arc::new(BarOf { shared: self.0.clone(), index })),
            _ => Err(unusable(format!("it has no BAR {index}"))),
        }
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.0.unless_gone(|inner| inner.model.reset())
    }

    fn map(&mut self, arena: &Arc<Arena>) -> Result<(), Error> {
        if !Arc::ptr_eq(arena, &self.0.arena) {
            return Err(unusable("it was made for another arena".into()));
        }
        self.0.unless_gone(|inner| inner.window = Some(Arena::window(arena)))
    }

    fn interrupts(&mut self, count: u16) -> Result<Vec<OwnedFd>, Error> {
        let made: std::io::Result<Vec<EventFd>> = (0..count).map(|_| EventFd::new()).collect();
        let events = made.map_err(|e| unusable(e.to_string()))?;
        let shared: std::io::Result<Vec<OwnedFd>> = events.iter().map(EventFd::share).collect();
        let shared = shared.map_err(|e| unusable(e.to_string()))?;
        let has = self.0.unless_gone(|inner| {
            let has = inner.model.vectors();
            if count <= has {
                inner.vectors = events;
            }
            has
        })?;
        if count > has { Err(unusable(format!("it has {has} vectors, not {count}"))) } else { Ok(shared) }
    }
}

struct BarOf<M> {
    shared: Arc<Shared<M>>,
    index: u8,
}

impl<M: Model> BarOf<M> {
    fn read<const N: usize>(&self, offset: u32) -> [u8; N] {
        let read = |inner: &mut Inner<M>| {
            let mut value = [0; N];
            inner.model.read(self.index, u64::from(offset), &mut value);
            value
        };
        self.shared.access(read).unwrap_or([0xFF; N])
    }

    fn write(&self, offset: u32, value: &[u8]) {
        // To a device that is gone: as on a bus, nobody notices.
        let _ = self.shared.access(|inner| inner.model.write(self.index, u64::from(offset), value));
    }
}

impl<M: Model> Registers for BarOf<M> {
    fn read16(&self, offset: u32) -> u16 {
        u16::from_le_bytes(self.read(offset))
    }

    fn write16(&self, offset: u32, value: u16) {
        self.write(offset, &value.to_le_bytes());
    }

    fn read32(&self, offset: u32) -> u32 {
        u32::from_le_bytes(self.read(offset))
    }

    fn write32(&self, offset: u32, value: u32) {
        self.write(offset, &value.to_le_bytes());
    }
}

//! Which of the client's counters are signalled for which interrupt.
//!
//! INTx is a level on a real bus. Here every call of the model is an edge: it signals once and masks the line, as the client expects; an edge on
//! a masked line is kept until the client unmasks it.
use crate::message::{Errno, IRQ_INTX, IRQ_MSIX, IRQS, irq_set};
use os::EventFd;
use std::ops::Range;
use std::os::fd::OwnedFd;

#[derive(Debug, Default)]
struct Line {
    event: Option<EventFd>,
    masked: bool,
    pending: bool,
}

/// All interrupts of a function.
#[derive(Debug)]
pub(crate) struct Interrupts {
    intx: Vec<Line>,
    msix: Vec<Line>,
}

/// A request of the client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Set {
    pub flags: u32,
    pub index: u32,
    pub start: u32,
    pub count: u32,
}

impl Interrupts {
    pub(crate) fn new(intx: bool, vectors: u16) -> Interrupts {
        let lines = |count: usize| (0..count).map(|_| Line::default()).collect();
        Interrupts { intx: lines(usize::from(intx)), msix: lines(usize::from(vectors)) }
    }

    /// How many of a kind there are; none if there is no such kind.
    pub(crate) fn count(&self, index: u32) -> Option<u32> {
        match index {
            IRQ_INTX => Some(self.intx.len() as u32),
            IRQ_MSIX => Some(self.msix.len() as u32),
            _ => (index < IRQS).then_some(0),
        }
    }

    /// Does what `SET_IRQS` asks for. `data` is what follows it.
    ///
    /// # Errors
    /// There is no such interrupt, or the parts of the request do not fit each other.
    pub(crate) fn set(&mut self, set: Set, data: &[u8], descriptors: Vec<OwnedFd>) -> Result<(), Errno> {
        use irq_set::{BOOL, EVENTFD, MASK, NONE, TRIGGER, UNMASK};
        let all = self.count(set.index).ok_or(Errno::Invalid)?;
        let end = set.start.checked_add(set.count).filter(|end| *end <= all).ok_or(Errno::Invalid)?;
        let range = set.start as usize..end as usize;
        let lines = if set.index == IRQ_INTX { &mut self.intx } else { &mut self.msix };
        let action = set.flags & (MASK | UNMASK | TRIGGER);
        match (set.flags & (NONE | BOOL | EVENTFD), action) {
            (NONE, TRIGGER) if set.count == 0 => lines.iter_mut().for_each(|line| *line = Line::default()),
            (NONE, MASK | UNMASK | TRIGGER) => lines[range].iter_mut().for_each(|line| line.act(action, set.index)),
            (BOOL, MASK | UNMASK | TRIGGER) if data.len() >= range.len() => {
                let chosen = lines[range].iter_mut().zip(data).filter(|(_, wanted)| **wanted != 0);
                chosen.for_each(|(line, _)| line.act(action, set.index));
            }
            (EVENTFD, TRIGGER) => assign(lines, range, descriptors)?,
            (EVENTFD, MASK | UNMASK) => return Err(Errno::NotSupported),
            _ => return Err(Errno::Invalid),
        }
        Ok(())
    }

    /// The model's interrupt: MSI-X where the client has enabled that, else INTx.
    pub(crate) fn fire(&mut self, vector: u16) {
        if self.msix.iter().any(|line| line.event.is_some()) {
            if let Some(line) = self.msix.get_mut(usize::from(vector)) {
                line.fire(false);
            }
        } else if let Some(line) = self.intx.first_mut() {
            line.fire(true);
        }
    }
}

/// Gives lines their counters; without any, takes them away.
fn assign(lines: &mut [Line], range: Range<usize>, descriptors: Vec<OwnedFd>) -> Result<(), Errno> {
    if descriptors.is_empty() {
        lines[range].iter_mut().for_each(|line| *line = Line::default());
        return Ok(());
    }
    if descriptors.len() != range.len() {
        return Err(Errno::Invalid);
    }
    let events: Result<Vec<EventFd>, _> = descriptors.into_iter().map(EventFd::foreign).collect();
    for (line, event) in lines[range].iter_mut().zip(events.map_err(|_| Errno::Invalid)?) {
        *line = Line { event: Some(event), ..Line::default() };
    }
    Ok(())
}

impl Line {
    fn act(&mut self, action: u32, index: u32) {
        match action {
            irq_set::MASK => self.masked = true,
            irq_set::UNMASK => {
                self.masked = false;
                if std::mem::take(&mut self.pending) {
                    self.fire(index == IRQ_INTX);
                }
            }
            _ => self.fire(index == IRQ_INTX),
        }
    }

    fn fire(&mut self, masks_itself: bool) {
        let Some(event) = &self.event else { return };
        if self.masked {
            self.pending = true;
            return;
        }
        event.signal();
        self.masked = masks_itself;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(index: u32, flags: u32, start: u32, count: u32) -> Set {
        Set { flags, index, start, count }
    }

    const ASSIGN: u32 = irq_set::EVENTFD | irq_set::TRIGGER;
    const UNMASK: u32 = irq_set::NONE | irq_set::UNMASK;

    #[test]
    fn vectors_come_one_by_one_or_together_and_go_without_a_descriptor() {
        let mut all = Interrupts::new(false, 4);
        let events: Vec<EventFd> = (0..3).map(|_| EventFd::new().unwrap()).collect();
        let fd = |i: usize| events[i].share().unwrap();
        all.set(set(IRQ_MSIX, ASSIGN, 0, 2), &[], vec![fd(0), fd(1)]).unwrap();
        all.set(set(IRQ_MSIX, ASSIGN, 3, 1), &[], vec![fd(2)]).unwrap();
        (0..9).for_each(|vector| all.fire(vector));
        assert!(events.iter().all(EventFd::drain));
        all.set(set(IRQ_MSIX, ASSIGN, 1, 1), &[], vec![]).unwrap();
        all.fire(1);
        assert!(!events[1].drain());
        all.set(set(IRQ_MSIX, irq_set::BOOL | irq_set::TRIGGER, 0, 4), &[0, 1, 0, 1], vec![]).unwrap();
        assert!(!events[0].drain() && events[2].drain(), "the client fires them itself");
        all.set(set(IRQ_MSIX, irq_set::NONE | irq_set::MASK, 0, 1), &[], vec![]).unwrap();
        all.fire(0);
        assert!(!events[0].drain());
        all.set(set(IRQ_MSIX, UNMASK, 0, 1), &[], vec![]).unwrap();
        assert!(events[0].drain(), "what came while it was masked");
        all.set(set(IRQ_MSIX, irq_set::NONE | irq_set::TRIGGER, 0, 0), &[], vec![]).unwrap();
        (0..4).for_each(|vector| all.fire(vector));
        assert!(!events.iter().any(EventFd::drain));
    }

    #[test]
    fn without_msix_the_line_is_used_and_masks_itself() {
        let mut all = Interrupts::new(true, 4);
        let line = EventFd::new().unwrap();
        all.set(set(IRQ_INTX, ASSIGN, 0, 1), &[], vec![line.share().unwrap()]).unwrap();
        all.fire(2);
        assert!(line.drain());
        all.fire(0);
        all.fire(1);
        assert!(!line.drain(), "masked since the first");
        all.set(set(IRQ_INTX, UNMASK, 0, 1), &[], vec![]).unwrap();
        assert!(line.drain());
        all.set(set(IRQ_INTX, UNMASK, 0, 1), &[], vec![]).unwrap();
        assert!(!line.drain());
        let vector = EventFd::new().unwrap();
        all.set(set(IRQ_MSIX, ASSIGN, 1, 1), &[], vec![vector.share().unwrap()]).unwrap();
        all.fire(1);
        assert!(vector.drain() && !line.drain());
    }

    #[test]
    fn requests_that_make_no_sense_change_nothing() {
        let mut all = Interrupts::new(true, 2);
        let event = EventFd::new().unwrap();
        let fd = || event.share().unwrap();
        let pipe = || OwnedFd::from(std::io::pipe().unwrap().1);
        for (wrong, data, fds) in [
            (set(IRQ_MSIX, ASSIGN, 0, 3), &[][..], vec![fd(), fd(), fd()]),
            (set(IRQ_MSIX, ASSIGN, u32::MAX, 2), &[], vec![fd(), fd()]),
            (set(IRQ_MSIX, ASSIGN, 0, 2), &[], vec![fd()]),
            (set(IRQ_MSIX, ASSIGN, 0, 2), &[], vec![fd(), pipe()]),
            (set(IRQ_MSIX, ASSIGN | irq_set::MASK, 0, 1), &[], vec![fd()]),
            (set(IRQ_MSIX, irq_set::BOOL | irq_set::TRIGGER, 0, 2), &[1], vec![]),
            (set(IRQ_INTX, irq_set::EVENTFD | irq_set::UNMASK, 0, 1), &[], vec![fd()]),
            (set(1, ASSIGN, 0, 1), &[], vec![fd()]),
            (set(77, irq_set::NONE | irq_set::TRIGGER, 0, 0), &[], vec![]),
            (set(IRQ_MSIX, 0, 0, 1), &[], vec![]),
        ] {
            assert!(all.set(wrong, data, fds).is_err(), "{wrong:?}");
            (0..3).for_each(|vector| all.fire(vector));
            assert!(!event.drain(), "{wrong:?}");
        }
        all.set(set(3, irq_set::NONE | irq_set::TRIGGER, 0, 0), &[], vec![]).unwrap();
    }
}

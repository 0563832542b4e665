//! BAR4: a page of pointers for each queue number.

use wire::isp::regs::{BAR4_BYTES, QUEUE_PAGE};

/// Queue numbers that have a page.
pub const PAGES: usize = (BAR4_BYTES / QUEUE_PAGE) as usize;
/// Words of a page that are registers.
const WORDS: usize = 6;

/// The pointers as they read. Those of the host hold what it wrote, sense or not.
pub struct Pointers {
    pages: Vec<[u32; WORDS]>,
}

impl Pointers {
    /// All 0.
    pub fn new() -> Self {
        Self { pages: vec![[0; WORDS]; PAGES] }
    }

    /// All 0, again.
    pub fn reset(&mut self) {
        self.pages.fill([0; WORDS]);
    }

    /// A pointer of a queue by its place in the page.
    pub fn get(&self, queue: u16, register: u64) -> u32 {
        self.place(u64::from(queue) * QUEUE_PAGE + register).map_or(0, |(page, word)| self.pages[page][word])
    }

    /// Sets it.
    pub fn set(&mut self, queue: u16, register: u64, value: u32) {
        self.write(u64::from(queue) * QUEUE_PAGE + register, value);
    }

    /// Reads a word of the BAR; 0 where there is no register.
    pub fn read(&self, offset: u64) -> u32 {
        self.place(offset).map_or(0, |(page, word)| self.pages[page][word])
    }

    /// Writes a word of the BAR.
    pub fn write(&mut self, offset: u64, value: u32) {
        if let Some((page, word)) = self.place(offset) {
            self.pages[page][word] = value;
        }
    }

    fn place(&self, offset: u64) -> Option<(usize, usize)> {
        let (page, word) = ((offset / QUEUE_PAGE) as usize, (offset % QUEUE_PAGE / 4) as usize);
        (page < PAGES && word < WORDS).then_some((page, word))
    }
}

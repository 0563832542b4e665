//! [`Keeper`]: the thread that writes down what outlives the process, so that no core waits for a file.
//!
//! - In: PERSISTENT RESERVE OUT requests whose effect is to be kept (APTPL), from any core.
//! - Out: their fate, to the mailbox of the core that asked, once it is on the medium.
//! - Limits: one thread for all volumes, one change at a time: a directory that hangs holds up all who want reservations kept,
//!   and nobody else.

use crate::core::peer::News;
use crate::shared::{ItNexus, Request, Shared, Store};
use crate::{Device, Message, Peer};
use bdev::Info;
use ring::{Full, Sender, Tag};
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// How often a full mailbox is tried again, and how many times before its core is taken for gone.
const RETRY: Duration = Duration::from_millis(1);
const RETRIES: u32 = 30_000;

/// A request that was counted as pending ([`crate::shared::Reservations::serve`]).
pub(crate) struct Job {
    pub shared: Arc<Shared>,
    /// The volume: its UUID, and its name for people.
    pub volume: (Uuid, String),
    pub nexus: ItNexus,
    pub request: Request,
    /// Who asked: the mailbox of its home, and its name there.
    pub from: Sender<Message>,
    pub tag: Tag,
}

/// The way to the thread. It ends when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    store: Option<Arc<Store>>,
    jobs: Option<mpsc::Sender<(Arc<Store>, Job)>>,
}

impl Keeper {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where tables are kept from now on; nowhere unless this is called. Not on a core: it starts the thread.
    ///
    /// # Errors
    /// There can be no more threads.
    pub fn keep_in(&self, directory: &Path) -> std::io::Result<()> {
        let mut state = self.state();
        if state.jobs.is_none() {
            let (jobs, inbox) = mpsc::channel();
            std::thread::Builder::new().name("scsi-keeper".into()).spawn(move || run(&inbox))?;
            state.jobs = Some(jobs);
        }
        state.store = Some(Arc::new(Store::new(directory)));
        Ok(())
    }

    /// Where tables are kept, if anywhere.
    pub fn store(&self) -> Option<Arc<Store>> {
        self.state().store.clone()
    }

    /// Takes a job on, or gives it back: nothing is kept.
    pub fn give(&self, job: Job) -> Result<(), Box<Job>> {
        let state = self.state();
        let (Some(jobs), Some(store)) = (&state.jobs, &state.store) else { return Err(Box::new(job)) };
        jobs.send((store.clone(), job)).map_err(|refused| Box::new(refused.0.1))
    }
}

fn run(inbox: &Receiver<(Arc<Store>, Job)>) {
    while let Ok((store, job)) = inbox.recv() {
        let Job { shared, volume: (uuid, name), nexus, request, from, tag } = job;
        let result = shared.reservations.serve_kept(&nexus, &request, |table| {
            store.keep(uuid, table).map_err(|why| {
                let path = store.file(uuid);
                log::error!(target: "scsi", "{name}: reservations cannot be kept in {}: {why}", path.display());
            })
        });
        answer(&from, Message::Peer(Peer(News::Kept { tag, result })));
    }
}

/// A core that is busy takes its time; one that is gone takes nothing.
fn answer(from: &Sender<Message>, message: Message) {
    let mut message = message;
    for _ in 0..RETRIES {
        match from.send(message) {
            Ok(()) => return,
            Err(Full(back)) => message = back,
        }
        std::thread::sleep(RETRY);
    }
    log::error!(target: "scsi", "a core does not take the answer to a PERSISTENT RESERVE OUT");
}

/// Where state is kept unless configured.
pub const DEFAULT_STATE_DIRECTORY: &str = "/var/lib/qfc";

impl Device {
    /// Where reservations are kept that are to outlive the process (APTPL); nowhere until this is called. The directory is made
    /// when it is needed. To be called before there are logical units, which read what was kept of them when they are made.
    ///
    /// # Errors
    /// There can be no more threads.
    pub fn keep_state_in(&self, directory: &Path) -> std::io::Result<()> {
        self.keeper.keep_in(directory)
    }

    /// What cores share of a logical unit on a volume that becomes one: the reservations that were kept of it. If they cannot be
    /// read, the logical unit is not ready: nobody knows whom they keep out.
    pub fn share(&self, volume: &Info) -> Arc<Shared> {
        let shared = Arc::<Shared>::default();
        let Some(store) = self.keeper.store() else { return shared };
        match store.load(volume.uuid) {
            Ok(None) => {}
            Ok(Some(table)) => {
                let count = table.registrants.len();
                log::info!(target: "scsi", "{}: {count} registrations of hosts are as they were", volume.name);
                shared.reservations.restore(table);
            }
            Err(broken) => {
                log::error!(target: "scsi", "{}: {}", volume.name, broken.text);
                shared.reservations.restore_unknown();
            }
        }
        shared
    }
}

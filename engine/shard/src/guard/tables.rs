//! The guards' tables are built when something is first to be judged, so that an idle gateway stays small; and elsewhere,
//! since that takes milliseconds in which this shard's other clients would wait.

use crate::Shard;
use crate::driver::Effect;

/// What goes on once the tables are there.
pub(super) type Parked = Box<dyn FnOnce(&mut Shard) + Send>;

/// How far they are.
#[derive(Default)]
pub(super) enum Tables {
    /// Nobody needed them.
    #[default]
    Absent,
    /// They are being built. What waits for them here are runs, summaries and requests that are under way, all of which
    /// have bounds of their own; messages wait in the queue.
    Building(Vec<Parked>),
    /// They are there.
    Built,
}

impl Tables {
    pub(super) fn are_built(&self) -> bool {
        matches!(self, Tables::Built)
    }
}

impl Shard {
    /// Has the tables built, unless that was asked for.
    pub(super) fn want_tables(&mut self) {
        if matches!(self.guard.tables, Tables::Absent) && self.view.defender.is_on() {
            self.guard.tables = Tables::Building(Vec::new());
            self.effects.push_back(Effect::BuildGuards);
        }
    }

    /// Goes on with something that is no message once the tables are there: at once, when they are or nothing is judged.
    pub(crate) fn when_judging(&mut self, then: impl FnOnce(&mut Shard) + Send + 'static) {
        self.want_tables();
        match &mut self.guard.tables {
            Tables::Building(parked) => parked.push(Box::new(then)),
            Tables::Absent | Tables::Built => then(self),
        }
    }

    /// Whether something would wait for the tables.
    pub(crate) fn lacks_tables(&self) -> bool {
        self.view.defender.is_on() && !self.guard.tables.are_built()
    }

    /// The tables are there, or are built in place by whoever judges next.
    pub(crate) fn guards_built(&mut self) {
        if let Tables::Building(parked) = std::mem::replace(&mut self.guard.tables, Tables::Built) {
            for then in parked {
                then(self);
            }
        }
        self.read_waiting();
    }
}

//! One thing to count: set up once, done many times.

use crate::allocations::Heap;

use super::{cases, valgrind};

/// One thing to count.
pub(super) struct Case {
    /// As the record and the command line name it.
    pub(super) name: &'static str,
    /// What one of them is: counts are given for each.
    pub(super) unit: &'static str,
    /// How many of these one operation does.
    pub(super) each: u64,
    /// Operations before anything is counted: tables and pools get their size.
    pub(super) warm: u64,
    /// Operations that are counted.
    pub(super) count: u64,
    /// Sets it up.
    pub(super) make: fn() -> Box<dyn Operation>,
}

/// Something that is done again and again.
pub(super) trait Operation {
    /// Lays out what the next run works on. Not counted.
    fn prepare(&mut self);

    /// Does it.
    fn run(&mut self);

    /// Looks whether it was really done; panics when not.
    fn check(&self, runs: u64);
}

/// An operation made of its state and what is done to it.
pub(super) struct Steps<S> {
    pub(super) state: S,
    pub(super) prepare: fn(&mut S),
    pub(super) run: fn(&mut S),
    pub(super) check: fn(&S, u64),
}

impl<S> Operation for Steps<S> {
    fn prepare(&mut self) {
        (self.prepare)(&mut self.state);
    }

    fn run(&mut self) {
        (self.run)(&mut self.state);
    }

    fn check(&self, runs: u64) {
        (self.check)(&self.state, runs);
    }
}

/// Every case, in the order of the table.
pub(super) fn all() -> Vec<Case> {
    [
        cases::ws::CASES,
        cases::frames::CASES,
        cases::requests::CASES,
        cases::sessions::CASES,
        cases::connections::CASES,
        cases::chat::CASES,
        cases::fanout::CASES,
        cases::defender::CASES,
    ]
    .into_iter()
    .flatten()
    .map(|case| Case { ..*case })
    .collect()
}

/// Finds a case by its name.
pub(super) fn named(name: &str) -> Option<Case> {
    all().into_iter().find(|case| case.name == name)
}

/// Sets a case up and does it `count` times. What it took from the heap meanwhile.
pub(super) fn run(case: &Case, count: u64) -> Heap {
    let mut operation = (case.make)();
    for _ in 0..case.warm {
        operation.prepare();
        operation.run();
    }
    valgrind::begin();
    let mut total = Heap::default();
    for _ in 0..count {
        operation.prepare();
        let before = Heap::now();
        counted_operation(&mut *operation);
        let taken = Heap::now() - before;
        total.allocations += taken.allocations;
        total.bytes += taken.bytes;
        total.returned += taken.returned;
    }
    operation.check(case.warm + count);
    total
}

/// What callgrind counts: it is told the name of this function.
#[inline(never)]
fn counted_operation(operation: &mut dyn Operation) {
    operation.run();
}

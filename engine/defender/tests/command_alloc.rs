//! Judging an everyday command with a warm scratch takes no memory from the heap.
#![allow(unsafe_code)] // A counting allocator has no safe form.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use pincer_defender::command::{CommandGuard, Scratch};

struct Counting;

thread_local! {
    static TAKEN: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: passes everything on to the system's allocator as it came; the count is a plain cell of the thread, whose
// access takes no memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        TAKEN.with(|taken| taken.set(taken.get() + 1));
        // SAFETY: the caller's promise is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is the system allocator's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_warm_scratch_takes_nothing() {
    let commands = [
        "ls -la",
        "git status && cargo build --release 2>&1 | tee build.log",
        "find . -name '*.rs' -exec grep -l todo {} +",
        "FOO=bar make \"$TARGET\" -j$(nproc)",
        "rm -rf /srv; echo cm0= | base64 -d | sh",
        "python3 -c \"import os; os.system('ls /')\"",
        "cat <<EOF | sort\nb\na\nEOF",
    ];
    let (guard, mut scratch) = (CommandGuard::new(), Scratch::default());
    let mut run = || commands.map(|command| guard.assess(command, &mut scratch).score);
    let first = run();
    let before = TAKEN.with(Cell::get);
    let second = run();
    let taken = TAKEN.with(Cell::get) - before;
    assert_eq!(first, second);
    assert_eq!(taken, 0, "allocations");
    assert!(before > 0, "the count counts");
}

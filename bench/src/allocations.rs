//! Counts what this program takes from the heap, thread by thread.
//!
//! Whatever is measured in process is counted on the system's allocator, not on mimalloc, which the gateway uses: how
//! often and how much is asked for does not depend on who answers, and valgrind knows its way around the system's.
#![allow(unsafe_code, reason = "a counting allocator has no safe form")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ops::Sub;

/// What a thread has taken and given back so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Heap {
    /// Times memory was asked for; growing a block counts too.
    pub(crate) allocations: u64,
    /// Bytes asked for; growing a block counts by what it grew.
    pub(crate) bytes: u64,
    /// Bytes given back; shrinking a block counts by what it shrank.
    pub(crate) returned: u64,
}

impl Heap {
    /// Of this thread, until now.
    pub(crate) fn now() -> Heap {
        HEAP.with(Cell::get)
    }

    /// Bytes that are still held. Negative when more was given back than taken.
    pub(crate) fn held(self) -> i64 {
        self.bytes.cast_signed() - self.returned.cast_signed()
    }
}

impl Sub for Heap {
    type Output = Heap;

    fn sub(self, earlier: Heap) -> Heap {
        Heap {
            allocations: self.allocations - earlier.allocations,
            bytes: self.bytes - earlier.bytes,
            returned: self.returned - earlier.returned,
        }
    }
}

thread_local! {
    static HEAP: Cell<Heap> = const { Cell::new(Heap { allocations: 0, bytes: 0, returned: 0 }) };
}

fn count(change: impl FnOnce(&mut Heap)) {
    // A thread that ends has no counter any more.
    let _ = HEAP.try_with(|heap| {
        let mut counted = heap.get();
        change(&mut counted);
        heap.set(counted);
    });
}

struct Counting;

// SAFETY: passes every call on to the system's allocator as it came. The count is a plain cell of the thread, whose access
// takes no memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(|heap| {
            heap.allocations += 1;
            heap.bytes += layout.size() as u64;
        });
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(|heap| {
            heap.allocations += 1;
            heap.bytes += layout.size() as u64;
        });
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(|heap| {
            heap.allocations += 1;
            heap.bytes += size.saturating_sub(layout.size()) as u64;
            heap.returned += layout.size().saturating_sub(size) as u64;
        });
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(|heap| heap.returned += layout.size() as u64);
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

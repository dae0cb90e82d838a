//! A clean prompt costs no allocation once the scratch has met its like.
#![allow(unsafe_code, reason = "a counting allocator is an allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use pincer_defender::Provenance;
use pincer_defender::prompt::{PromptGuard, Scratch};

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, counting calls of this thread.
struct Counting;

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that ends has no counter any more.
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_clean_prompt_costs_nothing() {
    let guard = PromptGuard::new();
    let mut scratch = Scratch::default();
    let long =
        "The museum opens at nine, and the café in its garden serves breakfast until noon.\n".repeat(200);
    let prompts = [
        "Could you plan a weekend in Porto for two people, with a rainy-day option?",
        "Erkläre mir bitte den Unterschied zwischen TCP und UDP — möglichst kurz.",
        "请帮我写一封感谢信。",
        "see attachment aGVsbG8sIHRoaXMgaXMgYSBncmVldGluZw== and 50% off &amp; more",
        &long,
    ];
    let mut judge = || {
        for prompt in prompts {
            for from in [Provenance::ChannelUser, Provenance::WebContent] {
                std::hint::black_box(guard.assess(prompt, from, &mut scratch));
            }
        }
    };
    judge(); // buffers grow to what is needed
    let before = COUNT.with(Cell::get);
    judge();
    assert_eq!(COUNT.with(Cell::get) - before, 0, "allocations");
}

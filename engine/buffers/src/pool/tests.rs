use proptest::prelude::*;

use super::*;

const KIB: usize = 1024;

fn pool(retained_kib: usize, leased_kib: usize) -> Pool {
    Pool::new(PoolLimits { retained_bytes_max: retained_kib * KIB, leased_bytes_max: leased_kib * KIB })
}

#[test]
fn a_restored_buffer_is_leased_again_empty() {
    let mut pool = pool(64, 64);
    let mut first = pool.lease(1000);
    first.extend_from_slice(b"secret");
    let place = first.as_ptr();
    pool.restore(first);
    assert_eq!(pool.stats().retained_bytes, KIB);

    let second = pool.lease(600);
    assert_eq!(second.as_ptr(), place);
    assert!(second.is_empty());
    assert_eq!((pool.stats().reused, pool.stats().allocated), (1, 1));
    assert_eq!(pool.stats().retained_bytes, 0);
    pool.restore(second);
    assert_eq!((pool.stats().leased, pool.stats().leased_bytes), (0, 0));
}

#[test]
fn a_small_wish_does_not_take_a_large_buffer() {
    let mut pool = pool(64, 64);
    let large = pool.lease(32 * KIB);
    pool.restore(large);
    let small = pool.lease(10);
    assert_eq!(small.capacity(), 256);
    pool.restore(small);
}

#[test]
fn a_buffer_that_grows_every_time_is_reused_all_the_same() {
    let mut pool = pool(64, 64);
    for _ in 0..10 {
        let mut buffer = pool.lease(512);
        buffer.resize(900, 7);
        pool.restore(buffer);
    }
    assert_eq!((pool.stats().reused, pool.stats().allocated), (9, 1));
    assert_eq!(pool.try_lease(512).unwrap().capacity(), 512, "what is bounded gets what it asked for");
}

#[test]
fn past_the_retained_bound_buffers_are_freed() {
    let mut pool = pool(3, 1000);
    let all: Vec<Buffer> = (0..5).map(|_| pool.lease(KIB)).collect();
    for buffer in all {
        pool.restore(buffer);
    }
    assert_eq!(pool.stats().retained_bytes, 3 * KIB);
    assert_eq!(pool.stats().leased_bytes_peak, 5 * KIB);
}

#[test]
fn what_is_larger_than_any_class_is_exact_and_never_kept() {
    let mut pool = pool(1 << 20, 1 << 20);
    let huge = pool.lease(class::LARGEST + 1);
    assert_eq!(pool.stats().leased_bytes, class::LARGEST + 1);
    pool.restore(huge);
    assert_eq!(
        pool.stats(),
        PoolStats { leased_bytes_peak: class::LARGEST + 1, allocated: 1, ..PoolStats::default() }
    );
}

#[test]
fn a_buffer_that_grew_is_kept_by_its_new_size() {
    let mut pool = pool(64, 64);
    let mut buffer = pool.lease(256);
    buffer.resize(5000, 7);
    let capacity = buffer.capacity();
    pool.restore(buffer);
    assert_eq!(pool.stats().retained_bytes, capacity);
    assert_eq!(pool.stats().leased_bytes, 0);
    assert_eq!(pool.lease(4096).capacity(), capacity);
}

#[test]
fn try_lease_stops_at_the_bound_and_recovers() {
    let mut pool = pool(64, 2);
    let first = pool.try_lease(KIB).unwrap();
    let second = pool.try_lease(KIB).unwrap();
    assert_eq!(pool.try_lease(1).unwrap_err(), Exhausted);
    let forced = pool.lease(1);
    pool.restore(forced);
    pool.restore(first);
    assert!(pool.try_lease(KIB).is_ok());
    pool.restore(second);
}

#[test]
fn try_grow_keeps_contents_and_gives_the_old_memory_back() {
    let mut pool = pool(64, 8);
    let mut buffer = pool.try_lease(KIB).unwrap();
    buffer.extend_from_slice(b"kept");
    pool.try_grow(&mut buffer, 10).unwrap();
    assert_eq!(buffer.capacity(), KIB);
    pool.try_grow(&mut buffer, 8 * KIB).unwrap();
    assert_eq!((&buffer[..], buffer.capacity()), (&b"kept"[..], 8 * KIB));
    assert_eq!(
        (pool.stats().leased, pool.stats().leased_bytes, pool.stats().retained_bytes),
        (1, 8 * KIB, KIB)
    );
    assert_eq!(pool.try_grow(&mut buffer, 8 * KIB + 1), Err(Exhausted));
    assert_eq!(&buffer[..], b"kept");
    pool.restore(buffer);
}

#[test]
fn frozen_bytes_leave_the_books() {
    let mut pool = pool(64, 64);
    let mut buffer = pool.lease(10);
    buffer.extend_from_slice(b"event");
    let place = buffer.as_ptr();
    let frozen = pool.freeze(buffer);
    assert_eq!((&frozen[..], frozen.as_ptr()), (&b"event"[..], place));
    assert_eq!((pool.stats().leased, pool.stats().leased_bytes, pool.stats().retained_bytes), (0, 0, 0));
}

#[test]
fn trim_frees_the_largest_first() {
    let mut pool = pool(1024, 1024);
    let all = [pool.lease(KIB), pool.lease(64 * KIB), pool.lease(4 * KIB)];
    for buffer in all {
        pool.restore(buffer);
    }
    pool.trim(10 * KIB);
    assert_eq!(pool.stats().retained_bytes, 5 * KIB);
    pool.trim(0);
    assert_eq!(pool.stats().retained_bytes, 0);
}

#[test]
fn an_unallocated_buffer_is_nobodys() {
    let mut pool = pool(64, 64);
    let leased = pool.lease(1);
    pool.restore(Buffer::default());
    assert_eq!(pool.stats().leased, 1);
    pool.restore(leased);
    assert_eq!(pool.stats().leased, 0);
}

#[test]
fn debug_shows_sizes_only() {
    let mut pool = pool(1, 1);
    let mut buffer = pool.lease(300);
    buffer.extend_from_slice(b"token");
    assert_eq!(format!("{buffer:?}"), "Buffer { len: 5, capacity: 512 }");
}

proptest! {
    /// Whatever is leased, grown, restored and frozen in whatever order: the books agree with what is really there.
    #[test]
    fn books_balance(steps in prop::collection::vec((0u8..6, 0usize..200_000), 0..200)) {
        let mut pool = pool(256, 1024);
        let mut out: Vec<Buffer> = Vec::new();
        for (step, size) in steps {
            match step {
                0 => out.push(pool.lease(size)),
                1 => out.extend(pool.try_lease(size)),
                2 => if let Some(buffer) = out.last_mut() { let _ = pool.try_grow(buffer, size); },
                3 => if !out.is_empty() { let buffer = out.swap_remove(size % out.len()); pool.restore(buffer); },
                4 => if let Some(buffer) = out.pop() { drop(pool.freeze(buffer)); },
                _ => pool.trim(size),
            }
            let stats = pool.stats();
            prop_assert_eq!(stats.leased, out.len());
            prop_assert_eq!(stats.leased_bytes, out.iter().map(|buffer| buffer.capacity()).sum::<usize>());
            let waiting: usize = pool.free.iter().flatten().map(Vec::capacity).sum();
            prop_assert_eq!(stats.retained_bytes, waiting);
            prop_assert!(waiting <= 256 * KIB);
            prop_assert!(stats.leased_bytes_peak >= stats.leased_bytes);
        }
        for buffer in out {
            pool.restore(buffer);
        }
        prop_assert_eq!((pool.stats().leased, pool.stats().leased_bytes), (0, 0));
    }
}

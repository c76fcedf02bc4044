//! A tick allocates nothing. Alone in its process, with an allocator that counts.
#![cfg(target_os = "linux")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use memguard_vitals::Vitals;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged; counting touches a plain cell of the
// thread and allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_reading_allocates_nothing() {
    let mut vitals = Vitals::open();
    let before = ALLOCATIONS.with(Cell::get);
    assert!(before > 0, "the counter counts");
    for _ in 0..100 {
        std::hint::black_box(vitals.read());
    }
    assert_eq!(ALLOCATIONS.with(Cell::get) - before, 0);
}

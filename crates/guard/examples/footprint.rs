//! Prints the bytes that a guard holds on the heap after a number of samples at the calm pace.
//!
//! ```text
//! footprint COUNT SETTINGS FACTS
//! ```

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use memguard_guard::bench::Bench;

/// Counts what is allocated and not yet freed.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator unchanged; the counter allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, count, settings, facts] = &arguments[..] else {
        return Err("expected: COUNT SETTINGS FACTS".into());
    };
    let count: u32 = count.parse()?;
    let before = HELD.load(Relaxed);
    let mut bench = Bench::open(settings, facts)?;
    for _ in 0..count {
        bench.minor_collection();
        bench.tick();
    }
    println!("{}", HELD.load(Relaxed) - before);
    Ok(())
}

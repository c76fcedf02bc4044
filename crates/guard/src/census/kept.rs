//! Where old objects were: kept in native memory, for the next census to say which survived.

use std::sync::Arc;

use parking_lot::Mutex;

#[cfg(target_os = "linux")]
pub(crate) use memguard_heap_walk::AddressSet;

/// Elsewhere there is none.
#[cfg(not(target_os = "linux"))]
pub(crate) struct AddressSet;

/// All of them together take no more than this, in bytes; the oldest goes first.
pub(super) const MOST_BYTES: usize = 64 << 20;
/// And no more than this many: each thread needs one or two.
const MOST_SETS: usize = 32;

struct Kept {
    id: u32,
    isolate: usize,
    bytes: usize,
    set: Arc<AddressSet>,
}

static KEPT: Mutex<(u32, Vec<Kept>)> = Mutex::new((0, Vec::new()));

/// Keeps a set; `None` where it is too large.
pub(super) fn keep(isolate: usize, set: AddressSet, bytes: usize) -> Option<u32> {
    if bytes > MOST_BYTES {
        return None;
    }
    let mut guarded = KEPT.lock();
    let (last, kept) = &mut *guarded;
    while kept.len() >= MOST_SETS
        || kept.iter().map(|one| one.bytes).sum::<usize>() + bytes > MOST_BYTES
    {
        kept.remove(0);
    }
    *last = last.wrapping_add(1);
    kept.push(Kept {
        id: *last,
        isolate,
        bytes,
        set: Arc::new(set),
    });
    Some(*last)
}

/// The set of that number, if it is still there and of this isolate.
pub(super) fn find(id: u32, isolate: usize) -> Option<Arc<AddressSet>> {
    let guarded = KEPT.lock();
    let found = guarded.1.iter().find(|one| one.id == id)?;
    (found.isolate == isolate).then(|| Arc::clone(&found.set))
}

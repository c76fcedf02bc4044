//! Room for V8's snapshot generator.
//!
//! The generator collects garbage several times before it begins. Near the limit V8 takes these collections for a
//! death spiral and aborts the process, at the very moment at which it was to leave its evidence behind; it also
//! allocates a little in the heap. So for as long as it runs the limit may be raised by a bounded step, and is put back
//! afterwards.

use std::cell::Cell;
use std::ffi::c_void;

use memguard_v8_api::Isolate;

use crate::engine::engine;

/// How much V8 gets at a time, and in all.
const STEP_BYTES: usize = 64 << 20;
const MOST_BYTES: usize = 4 * STEP_BYTES;

thread_local! {
    /// What the limit was before it was raised on this thread; `None` while no generator runs here.
    static BEFORE: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The generator begins on this thread: its collections are not the app's, and it may raise the limit.
///
/// # Safety
/// On the isolate's thread; [`end`] is called there before the isolate ends.
pub(crate) unsafe fn begin() {
    engine().set_induced(true);
    if BEFORE.get().is_some() {
        return;
    }
    if let Some(isolate) = Isolate::current() {
        // SAFETY: the current isolate is alive; the callback is a function of this library, which is pinned, without data.
        if unsafe { isolate.add_near_heap_limit_callback(raise, std::ptr::null_mut()) } {
            BEFORE.set(Some(0));
        }
    }
}

/// The generator is done: all is as it was.
///
/// # Safety
/// On the isolate's thread.
pub(crate) unsafe fn end() {
    engine().set_induced(false);
    if let (Some(before), Some(isolate)) = (BEFORE.take(), Isolate::current()) {
        // SAFETY: the current isolate is alive, and `begin` registered the callback.
        unsafe { isolate.remove_near_heap_limit_callback(raise, before) };
    }
}

/// In a forked child, which may have been forked at the limit: V8 gets what it asks for, since the child's memory is
/// bounded in other ways.
///
/// # Safety
/// On the isolate's thread, in a child that never runs JavaScript again.
pub(crate) unsafe fn raise_in_child(isolate: Isolate) {
    // SAFETY: the isolate is this thread's; the callback is a function of this library, without data.
    unsafe { isolate.add_near_heap_limit_callback(raise_freely, std::ptr::null_mut()) };
}

/// # Safety
/// Called by V8 on the isolate's thread.
unsafe extern "C" fn raise_freely(_: *mut c_void, current: usize, _: usize) -> usize {
    current.saturating_add(8 * STEP_BYTES)
}

/// # Safety
/// Called by V8 on the isolate's thread.
unsafe extern "C" fn raise(_: *mut c_void, current: usize, _: usize) -> usize {
    let before = match BEFORE.get() {
        Some(0) | None => current,
        Some(before) => before,
    };
    BEFORE.set(Some(before));
    raised(before, current)
}

/// The next limit; the current one when all is spent.
fn raised(before: usize, current: usize) -> usize {
    let most = before.saturating_add(MOST_BYTES);
    current.saturating_add(STEP_BYTES).min(most).max(current)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_by_steps_and_not_for_ever() {
        let start = 64 << 20;
        let mut limit = start;
        for step in 1..=4 {
            limit = raised(start, limit);
            assert_eq!(limit, start + step * STEP_BYTES);
        }
        assert_eq!(raised(start, limit), limit);
        assert_eq!(raised(start, usize::MAX), usize::MAX);
    }

    #[test]
    fn outside_of_node_nothing_happens() {
        // SAFETY: there is no isolate on this thread.
        unsafe { begin() };
        assert_eq!(BEFORE.get(), None);
        // SAFETY: as above.
        unsafe { end() };
    }
}

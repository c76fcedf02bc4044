//! The functions that V8 calls. They run while the heap is being collected or in the middle of
//! JavaScript: they store numbers and do nothing else.
//!
//! A minor collection costs two clock readings and a few atomic stores, so that scavenges, of
//! which a busy server has dozens a second, are counted without being felt.

use std::ffi::c_void;
use std::sync::atomic::Ordering::Relaxed;

use memguard_v8_api::{GcTypes, Isolate, is_forced};

use super::{GcKind, GcRecord, Recorder};
use crate::clock::now_us;

/// # Safety
/// Called by V8 with the data that [`Recorder::hook`] registered.
pub(super) unsafe extern "C" fn prologue(
    isolate: *mut c_void,
    types: u32,
    _: u32,
    data: *mut c_void,
) {
    // SAFETY: the data is a `&'static Recorder`.
    let recorder = unsafe { &*data.cast::<Recorder>() };
    if !recorder.belongs_to(isolate.cast()) {
        return;
    }
    recorder.gc.started_us.store(now_us(), Relaxed);
    if GcTypes::from_raw(types).is_major() || recorder.weighs() {
        // SAFETY: V8 hands us the isolate that is alive and on this thread.
        let used = unsafe { used_bytes(isolate) };
        recorder.gc.used_before.store(used, Relaxed);
    }
}

/// # Safety
/// As [`prologue`].
pub(super) unsafe extern "C" fn epilogue(
    isolate: *mut c_void,
    types: u32,
    flags: u32,
    data: *mut c_void,
) {
    // SAFETY: the data is a `&'static Recorder`.
    let recorder = unsafe { &*data.cast::<Recorder>() };
    if !recorder.belongs_to(isolate.cast()) {
        return;
    }
    let at_us = now_us();
    let duration_us = at_us.saturating_sub(recorder.gc.started_us.load(Relaxed));
    let major = GcTypes::from_raw(types).is_major();
    let (mut used_before, mut used_after) = (0, 0);
    if major {
        if let Some(isolate) = Isolate::from_raw(isolate) {
            // SAFETY: V8 hands us the isolate that is alive and on this thread.
            unsafe { recorder.read_heap(isolate) };
        }
        used_after = recorder.heap.used.load(Relaxed);
    } else if recorder.weighs() {
        // SAFETY: as above.
        used_after = unsafe { used_bytes(isolate) };
    }
    if used_after != 0 {
        used_before = recorder.gc.used_before.load(Relaxed);
        let freed = used_before.saturating_sub(used_after);
        recorder.freed.fetch_add(freed, Relaxed);
    }
    recorder.record_gc(GcRecord {
        kind: if major { GcKind::Major } else { GcKind::Minor },
        at_us,
        duration_us,
        used_before,
        used_after,
        induced: recorder.induced.load(Relaxed) || is_forced(flags),
    });
    if major {
        let tight = used_after >= recorder.tight_bytes.load(Relaxed);
        recorder.gate.major_collected(tight);
    }
}

/// # Safety
/// Called by V8 with the data that [`Recorder::request_reading`] gave.
pub(super) unsafe extern "C" fn interrupt(isolate: *mut c_void, data: *mut c_void) {
    // SAFETY: the data is a `&'static Recorder`.
    let recorder = unsafe { &*data.cast::<Recorder>() };
    if !recorder.belongs_to(isolate.cast()) {
        return;
    }
    if let Some(isolate) = Isolate::from_raw(isolate) {
        // SAFETY: an interrupt runs on the isolate's thread, between two operations of JavaScript.
        unsafe { recorder.read_heap(isolate) };
    }
    recorder.gate.notify();
}

/// # Safety
/// `isolate` is alive and of this thread.
unsafe fn used_bytes(isolate: *mut c_void) -> u64 {
    Isolate::from_raw(isolate)
        // SAFETY: passed on from the caller.
        .and_then(|isolate| unsafe { isolate.heap_statistics() })
        .map_or(0, |heap| heap.used)
}

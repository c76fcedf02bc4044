//! Calls into an isolate.

use std::ffi::{CStr, c_void};
use std::ptr::NonNull;

use crate::statistics::{HeapStatistics, RawHeapStatistics, RawSpaceStatistics, SpaceStatistics};
use crate::symbols::Symbol;

/// Which collections a GC callback is called for: V8's `GCType` bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GcTypes(u32);

impl GcTypes {
    /// Mark-sweep-compact: the whole heap.
    pub const MAJOR: Self = Self(0b0100);
    /// Scavenges and minor mark-sweeps (the nursery) too.
    pub const MINOR_AND_MAJOR: Self = Self(0b0111);

    /// Reads the argument that V8 hands to a callback.
    pub fn from_raw(bits: u32) -> Self {
        Self(bits)
    }

    /// Whether this is a collection of the whole heap.
    pub fn is_major(self) -> bool {
        self.0 & Self::MAJOR.0 != 0
    }
}

/// Whether the `GCCallbackFlags` that V8 hands to a callback say that somebody asked for the collection.
pub fn is_forced(flags: u32) -> bool {
    const FORCED: u32 = 1 << 2;
    flags & FORCED != 0
}

/// Called by V8 on the isolate's thread: isolate, `GCType` bits, `GCCallbackFlags` bits, data.
pub type GcCallback = unsafe extern "C" fn(*mut c_void, u32, u32, *mut c_void);

/// Called by V8 on the isolate's thread: isolate, data.
pub type InterruptCallback = unsafe extern "C" fn(*mut c_void, *mut c_void);

/// Called by V8 when the heap is about to hit its limit: data, current limit, limit at the start. Answers
/// the new limit; not above the current one means that V8 gives up.
pub type NearHeapLimitCallback = unsafe extern "C" fn(*mut c_void, usize, usize) -> usize;

type AddGcCallback = unsafe extern "C" fn(*mut c_void, GcCallback, *mut c_void, u32);
type RemoveGcCallback = unsafe extern "C" fn(*mut c_void, GcCallback, *mut c_void);

/// A V8 isolate. Copying the handle is free; whoever keeps one answers for the isolate being alive
/// when it is used, which is why every call is `unsafe`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isolate(NonNull<c_void>);

// SAFETY: the handle is only an address. Each method says on which thread it may be called.
unsafe impl Send for Isolate {}
// SAFETY: as above; the handle itself has no state.
unsafe impl Sync for Isolate {}

impl Isolate {
    /// The isolate that this thread has entered, or `None` outside of one or where V8's symbols are missing.
    pub fn current() -> Option<Self> {
        let address = Symbol::GetCurrent.address()?;
        // SAFETY: the symbol is `static Isolate* Isolate::GetCurrent()`.
        let get_current: unsafe extern "C" fn() -> *mut c_void =
            unsafe { std::mem::transmute(address) };
        // SAFETY: it reads a thread-local variable and answers null outside of an isolate.
        NonNull::new(unsafe { get_current() }).map(Self)
    }

    /// The isolate that V8 hands to a callback.
    pub fn from_raw(address: *mut c_void) -> Option<Self> {
        NonNull::new(address).map(Self)
    }

    /// The isolate's address, to compare it.
    pub fn address(self) -> *mut () {
        self.0.as_ptr().cast()
    }

    /// Reads the heap's figures. Cost: about 0.3 µs, growing slowly with the number of pages.
    ///
    /// # Safety
    /// The isolate is alive and the caller is on its thread (a GC or interrupt callback is).
    pub unsafe fn heap_statistics(self) -> Option<HeapStatistics> {
        let address = Symbol::GetHeapStatistics.address()?;
        // SAFETY: the symbol is `void Isolate::GetHeapStatistics(HeapStatistics*)`; a member
        // function takes the object as its first argument.
        let get: unsafe extern "C" fn(*mut c_void, *mut RawHeapStatistics) =
            unsafe { std::mem::transmute(address) };
        let mut raw = RawHeapStatistics::ZERO;
        // SAFETY: the isolate is alive by contract; V8 writes its 112 or 120 bytes into 256.
        unsafe { get(self.0.as_ptr(), &raw mut raw) };
        Some(raw.into())
    }

    /// How many spaces the heap has; constant for an isolate's life.
    ///
    /// # Safety
    /// As for [`Isolate::heap_statistics`].
    pub unsafe fn space_count(self) -> usize {
        let Some(address) = Symbol::NumberOfHeapSpaces.address() else {
            return 0;
        };
        // SAFETY: the symbol is `size_t Isolate::NumberOfHeapSpaces()`.
        let count: unsafe extern "C" fn(*mut c_void) -> usize =
            unsafe { std::mem::transmute(address) };
        // SAFETY: the isolate is alive by contract.
        unsafe { count(self.0.as_ptr()) }
    }

    /// Reads one space's figures; `None` past the last.
    ///
    /// # Safety
    /// As for [`Isolate::heap_statistics`].
    pub unsafe fn space_statistics(self, index: usize) -> Option<SpaceStatistics> {
        let address = Symbol::GetHeapSpaceStatistics.address()?;
        // SAFETY: the symbol is `bool Isolate::GetHeapSpaceStatistics(HeapSpaceStatistics*, size_t)`.
        let get: unsafe extern "C" fn(*mut c_void, *mut RawSpaceStatistics, usize) -> bool =
            unsafe { std::mem::transmute(address) };
        let mut raw = RawSpaceStatistics::ZERO;
        // SAFETY: the isolate is alive by contract, and the buffer is larger than what V8 writes.
        let found = unsafe { get(self.0.as_ptr(), &raw mut raw, index) };
        if !found || raw.name.is_null() {
            return None;
        }
        // SAFETY: V8 points to a string literal of its own.
        let name = unsafe { CStr::from_ptr(raw.name) };
        Some(SpaceStatistics {
            is_new_space: name == c"new_space",
            capacity: (raw.used + raw.available) as u64,
        })
    }

    /// Has `prologue` and `epilogue` called around each collection of the given types.
    /// Returns whether both could be registered.
    ///
    /// # Safety
    /// The isolate is alive, the caller is on its thread, and the callbacks and `data` stay valid
    /// until [`Isolate::remove_gc_callbacks`] or the isolate's end. The callbacks must not
    /// allocate in the heap, call into JavaScript or unwind.
    pub unsafe fn add_gc_callbacks(
        self,
        prologue: GcCallback,
        epilogue: GcCallback,
        data: *mut c_void,
        types: GcTypes,
    ) -> bool {
        let (Some(add_prologue), Some(add_epilogue), Some(_), Some(_)) = (
            Symbol::AddGcPrologue.address(),
            Symbol::AddGcEpilogue.address(),
            Symbol::RemoveGcPrologue.address(),
            Symbol::RemoveGcEpilogue.address(),
        ) else {
            return false;
        };
        // SAFETY: `void Isolate::AddGCPrologueCallback(GCCallbackWithData, void*, GCType)`.
        let add_prologue: AddGcCallback = unsafe { std::mem::transmute(add_prologue) };
        // SAFETY: the epilogue's twin has the same signature.
        let add_epilogue: AddGcCallback = unsafe { std::mem::transmute(add_epilogue) };
        // SAFETY: the caller keeps isolate, callback and data alive.
        unsafe { add_prologue(self.0.as_ptr(), prologue, data, types.0) };
        // SAFETY: as above.
        unsafe { add_epilogue(self.0.as_ptr(), epilogue, data, types.0) };
        true
    }

    /// Takes back what [`Isolate::add_gc_callbacks`] registered.
    ///
    /// # Safety
    /// The isolate is alive, the caller is on its thread, and the pair was registered with this `data`.
    pub unsafe fn remove_gc_callbacks(
        self,
        prologue: GcCallback,
        epilogue: GcCallback,
        data: *mut c_void,
    ) {
        for (symbol, callback) in [
            (Symbol::RemoveGcPrologue, prologue),
            (Symbol::RemoveGcEpilogue, epilogue),
        ] {
            let Some(address) = symbol.address() else {
                continue;
            };
            // SAFETY: `void Isolate::RemoveGC…Callback(GCCallbackWithData, void*)`.
            let remove: RemoveGcCallback = unsafe { std::mem::transmute(address) };
            // SAFETY: the pair is registered by contract.
            unsafe { remove(self.0.as_ptr(), callback, data) };
        }
    }

    /// Has `callback` called on the isolate's thread at the next stack check of running
    /// JavaScript, also inside an endless loop; when nothing runs, at the next run. May be called
    /// from any thread. Returns whether V8 offers it.
    ///
    /// # Safety
    /// The isolate is alive during this call; callback and `data` stay valid until the call came
    /// or the isolate ended. The callback must not call into JavaScript or unwind.
    pub unsafe fn request_interrupt(self, callback: InterruptCallback, data: *mut c_void) -> bool {
        let Some(address) = Symbol::RequestInterrupt.address() else {
            return false;
        };
        // SAFETY: the symbol is `void Isolate::RequestInterrupt(InterruptCallback, void*)`.
        let request: unsafe extern "C" fn(*mut c_void, InterruptCallback, *mut c_void) =
            unsafe { std::mem::transmute(address) };
        // SAFETY: the isolate is alive by contract, and V8 documents this call as thread-safe.
        unsafe { request(self.0.as_ptr(), callback, data) };
        true
    }

    /// Has `callback` asked for a higher limit before V8 gives up. Of several, V8 asks the last that was added.
    /// Returns whether V8 offers it.
    ///
    /// # Safety
    /// The isolate is alive, the caller is on its thread, and the callback and `data` stay valid until
    /// [`Isolate::remove_near_heap_limit_callback`]. The callback must not allocate in the heap or unwind.
    pub unsafe fn add_near_heap_limit_callback(
        self,
        callback: NearHeapLimitCallback,
        data: *mut c_void,
    ) -> bool {
        let (Some(add), Some(_)) = (
            Symbol::AddNearHeapLimit.address(),
            Symbol::RemoveNearHeapLimit.address(),
        ) else {
            return false;
        };
        // SAFETY: the symbol is `void Isolate::AddNearHeapLimitCallback(NearHeapLimitCallback, void*)`.
        let add: unsafe extern "C" fn(*mut c_void, NearHeapLimitCallback, *mut c_void) =
            unsafe { std::mem::transmute(add) };
        // SAFETY: the caller keeps isolate, callback and data alive.
        unsafe { add(self.0.as_ptr(), callback, data) };
        true
    }

    /// Takes the callback back and lowers the limit to `restore_bytes`, or as near to it as the heap
    /// allows; 0 leaves the limit alone.
    ///
    /// # Safety
    /// The isolate is alive, the caller is on its thread, and the callback is registered.
    pub unsafe fn remove_near_heap_limit_callback(
        self,
        callback: NearHeapLimitCallback,
        restore_bytes: usize,
    ) {
        let Some(remove) = Symbol::RemoveNearHeapLimit.address() else {
            return;
        };
        // SAFETY: the symbol is `void Isolate::RemoveNearHeapLimitCallback(NearHeapLimitCallback, size_t)`.
        let remove: unsafe extern "C" fn(*mut c_void, NearHeapLimitCallback, usize) =
            unsafe { std::mem::transmute(remove) };
        // SAFETY: the callback is registered by contract.
        unsafe { remove(self.0.as_ptr(), callback, restore_bytes) };
    }

    /// Collects all garbage, synchronously. Returns whether V8 offers it.
    ///
    /// # Safety
    /// The isolate is alive and the caller is on its thread, not inside a GC callback.
    pub unsafe fn collect_garbage(self) -> bool {
        let Some(address) = Symbol::LowMemoryNotification.address() else {
            return false;
        };
        // SAFETY: the symbol is `void Isolate::LowMemoryNotification()`.
        let notify: unsafe extern "C" fn(*mut c_void) = unsafe { std::mem::transmute(address) };
        // SAFETY: the isolate is alive and entered by contract.
        unsafe { notify(self.0.as_ptr()) };
        true
    }
}

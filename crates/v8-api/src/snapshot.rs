//! A heap snapshot in V8's own words, into any writer.
//!
//! V8 hands its JSON to an object of the C++ class `OutputStream`; one is made here by hand: a pointer to a table of
//! functions. The table is the same in V8 10.2 to 14 under the Itanium C++ ABI: two destructors, `EndOfStream`,
//! `GetChunkSize`, `WriteAsciiChunk`, `WriteHeapStatsChunk`.

use std::ffi::{c_char, c_int, c_void};
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::isolate::Isolate;
use crate::symbols::Symbol;

/// `OutputStream::WriteResult`
const CONTINUE: c_int = 0;
const ABORT: c_int = 1;
/// `HeapSnapshot::SerializationFormat::kJSON`
const JSON: c_int = 0;
/// How much V8 collects before it hands it over.
const CHUNK: c_int = 64 * 1024;

/// `HeapProfiler::HeapSnapshotOptions`, with room behind it. All zero are Node's defaults: no control, no resolver of
/// names, regular mode, numbers hidden, the stack may hold pointers.
#[repr(C)]
struct Options([usize; 16]);

/// The table of functions of an `OutputStream`.
#[repr(C)]
struct Table {
    destroy: unsafe extern "C" fn(*mut Stream),
    destroy_and_free: unsafe extern "C" fn(*mut Stream),
    end_of_stream: unsafe extern "C" fn(*mut Stream),
    chunk_size: unsafe extern "C" fn(*mut Stream) -> c_int,
    write_ascii: unsafe extern "C" fn(*mut Stream, *mut c_char, c_int) -> c_int,
    write_stats: unsafe extern "C" fn(*mut Stream, *mut c_void, c_int) -> c_int,
}

static TABLE: Table = Table {
    destroy: nothing,
    destroy_and_free: nothing,
    end_of_stream: nothing,
    chunk_size,
    write_ascii,
    write_stats,
};

/// What V8 takes for an `OutputStream`.
#[repr(C)]
struct Stream<'a> {
    table: &'static Table,
    to: &'a mut dyn Write,
    failed: Option<io::Error>,
}

unsafe extern "C" fn nothing(_: *mut Stream) {}

unsafe extern "C" fn chunk_size(_: *mut Stream) -> c_int {
    CHUNK
}

unsafe extern "C" fn write_ascii(stream: *mut Stream, text: *mut c_char, length: c_int) -> c_int {
    // SAFETY: V8 hands back the stream that it was given, and nobody else has a reference to it meanwhile.
    let stream = unsafe { &mut *stream };
    let length = usize::try_from(length).unwrap_or(0);
    // SAFETY: V8's buffer of that length, which it leaves alone during this call.
    let text = unsafe { std::slice::from_raw_parts(text.cast::<u8>(), length) };
    // A panic must not run through V8's frames.
    let written = catch_unwind(AssertUnwindSafe(|| stream.to.write_all(text)))
        .unwrap_or_else(|_| Err(io::Error::other("a fault in what takes the snapshot")));
    match written {
        Ok(()) => CONTINUE,
        Err(error) => {
            stream.failed = Some(error);
            ABORT
        }
    }
}

unsafe extern "C" fn write_stats(_: *mut Stream, _: *mut c_void, _: c_int) -> c_int {
    ABORT
}

/// Whether V8 offers [`Isolate::write_heap_snapshot`] here.
pub fn can_take_snapshots() -> bool {
    let has = |symbol: Symbol| symbol.address().is_some();
    has(Symbol::GetCurrent)
        && has(Symbol::GetHeapProfiler)
        && has(Symbol::SerializeSnapshot)
        && (has(Symbol::TakeHeapSnapshot) || has(Symbol::TakeHeapSnapshotFour))
}

impl Isolate {
    /// Takes a heap snapshot and writes it to `to` as JSON, as `v8.writeHeapSnapshot` does (numbers are left out).
    /// `taken` is called between the two. **Stops the world**: seconds to minutes, and 10 to 19 times the heap in
    /// memory. The snapshot itself stays in V8's memory: this is for a process that ends afterwards.
    ///
    /// Works where JavaScript may not run: in an interrupt, in a near-heap-limit callback.
    ///
    /// # Errors
    /// What `to` answered, or that V8 offers no snapshot.
    ///
    /// # Safety
    /// The isolate is alive and the caller is on its thread, not inside a GC.
    pub unsafe fn write_heap_snapshot(
        self,
        to: &mut dyn Write,
        taken: &mut dyn FnMut(),
    ) -> io::Result<()> {
        let missing = || io::Error::from(io::ErrorKind::Unsupported);
        let profiler = Symbol::GetHeapProfiler.address().ok_or_else(missing)?;
        let serialize = Symbol::SerializeSnapshot.address().ok_or_else(missing)?;
        // SAFETY: the symbol is `HeapProfiler* Isolate::GetHeapProfiler()`.
        let profiler: unsafe extern "C" fn(*mut c_void) -> *mut c_void =
            unsafe { std::mem::transmute(profiler) };
        // SAFETY: the isolate is alive by contract.
        let profiler = unsafe { profiler(self.address().cast()) };
        // SAFETY: V8's own profiler of this isolate.
        let snapshot = unsafe { take(profiler) }.ok_or_else(missing)?;
        taken();
        // SAFETY: the symbol is `void HeapSnapshot::Serialize(OutputStream*, SerializationFormat) const`.
        let serialize: unsafe extern "C" fn(*mut c_void, *mut Stream, c_int) =
            unsafe { std::mem::transmute(serialize) };
        let mut stream = Stream {
            table: &TABLE,
            to,
            failed: None,
        };
        // SAFETY: the stream lives during the call, and begins with its table as C++ objects do.
        unsafe { serialize(snapshot, &raw mut stream, JSON) };
        stream.failed.map_or(Ok(()), Err)
    }
}

/// # Safety
/// `profiler` is V8's heap profiler of this thread's isolate.
unsafe fn take(profiler: *mut c_void) -> Option<*mut c_void> {
    let snapshot = if let Some(take) = Symbol::TakeHeapSnapshot.address() {
        let options = Options([0; 16]);
        // SAFETY: `const HeapSnapshot* TakeHeapSnapshot(const HeapSnapshotOptions&)`; the struct is some 32 bytes long.
        let take: unsafe extern "C" fn(*mut c_void, *const Options) -> *mut c_void =
            unsafe { std::mem::transmute(take) };
        // SAFETY: the profiler by contract; the options live during the call.
        unsafe { take(profiler, &raw const options) }
    } else {
        let take = Symbol::TakeHeapSnapshotFour.address()?;
        // SAFETY: `TakeHeapSnapshot(ActivityControl*, ObjectNameResolver*, bool hide_internals, bool capture_numeric_value)`
        let take: unsafe extern "C" fn(
            *mut c_void,
            *mut c_void,
            *mut c_void,
            bool,
            bool,
        ) -> *mut c_void = unsafe { std::mem::transmute(take) };
        let none = std::ptr::null_mut();
        // SAFETY: the profiler by contract; neither control nor resolver is needed.
        unsafe { take(profiler, none, none, true, false) }
    };
    (!snapshot.is_null()).then_some(snapshot)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(to: &mut dyn Write) -> Stream<'_> {
        Stream {
            table: &TABLE,
            to,
            failed: None,
        }
    }

    #[test]
    fn chunks_reach_the_writer_and_its_error_stops_v8() {
        let mut kept = Vec::new();
        let mut full = [0_u8; 2];
        let text = c"abc".as_ptr().cast_mut();
        {
            let mut stream = stream(&mut kept);
            // SAFETY: a stream of ours, and a text of three bytes.
            assert_eq!(unsafe { write_ascii(&raw mut stream, text, 3) }, CONTINUE);
            assert!(stream.failed.is_none());
        }
        assert_eq!(kept, b"abc");
        let mut slice = full.as_mut_slice();
        let mut stream = stream(&mut slice);
        // SAFETY: as above.
        assert_eq!(unsafe { write_ascii(&raw mut stream, text, 3) }, ABORT);
        assert!(stream.failed.is_some());
    }

    #[test]
    fn outside_of_node_there_is_none() {
        assert!(!can_take_snapshots());
    }
}

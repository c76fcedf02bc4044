//! Faults on purpose, for tests.

use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU8, Ordering};

use memguard_fork::{Child, PrepareOptions};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Fault {
    /// Nothing.
    None,
    /// V8's symbols are not to be found.
    NoSymbols,
    /// There is no `/proc`.
    NoProc,
    /// The child crashes.
    Crash,
    /// The child aborts.
    Abort,
    /// The child's work panics.
    Panic,
    /// The child takes memory without end.
    Memory,
    /// The child waits for a thread that it does not have, by a function of libuv.
    DeadThread,
    /// The child reads a large buffer that was kept from it.
    KeptBuffer,
    /// The child does nothing for a second.
    Slow,
    /// The child does nothing for good.
    Hang,
    /// V8's metadata says something wrong of maps.
    WrongMetadata,
}

static FAULT: AtomicU8 = AtomicU8::new(0);
static LEFT: AtomicI32 = AtomicI32::new(0);

/// The buffer that a child misses.
static BUFFER: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());

/// Has `fault` happen to the next `times` captures.
pub fn simulate(fault: Fault, times: i32) {
    if fault == Fault::KeptBuffer {
        BUFFER.store(vec![1; 32 << 20].leak().as_mut_ptr(), Ordering::Relaxed);
    }
    FAULT.store(fault as u8, Ordering::Relaxed);
    LEFT.store(times, Ordering::Relaxed);
}

fn is(fault: Fault) -> bool {
    FAULT.load(Ordering::Relaxed) == fault as u8 && LEFT.load(Ordering::Relaxed) > 0
}

pub(crate) fn simulated_refusal() -> Option<String> {
    is(Fault::NoSymbols).then(|| "this Node does not export V8's snapshot functions".to_owned())
}

pub(crate) fn simulated(options: PrepareOptions) -> PrepareOptions {
    // Each attempt is prepared once: that is what is counted.
    let proc_root = if is(Fault::NoProc) {
        "/nonexistent".into()
    } else {
        options.proc_root
    };
    LEFT.fetch_sub(1, Ordering::Relaxed);
    PrepareOptions {
        proc_root,
        ..options
    }
}

#[expect(clippy::panic, reason = "faults are what this is for")]
pub(crate) fn simulated_fault(child: &Child<'_>) {
    let left = LEFT.load(Ordering::Relaxed);
    let all = [
        Fault::Crash,
        Fault::Abort,
        Fault::Panic,
        Fault::Memory,
        Fault::DeadThread,
        Fault::KeptBuffer,
        Fault::Slow,
        Fault::Hang,
    ];
    let fault = all
        .into_iter()
        .find(|it| *it as u8 == FAULT.load(Ordering::Relaxed));
    // The attempt of this child was counted already.
    match fault.filter(|_| left >= 0) {
        Some(Fault::Crash) => {
            // SAFETY: none: the fault is wanted, in a child that is there for it.
            unsafe { std::ptr::write_volatile(8 as *mut u8, 1) }
        }
        Some(Fault::Abort) => std::process::abort(),
        Some(Fault::Panic) => panic!("expected by the test"),
        Some(Fault::Memory) => {
            let mut taken = Vec::new();
            loop {
                taken.push(vec![1_u8; 8 << 20]);
                child.wrote(taken.len() as u64);
            }
        }
        Some(Fault::DeadThread) => wait_for_nobody(),
        Some(Fault::KeptBuffer) => {
            let buffer = BUFFER.load(Ordering::Relaxed);
            // SAFETY: it is there in the parent, for good; in the child a fault is what is wanted.
            unsafe { std::ptr::read_volatile(buffer.wrapping_add(16 << 20)) };
        }
        Some(Fault::Slow) => std::thread::sleep(std::time::Duration::from_secs(1)),
        Some(Fault::Hang) => loop {
            std::thread::sleep(std::time::Duration::from_secs(1));
        },
        _ => {}
    }
}

/// Waits at a semaphore of libuv's, which Node exports: through Node's own symbol table, as V8 does.
fn wait_for_nobody() {
    #[cfg(target_os = "linux")]
    // SAFETY: libuv's own functions, of these signatures, and a place that is larger than its semaphore.
    unsafe {
        type Init = unsafe extern "C" fn(*mut [u64; 16], u32) -> i32;
        type Wait = unsafe extern "C" fn(*mut [u64; 16]);
        let init = libc::dlsym(libc::RTLD_DEFAULT, c"uv_sem_init".as_ptr());
        let wait = libc::dlsym(libc::RTLD_DEFAULT, c"uv_sem_wait".as_ptr());
        let mut semaphore = [0; 16];
        std::mem::transmute::<*mut libc::c_void, Init>(init)(&raw mut semaphore, 0);
        std::mem::transmute::<*mut libc::c_void, Wait>(wait)(&raw mut semaphore);
    }
}

/// What the child takes for V8's metadata.
#[cfg(target_os = "linux")]
pub(crate) fn metadata(
    metadata: &memguard_heap_walk::Metadata,
) -> std::borrow::Cow<'_, memguard_heap_walk::Metadata> {
    let mut metadata = std::borrow::Cow::Borrowed(metadata);
    // The attempt of this child was counted already.
    if FAULT.load(Ordering::Relaxed) == Fault::WrongMetadata as u8
        && LEFT.load(Ordering::Relaxed) >= 0
    {
        // It contradicts no other constant, so that it is for the self-test to find.
        let of = "class_Map__instance_descriptors";
        let right = metadata.constant(of).unwrap_or(0);
        metadata.to_mut().insert(of, right + 8);
    }
    metadata
}

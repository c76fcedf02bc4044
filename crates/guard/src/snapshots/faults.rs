//! Faults on purpose, for tests.

use std::sync::atomic::{AtomicI32, AtomicU8, Ordering};

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
    /// The child does nothing for a second.
    Slow,
    /// The child does nothing for good.
    Hang,
    /// V8's metadata says something wrong of functions.
    WrongMetadata,
}

static FAULT: AtomicU8 = AtomicU8::new(0);
static LEFT: AtomicI32 = AtomicI32::new(0);

/// Has `fault` happen to the next `times` captures.
pub fn simulate(fault: Fault, times: i32) {
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
        Some(Fault::Slow) => std::thread::sleep(std::time::Duration::from_secs(1)),
        Some(Fault::Hang) => loop {
            std::thread::sleep(std::time::Duration::from_secs(1));
        },
        _ => {}
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
        let of = "class_JSFunction__shared";
        let right = metadata.constant(of).unwrap_or(0);
        metadata.to_mut().insert(of, right + 16);
    }
    metadata
}

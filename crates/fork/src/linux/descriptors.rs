//! The child's descriptors: all of the parent's are given back, so that its sockets end when the parent ends them.
//!
//! V8 still posts tasks in the child, and libuv wakes its loop for them by an eventfd: a missing one would abort, the
//! parent's own would wake the parent. So a fresh one, which nobody listens to, takes the place of each.

use std::path::Path;

/// Replaces descriptors 0, 1 and 2, keeps `keep`, gives all others back.
///
/// # Safety
/// In a forked child only: whoever owns a descriptor in the parent's memory must not use it any more.
pub unsafe fn give_back(proc_root: &Path, keep: &[i32], output: Option<i32>) {
    let events = event_descriptors(proc_root);
    // SAFETY: opening a file and renaming descriptors of this child.
    unsafe {
        let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
        libc::dup2(null, 0);
        let output = output.unwrap_or(null);
        libc::dup2(output, 1);
        libc::dup2(output, 2);
    }
    let mut kept: Vec<u32> = keep
        .iter()
        .filter_map(|fd| u32::try_from(*fd).ok())
        .filter(|fd| *fd > 2)
        .collect();
    kept.sort_unstable();
    kept.dedup();
    let mut from = 3;
    for fd in kept.iter().copied().chain([u32::MAX]) {
        if from < fd {
            close(proc_root, from, if fd == u32::MAX { fd } else { fd - 1 });
        }
        from = fd.saturating_add(1);
    }
    // SAFETY: a new descriptor, and numbers that were closed above.
    unsafe {
        let fresh = libc::eventfd(0, libc::EFD_NONBLOCK);
        for number in &events {
            if *number != fresh && !kept.contains(&number.cast_unsigned()) {
                libc::dup2(fresh, *number);
            }
        }
    }
}

/// Where the kernel is too old for `close_range`, or a filter forbids it: one by one.
fn close(proc_root: &Path, first: u32, last: u32) {
    // SAFETY: the child's own descriptors, given up by its caller.
    if unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } == 0 {
        return;
    }
    for number in numbers(proc_root) {
        if (first..=last).contains(&number.cast_unsigned()) {
            // SAFETY: as above.
            unsafe { libc::close(number) };
        }
    }
}

fn event_descriptors(proc_root: &Path) -> Vec<i32> {
    let is_event = |number: &i32| {
        std::fs::read_link(proc_root.join(format!("self/fd/{number}")))
            .is_ok_and(|target| target.as_os_str() == "anon_inode:[eventfd]")
    };
    numbers(proc_root).into_iter().filter(is_event).collect()
}

fn numbers(proc_root: &Path) -> Vec<i32> {
    std::fs::read_dir(proc_root.join("self/fd")).map_or_else(
        |_| Vec::new(),
        |entries| {
            entries
                .flatten()
                .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
                .collect()
        },
    )
}

//! The child's descriptors: all of the parent's are given back, so that its sockets end when the parent ends them.
//!
//! V8 still posts tasks in the child, and libuv wakes its loop for them by an eventfd: a missing one would abort, the
//! parent's own would wake the parent. So a fresh one, which nobody listens to, takes the place of each. All other
//! numbers lead to `/dev/null`, so that what still writes to one of them (V8's logs, say) cannot meet a file that the
//! child opens later.

use std::path::Path;

/// Replaces descriptors 0, 1 and 2, keeps `keep`, gives all others back.
///
/// # Safety
/// In a forked child only: whoever owns a descriptor in the parent's memory must not use it any more.
pub unsafe fn give_back(proc_root: &Path, keep: &[i32], output: Option<i32>) {
    let open = numbers(proc_root);
    let is_event: Vec<bool> = open.iter().map(|it| is_event(proc_root, *it)).collect();
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
    // SAFETY: new descriptors, and numbers that were closed above.
    unsafe {
        let fresh = libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC);
        for (number, is_event) in open.iter().zip(is_event) {
            let is_kept = *number < 3 || kept.contains(&number.cast_unsigned());
            if !is_kept && *number != fresh {
                libc::dup2(if is_event { fresh } else { 0 }, *number);
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

fn is_event(proc_root: &Path, number: i32) -> bool {
    std::fs::read_link(proc_root.join(format!("self/fd/{number}")))
        .is_ok_and(|target| target.as_os_str() == "anon_inode:[eventfd]")
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

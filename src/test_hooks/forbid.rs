//! Seccomp filters, as some sandboxes have them.

use libc::{
    BPF_ABS, BPF_JEQ, BPF_JMP, BPF_JSET, BPF_JUMP, BPF_K, BPF_LD, BPF_RET, BPF_STMT, BPF_W,
    PR_SET_SECCOMP, SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO, sock_filter, sock_fprog,
};

/// Forbids to make processes; threads can still be made. Answers whether the filter is in force on this thread.
pub fn forks() -> bool {
    let flags = std::mem::offset_of!(libc::seccomp_data, args) as u32;
    let mut filter = vec![load(0)];
    #[cfg(target_arch = "x86_64")]
    filter.extend(refuse(libc::SYS_fork));
    filter.extend([
        jump(BPF_JEQ, libc::SYS_clone as u32, 0, 3),
        load(flags),
        jump(BPF_JSET, libc::CLONE_THREAD as u32, 1, 0),
        answer(SECCOMP_RET_ERRNO | libc::EPERM as u32),
    ]);
    enforce(filter)
}

/// Forbids what a fork can do without: a file for the child's last words, a handle of the child, closing many descriptors
/// at once, reading its own memory through the kernel, being last in line, and limits.
pub fn extras() -> bool {
    let calls = [
        libc::SYS_memfd_create,
        libc::SYS_pidfd_open,
        libc::SYS_close_range,
        libc::SYS_process_vm_readv,
        libc::SYS_sched_setscheduler,
        libc::SYS_ioprio_set,
        libc::SYS_setpriority,
        libc::SYS_prlimit64,
        libc::SYS_setrlimit,
    ];
    let mut filter = vec![load(0)];
    filter.extend(calls.into_iter().flat_map(refuse));
    enforce(filter)
}

fn load(offset: u32) -> sock_filter {
    // SAFETY: it only fills a struct.
    unsafe { BPF_STMT((BPF_LD | BPF_W | BPF_ABS) as u16, offset) }
}

fn jump(test: u32, value: u32, if_so: u8, if_not: u8) -> sock_filter {
    // SAFETY: as above.
    unsafe { BPF_JUMP((BPF_JMP | test | BPF_K) as u16, value, if_so, if_not) }
}

fn answer(value: u32) -> sock_filter {
    // SAFETY: as above.
    unsafe { BPF_STMT((BPF_RET | BPF_K) as u16, value) }
}

fn refuse(call: libc::c_long) -> [sock_filter; 2] {
    [
        jump(BPF_JEQ, call as u32, 0, 1),
        answer(SECCOMP_RET_ERRNO | libc::EPERM as u32),
    ]
}

fn enforce(mut filter: Vec<sock_filter>) -> bool {
    filter.push(answer(SECCOMP_RET_ALLOW));
    let program = sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    let mode = libc::SECCOMP_MODE_FILTER;
    // SAFETY: the program lives during both calls, and binds this thread and what it makes.
    unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(PR_SET_SECCOMP, mode, &raw const program) == 0
    }
}

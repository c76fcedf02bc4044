//! A seccomp filter under which this process cannot fork, as some sandboxes have it.

use libc::{
    BPF_ABS, BPF_JEQ, BPF_JMP, BPF_JUMP, BPF_K, BPF_LD, BPF_RET, BPF_STMT, BPF_W,
    SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO, sock_filter, sock_fprog,
};

/// Answers whether the filter is in force on this thread. glibc forks by `clone` with `CLONE_CHILD_SETTID` and makes threads by
/// `clone3`, so threads can still be made.
pub fn forks() -> bool {
    let load = (BPF_LD | BPF_W | BPF_ABS) as u16;
    let equal = (BPF_JMP | BPF_JEQ | BPF_K) as u16;
    let answer = (BPF_RET | BPF_K) as u16;
    let refuse = SECCOMP_RET_ERRNO | libc::EPERM as u32;
    // SAFETY: these two only fill a struct.
    let mut filter: [sock_filter; 4] = unsafe {
        [
            BPF_STMT(load, 0),
            BPF_JUMP(equal, libc::SYS_clone as u32, 0, 1),
            BPF_STMT(answer, refuse),
            BPF_STMT(answer, SECCOMP_RET_ALLOW),
        ]
    };
    let program = sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: the program lives during both calls, and binds this thread and what it makes.
    unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(
                libc::PR_SET_SECCOMP,
                libc::SECCOMP_MODE_FILTER,
                &raw const program,
            ) == 0
    }
}

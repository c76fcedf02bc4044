//! Keeping this library's code mapped.

/// Keeps the library that holds this code loaded until the process ends.
///
/// Node unloads an addon when the last environment that loaded it is gone, for instance after a
/// worker ended that alone had required it. A thread or a V8 callback of ours would then run in
/// unmapped memory. Returns whether the library is pinned; where it is not, no thread may outlive
/// the environment.
#[cfg(unix)]
pub fn pin_this_library() -> bool {
    let mut info = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    let here = pin_this_library as *const () as *const libc::c_void;
    // SAFETY: `here` is an address of code, and `info` is large enough for the answer.
    let found = unsafe { libc::dladdr(here, info.as_mut_ptr()) } != 0;
    // SAFETY: all-zero bytes are a valid `Dl_info`, whatever dladdr did.
    let path = unsafe { info.assume_init() }.dli_fname;
    if !found || path.is_null() {
        return false;
    }
    let flags = libc::RTLD_NOW | libc::RTLD_NOLOAD | libc::RTLD_NODELETE;
    // SAFETY: `path` is the loader's own NUL-terminated name of a library that is loaded, so this
    // opens nothing new and runs no constructor; the handle is leaked on purpose.
    !unsafe { libc::dlopen(path, flags) }.is_null()
}

/// Not available on this system: the caller must end its threads before the library goes.
#[cfg(not(unix))]
pub fn pin_this_library() -> bool {
    false
}

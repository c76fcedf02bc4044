//! Where the loaded objects keep the addresses of the functions that wait.
//!
//! A call from Node into the C library goes through a slot of its symbol table. The slots are found in the parent,
//! where the loader's lock can be had; the child only writes. Every object counts but the C library, the loader, the
//! kernel's own, and the one that this code is in: the replacements call the real functions.

use std::collections::BTreeSet;
use std::ffi::{CStr, c_char, c_int, c_void};

use super::{fakes, page_size};

/// A slot and what the child puts there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    address: usize,
    value: usize,
}

/// All slots of this process.
#[derive(Debug, Default)]
pub struct Slots {
    slots: Vec<Slot>,
    /// First addresses of the pages they lie in.
    pages: BTreeSet<usize>,
}

#[cfg(target_arch = "x86_64")]
mod relocation {
    /// The kinds that hold a function's address: `GLOB_DAT`, `JUMP_SLOT`, and the one with an addend, `64`.
    pub const PLAIN: [u32; 2] = [6, 7];
    pub const WITH_ADDEND: u32 = 1;
}

#[cfg(target_arch = "aarch64")]
mod relocation {
    /// `GLOB_DAT`, `JUMP_SLOT`, and `ABS64`.
    pub const PLAIN: [u32; 2] = [1025, 1026];
    pub const WITH_ADDEND: u32 = 257;
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod relocation {
    /// Not known: no slot is found, and the method is off.
    pub const PLAIN: [u32; 2] = [u32::MAX; 2];
    pub const WITH_ADDEND: u32 = u32::MAX;
}

impl Slots {
    /// Finds the slots. Takes the loader's lock: not for a thread that must not wait.
    pub fn find() -> Self {
        let mut slots = Vec::new();
        // SAFETY: `visit` is called with each loaded object before this returns, and gets the vector it expects.
        unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut slots).cast()) };
        let page = page_size();
        let pages = slots
            .iter()
            .map(|slot: &Slot| slot.address & !(page - 1))
            .collect();
        Self { slots, pages }
    }

    pub fn count(&self) -> usize {
        self.slots.len()
    }

    /// Puts the replacements in their places.
    ///
    /// # Safety
    /// In a forked child only, which has one thread.
    pub unsafe fn replace(&self) {
        let page = page_size();
        for first in &self.pages {
            // SAFETY: these pages hold symbol tables, which the loader made read-only; nothing in them is executed.
            unsafe {
                libc::mprotect(
                    *first as *mut c_void,
                    page,
                    libc::PROT_READ | libc::PROT_WRITE,
                )
            };
        }
        for slot in &self.slots {
            // SAFETY: the loader wrote a function's address there, so the slot is aligned and lies in a page that
            // was just made writable; this process has no other thread that reads it.
            unsafe { (slot.address as *mut usize).write(slot.value) };
        }
    }
}

/// One entry of the dynamic section, or of a relocation table with addends.
#[repr(C)]
struct Dynamic {
    tag: u64,
    value: u64,
}

#[repr(C)]
struct Relocation {
    offset: u64,
    info: u64,
    addend: i64,
}

#[repr(C)]
struct SymbolEntry {
    name: u32,
    _kind_and_section: u32,
    _value: u64,
    _size: u64,
}

/// What of a dynamic section is needed, as addresses.
#[derive(Default)]
struct Tables {
    symbols: usize,
    strings: usize,
    jumps: usize,
    jumps_bytes: usize,
    relocations: usize,
    relocations_bytes: usize,
}

unsafe extern "C" fn visit(info: *mut libc::dl_phdr_info, _: usize, slots: *mut c_void) -> c_int {
    // SAFETY: the loader hands out its own description, and `find` its vector.
    let (info, slots) = unsafe { (&*info, &mut *slots.cast::<Vec<Slot>>()) };
    // SAFETY: the loader's name of the object, NUL-terminated.
    let name = (!info.dlpi_name.is_null()).then(|| unsafe { CStr::from_ptr(info.dlpi_name) });
    if name.is_some_and(|name| is_spared(name.to_bytes())) {
        return 0;
    }
    // SAFETY: the loader's count of the headers at that address.
    let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
    let base = info.dlpi_addr as usize;
    let here = visit as *const () as usize;
    let holds_this_code = headers.iter().any(|header| {
        let start = base.wrapping_add(header.p_vaddr as usize);
        header.p_type == libc::PT_LOAD && (start..start + header.p_memsz as usize).contains(&here)
    });
    let dynamic = headers.iter().find(|it| it.p_type == libc::PT_DYNAMIC);
    if let Some(dynamic) = dynamic.filter(|_| !holds_this_code) {
        let section = base.wrapping_add(dynamic.p_vaddr as usize) as *const Dynamic;
        // SAFETY: the dynamic section of a loaded object, ended by a null tag.
        let tables = unsafe { tables(section, base) };
        // SAFETY: they were read from that object's dynamic section.
        unsafe { tables.add_slots(base, slots) };
    }
    0
}

/// The C library, the loader and the kernel's own object, by the names that glibc and musl give them.
fn is_spared(path: &[u8]) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    [
        &b"libc.so"[..],
        b"libc.musl-",
        b"libc-2.",
        b"ld-",
        b"ld.so",
        b"libpthread",
        b"linux-vdso",
        b"linux-gate",
    ]
    .iter()
    .any(|spared| name.starts_with(spared))
}

/// # Safety
/// `section` is the dynamic section of an object that is loaded at `base`.
unsafe fn tables(mut section: *const Dynamic, base: usize) -> Tables {
    const NULL: u64 = 0;
    const PLTRELSZ: u64 = 2;
    const STRTAB: u64 = 5;
    const SYMTAB: u64 = 6;
    const RELA: u64 = 7;
    const RELASZ: u64 = 8;
    const JMPREL: u64 = 23;
    let mut tables = Tables::default();
    // musl leaves addresses as they stand in the file, glibc relocates them.
    let absolute = |value: usize| {
        if value != 0 && value < base {
            value + base
        } else {
            value
        }
    };
    loop {
        // SAFETY: not past the null tag, by the caller's word.
        let Dynamic { tag, value } = unsafe { section.read() };
        let value = value as usize;
        match tag {
            NULL => return tables,
            STRTAB => tables.strings = absolute(value),
            SYMTAB => tables.symbols = absolute(value),
            JMPREL => tables.jumps = absolute(value),
            PLTRELSZ => tables.jumps_bytes = value,
            RELA => tables.relocations = absolute(value),
            RELASZ => tables.relocations_bytes = value,
            _ => {}
        }
        // SAFETY: as above.
        section = unsafe { section.add(1) };
    }
}

impl Tables {
    /// # Safety
    /// The tables are those of an object that is loaded at `base`.
    unsafe fn add_slots(&self, base: usize, slots: &mut Vec<Slot>) {
        if self.symbols == 0 || self.strings == 0 {
            return;
        }
        for (table, bytes) in [
            (self.jumps, self.jumps_bytes),
            (self.relocations, self.relocations_bytes),
        ] {
            if table == 0 {
                continue;
            }
            let entries = table as *const Relocation;
            for index in 0..bytes / size_of::<Relocation>() {
                // SAFETY: within the table by its own size.
                let entry = unsafe { entries.add(index).read() };
                let kind = entry.info as u32;
                let symbol = (entry.info >> 32) as usize;
                let addend = match kind {
                    relocation::WITH_ADDEND => entry.addend,
                    kind if relocation::PLAIN.contains(&kind) => 0,
                    _ => continue,
                };
                if symbol == 0 {
                    continue;
                }
                // SAFETY: relocations refer to symbols of the object's own table.
                let name = unsafe { (self.symbols as *const SymbolEntry).add(symbol).read() }.name;
                // SAFETY: and symbols to strings of its string table.
                let name =
                    unsafe { CStr::from_ptr((self.strings + name as usize) as *const c_char) };
                if let Some(replacement) = fakes::replacement(name.to_bytes()) {
                    slots.push(Slot {
                        address: base.wrapping_add(entry.offset as usize),
                        value: replacement.wrapping_add_signed(addend as isize),
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_c_library_and_the_loader_are_spared() {
        for spared in [
            "/lib/x86_64-linux-gnu/libc.so.6",
            "/lib/ld-musl-x86_64.so.1",
            "libc.musl-x86_64.so.1",
            "/lib64/ld-linux-x86-64.so.2",
            "linux-vdso.so.1",
            "/lib/libc-2.17.so",
        ] {
            assert!(is_spared(spared.as_bytes()), "{spared}");
        }
        for ours in [
            "",
            "/usr/lib/libuv.so.1",
            "/usr/lib/libnode.so.108",
            "/x/libcrypto.so",
        ] {
            assert!(!is_spared(ours.as_bytes()), "{ours}");
        }
    }

    #[test]
    fn every_slot_belongs_to_another_object_than_this() {
        let slots = Slots::find();
        for slot in &slots.slots {
            let mut info = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
            // SAFETY: any address may be asked for, and the answer has room.
            let found = unsafe { libc::dladdr(slot.address as *const c_void, info.as_mut_ptr()) };
            // SAFETY: all-zero bytes are valid as well.
            let base = unsafe { info.assume_init() }.dli_fbase;
            let mut own = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
            // SAFETY: as above.
            unsafe { libc::dladdr(visit as *const () as *const c_void, own.as_mut_ptr()) };
            // SAFETY: as above.
            assert!(found == 0 || base != unsafe { own.assume_init() }.dli_fbase);
        }
    }
}

//! What `malloc` says of itself, as evidence.

use memguard_hunt::AllocatorFigures;
use memguard_vitals::allocator::{Allocator, allocator, arena_max_set, arenas, malloc_figures};

/// What `malloc` is, and what it says where it is glibc's. Walks what it keeps as free, under its locks: once a look, in a
/// thread of its own.
#[must_use]
pub fn allocator_figures() -> AllocatorFigures {
    let known = malloc_figures().unwrap_or_default();
    AllocatorFigures {
        allocator: Some(name(allocator()).to_owned()),
        arena_max_set: arena_max_set(),
        arenas: arenas(),
        arena_bytes: known.arena_bytes,
        in_use_bytes: known.in_use_bytes,
        free_bytes: known.free_bytes,
        mapped_bytes: known.mapped_bytes,
        external_bytes: 0,
    }
}

const fn name(allocator: Allocator) -> &'static str {
    match allocator {
        Allocator::Glibc => "glibc",
        Allocator::OtherLibc => "otherLibc",
        Allocator::System => "system",
        Allocator::Replaced => "replaced",
    }
}

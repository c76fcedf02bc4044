//! How far things are from the root, in the eyes of somebody who reads source code.
//!
//! The shortest path by hops leads through whatever V8 keeps close to its roots: a builtin that shares a scope, a
//! map, a feedback cell. Such steps count as far here, so that the shortest path is the one that names variables and
//! properties of the program. All costs are small integers of at least 1, which lets the search work with buckets.

use crate::model::EdgeKind;
use crate::signature::{Link, Role};

/// No single step costs more.
pub(crate) const MAX_STEP: u32 = 127;

/// The class of who watches a program: what it holds are the listeners of those who asked it, and by them the scopes that they stand in.
/// That is nobody's reason to be alive, so that a way through it is the last to be told.
pub(crate) const WATCHER: &str = "MemoryGuard";

/// What it costs to go from a node of one role to one of another; `None` where there is no holding at all.
#[inline]
pub(crate) fn step(from: Role, kind: EdgeKind, link: Link, to: Role) -> Option<u32> {
    let leave = match (from, link) {
        (_, _) if matches!(kind, EdgeKind::Weak | EdgeKind::Shortcut) => return None,
        (Role::BuiltinFunction, Link::Scope) => 14,
        (Role::Suspended, Link::Scope | Link::Store) => 10,
        (Role::Realm, _) => 30,
        (Role::System, Link::Plain) => 12,
        // The map's own edge to a value that lives only as long as its key.
        (Role::Store, Link::Ephemeron) => 16,
        (_, Link::Ephemeron) => 4,
        (_, Link::Store) => 1,
        (_, Link::Plain) if kind == EdgeKind::Hidden => 6,
        (_, Link::Plain | Link::Scope) => 2,
        (_, Link::Outer | Link::Reaction) => 3,
        (_, Link::Ancestry) => 14,
        (_, Link::Other) => 8,
        (_, Link::Machinery) => 24,
    };
    let enter = match to {
        Role::System => 8,
        Role::Realm => 24,
        Role::Group => 30,
        _ => 0,
    };
    Some(leave + enter)
}

/// What it costs to get from the root to a child of it.
pub(crate) fn from_root(kind: EdgeKind, child: Role, name: &str) -> Option<u32> {
    match (kind, child) {
        (EdgeKind::Weak, _) => None,
        // Global objects hang on the root by themselves.
        (_, role) if role != Role::Group => Some(1),
        _ => Some(group(name)),
    }
}

/// What it costs to enter a group of roots: exact ones that tell something are near, those that hold
/// whatever V8 keeps for itself, or only for the moment, are far.
pub(crate) fn group(name: &str) -> u32 {
    match name {
        "(GC roots)" | "(Document DOM trees)" => 1,
        "(Global handles)" | "(Traced handles)" | "C++ roots" | "C++ Persistent roots" => 16,
        "(Handle scope)"
        | "(Stack roots)"
        | "(Eternal handles)"
        | "(Relocatable)"
        | "C++ native stack roots" => 32,
        _ if name.starts_with('(') => 64,
        // `Node / TCPServerWrap`.
        _ => 12,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_step_is_free_or_longer_than_the_buckets() {
        let roles = [
            Role::Group,
            Role::Object,
            Role::Function,
            Role::BuiltinFunction,
            Role::Suspended,
            Role::Scope,
            Role::Realm,
            Role::Store,
            Role::System,
        ];
        let links = [
            Link::Plain,
            Link::Store,
            Link::Scope,
            Link::Outer,
            Link::Reaction,
            Link::Ephemeron,
            Link::Ancestry,
            Link::Machinery,
            Link::Other,
        ];
        for from in roles {
            for link in links {
                for to in roles {
                    for kind in EdgeKind::ALL {
                        let cost = step(from, kind, link, to);
                        assert!(cost.is_none_or(|cost| (1..=MAX_STEP).contains(&cost)));
                    }
                }
            }
        }
        for name in ["", "(GC roots)", "(Stack roots)", "(Anything)", "Node / X"] {
            assert!((1..=MAX_STEP).contains(&group(name)));
        }
    }
}

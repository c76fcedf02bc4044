//! Which directory is the process's memory cgroup, and which are its visible ancestors.
//!
//! `/proc/self/cgroup` names the group as seen from the process's cgroup namespace, and
//! `/proc/self/mountinfo` says which part of the hierarchy is mounted where (`cgroups(7)`,
//! `proc_pid_mountinfo(5)`). The two don't always fit: a container may see a path of the host that
//! is not below its mount, or `/` where the mount shows a part only. Then the mount point itself is
//! the best that can be had, and with namespaces it is the right one.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use crate::sample::CgroupVersion;

/// Deeper than any real hierarchy; a bound against hostile text.
const MAX_LEVELS: usize = 32;

/// Where the process's memory is accounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Interface of the memory controller.
    pub version: CgroupVersion,
    /// The group's directory first, then its visible ancestors up to the mount point. Under the
    /// root that was given.
    pub directories: Vec<PathBuf>,
    /// The group in the unified hierarchy, which has the pressure file, where that is mounted too.
    pub unified: Option<PathBuf>,
}

/// Finds the memory cgroup below `root` (`/` in production). The error is a sentence for people.
pub fn discover(root: &Path) -> Result<Found, String> {
    let groups = read(root, "proc/self/cgroup")?;
    let mounts = read(root, "proc/self/mountinfo")?;
    let mounts = parse_mounts(&mounts);
    let unified_path = group_path(&groups, None);
    let unified = unified_path
        .as_deref()
        .and_then(|path| resolve(root, &mounts, path, |m| m.is_v2(), "memory.pressure"));
    if let Some(path) = group_path(&groups, Some("memory"))
        && let Some(found) = resolve(root, &mounts, &path, |m| m.is_v1(), "memory.usage_in_bytes")
    {
        return Ok(Found {
            version: CgroupVersion::V1,
            directories: found.directories(Some("memory.use_hierarchy")),
            unified: unified.map(|u| u.directory),
        });
    }
    let Some(path) = unified_path else {
        return Err("no memory cgroup in /proc/self/cgroup".to_owned());
    };
    match resolve(root, &mounts, &path, |m| m.is_v2(), "memory.current") {
        Some(found) => Ok(Found {
            version: CgroupVersion::V2,
            directories: found.directories(None),
            unified: unified.map(|u| u.directory),
        }),
        None => Err(format!(
            "no mounted cgroup with a memory controller for {}: the process is in the root group, or cgroups are hidden",
            path.display()
        )),
    }
}

fn read(root: &Path, file: &str) -> Result<Vec<u8>, String> {
    fs::read(root.join(file))
        .map_err(|error| super::file::reason(&Path::new("/").join(file), &error))
}

/// The group's path in the hierarchy of `controller`, or in the unified one for `None`.
fn group_path(groups: &[u8], controller: Option<&str>) -> Option<PathBuf> {
    groups.split(|b| *b == b'\n').find_map(|line| {
        let mut parts = line.splitn(3, |b| *b == b':');
        let id = parts.next()?;
        let controllers = parts.next()?;
        let path = parts.next()?;
        let matches = match controller {
            Some(name) => controllers
                .split(|b| *b == b',')
                .any(|c| c == name.as_bytes()),
            None => id == b"0" && controllers.is_empty(),
        };
        // A group that was removed under a running process carries this mark.
        let path = path.strip_suffix(b" (deleted)").unwrap_or(path);
        matches.then(|| to_path(path))
    })
}

#[derive(Debug, PartialEq, Eq)]
struct Mount {
    root: PathBuf,
    point: PathBuf,
    kind: Vec<u8>,
    options: Vec<u8>,
}

impl Mount {
    fn is_v1(&self) -> bool {
        self.kind == b"cgroup" && self.options.split(|b| *b == b',').any(|o| o == b"memory")
    }

    fn is_v2(&self) -> bool {
        self.kind == b"cgroup2"
    }
}

fn parse_mounts(text: &[u8]) -> Vec<Mount> {
    text.split(|b| *b == b'\n')
        .filter_map(parse_mount)
        .collect()
}

fn parse_mount(line: &[u8]) -> Option<Mount> {
    let mut words = line.split(|b| *b == b' ');
    let root = unescape(words.nth(3)?);
    let point = unescape(words.next()?);
    words.find(|word| *word == b"-")?;
    let kind = words.next()?;
    if !kind.starts_with(b"cgroup") {
        return None;
    }
    let options = words.nth(1).unwrap_or_default();
    Some(Mount {
        root: to_path(&root),
        point: to_path(&point),
        kind: kind.to_vec(),
        options: options.to_vec(),
    })
}

/// `mountinfo` writes blank, tab, newline and backslash as three octal digits.
fn unescape(word: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'\\'
            && let [
                a @ b'0'..=b'3',
                b @ b'0'..=b'7',
                c @ b'0'..=b'7',
                after @ ..,
            ] = tail
        {
            out.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
            rest = after;
        } else {
            out.push(first);
            rest = tail;
        }
    }
    out
}

fn to_path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

struct Resolved {
    directory: PathBuf,
    mount_point: PathBuf,
}

impl Resolved {
    /// The directory and its ancestors up to the mount point; in v1 only as far as limits are
    /// inherited.
    fn directories(&self, hierarchy_file: Option<&str>) -> Vec<PathBuf> {
        let mut all = Vec::new();
        for directory in self.directory.ancestors().take(MAX_LEVELS) {
            if !directory.starts_with(&self.mount_point) {
                break;
            }
            let inherits = hierarchy_file.is_none_or(|file| {
                fs::read(directory.join(file)).map_or(true, |text| text.trim_ascii() != b"0")
            });
            if !all.is_empty() && !inherits {
                break;
            }
            all.push(directory.to_owned());
        }
        all
    }
}

/// The first mount of the wanted kind under which the group, or else the mount point, has `probe`.
fn resolve(
    root: &Path,
    mounts: &[Mount],
    path: &Path,
    wanted: impl Fn(&Mount) -> bool,
    probe: &str,
) -> Option<Resolved> {
    let candidates: Vec<&Mount> = mounts.iter().filter(|m| wanted(m)).collect();
    let inside = candidates.iter().filter_map(|mount| {
        let below = path.strip_prefix(&mount.root).ok()?;
        Some((*mount, normal(below)?))
    });
    let point_only = candidates.iter().map(|mount| (*mount, PathBuf::new()));
    inside.chain(point_only).find_map(|(mount, below)| {
        let mount_point = root.join(normal(&mount.point)?);
        let directory = mount_point.join(below);
        directory.join(probe).is_file().then_some(Resolved {
            directory,
            mount_point,
        })
    })
}

/// The path without its leading `/`; `None` when it climbs (`..`): a group outside of our
/// namespace.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::RootDir | Component::CurDir => {}
            Component::Normal(name) => out.push(name),
            Component::ParentDir | Component::Prefix(_) => return None,
        }
    }
    Some(out)
}

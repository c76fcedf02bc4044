//! The table of V8's symbols and their addresses in this process.

use std::ffi::{CStr, c_void};
use std::sync::OnceLock;

/// One entry point of V8 that this crate can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Symbol {
    /// `Isolate::GetCurrent()`
    GetCurrent,
    /// `Isolate::GetHeapStatistics(HeapStatistics*)`
    GetHeapStatistics,
    /// `Isolate::NumberOfHeapSpaces()`
    NumberOfHeapSpaces,
    /// `Isolate::GetHeapSpaceStatistics(HeapSpaceStatistics*, size_t)`
    GetHeapSpaceStatistics,
    /// `Isolate::AddGCPrologueCallback(callback, data, filter)`
    AddGcPrologue,
    /// `Isolate::RemoveGCPrologueCallback(callback, data)`
    RemoveGcPrologue,
    /// `Isolate::AddGCEpilogueCallback(callback, data, filter)`
    AddGcEpilogue,
    /// `Isolate::RemoveGCEpilogueCallback(callback, data)`
    RemoveGcEpilogue,
    /// `Isolate::RequestInterrupt(callback, data)`
    RequestInterrupt,
    /// `Isolate::LowMemoryNotification()`
    LowMemoryNotification,
    /// `Isolate::AddNearHeapLimitCallback(callback, data)`
    AddNearHeapLimit,
    /// `Isolate::RemoveNearHeapLimitCallback(callback, heap_limit)`
    RemoveNearHeapLimit,
    /// `Isolate::GetHeapProfiler()`
    GetHeapProfiler,
    /// `HeapProfiler::TakeHeapSnapshot(const HeapSnapshotOptions&)`, from Node 20 on
    TakeHeapSnapshot,
    /// `HeapProfiler::TakeHeapSnapshot(ActivityControl*, ObjectNameResolver*, bool, bool)`, before Node 26
    TakeHeapSnapshotFour,
    /// `HeapSnapshot::Serialize(OutputStream*, SerializationFormat) const`
    SerializeSnapshot,
}

impl Symbol {
    const ALL: [Self; 16] = [
        Self::GetCurrent,
        Self::GetHeapStatistics,
        Self::NumberOfHeapSpaces,
        Self::GetHeapSpaceStatistics,
        Self::AddGcPrologue,
        Self::RemoveGcPrologue,
        Self::AddGcEpilogue,
        Self::RemoveGcEpilogue,
        Self::RequestInterrupt,
        Self::LowMemoryNotification,
        Self::AddNearHeapLimit,
        Self::RemoveNearHeapLimit,
        Self::GetHeapProfiler,
        Self::TakeHeapSnapshot,
        Self::TakeHeapSnapshotFour,
        Self::SerializeSnapshot,
    ];
    /// What later lines have in place of what earlier ones have: either is enough.
    const ALTERNATIVES: [Self; 2] = [Self::TakeHeapSnapshot, Self::TakeHeapSnapshotFour];

    /// The name under the Itanium C++ ABI, the same in Node 18 to 26 on Linux and macOS.
    fn mangled(self) -> &'static CStr {
        match self {
            Self::GetCurrent => c"_ZN2v87Isolate10GetCurrentEv",
            Self::GetHeapStatistics => {
                c"_ZN2v87Isolate17GetHeapStatisticsEPNS_14HeapStatisticsE"
            }
            Self::NumberOfHeapSpaces => c"_ZN2v87Isolate18NumberOfHeapSpacesEv",
            Self::GetHeapSpaceStatistics => {
                c"_ZN2v87Isolate22GetHeapSpaceStatisticsEPNS_19HeapSpaceStatisticsEm"
            }
            Self::AddGcPrologue => {
                c"_ZN2v87Isolate21AddGCPrologueCallbackEPFvPS0_NS_6GCTypeENS_15GCCallbackFlagsEPvES4_S2_"
            }
            Self::RemoveGcPrologue => {
                c"_ZN2v87Isolate24RemoveGCPrologueCallbackEPFvPS0_NS_6GCTypeENS_15GCCallbackFlagsEPvES4_"
            }
            Self::AddGcEpilogue => {
                c"_ZN2v87Isolate21AddGCEpilogueCallbackEPFvPS0_NS_6GCTypeENS_15GCCallbackFlagsEPvES4_S2_"
            }
            Self::RemoveGcEpilogue => {
                c"_ZN2v87Isolate24RemoveGCEpilogueCallbackEPFvPS0_NS_6GCTypeENS_15GCCallbackFlagsEPvES4_"
            }
            Self::RequestInterrupt => c"_ZN2v87Isolate16RequestInterruptEPFvPS0_PvES2_",
            Self::LowMemoryNotification => c"_ZN2v87Isolate21LowMemoryNotificationEv",
            Self::AddNearHeapLimit => {
                c"_ZN2v87Isolate24AddNearHeapLimitCallbackEPFmPvmmES1_"
            }
            Self::RemoveNearHeapLimit => {
                c"_ZN2v87Isolate27RemoveNearHeapLimitCallbackEPFmPvmmEm"
            }
            Self::GetHeapProfiler => c"_ZN2v87Isolate15GetHeapProfilerEv",
            Self::TakeHeapSnapshot => {
                c"_ZN2v812HeapProfiler16TakeHeapSnapshotERKNS0_19HeapSnapshotOptionsE"
            }
            Self::TakeHeapSnapshotFour => {
                c"_ZN2v812HeapProfiler16TakeHeapSnapshotEPNS_15ActivityControlEPNS0_18ObjectNameResolverEbb"
            }
            Self::SerializeSnapshot => {
                c"_ZNK2v812HeapSnapshot9SerializeEPNS_12OutputStreamENS0_19SerializationFormatE"
            }
        }
    }

    /// The address of this entry point, or `None` where the process does not export it.
    pub(crate) fn address(self) -> Option<*mut c_void> {
        #[cfg(feature = "test-hooks")]
        if HIDDEN.load(std::sync::atomic::Ordering::Relaxed) & 1 << self as u32 != 0 {
            return None;
        }
        static TABLE: OnceLock<[usize; Symbol::ALL.len()]> = OnceLock::new();
        let table = TABLE.get_or_init(|| Symbol::ALL.map(|symbol| look_up(symbol.mangled())));
        match table[self as usize] {
            0 => None,
            address => Some(address as *mut c_void),
        }
    }
}

#[cfg(feature = "test-hooks")]
static HIDDEN: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);

/// Has this process not export the symbol of this name any more; without a name, answers all names.
#[cfg(feature = "test-hooks")]
pub fn hide_symbol(name: Option<&str>) -> Vec<String> {
    let all = Symbol::ALL.map(|symbol| format!("{symbol:?}"));
    let hidden = name.and_then(|name| all.iter().position(|it| it == name));
    if let Some(index) = hidden {
        HIDDEN.fetch_or(1 << index, std::sync::atomic::Ordering::Relaxed);
    }
    all.to_vec()
}

/// Names of the entry points that this process does not export; empty on an official Node binary
/// for Linux or macOS.
pub fn missing_symbols() -> Vec<String> {
    let has_alternative = Symbol::ALTERNATIVES.iter().any(|it| it.address().is_some());
    Symbol::ALL
        .into_iter()
        .filter(|symbol| symbol.address().is_none())
        .filter(|symbol| !(has_alternative && Symbol::ALTERNATIVES.contains(symbol)))
        .map(|symbol| format!("{symbol:?}"))
        .collect()
}

#[cfg(unix)]
fn look_up(name: &CStr) -> usize {
    // SAFETY: `name` is a NUL-terminated string, and RTLD_DEFAULT only searches what is loaded.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) as usize }
}

#[cfg(not(unix))]
fn look_up(_name: &CStr) -> usize {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_symbol_stands_at_its_own_index() {
        for (index, symbol) in Symbol::ALL.into_iter().enumerate() {
            assert_eq!(symbol as usize, index);
        }
    }

    #[test]
    fn outside_of_node_everything_is_missing() {
        assert_eq!(missing_symbols().len(), Symbol::ALL.len());
    }
}

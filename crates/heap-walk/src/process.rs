//! A process with V8 in it: what build it is, and which isolates it has.

use crate::error::WalkError;
use crate::heap::{self, Heap, pages::Pages};
use crate::layout::Layout;
use crate::metadata::Metadata;
use crate::roots::{RootSet, stack_words};
use crate::source::{MemorySource, RegionKind, region_of};

/// One isolate: the main one, or that of a worker.
#[derive(Clone, Debug)]
pub struct Isolate {
    pub(crate) heap: u64,
    pub(crate) roots: RootSet,
    main: bool,
}

impl Isolate {
    /// The address of V8's `Isolate`.
    #[must_use]
    pub fn address(&self) -> u64 {
        self.roots.isolate
    }

    /// The thread that runs its JavaScript, as far as stacks tell.
    #[must_use]
    pub fn thread(&self) -> Option<u32> {
        self.roots.thread
    }

    /// Whether it belongs to the first thread of the process, as far as stacks tell.
    #[must_use]
    pub fn is_main(&self) -> bool {
        self.main
    }
}

/// A process whose heaps can be read.
pub struct Process<'m> {
    source: &'m dyn MemorySource,
    layout: Layout,
    pages: Pages,
    isolates: Vec<Isolate>,
}

impl<'m> Process<'m> {
    /// Recognises V8 in a memory: its metadata, its pages, its isolates and their roots. Nothing of the heap but page
    /// headers is read yet.
    ///
    /// # Errors
    /// Every reason not to go on, see [`WalkError`].
    pub fn open(source: &'m dyn MemorySource) -> Result<Self, WalkError> {
        Self::with_metadata(source, &Metadata::of(source)?)
    }

    /// The same, with metadata from elsewhere.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn with_metadata(
        source: &'m dyn MemorySource,
        metadata: &Metadata,
    ) -> Result<Self, WalkError> {
        let layout = Layout::new(metadata)?;
        let (pages, heaps) = heap::heaps(source)?;
        let mut isolates = Vec::new();
        let mut reason = None;
        for heap in heaps {
            match RootSet::collect(source, heap) {
                Ok(roots) => isolates.push(Isolate {
                    heap,
                    roots,
                    main: false,
                }),
                Err(error) => reason = reason.or(Some(error)),
            }
        }
        if isolates.is_empty() {
            return Err(reason.unwrap_or_else(|| WalkError::NoHeap {
                why: "none of the pages names a heap".to_owned(),
            }));
        }
        let main = main_isolate(source, &isolates);
        if let Some(isolate) = isolates.get_mut(main) {
            isolate.main = true;
        }
        isolates.swap(0, main);
        isolates[1..].sort_by_key(Isolate::thread);
        Ok(Self {
            source,
            layout,
            pages,
            isolates,
        })
    }

    /// The isolates: that of the first thread first, those of workers by the ids of their threads.
    #[must_use]
    pub fn isolates(&self) -> &[Isolate] {
        &self.isolates
    }

    /// The line of Node it is.
    #[must_use]
    pub fn node_line(&self) -> u32 {
        self.layout.row.node
    }

    /// All that was drawn from the metadata, to tell two readings of it apart. For tests.
    #[doc(hidden)]
    #[must_use]
    pub fn layout_text(&self) -> String {
        format!("{:?}", self.layout)
    }

    pub(crate) fn source(&self) -> &'m dyn MemorySource {
        self.source
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Takes the pages of an isolate: in place where the source allows it, else as a copy.
    #[must_use]
    pub fn load(&self, isolate: &Isolate) -> Heap<'m> {
        let heap = Heap::load(self.source, &self.pages, isolate.heap);
        match self.layout.row.code_by_handle {
            true => heap.with_dispatch_table(self.source),
            false => heap,
        }
    }
}

/// The isolate that the first thread's stack names most often; the largest where stacks tell nothing.
fn main_isolate(source: &dyn MemorySource, isolates: &[Isolate]) -> usize {
    let on_first_stack = |pointer: u64| {
        region_of(source.regions(), pointer).is_some_and(|r| r.kind == RegionKind::Stack)
    };
    let threads = source.threads();
    let first = threads
        .iter()
        .find(|t| on_first_stack(t.stack_pointer))
        .or_else(|| threads.iter().min_by_key(|t| t.tid));
    let Some(stack) = first.and_then(|t| stack_words(source, t.stack_pointer).ok()) else {
        return 0;
    };
    let mentions = |isolate: &Isolate| isolate.roots.mentions(&stack);
    (0..isolates.len())
        .rev()
        .max_by_key(|&index| mentions(&isolates[index]))
        .filter(|&index| mentions(&isolates[index]) > 0)
        .unwrap_or(0)
}

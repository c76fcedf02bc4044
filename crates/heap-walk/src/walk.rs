//! A heap that has been walked: what is alive in it is marked, and the self-test was passed. Census and graph are both made of it.

use std::time::{Duration, Instant};

use memguard_heap_graph::HeapGraph;

use crate::addresses::AddressSet;
use crate::census::{self, Census};
use crate::error::WalkError;
use crate::graph;
use crate::inspect::Subject;
use crate::process::Isolate;
use crate::view::View;
use crate::walker::{Follow, Walker};

/// The marks of one heap. For who wants both a census and the graph: marking and the self-test are done once.
///
/// Memory: 1/64 of the pages reached, some kilobytes for maps, and 90 bytes for each function that the source has.
pub struct Walk<'h, 'm> {
    pub(crate) walker: Walker<'h, 'm>,
    pub(crate) view: View<'h, 'm>,
    pub(crate) isolate: &'h Isolate,
    pub(crate) marked: Duration,
}

impl<'h, 'm> Walk<'h, 'm> {
    /// Marks what is alive, and checks it.
    ///
    /// # Errors
    /// [`WalkError::SelfTest`] when the heap doesn't look as it should.
    pub fn new(subject: &Subject<'h, 'm>, follow: Follow) -> Result<Self, WalkError> {
        Self::over(
            subject,
            Walker::new(subject.heap, subject.process.layout(), follow),
        )
    }

    /// For the graph alone, which does not ask what there is of each function.
    pub(crate) fn for_graph(subject: &Subject<'h, 'm>, follow: Follow) -> Result<Self, WalkError> {
        let walker = Walker::new(subject.heap, subject.process.layout(), follow);
        Self::over(subject, walker.without_functions())
    }

    fn over(subject: &Subject<'h, 'm>, mut walker: Walker<'h, 'm>) -> Result<Self, WalkError> {
        let started = Instant::now();
        census::mark(&mut walker, subject.isolate);
        let marked = started.elapsed();
        let view = View {
            heap: subject.heap,
            layout: subject.process.layout(),
            outside: subject.process.source(),
            known: None,
        };
        crate::selftest::check(&walker, view, &subject.isolate.roots)?;
        Ok(Self {
            walker,
            view,
            isolate: subject.isolate,
            marked,
        })
    }

    /// What is alive, by class.
    #[must_use]
    pub fn census(&self) -> Census {
        census::census_of(self, None)
    }

    /// What is alive, by class, and where the old objects of it are. Of those that an `earlier` census of the same isolate noted,
    /// it tells which are still there ([`Row::survived`](crate::Row::survived)). Takes some 30 ns more for each old object.
    #[must_use]
    pub fn census_since(&mut self, earlier: Option<&AddressSet>) -> (Census, AddressSet) {
        if let Some(earlier) = earlier {
            census::count_survivors(&mut self.walker, earlier);
        }
        let noted = AddressSet::of(&self.walker);
        (census::census_of(self, earlier), noted)
    }

    /// The whole heap as a graph, in which a string's node is called by so many of its characters
    /// ([`GraphOptions::string_characters`](crate::GraphOptions::string_characters)). What only a census needs is given back before,
    /// so no census comes of this walk any more; the marks remain until it is dropped.
    ///
    /// # Errors
    /// [`WalkError::TooLarge`] when there are more objects than a graph can hold.
    pub fn graph(&mut self, string_characters: usize) -> Result<HeapGraph, WalkError> {
        self.walker.rest();
        graph::graph_of(self, string_characters)
    }
}

//! Patterns of leaks, recognised by what they leave in a heap.
//!
//! Each rule looks at one suspect and answers how sure it is, and why. Rules know nothing of each other: what fits best is
//! told first, other fits after it.

mod asynchronous;
mod case;
mod code;
mod containers;
mod events;
mod memory;
mod resources;
#[cfg(test)]
mod tests;

pub(crate) use case::Case;

use crate::report::{Pattern, PatternMatch};

/// What a rule answers.
type Answer = Option<(f64, Vec<String>)>;
/// A rule, and the pattern that it knows.
type Rule = (Pattern, fn(&Case<'_, '_>) -> Answer);

const RULES: [Rule; 18] = [
    (Pattern::Timer, events::timer),
    (Pattern::EventListener, events::listeners),
    (Pattern::AbortSignal, events::abort_signal),
    (Pattern::AsyncContext, asynchronous::context),
    (Pattern::Promise, asynchronous::promise),
    (Pattern::UnclosedStream, resources::streams),
    (Pattern::Worker, resources::workers),
    (Pattern::CompiledCode, code::compiled),
    (Pattern::Closure, code::closure),
    (Pattern::Finalization, asynchronous::finalization),
    (Pattern::BufferSlice, memory::slices),
    (Pattern::ExternalMemory, memory::external),
    (Pattern::Text, memory::text),
    (Pattern::SessionMap, containers::sessions),
    (Pattern::UnboundedCache, containers::cache),
    (Pattern::UnboundedArray, containers::array),
    (Pattern::LinkedList, containers::list),
    (Pattern::Global, containers::global),
];

/// The patterns that fit, best first; at least one, if only that of the module's state.
pub(crate) fn recognise(case: &Case<'_, '_>) -> Vec<PatternMatch> {
    let mut found: Vec<PatternMatch> = RULES
        .iter()
        .filter_map(|(pattern, rule)| {
            let (confidence, evidence) = rule(case)?;
            Some(PatternMatch {
                pattern: *pattern,
                title: title(*pattern).to_owned(),
                confidence,
                evidence,
            })
        })
        .collect();
    found.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    if found.is_empty() {
        let (confidence, evidence) = containers::module_state(case);
        found.push(PatternMatch {
            pattern: Pattern::ModuleState,
            title: title(Pattern::ModuleState).to_owned(),
            confidence,
            evidence,
        });
    }
    found
}

/// What a pattern is called in sentences.
pub(crate) const fn title(pattern: Pattern) -> &'static str {
    match pattern {
        Pattern::UnboundedCache => "cache without a bound",
        Pattern::SessionMap => "sessions or requests that are never taken out",
        Pattern::UnboundedArray => "array that is only ever filled",
        Pattern::Closure => "variables kept by closures",
        Pattern::Timer => "timers that are never cleared",
        Pattern::EventListener => "event listeners that are never removed",
        Pattern::AbortSignal => "listeners of a signal that outlives them",
        Pattern::UnclosedStream => "streams or sockets that are not closed",
        Pattern::Promise => "promises that pile up",
        Pattern::AsyncContext => "kept context of AsyncLocalStorage",
        Pattern::CompiledCode => "code that is compiled again and again",
        Pattern::Global => "state on the global object",
        Pattern::ModuleState => "state of a module",
        Pattern::BufferSlice => "slices that keep their whole Buffer",
        Pattern::ExternalMemory => "memory outside of the heap",
        Pattern::NativeMemory => "memory that V8 knows nothing of",
        Pattern::Worker => "workers or ports that are not closed",
        Pattern::LinkedList => "list that only grows",
        Pattern::Finalization => "objects kept by their finalisers",
        Pattern::Text => "text cut from, or added to, larger text",
        Pattern::Unknown => "unknown",
    }
}

//! Timers and listeners.

use super::Answer;
use super::case::{Case, word};

const TIMERS: [&str; 4] = ["Timeout", "Immediate", "TimersList", "Timer"];

pub(super) fn timer(case: &Case<'_, '_>) -> Answer {
    let is_timer = |class: &str| TIMERS.contains(&class);
    let more = case.more_of(|class| matches!(class, "Timeout" | "Immediate"));
    let grows = TIMERS.contains(&case.class().as_str());
    let held = case
        .steps()
        .iter()
        .rev()
        .take(8)
        .any(|step| is_timer(&step.object.class));
    let as_many = more * 2 >= case.row.count_delta.max(2);
    if !(grows || held && more > 0) {
        return None;
    }
    let mut evidence = vec![format!(
        "{more} more timers (Timeout, Immediate) are among what grew"
    )];
    if held {
        evidence.push("they hang in Node's lists of timers that are still to fire".to_owned());
    }
    handles(case, "Timeout", &mut evidence);
    Some((if grows || as_many { 0.9 } else { 0.6 }, evidence))
}

pub(super) fn listeners(case: &Case<'_, '_>) -> Answer {
    let at = case.edge_at(|edge| edge == "._events")?;
    let steps = case.steps();
    let events = steps.len().checked_sub(at + 1)?;
    let emitter = &steps.get(events.checked_sub(1)?)?.object.class;
    let event = steps
        .get(events + 1)
        .and_then(|step| word(step.edge.as_deref()?))
        .unwrap_or_else(|| "?".to_owned());
    // A handler leads to everything that the program has: more listeners are what grew, or nothing of this kind.
    let through_scope = steps[events..].iter().any(|step| {
        step.edge
            .as_deref()
            .is_some_and(|edge| edge.starts_with("context "))
    });
    if at > 2 || through_scope {
        return None;
    }
    let mut evidence = vec![format!(
        "they are listeners of {emitter} for '{event}', or what these keep: {} more",
        case.row.count_delta
    )];
    let mut confidence = 0.88;
    if let Some(warning) = case
        .context
        .listener_warnings
        .iter()
        .find(|warning| warning.event == event || warning.emitter == *emitter)
    {
        evidence.push(format!(
            "Node warned of it: {} '{}' listeners added to {} (MaxListenersExceededWarning)",
            warning.count, warning.event, warning.emitter
        ));
        confidence = 0.97;
    }
    Some((confidence, evidence))
}

pub(super) fn abort_signal(case: &Case<'_, '_>) -> Answer {
    let is_signal =
        |class: &str| matches!(class, "AbortSignal" | "EventTarget" | "NodeEventTarget");
    let near = case
        .steps()
        .iter()
        .rev()
        .take(10)
        .find(|step| is_signal(&step.object.class));
    let listeners = case.more_of(|class| matches!(class, "Listener" | "ResistStopPropagation"));
    let signals = case.more_of(|class| class == "AbortSignal");
    if let Some(step) = near.filter(|_| listeners > 0 || case.class() == "Listener") {
        return Some((
            0.9,
            vec![format!(
                "{} more listeners hang on one {}",
                listeners.max(case.row.count_delta),
                step.object.class
            )],
        ));
    }
    if signals > 0
        && case
            .edge_at(|edge| edge.contains("ependantSignals"))
            .is_some()
    {
        return Some((
            0.85,
            vec![format!(
                "{signals} more signals depend on one that outlives them (AbortSignal.any)"
            )],
        ));
    }
    None
}

/// What the event loop says of a kind of handles.
pub(super) fn handles(case: &Case<'_, '_>, kind: &str, evidence: &mut Vec<String>) {
    let grown = case
        .context
        .handles
        .iter()
        .filter(|handle| handle.kind.contains(kind) && handle.now > handle.before);
    evidence.extend(grown.map(|handle| {
        format!(
            "the event loop had {} {} and has {} now",
            handle.before, handle.kind, handle.now
        )
    }));
}

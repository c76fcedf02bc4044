//! Things that are put into something and never taken out.

use memguard_heap_graph::report::PathStep;

use super::Answer;
use super::case::Case;

const KEYED: [&str; 6] = ["Map", "Set", "Object", "WeakMap", "WeakSet", "SafeMap"];
/// Names of what is there for as long as somebody uses it.
const SESSIONS: [&str; 14] = [
    "session",
    "socket",
    "connection",
    "client",
    "inflight",
    "in_flight",
    "pending",
    "request",
    "user",
    "visitor",
    "job",
    "subscription",
    "subscriber",
    "peer",
];
const CACHES: [&str; 6] = ["cache", "memo", "registry", "store", "lookup", "index"];
/// So many of one class in a row are a list.
const LIST: usize = 8;

/// A name near what grows that has one of these words in it. How the nearest function is held says nothing of what it holds: the
/// handler of an event `request` may keep anything.
fn named(case: &Case<'_, '_>, words: &[&str]) -> Option<String> {
    let (last, holders) = case.steps().split_last()?;
    let below_function = |step: &&PathStep| !step.object.name.starts_with("function ");
    let near = holders.iter().rev().take_while(below_function);
    let mut names = std::iter::once(last).chain(near).take(4).flat_map(|step| {
        [
            step.edge.clone().unwrap_or_default(),
            step.object.class.clone(),
        ]
    });
    names.find(|name| {
        let name = name.to_lowercase();
        words.iter().any(|word| name.contains(word))
    })
}

fn is_keyed(case: &Case<'_, '_>) -> bool {
    let Some(holder) = case.holding() else {
        return false;
    };
    let edge = case.last_edge().unwrap_or_default();
    let by_table = edge.starts_with(".get(")
        || matches!(edge.as_str(), "(key)" | "(value)" | "(member)" | "(table)");
    let many_names = edge.starts_with(['.', '[']) && case.row.words.contains("[key]");
    by_table || many_names || KEYED[..2].contains(&holder.object.class.as_str())
}

fn entries(case: &Case<'_, '_>) -> String {
    let counts = &case.row.counts;
    format!(
        "{} had {} of them and has {} now; nothing takes them out as fast as they come",
        case.holder_class(),
        counts.first().copied().unwrap_or_default(),
        counts.last().copied().unwrap_or_default()
    )
}

pub(super) fn cache(case: &Case<'_, '_>) -> Answer {
    let is_keyed = is_keyed(case);
    // Objects may be put into a larger one first.
    let in_keyed = case
        .steps()
        .iter()
        .rev()
        .skip(1)
        .take(4)
        .any(|step| KEYED[..2].contains(&step.object.class.as_str()));
    if !is_keyed && !in_keyed {
        return None;
    }
    let mut evidence = vec![entries(case)];
    let mut confidence = if is_keyed { 0.72 } else { 0.5 };
    if let Some(name) = named(case, &CACHES) {
        evidence.push(format!("its name speaks of a cache: {name}"));
        confidence += 0.1;
    }
    Some((confidence, evidence))
}

pub(super) fn sessions(case: &Case<'_, '_>) -> Answer {
    if !is_keyed(case) {
        return None;
    }
    let name = named(case, &SESSIONS)?;
    Some((
        0.78,
        vec![
            entries(case),
            format!("its name speaks of something that ends: {name}"),
        ],
    ))
}

pub(super) fn array(case: &Case<'_, '_>) -> Answer {
    let holder = case.holding()?;
    let edge = case.last_edge()?;
    let is_element = edge.starts_with('[') && !edge.starts_with("[\"");
    (holder.object.class == "Array" && is_element).then(|| {
        (
            0.75,
            vec![
                format!(
                    "they are elements of an array, {} of them more",
                    case.row.count_delta
                ),
                entries(case),
            ],
        )
    })
}

pub(super) fn list(case: &Case<'_, '_>) -> Answer {
    let class = &case.last()?.object.class;
    let by_name = case.last_edge()?.starts_with('.');
    let same = case
        .steps()
        .iter()
        .filter(|step| step.object.class == *class)
        .count();
    let is_chain = by_name && case.holding()?.object.class == *class && case.row.count_delta > 8;
    if !(is_chain || same >= LIST) || matches!(class.as_str(), "Object" | "Array" | "Function") {
        return None;
    }
    Some((
        0.7,
        vec![format!(
            "a chain of {class}, each held by the one before by {}: {} of them more",
            case.last_edge()?,
            case.row.count_delta
        )],
    ))
}

pub(super) fn global(case: &Case<'_, '_>) -> Answer {
    let steps = case.steps();
    let global = steps.iter().take(2).position(|step| {
        step.object.class.starts_with("global") || step.object.class == "Object / "
    })?;
    let next = steps.get(global + 1)?;
    let name = super::case::word(next.edge.as_deref()?)?;
    // What Node itself hangs there is nobody's global variable.
    (!matches!(name.as_str(), "process" | "Buffer" | "console"))
        .then(|| (0.45, vec![format!("it hangs on the global object: {name}")]))
}

pub(super) fn module_state(case: &Case<'_, '_>) -> (f64, Vec<String>) {
    (0.3, vec![format!("it is held by {}", case.words())])
}

//! Promises, contexts of async work, finalisers.

use super::Answer;
use super::case::Case;

pub(super) fn promise(case: &Case<'_, '_>) -> Answer {
    let is_async = |class: &str| {
        matches!(
            class,
            "Promise" | "PromiseReaction" | "AsyncFunction" | "Generator" | "AsyncGenerator"
        )
    };
    let more = case.more_of(|class| class == "Promise");
    let suspended =
        case.more_of(|class| matches!(class, "AsyncFunction" | "AsyncGenerator" | "Generator"));
    let grows = is_async(&case.class());
    let near = case
        .steps()
        .iter()
        .rev()
        .skip(1)
        .take(4)
        .filter(|step| is_async(&step.object.class))
        .count();
    let reactions = case
        .edge_at(|edge| edge.contains("reaction") || edge.contains("fulfill_handler"))
        .is_some_and(|at| at < 5);
    if !(grows || near > 0 || reactions) || (more == 0 && suspended == 0 && !reactions) {
        return None;
    }
    let mut evidence = vec![format!("{more} more promises are among what grew")];
    if suspended > 0 {
        evidence.push(format!(
            "{suspended} more async functions wait for something that has not come"
        ));
    }
    let mut confidence = if grows { 0.6 } else { 0.5 };
    if suspended * 2 >= case.row.count_delta.max(2) {
        confidence = 0.8;
    }
    if reactions || near > 1 {
        evidence.push(
            "they hang on a promise that is not settled: each `then`, `await` or `Promise.race` adds to it"
                .to_owned(),
        );
        confidence = 0.86;
    }
    Some((confidence, evidence))
}

pub(super) fn context(case: &Case<'_, '_>) -> Answer {
    let by_edge = case.edge_at(|edge| {
        edge.contains("kResourceStore")
            || edge.contains("async_context")
            || edge.contains("async context")
            || edge.contains("AsyncLocalStorage")
            || edge.contains("continuation_preserved")
            || edge.contains("async_id_symbol")
    });
    let by_class = case.nearest(|class| {
        matches!(
            class,
            "AsyncContextFrame" | "AsyncLocalStorage" | "AsyncResource"
        )
    });
    let told = match (by_edge, by_class) {
        (Some(_), _) => "the store of an AsyncLocalStorage hangs on an async resource".to_owned(),
        (None, Some(step)) => format!("it hangs on {}", step.object.class),
        (None, None) => return None,
    };
    Some((
        0.82,
        vec![
            told,
            "whatever was started within `run()` or after `enterWith()` keeps the store until it ends"
                .to_owned(),
        ],
    ))
}

pub(super) fn finalization(case: &Case<'_, '_>) -> Answer {
    let step = case.nearest(|class| {
        matches!(class, "FinalizationRegistry" | "WeakCell") || class.contains("WeakCell")
    })?;
    Some((
        0.7,
        vec![format!(
            "the way leads through {}: what a registry is given as its held value, it keeps",
            step.object.class
        )],
    ))
}

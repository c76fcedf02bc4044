//! Functions: code that is made while the program runs, and what closures keep.

use super::Answer;
use super::case::Case;

/// Share of code and its bookkeeping in what grew from which on it is about code.
const MUCH_CODE: f64 = 0.12;

pub(super) fn compiled(case: &Case<'_, '_>) -> Answer {
    let is_code = |class: &str| {
        matches!(
            class,
            "(system)" | "(compiled code)" | "(code)" | "Script" | "RegExp"
        )
    };
    // A function that no script is known of was made by `new Function`, `eval` or `vm`.
    let made = case.more_of(|class| {
        class.starts_with("function ") && (!class.contains(" [") || class.contains("[evalmachine"))
    });
    let share = case.share_of(is_code);
    // One that has a place, but in no file.
    let is_text = case.last().is_some_and(|step| {
        let location = step.object.location.as_ref();
        step.object.name.starts_with("function ")
            && location.is_some_and(|location| location.script.is_none())
    });
    let grows_code = matches!(case.class().as_str(), "(compiled code)" | "Script");
    let many = made * 2 >= case.row.count_delta.max(4);
    if !(grows_code || is_text && many || share > MUCH_CODE && made > 0 || share > 0.5) {
        return None;
    }
    let mut evidence = Vec::new();
    if share > MUCH_CODE {
        evidence.push(format!(
            "{:.0} % of what grew is code and what V8 notes of it",
            share * 100.0
        ));
    }
    if made > 0 {
        evidence.push(format!(
            "{made} more functions come from no file: they were compiled while the program ran"
        ));
    }
    Some((if grows_code || many { 0.84 } else { 0.66 }, evidence))
}

pub(super) fn closure(case: &Case<'_, '_>) -> Answer {
    let functions = case.more_of(|class| class.starts_with("function ") || class == "Function");
    let grows = matches!(case.class().as_str(), "Function" | "system / Context")
        || case
            .last()
            .is_some_and(|step| step.object.name.starts_with("function "));
    // One variable in each of many scopes.
    let through_scopes = case
        .edge_at(|edge| edge.starts_with("context ."))
        .is_some_and(|at| at == 0)
        && case.row.holders.last().is_some_and(|&holders| holders > 8);
    if !grows && !through_scopes {
        return None;
    }
    Some((
        if grows { 0.8 } else { 0.56 },
        vec![format!(
            "{} more functions are kept, and with each the variables around it",
            functions.max(case.row.count_delta)
        )],
    ))
}

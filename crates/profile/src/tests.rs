//! Profiles written by hand, and hostile ones.

use serde_json::{Value, json};

use crate::requests::RouteLeaks;
use crate::sites::{self, ReportOptions};
use crate::{Meta, Mode, Origin, Profile, ProfileError, compare, flame, read};

fn call(id: u64, function: &str, url: &str, size: u64, children: Vec<Value>) -> Value {
    json!({
        "callFrame": { "functionName": function, "scriptId": "7", "url": url, "lineNumber": 9, "columnNumber": 4 },
        "selfSize": size, "id": id, "children": children,
    })
}

fn sample(node: u64) -> Value {
    json!({ "size": 100, "nodeId": node, "ordinal": 1 })
}

/// main → loadConfig → merge (a package) → merge; main → node's parse; main → log.
fn shop() -> Value {
    let inner = call(5, "merge", "/app/node_modules/deep/index.js", 300, vec![]);
    let outer = call(
        4,
        "merge",
        "/app/node_modules/deep/index.js",
        100,
        vec![inner],
    );
    let config = call(3, "loadConfig", "/app/config.js", 50, vec![outer]);
    let parse = call(6, "parse", "node:querystring", 150, vec![]);
    let log = call(7, "", "file:///app/log.mjs", 400, vec![]);
    let main = call(2, "main", "/app/main.js", 0, vec![config, parse, log]);
    json!({
        "head": call(1, "(root)", "", 0, vec![main]),
        "samples": [sample(5), sample(5), sample(5), sample(4), sample(3), sample(6), sample(7), sample(7), sample(7), sample(7)],
        "memguard": { "mode": "churn", "durationMs": 2000.0, "sampleIntervalBytes": 100.0 },
    })
}

fn parsed(value: &Value) -> Profile {
    read(&serde_json::to_vec(value).unwrap()).unwrap()
}

#[test]
fn a_profile_is_read_wherever_its_fields_stand() {
    let profile = parsed(&shop());
    assert_eq!((profile.nodes.len(), profile.frames.len()), (7, 6));
    assert_eq!((profile.bytes(), profile.samples()), (1000, 10));
    assert_eq!(profile.meta.mode, Some(Mode::Churn));
    let wrapped = parsed(&json!({ "id": 3, "profile": shop() }));
    assert_eq!(wrapped, profile);
    // Children before the frame, samples before the tree.
    let text = r#"{"samples":[{"nodeId":2,"size":8}],"head":{"children":[{"children":[],"id":2,"selfSize":8.0,"callFrame":
        {"functionName":"f","url":"a.js","lineNumber":0,"columnNumber":0}}],"callFrame":{"functionName":"(root)"},"id":1}}"#;
    let turned = read(text.as_bytes()).unwrap();
    assert_eq!(turned.frame(&turned.nodes[1]).function, "f");
    assert_eq!((turned.nodes[1].samples, turned.frames[0].line), (1, 1));
}

#[test]
fn functions_are_ranked_by_what_they_allocate_themselves() {
    let report = sites::report(&parsed(&shop()), &ReportOptions::default());
    let names: Vec<&str> = report
        .sites
        .rows
        .iter()
        .map(|site| site.frame.function.as_str())
        .collect();
    assert_eq!(names, ["merge", "(anonymous)", "parse", "loadConfig"]);
    let merge = &report.sites.rows[0];
    assert_eq!(merge.frame.package.as_deref(), Some("deep"));
    // The recursive function is counted once.
    assert_eq!(
        (merge.self_bytes, merge.total_bytes, merge.samples),
        (400, 400, 4)
    );
    assert_eq!((merge.share, merge.error_ratio), (0.4, 0.5));
    let way: Vec<&str> = merge
        .stack
        .iter()
        .map(|frame| frame.function.as_str())
        .collect();
    assert_eq!(way, ["merge", "merge", "loadConfig", "main"]);
    assert_eq!(report.bytes_per_second, Some(500.0));
    let location = report.sites.rows[3].frame.location.as_ref().unwrap();
    assert_eq!((location.line, location.column), (10, 5));
}

#[test]
fn the_app_s_own_function_is_charged_with_what_packages_do_for_it() {
    let causes = sites::by_cause(&parsed(&shop()), 10);
    let rows: Vec<(&str, f64)> = causes
        .rows
        .iter()
        .map(|site| (site.frame.function.as_str(), site.share))
        .collect();
    assert_eq!(
        rows,
        [("loadConfig", 0.45), ("(anonymous)", 0.4), ("main", 0.15)]
    );
    assert_eq!(causes.rows[0].frame.origin, Origin::App);
    let evidence = sites::evidence(&parsed(&shop()));
    assert_eq!(
        (evidence.len(), evidence[0].allocated_bytes),
        (4, Some(400))
    );
    assert_eq!(evidence[0].stack[2].function, "loadConfig");
    let empty = json!({ "head": call(1, "(root)", "", 0, vec![]) });
    assert!(sites::evidence(&parsed(&empty)).is_empty());
}

#[test]
fn a_package_without_an_app_s_caller_is_charged_itself() {
    let timer = call(
        2,
        "tick",
        "/app/node_modules/@scope/poll/lib/i.js",
        10,
        vec![call(3, "emit", "node:events", 90, vec![])],
    );
    let profile = parsed(&json!({ "head": call(1, "(root)", "", 5, vec![timer]) }));
    let causes = sites::by_cause(&profile, 10);
    assert_eq!(causes.rows[0].frame.package.as_deref(), Some("@scope/poll"));
    assert_eq!((causes.total, causes.rows[0].total_bytes), (1, 100));
    // No samples were listed: each call that allocated has one.
    assert_eq!(profile.samples(), 3);
}

#[test]
fn a_flame_graph_keeps_the_callers_of_what_it_keeps() {
    let profile = parsed(&shop());
    let rows = flame::flame(&profile, 5);
    let shown: Vec<(u32, &str, u64)> = rows
        .iter()
        .map(|row| (row.depth, row.function.as_str(), row.total_bytes))
        .collect();
    let expected = [
        (0, "(root)", 1000),
        (1, "main", 1000),
        (2, "loadConfig", 450),
        (3, "merge", 400),
        (2, "(anonymous)", 400),
    ];
    assert_eq!(shown, expected);
    assert_eq!(
        rows.iter().map(|row| row.parent).collect::<Vec<_>>(),
        [None, Some(0), Some(1), Some(2), Some(1)]
    );
    assert_eq!(flame::flame(&profile, 100).len(), 7);
    assert!(flame::flame(&profile, 0).is_empty());
}

#[test]
fn profiles_are_compared_per_second() {
    let before = parsed(&shop());
    let mut after = before.clone();
    after.meta = Meta {
        duration_ms: Some(1000.0),
        ..Meta::default()
    };
    let log = after
        .frames
        .iter_mut()
        .find(|frame| frame.script.ends_with("log.mjs"))
        .unwrap();
    // It has moved, and is the same function.
    log.line += 3;
    let comparison = compare::compare(&before, &after, 10);
    assert!(comparison.per_second);
    assert_eq!(
        (comparison.before_bytes, comparison.after_bytes),
        (500.0, 1000.0)
    );
    assert_eq!(comparison.sites.total, 4);
    let log = comparison
        .sites
        .rows
        .iter()
        .find(|site| site.frame.function == "(anonymous)")
        .unwrap();
    assert_eq!((log.before_bytes, log.after_bytes), (200.0, 400.0));
    // 100 ± 100 before and 200 ± 200 after.
    assert!((log.deviations - 200.0 / (100.0f64.powi(2) + 200.0f64.powi(2)).sqrt()).abs() < 1e-9);
}

#[test]
fn what_is_no_profile_is_refused_by_name() {
    let code = |text: &str| read(text.as_bytes()).unwrap_err().code();
    assert_eq!(code("{\"head\":"), "ERR_MEMGUARD_PROFILE_SYNTAX");
    assert_eq!(code(""), "ERR_MEMGUARD_PROFILE_SYNTAX");
    assert_eq!(code("{} x"), "ERR_MEMGUARD_PROFILE_SYNTAX");
    assert_eq!(code("{\"nodes\":[1]}"), "ERR_MEMGUARD_NOT_A_PROFILE");
    assert_eq!(
        code("{\"head\":{\"children\":[]}}"),
        "ERR_MEMGUARD_NOT_A_PROFILE"
    );
    assert_eq!(code("[1]"), "ERR_MEMGUARD_NOT_A_PROFILE");
    assert_eq!(code("{\"head\":[]}"), "ERR_MEMGUARD_NOT_A_PROFILE");
    let deep = format!("{{\"head\":{}", "{\"children\":[".repeat(1_000_000));
    assert!(matches!(
        read(deep.as_bytes()),
        Err(ProfileError::TooLarge(_))
    ));
    // Depth in what is skipped is no matter.
    let skipped = format!("{{\"x\":{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    assert_eq!(code(&skipped), "ERR_MEMGUARD_PROFILE_SYNTAX");
    assert_eq!(code(&format!("{skipped}}}")), "ERR_MEMGUARD_NOT_A_PROFILE");
}

/// Numbers that are the same in every run.
fn noise(state: &mut u64) -> f64 {
    *state = state
        .wrapping_mul(6364136223846793005)
        .wrapping_add(1442695040888963407);
    (*state >> 11) as f64 / (1u64 << 53) as f64
}

#[test]
fn the_route_that_leaks_is_told_from_those_that_do_not() {
    let mut leaks = RouteLeaks::default();
    let mut state = 7;
    for _ in 0..60 {
        let requests: Vec<f64> = (0..4)
            .map(|_| (noise(&mut state) * 500.0).round())
            .collect();
        let growth = requests[2] * 2000.0 + (noise(&mut state) - 0.5) * 400_000.0;
        leaks.observe(1.0, &requests, growth);
    }
    let estimates = leaks.estimates();
    let suspected: Vec<bool> = estimates.iter().map(|route| route.suspected).collect();
    assert_eq!(suspected, [false, false, true, false]);
    let leak = estimates[2];
    let error = leak.error_bytes.unwrap();
    assert!(
        (leak.bytes_per_request - 2000.0).abs() < 4.0 * error && error < 300.0,
        "{leak:?}"
    );
}

#[test]
fn routes_that_only_come_together_are_not_told_apart() {
    let mut leaks = RouteLeaks::default();
    let mut state = 7;
    for _ in 0..60 {
        let count = (noise(&mut state) * 500.0).round();
        leaks.observe(1.0, &[count, count], count * 4000.0);
    }
    let estimates = leaks.estimates();
    assert!(
        estimates
            .iter()
            .all(|route| !route.suspected && route.error_bytes.is_none()),
        "{estimates:?}"
    );
}

#[test]
fn a_leak_of_time_is_nobody_s() {
    let mut leaks = RouteLeaks::default();
    let mut state = 3;
    for _ in 0..60 {
        let seconds = 1.0 + noise(&mut state) * 4.0;
        let requests = [
            (noise(&mut state) * 300.0).round(),
            (noise(&mut state) * 300.0).round(),
        ];
        leaks.observe(
            seconds,
            &requests,
            seconds * 1e6 + (noise(&mut state) - 0.5) * 1e5,
        );
    }
    assert!(leaks.estimates().iter().all(|route| !route.suspected));
}

#[test]
fn a_few_windows_and_nonsense_say_nothing() {
    let mut leaks = RouteLeaks::default();
    assert!(leaks.estimates().is_empty());
    leaks.observe(f64::NAN, &[1.0], 1.0);
    leaks.observe(1.0, &[f64::INFINITY], 1.0);
    leaks.observe(1.0, &[-1.0], 1.0);
    leaks.observe(1.0, &[0.0; 101], 1.0);
    assert_eq!(leaks.windows(), 0);
    for _ in 0..5 {
        leaks.observe(1.0, &[100.0], 1e6);
    }
    // A route that comes later finds its place.
    leaks.observe(1.0, &[100.0, 5.0], 1e6);
    assert_eq!(leaks.estimates().len(), 2);
    assert!(leaks.estimates().iter().all(|route| !route.suspected));
}

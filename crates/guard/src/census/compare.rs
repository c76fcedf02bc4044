//! What grew between two censuses: by class, and, where addresses were noted, what of it survived; by holder, where both were
//! asked who holds the same.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::CensusError;

/// What of a census report is compared.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Side {
    #[serde(default)]
    created_at_ms: Option<f64>,
    /// By what number its old objects are known, and those that it looked for.
    #[serde(default)]
    tracked: Option<u32>,
    #[serde(default)]
    since: Option<u32>,
    total: Tally,
    old: Tally,
    #[serde(default)]
    survived: Option<Tally>,
    array_buffer_bytes: u64,
    external_string_bytes: u64,
    rows: Vec<Row>,
    hidden_rows: u64,
    #[serde(default)]
    graph: Option<Graph>,
}

#[derive(Debug, Deserialize)]
struct Graph {
    retainers: Option<Retainers>,
}

/// Who holds what was asked for.
#[derive(Debug, Deserialize)]
struct Retainers {
    target: String,
    clusters: Clusters,
}

#[derive(Debug, Deserialize)]
struct Clusters {
    total: u64,
    rows: Vec<Cluster>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cluster {
    signature: String,
    words: String,
    count: i64,
    retained_size: i64,
}

impl Cluster {
    fn all(&self) -> Tally {
        Tally {
            count: self.count,
            bytes: self.retained_size,
        }
    }
}

/// How many, and how large.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Objects.
    pub count: i64,
    /// Their own bytes.
    pub bytes: i64,
}

impl Tally {
    fn minus(self, other: Self) -> Self {
        Self {
            count: self.count - other.count,
            bytes: self.bytes - other.bytes,
        }
    }
}

#[derive(Debug, Deserialize)]
struct Row {
    group: String,
    name: String,
    location: Option<Place>,
    count: i64,
    bytes: i64,
    young: Tally,
    #[serde(default)]
    survived: Option<Tally>,
}

impl Row {
    fn all(&self) -> Tally {
        Tally {
            count: self.count,
            bytes: self.bytes,
        }
    }
}

/// A place in the source, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The script.
    pub script: String,
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// What grew between two censuses.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CensusChange {
    /// Between the two, in milliseconds.
    pub elapsed_ms: Option<f64>,
    /// All objects that are alive: later less earlier.
    pub total: Tally,
    /// Memory of ArrayBuffers outside of the heap, in bytes.
    pub array_buffer_bytes: i64,
    /// Characters of strings outside of the heap, in bytes.
    pub external_string_bytes: i64,
    /// Old objects by what became of them; none where addresses were not noted in both.
    pub ages: Option<Ages>,
    /// Classes that changed, those that grew most first.
    pub classes: Vec<ClassChange>,
    /// Classes that changed and are left out.
    pub hidden_classes: u64,
    /// Holders of what both were asked for that changed, those that grew most first; none where they were not asked for the same.
    pub holders: Option<Vec<HolderChange>>,
}

/// How one holder changed.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HolderChange {
    /// Where it hangs, as a hash that is the same in every census and process of a program.
    pub signature: String,
    /// The same in words.
    pub held_by: String,
    /// Objects and what they retain, then.
    pub before: Tally,
    /// Now.
    pub after: Tally,
    /// Now less then.
    pub growth: Tally,
}

/// What became of old objects.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Ages {
    /// There before and now.
    pub survived: Tally,
    /// Old now and not there before: they grew old since.
    pub promoted: Tally,
    /// There before, and gone (or moved by a compaction).
    pub gone: Tally,
}

/// How one class changed.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassChange {
    /// `object`, `closure`, `string`, …
    pub group: String,
    /// The class, the function, the kind.
    pub name: String,
    /// Where its constructor or the function stands.
    pub location: Option<Place>,
    /// Then. Of a class that was too small then to be listed: none, at least.
    pub before: Tally,
    /// Now.
    pub after: Tally,
    /// Now less then.
    pub growth: Tally,
    /// Those of now that were there then; none where it is not known.
    pub survived: Option<Tally>,
    /// Old ones of now that were not there then.
    pub promoted: Option<Tally>,
}

/// Compares two reports, as JSON, and tells the `top` classes that changed most.
///
/// # Errors
/// One of them is no report of a census.
pub fn compare(earlier: &str, later: &str, top: usize) -> Result<CensusChange, CensusError> {
    let read = |text: &str| {
        serde_json::from_str::<Side>(text).map_err(|error| {
            CensusError::new(
                "ERR_MEMGUARD_INVALID_ARG",
                format!("expected the report of a census: {error}"),
            )
        })
    };
    Ok(change(&read(earlier)?, &read(later)?, top))
}

fn change(earlier: &Side, later: &Side, top: usize) -> CensusChange {
    let key = |row: &Row| (row.group.clone(), row.name.clone(), row.location.clone());
    let mut before: HashMap<_, &Row> = earlier.rows.iter().map(|row| (key(row), row)).collect();
    // What was not listed then was no larger than the least that was.
    let unlisted = match earlier.rows.last() {
        Some(last) if earlier.hidden_rows > 0 => last.bytes,
        _ => 0,
    };
    let knows_survivors = later.since.is_some() && later.since == earlier.tracked;
    let survived_of = |tally: Option<Tally>| tally.filter(|_| knows_survivors);
    let mut classes = Vec::new();
    for row in &later.rows {
        let was = before.remove(&key(row));
        let before = was.map(Row::all).unwrap_or_default();
        let growth = row.all().minus(before);
        let is_known = was.is_some() || row.bytes > unlisted;
        if growth == Tally::default() || !is_known {
            continue;
        }
        let old = row.all().minus(row.young);
        classes.push(ClassChange {
            group: row.group.clone(),
            name: row.name.clone(),
            location: row.location.clone(),
            before,
            after: row.all(),
            growth,
            survived: survived_of(row.survived),
            promoted: survived_of(row.survived).map(|survived| old.minus(survived)),
        });
    }
    // What is not listed now may be there still: only where all are listed it is gone.
    if later.hidden_rows == 0 {
        classes.extend(before.into_values().map(|row| ClassChange {
            group: row.group.clone(),
            name: row.name.clone(),
            location: row.location.clone(),
            before: row.all(),
            after: Tally::default(),
            growth: Tally::default().minus(row.all()),
            survived: None,
            promoted: None,
        }));
    }
    classes.sort_by(|a, b| {
        let order = |it: &ClassChange| (std::cmp::Reverse(it.growth.bytes), it.name.clone());
        order(a).cmp(&order(b))
    });
    let hidden_classes = classes.len().saturating_sub(top) as u64;
    classes.truncate(top);
    let bytes = |now: u64, then: u64| now as i64 - then as i64;
    CensusChange {
        elapsed_ms: later
            .created_at_ms
            .zip(earlier.created_at_ms)
            .map(|(now, then)| now - then),
        total: later.total.minus(earlier.total),
        array_buffer_bytes: bytes(later.array_buffer_bytes, earlier.array_buffer_bytes),
        external_string_bytes: bytes(later.external_string_bytes, earlier.external_string_bytes),
        ages: survived_of(later.survived).map(|survived| Ages {
            survived,
            promoted: later.old.minus(survived),
            gone: earlier.old.minus(survived),
        }),
        classes,
        hidden_classes,
        holders: holders(earlier, later),
    }
}

fn holders(earlier: &Side, later: &Side) -> Option<Vec<HolderChange>> {
    let then = earlier.graph.as_ref()?.retainers.as_ref()?;
    let now = later.graph.as_ref()?.retainers.as_ref()?;
    if then.target != now.target {
        return None;
    }
    let mut before: HashMap<&str, &Cluster> = then
        .clusters
        .rows
        .iter()
        .map(|row| (row.signature.as_str(), row))
        .collect();
    let all_then = then.clusters.total == then.clusters.rows.len() as u64;
    let all_now = now.clusters.total == now.clusters.rows.len() as u64;
    let change = |row: &Cluster, before: Tally, after: Tally| HolderChange {
        signature: row.signature.clone(),
        held_by: row.words.clone(),
        before,
        after,
        growth: after.minus(before),
    };
    let mut changes = Vec::new();
    for row in &now.clusters.rows {
        let was = before.remove(row.signature.as_str());
        // What was not listed then may have been there.
        if was.is_some() || all_then {
            let was = was.map(Cluster::all).unwrap_or_default();
            changes.push(change(row, was, row.all()));
        }
    }
    if all_now {
        let gone = before.into_values();
        changes.extend(gone.map(|row| change(row, row.all(), Tally::default())));
    }
    changes.retain(|it| it.growth != Tally::default());
    changes.sort_by(|a, b| {
        let order = |it: &HolderChange| (std::cmp::Reverse(it.growth.bytes), it.held_by.clone());
        order(a).cmp(&order(b))
    });
    Some(changes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report(rows: serde_json::Value, hidden: u64, since: Option<u32>) -> String {
        let tally = |count: i64, bytes: i64| json!({ "count": count, "bytes": bytes });
        json!({
            "createdAtMs": 1000.0, "tracked": 3, "since": since, "total": tally(100, 4000), "old": tally(80, 3000), "survived": tally(70, 2500),
            "arrayBufferBytes": 10, "externalStringBytes": 20, "rows": rows, "hiddenRows": hidden, "more": [],
        })
        .to_string()
    }

    fn row(name: &str, count: i64, bytes: i64, survived: i64) -> serde_json::Value {
        json!({
            "group": "object", "name": name, "location": null, "count": count, "bytes": bytes,
            "young": { "count": 1, "bytes": 8 }, "survived": { "count": survived, "bytes": survived * 8 },
        })
    }

    #[test]
    fn growth_is_told_by_class_and_age() {
        let earlier = report(
            json!([row("Leak", 10, 80, 0), row("Gone", 3, 24, 0)]),
            0,
            None,
        );
        let later = report(
            json!([row("Leak", 50, 400, 9), row("New", 2, 16, 0)]),
            0,
            Some(3),
        );
        let change = compare(&earlier, &later, 10).unwrap();
        let told: Vec<_> = change
            .classes
            .iter()
            .map(|it| (it.name.as_str(), it.growth.count, it.growth.bytes))
            .collect();
        assert_eq!(told, [("Leak", 40, 320), ("New", 2, 16), ("Gone", -3, -24)]);
        let leak = &change.classes[0];
        assert_eq!(leak.survived.unwrap().count, 9);
        assert_eq!(leak.promoted.unwrap().count, 40);
        let ages = change.ages.unwrap();
        assert_eq!((ages.survived.count, ages.promoted.count), (70, 10));
        assert_eq!((ages.gone.count, change.elapsed_ms), (10, Some(0.0)));
    }

    #[test]
    fn what_was_not_listed_is_not_taken_for_growth() {
        let earlier = report(json!([row("Big", 10, 80, 0)]), 7, None);
        let later = report(
            json!([row("Big", 10, 80, 0), row("Small", 2, 16, 0)]),
            7,
            Some(4),
        );
        let change = compare(&earlier, &later, 10).unwrap();
        assert!(change.classes.is_empty());
        assert!(change.ages.is_none(), "it looked for those of another one");
    }

    #[test]
    fn growth_is_told_by_holder() {
        let with = |rows: serde_json::Value, target: &str, total: u64| {
            let mut side: serde_json::Value =
                serde_json::from_str(&report(json!([]), 0, None)).unwrap();
            side["graph"] = json!({ "retainers": { "target": target, "clusters": { "total": total, "rows": rows } } });
            side.to_string()
        };
        let row = |signature: &str, count: i64| json!({ "signature": signature, "words": format!("in {signature}"), "count": count, "retainedSize": count * 100 });
        let earlier = with(
            json!([row("a", 10), row("b", 3), row("c", 5)]),
            "class = A",
            3,
        );
        let later = with(
            json!([row("a", 50), row("b", 3), row("d", 1)]),
            "class = A",
            3,
        );
        let holders = compare(&earlier, &later, 10).unwrap().holders.unwrap();
        let told: Vec<_> = holders
            .iter()
            .map(|it| (it.held_by.as_str(), it.growth.count, it.growth.bytes))
            .collect();
        assert_eq!(
            told,
            [("in a", 40, 4000), ("in d", 1, 100), ("in c", -5, -500)]
        );

        let cut = with(json!([row("a", 10)]), "class = A", 3);
        let told = compare(&cut, &later, 10).unwrap().holders.unwrap();
        assert_eq!(
            told.len(),
            1,
            "what was not listed then may have been there"
        );
        let other = with(json!([row("a", 10)]), "class = B", 1);
        assert!(compare(&other, &later, 10).unwrap().holders.is_none());
    }

    #[test]
    fn what_is_no_report_is_an_error() {
        let error = compare("{}", "[]", 1).unwrap_err();
        assert_eq!(error.code, "ERR_MEMGUARD_INVALID_ARG");
    }
}

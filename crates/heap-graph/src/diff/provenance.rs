//! What a snapshot's side-car says about where it comes from.

use serde_json::{Map, Value};

use crate::report::SourceInfo;

/// With which other snapshots the object ids of one can be compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum IdScope {
    /// Nobody said.
    #[default]
    Unknown,
    /// With those of the same process and thread.
    Process {
        /// The process as the snapshot folder knows it: the same for all snapshots of one run.
        owner: String,
        /// `worker_threads.threadId`: each thread numbers for itself.
        thread: u32,
    },
    /// With none: taken in a forked child, whose numbers died with it.
    Snapshot,
}

/// Where a snapshot comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Provenance {
    /// What reports tell.
    pub source: SourceInfo,
    /// What its object ids can be compared with.
    pub ids: IdScope,
}

impl Provenance {
    /// What a side-car says: the JSON file beside each snapshot that memguard takes. Fields that are missing or of another
    /// kind are as if nobody had said anything; it never fails.
    #[must_use]
    pub fn from_side_car(json: &[u8]) -> Self {
        let fields: Map<String, Value> = serde_json::from_slice(json).unwrap_or_default();
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        let number = |name: &str| fields.get(name).and_then(Value::as_u64);
        let small = |name: &str| number(name).and_then(|number| u32::try_from(number).ok());
        let owner = text("owner").filter(|owner| !owner.is_empty());
        let ids = match (fields.get("ids").and_then(Value::as_str), owner) {
            (Some("process"), Some(owner)) => IdScope::Process {
                owner,
                thread: small("threadId").unwrap_or(0),
            },
            (Some("none"), _) => IdScope::Snapshot,
            _ if fields.get("method").and_then(Value::as_str) == Some("fork") => IdScope::Snapshot,
            _ => IdScope::Unknown,
        };
        let source = SourceInfo {
            file: None,
            size_bytes: number("sizeBytes"),
            created_at_ms: number("createdAtMs"),
            pid: small("pid"),
            host: text("host"),
            app: text("app"),
            node_version: text("nodeVersion"),
        };
        Self { source, ids }
    }

    /// The same with the file's path and size.
    #[must_use]
    pub fn of_file(mut self, file: impl Into<String>, size_bytes: u64) -> Self {
        self.source.file = Some(file.into());
        self.source.size_bytes = Some(size_bytes);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_count_within_one_process_and_thread() {
        let side_car = br#"{"ids":"process","owner":"7-1-a","threadId":2,"pid":7,"createdAtMs":5,"app":"shop"}"#;
        let provenance = Provenance::from_side_car(side_car).of_file("a.heapsnapshot", 10);
        assert_eq!(
            provenance.ids,
            IdScope::Process {
                owner: "7-1-a".into(),
                thread: 2
            }
        );
        assert_eq!(
            (provenance.source.pid, provenance.source.created_at_ms),
            (Some(7), Some(5))
        );
        assert_eq!(provenance.source.size_bytes, Some(10));
    }

    #[test]
    fn forks_and_damaged_side_cars_promise_nothing() {
        assert_eq!(
            Provenance::from_side_car(br#"{"method":"fork"}"#).ids,
            IdScope::Snapshot
        );
        assert_eq!(
            Provenance::from_side_car(br#"{"ids":"none","owner":"x"}"#).ids,
            IdScope::Snapshot
        );
        for damaged in [
            "",
            "[]",
            "{",
            r#"{"ids":"process"}"#,
            r#"{"ids":7,"owner":7,"pid":-1}"#,
        ] {
            assert_eq!(
                Provenance::from_side_car(damaged.as_bytes()),
                Provenance::default(),
                "{damaged}"
            );
        }
    }
}

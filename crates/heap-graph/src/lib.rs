//! Reads V8 heap snapshots of any size into a compact graph, and answers what is in them.

pub mod report;

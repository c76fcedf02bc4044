//! The guard of a process: one sampler thread, its isolates, its judges, and the events for JavaScript.

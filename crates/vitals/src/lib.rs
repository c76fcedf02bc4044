//! What the operating system and V8 say about a process's memory: process, cgroup, pressure, limits, ledger, history.

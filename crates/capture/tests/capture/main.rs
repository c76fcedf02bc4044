//! The folder as its users see it: one process, many processes, full disks.

mod disk;
mod folder;
mod owners;
mod processes;
mod support;

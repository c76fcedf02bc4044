//! A Node.js process to look at.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use memguard_heap_walk::{
    CensusOptions, GraphOptions, MemoryImage, MemorySource, Metadata, Page, Process, ProcessMemory,
    RegionKind, StoppedProcess, Subject, Target, WalkError, census, graph,
};

/// The line of `holders.js` that begins with a text, counted from 0.
pub fn line_of(text: &str) -> u32 {
    let line = include_str!("../fixtures/holders.js")
        .lines()
        .position(|line| line.trim_start().starts_with(text))
        .unwrap();
    u32::try_from(line).unwrap()
}

/// A program that runs until this is dropped.
pub struct Program {
    child: Child,
}

impl Program {
    /// Starts a program of `tests/fixtures` and waits until it says that it is ready.
    pub fn start(fixture: &str) -> Self {
        let program = std::env::var_os("MEMGUARD_TEST_NODE").unwrap_or_else(|| "node".into());
        Self::start_by(&program, fixture)
    }

    /// The same, by a Node.js of one's own.
    pub fn start_by(program: &OsStr, fixture: &str) -> Self {
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures")
            .join(fixture);
        let mut child = Command::new(program)
            .args(["--expose-gc", "--no-warnings"])
            .arg(file)
            .env_remove("NODE_OPTIONS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is needed to run these tests");
        let mut line = String::new();
        let out = child.stdout.as_mut().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Self { child }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn target(&self) -> Target {
        Target::Process(self.pid())
    }

    /// Whether the process runs: not stopped, not traced, not dead.
    pub fn is_running(&mut self) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_ascii_whitespace().nth(1).unwrap().to_owned()
        };
        self.child.try_wait().unwrap().is_none()
            && ["S", "R"].contains(&field("State:").as_str())
            && field("TracerPid:") == "0"
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A process's private memory, to be damaged, and where its heap's pages are.
pub fn image_of(node: &Program, metadata: &Metadata) -> (MemoryImage, Vec<Page>) {
    let stopped = StoppedProcess::stop(node.pid()).unwrap();
    let memory = ProcessMemory::of(&stopped).unwrap();
    let pages = {
        let process = Process::with_metadata(&memory, metadata).unwrap();
        let heap = process.load(&process.isolates()[0]);
        heap.pages().copied().collect()
    };
    let mut image = MemoryImage::new();
    for region in memory.regions() {
        let private = matches!(
            region.kind,
            RegionKind::Anonymous | RegionKind::Heap | RegionKind::Stack
        );
        if !region.readable || !private {
            continue;
        }
        let mut bytes = vec![0; usize::try_from(region.end - region.start).unwrap()];
        if memory.read(region.start, &mut bytes).is_ok() {
            image.add(region.start, region.kind.clone(), bytes);
        }
    }
    (image, pages)
}

/// Looks at the first heap of a memory.
pub fn look<T>(
    memory: &dyn MemorySource,
    metadata: &Metadata,
    work: impl FnOnce(&Subject<'_, '_>) -> Result<T, WalkError>,
) -> Result<T, WalkError> {
    let process = Process::with_metadata(memory, metadata)?;
    let isolate = &process.isolates()[0];
    let heap = process.load(isolate);
    work(&Subject {
        process: &process,
        isolate,
        heap: &heap,
    })
}

/// How many objects it has, by a census; a graph of it ends in one or in an error.
pub fn walk(memory: &dyn MemorySource, metadata: &Metadata) -> Result<u64, WalkError> {
    look(memory, metadata, |subject| {
        // The graph has a self-test of its own, and must not rely on a census having been taken.
        if let Err(error) = graph(subject, &GraphOptions::default()) {
            assert!(error.code().starts_with("ERR_MEMGUARD_CENSUS_"));
        }
        Ok(census(subject, &CensusOptions::default())?.total.count)
    })
}

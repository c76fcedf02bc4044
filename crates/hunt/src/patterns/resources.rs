//! What has to be closed.

use super::Answer;
use super::case::Case;
use super::events::handles;

const STREAMS: [&str; 30] = [
    "Socket",
    "TLSSocket",
    "TCP",
    "Pipe",
    "Server",
    "IncomingMessage",
    "ServerResponse",
    "ClientRequest",
    "OutgoingMessage",
    "ReadStream",
    "WriteStream",
    "FileHandle",
    "Readable",
    "Writable",
    "Duplex",
    "Transform",
    "PassThrough",
    "Gzip",
    "Gunzip",
    "Deflate",
    "Inflate",
    "Zlib",
    "Http2Session",
    "ClientHttp2Session",
    "ServerHttp2Stream",
    "ClientHttp2Stream",
    "ReadableStream",
    "WritableStream",
    "Interface",
    "ChildProcess",
];
/// What is there as long as a stream or socket of the system is open.
const HANDLES: [&str; 12] = [
    "TCP",
    "TCPSocketWrap",
    "Pipe",
    "PipeWrap",
    "TTY",
    "TLSWrap",
    "UDP",
    "FileHandle",
    "Process",
    "Zlib",
    "Http2Session",
    "FSReqCallback",
];
const WORKERS: [&str; 5] = [
    "Worker",
    "MessagePort",
    "MessageChannel",
    "BroadcastChannel",
    "WorkerHandle",
];

/// How sure it is of streams that are not seen to be open.
const CLOSED: f64 = 0.6;

pub(super) fn streams(case: &Case<'_, '_>) -> Answer {
    let is_stream = |class: &str| STREAMS.contains(&class);
    let (confidence, mut evidence) = of_classes(
        case,
        is_stream,
        "streams, sockets or messages",
        &["TCP", "Pipe", "FS", "HTTP", "TLS", "Zlib"],
    )?;
    if is_stream(&case.class()) || 2 * case.more_of(is_handle) >= case.row.count_delta {
        return Some((confidence, evidence));
    }
    // Those that have ended are dragged along by whoever keeps what grows.
    evidence
        .push("few or no open handles are among what grew: they may have been closed".to_owned());
    Some((confidence.min(CLOSED), evidence))
}

fn is_handle(class: &str) -> bool {
    HANDLES.contains(&class)
}

pub(super) fn workers(case: &Case<'_, '_>) -> Answer {
    let is_worker = |class: &str| WORKERS.contains(&class);
    of_classes(
        case,
        is_worker,
        "workers, ports or channels",
        &["Worker", "MessagePort"],
    )
}

fn of_classes(
    case: &Case<'_, '_>,
    is: impl Fn(&str) -> bool + Copy,
    what: &str,
    kinds: &[&str],
) -> Answer {
    let more = case.more_of(is);
    let grows = is(&case.class());
    if !grows && more < 4 {
        return None;
    }
    let as_many = more * 2 >= case.row.count_delta.max(1);
    let classes: Vec<String> = case
        .row
        .contents
        .rows
        .iter()
        .filter(|row| is(&row.class) && row.count_delta > 0)
        .map(|row| format!("{} {}", row.count_delta, row.class))
        .collect();
    let mut evidence = vec![format!("more {what}: {}", classes.join(", "))];
    for kind in kinds {
        handles(case, kind, &mut evidence);
    }
    let confidence = match (grows, as_many) {
        (true, _) => 0.85,
        (false, true) => 0.74,
        (false, false) => 0.4,
    };
    Some((confidence, evidence))
}

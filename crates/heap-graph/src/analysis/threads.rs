//! The few ways in which the analysis uses threads. Without a thread (none left, or only one asked for) the caller's does the work.

use std::thread;

use crate::AnalyzeError;

/// Does two things at once, if there may be two threads.
pub(crate) fn both<A: Send, B: Send>(
    threads: usize,
    first: impl FnOnce() -> Result<A, AnalyzeError> + Send,
    second: impl FnOnce() -> Result<B, AnalyzeError> + Send,
) -> Result<(A, B), AnalyzeError> {
    if threads < 2 {
        return Ok((first()?, second()?));
    }
    // Kept outside of the thread, to be called here if there is none.
    let second = parking_lot::Mutex::new(Some(second));
    let call_second = || second.lock().take().map(|second| second());
    let (a, b) = thread::scope(|scope| {
        let spawned = thread::Builder::new()
            .name("memguard-graph".to_owned())
            .spawn_scoped(scope, call_second);
        let a = first();
        let b = match spawned {
            Ok(thread) => thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(_) => call_second(),
        };
        (a, b)
    });
    // It is called exactly once: by the thread, or here.
    Ok((a?, b.unwrap_or(Err(AnalyzeError::Cancelled))?))
}

/// Calls a function with each of some parts, a thread a part.
pub(crate) fn each<T: Sync>(
    parts: &[T],
    work: impl Fn(&T) -> Result<(), AnalyzeError> + Sync,
) -> Result<(), AnalyzeError> {
    let Some((own, others)) = parts.split_first() else {
        return Ok(());
    };
    thread::scope(|scope| {
        let spawned: Vec<_> = others
            .iter()
            .map(|part| {
                let work = &work;
                let call = move || work(part);
                (
                    part,
                    thread::Builder::new()
                        .name("memguard-graph".to_owned())
                        .spawn_scoped(scope, call),
                )
            })
            .collect();
        let mut result = work(own);
        for (part, thread) in spawned {
            let other = match thread {
                Ok(thread) => thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                Err(_) => work(part),
            };
            result = result.and(other);
        }
        result
    })
}

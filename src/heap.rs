//! Exports of the heap graph: questions about snapshots, asked from JavaScript and answered in a thread of its
//! own: a job takes long, and its streams may need the pool.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use memguard_cli::ask::{self, AnalyzeRequest, CompareRequest};
use memguard_cli::feed::{Feed, Refused};
use memguard_cli::heap::{HeapOptions, HeapSource};
use memguard_heap_graph::{CancelSignal, Progress, ProgressListener};
use napi::bindgen_prelude::{Buffer, FnArgs, Function, Object};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use napi_derive::napi;

use crate::error::{Result, internal};
use crate::json;
use crate::task::on_own_thread;

/// What JavaScript is told: a phase and how far it has come, or `drain` with the number of the stream.
type Event = FnArgs<(String, f64, Option<f64>)>;
/// Events wait for JavaScript without a limit of the queue's, since none may be lost: a job has some hundreds of them, and
/// one `drain` at a time.
const QUEUE: usize = 0;
type Listener = ThreadsafeFunction<Event, (), Event, Status, false, true, QUEUE>;

thread_local! {
    static HOOKED: Cell<bool> = const { Cell::new(false) };
    /// Jobs of this environment that are under way: they end with it.
    static RUNNING: RefCell<Vec<(u32, CancelSignal)>> = const { RefCell::new(Vec::new()) };
    static NEXT: Cell<u32> = const { Cell::new(0) };
}

/// A question and what it needs: snapshots, then `analyze` or `compare`, once.
#[napi]
pub struct HeapJob {
    id: u32,
    cancel: CancelSignal,
    listener: Arc<Listener>,
    sources: Vec<HeapSource>,
    feeds: Vec<Option<Feed>>,
}

#[napi]
impl HeapJob {
    /// A job whose progress `listener` is told.
    #[napi(constructor, catch_unwind)]
    pub fn new(env: Env, listener: Function<Event, ()>) -> Result<Self> {
        if !HOOKED.replace(true) {
            env.add_env_cleanup_hook((), |()| {
                HOOKED.set(false);
                RUNNING.take().iter().for_each(|(_, job)| job.cancel());
            })
            .map_err(internal)?;
        }
        let listener = listener
            .build_threadsafe_function::<Event>()
            .weak::<true>()
            .max_queue_size::<QUEUE>()
            .build_callback(|event| Ok(event.value))
            .map_err(internal)?;
        let id = NEXT.replace(NEXT.get().wrapping_add(1));
        let cancel = CancelSignal::default();
        RUNNING.with_borrow_mut(|running| running.push((id, cancel.clone())));
        Ok(Self {
            id,
            cancel,
            listener: Arc::new(listener),
            sources: Vec::new(),
            feeds: Vec::new(),
        })
    }

    /// The next snapshot is a file.
    #[napi(catch_unwind)]
    pub fn add_file(&mut self, path: String) {
        self.sources.push(HeapSource::File(path.into()));
    }

    /// The next snapshot is a stream; answers its number.
    #[napi(catch_unwind)]
    pub fn add_stream(&mut self) -> u32 {
        let number = self.feeds.len() as u32;
        let listener = Arc::clone(&self.listener);
        let (feed, reader) = Feed::new(self.cancel.clone(), move || {
            let event = ("drain".to_owned(), f64::from(number), None);
            listener.call(event.into(), ThreadsafeFunctionCallMode::NonBlocking);
        });
        self.feeds.push(Some(feed));
        self.sources
            .push(HeapSource::Stream(Box::new(reader), "the stream".into()));
        number
    }

    /// Puts a piece into a stream: `taken`; `full`, to be tried again after `drain`; or `closed`.
    #[napi(catch_unwind)]
    pub fn feed(&self, number: u32, piece: Buffer) -> &'static str {
        let feed = self.feeds.get(number as usize).and_then(Option::as_ref);
        match feed.map_or(Err(Refused::Closed), |feed| feed.put(piece.to_vec())) {
            Ok(()) => "taken",
            Err(Refused::Full) => "full",
            Err(Refused::Closed) => "closed",
        }
    }

    /// Ends a stream.
    #[napi(catch_unwind)]
    pub fn end(&mut self, number: u32) {
        if let Some(feed) = self.feeds.get_mut(number as usize) {
            *feed = None;
        }
    }

    /// What is in the snapshot.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn analyze<'e>(&mut self, env: &'e Env, request: String) -> Result<Object<'e>> {
        let request: AnalyzeRequest = json::parse(&request)?;
        let options = self.options(request.threads);
        let source = self.sources.pop();
        on_own_thread(env, move || {
            let source = source.ok_or_else(|| internal("no snapshot was given"))?;
            Ok(ask::ask_what_is_in(source, &request, &options))
        })
    }

    /// What grew between the snapshots.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn compare<'e>(&mut self, env: &'e Env, request: String) -> Result<Object<'e>> {
        let request: CompareRequest = json::parse(&request)?;
        let options = self.options(request.threads);
        let sources = std::mem::take(&mut self.sources);
        on_own_thread(env, move || {
            Ok(ask::ask_what_grew(sources, &request, &options))
        })
    }

    /// Ends the job early.
    #[napi(catch_unwind)]
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Lets go of the job, which is over.
    #[napi(catch_unwind)]
    pub fn close(&mut self) {
        self.feeds.clear();
        RUNNING.with_borrow_mut(|running| running.retain(|(id, _)| *id != self.id));
    }

    fn options(&self, threads: usize) -> HeapOptions {
        let listener = Arc::clone(&self.listener);
        HeapOptions {
            threads,
            cancel: self.cancel.clone(),
            progress: Some(ProgressListener::new(move |progress: Progress| {
                let total = progress.total.map(|total| total as f64);
                let event = (
                    progress.phase.as_str().to_owned(),
                    progress.done as f64,
                    total,
                );
                listener.call(event.into(), ThreadsafeFunctionCallMode::NonBlocking);
            })),
        }
    }
}

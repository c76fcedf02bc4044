//! Where the sampler sleeps, and what wakes it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// From this use of the effective limit on, every major collection is looked at as it comes.
pub(crate) const TIGHT: f64 = 0.7;

/// The meeting point of the sampler thread and those who have news for it. Everything that wakes
/// it is remembered, so that no news is lost between two sleeps.
#[derive(Default)]
pub struct Gate {
    news: Mutex<News>,
    changed: Condvar,
    /// Whether any major collection should wake the sampler: only when some limit is near, since
    /// otherwise the next regular reading is soon enough.
    alert_on_major: AtomicBool,
}

#[derive(Default)]
struct News {
    fresh: bool,
    kicked: bool,
}

/// The gate of this process.
pub fn shared() -> &'static Gate {
    static GATE: OnceLock<Gate> = OnceLock::new();
    GATE.get_or_init(Gate::default)
}

impl Gate {
    /// Fresh heap figures are there.
    pub fn notify(&self) {
        self.news.lock().fresh = true;
        self.changed.notify_all();
    }

    /// The settings changed, or the end has come: look at once.
    pub fn kick(&self) {
        self.news.lock().kicked = true;
        self.changed.notify_all();
    }

    /// Whether major collections wake the sampler from now on.
    pub fn set_alert_on_major(&self, on: bool) {
        self.alert_on_major.store(on, Relaxed);
    }

    /// Called in V8's GC epilogue; `tight`: this heap is near its limit. Never blocks: when the lock
    /// is held, the sampler is awake.
    pub fn major_collected(&self, tight: bool) {
        if !tight && !self.alert_on_major.load(Relaxed) {
            return;
        }
        if let Some(mut news) = self.news.try_lock() {
            news.kicked = true;
            drop(news);
            self.changed.notify_all();
        }
    }

    /// Sleeps until it is kicked or the time is over; answers whether it was kicked.
    pub fn sleep(&self, time: Duration) -> bool {
        let mut news = self.news.lock();
        if !news.kicked {
            self.changed
                .wait_while_for(&mut news, |news| !news.kicked, time);
        }
        std::mem::take(&mut news.kicked)
    }

    /// Forgets earlier figures; call before asking for new ones.
    pub fn expect_figures(&self) {
        self.news.lock().fresh = false;
    }

    /// Waits until figures have come and `enough` says so, but not longer than `time`.
    pub fn await_figures(&self, time: Duration, enough: impl Fn() -> bool) {
        let mut news = self.news.lock();
        self.changed
            .wait_while_for(&mut news, |news| !(news.fresh && enough()), time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn a_kick_before_the_sleep_is_not_lost() {
        let gate = Gate::default();
        gate.kick();
        let start = Instant::now();
        assert!(gate.sleep(Duration::from_secs(60)));
        assert!(start.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_major_collection_wakes_only_when_memory_is_tight() {
        let gate = Gate::default();
        gate.major_collected(false);
        assert!(!gate.news.lock().kicked);
        gate.major_collected(true);
        assert!(std::mem::take(&mut gate.news.lock().kicked));
        gate.set_alert_on_major(true);
        gate.major_collected(false);
        assert!(gate.news.lock().kicked);
    }

    #[test]
    fn figures_end_the_wait_for_them() {
        let gate = Gate::default();
        std::thread::scope(|scope| {
            gate.expect_figures();
            scope.spawn(|| gate.notify());
            let start = Instant::now();
            gate.await_figures(Duration::from_secs(60), || true);
            assert!(start.elapsed() < Duration::from_secs(30));
        });
    }
}

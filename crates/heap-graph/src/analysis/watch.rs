//! Cancelling and progress of a long analysis.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::AnalyzeError;
use crate::control::{CancelSignal, Phase, Progress, ProgressListener};

/// Asked now and then by every loop that may take long.
#[derive(Debug)]
pub(crate) struct Watch {
    cancel: CancelSignal,
    progress: Option<ProgressListener>,
    done: AtomicU64,
    total: u64,
}

/// Between two looks at the signal: some milliseconds of work.
const STRIDE: usize = 1 << 16;

impl Watch {
    pub(crate) fn new(
        cancel: CancelSignal,
        progress: Option<ProgressListener>,
        total: u64,
    ) -> Self {
        Self {
            cancel,
            progress,
            done: AtomicU64::new(0),
            total,
        }
    }

    /// Fails if the call was cancelled. `step` counts up, so that most calls cost nothing.
    #[inline]
    pub(crate) fn check(&self, step: usize) -> Result<(), AnalyzeError> {
        if step.is_multiple_of(STRIDE) {
            self.check_now()
        } else {
            Ok(())
        }
    }

    pub(crate) fn check_now(&self) -> Result<(), AnalyzeError> {
        if self.cancel.is_cancelled() {
            Err(AnalyzeError::Cancelled)
        } else {
            Ok(())
        }
    }

    /// Says that a step is done.
    pub(crate) fn step(&self, phase: Phase) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(progress) = &self.progress {
            progress.tell(Progress {
                phase,
                done,
                total: Some(self.total),
            });
        }
    }
}

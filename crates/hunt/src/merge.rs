//! One leak, one ticket: reports of many processes, restarts and releases put together by signature.

use serde::{Deserialize, Serialize};

use crate::context::{Moment, ProcessInfo};
use crate::report::LeakReport;

/// Processes that a ticket names: one that is restarted again and again has a new one each time.
const MOST_PROCESSES: usize = 50;

/// Reports of one leak.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Merged {
    /// The leak's signature.
    pub signature: String,
    /// Reports of it.
    pub count: u64,
    /// The first.
    pub first_at: Moment,
    /// The last.
    pub last_at: Moment,
    /// Processes that reported it, each once.
    pub processes: Vec<ProcessInfo>,
    /// Releases in which it was seen, in the order of their first report.
    pub releases: Vec<String>,
    /// Bytes an hour, over all processes: the middle (of reports merged at once the median, of those counted in one by one
    /// the mean) and the greatest.
    pub bytes_per_hour: [f64; 2],
    /// The report with the greatest confidence; of equal ones the latest.
    pub report: LeakReport,
}

/// Puts reports together by signature: those that were reported most often first.
#[must_use]
pub fn merge(reports: impl IntoIterator<Item = LeakReport>) -> Vec<Merged> {
    let mut merged: Vec<Merged> = Vec::new();
    let mut rates: Vec<Vec<f64>> = Vec::new();
    for report in reports {
        let at = merged
            .iter()
            .position(|ticket| ticket.signature == report.signature)
            .unwrap_or_else(|| {
                merged.push(Merged {
                    signature: report.signature.clone(),
                    first_at: report.at,
                    last_at: report.at,
                    report: report.clone(),
                    ..Merged::default()
                });
                rates.push(Vec::new());
                merged.len() - 1
            });
        rates[at].extend(
            report
                .suspects
                .first()
                .map(|suspect| suspect.bytes_per_hour),
        );
        merged[at].add(report);
    }
    for (ticket, mut rates) in merged.iter_mut().zip(rates) {
        rates.sort_unstable_by(f64::total_cmp);
        ticket.bytes_per_hour = [
            rates.get(rates.len() / 2).copied().unwrap_or_default(),
            rates.last().copied().unwrap_or_default(),
        ];
    }
    merged.sort_by(|a, b| {
        b.count
            .cmp(&a.count)
            .then_with(|| a.signature.cmp(&b.signature))
    });
    merged
}

impl Merged {
    /// Counts another report of this leak: for who keeps a ticket rather than reports. The rates of
    /// earlier ones are not known any more, so that the middle becomes their mean; of the processes the latest are kept.
    pub fn count_in(&mut self, report: LeakReport) {
        if let Some(rate) = report
            .suspects
            .first()
            .map(|suspect| suspect.bytes_per_hour)
        {
            let [middle, greatest] = self.bytes_per_hour;
            let weight = self.count as f64;
            self.bytes_per_hour = [
                (middle * weight + rate) / (weight + 1.0),
                greatest.max(rate),
            ];
        }
        self.add(report);
        let surplus = self.processes.len().saturating_sub(MOST_PROCESSES);
        self.processes.drain(..surplus);
    }

    fn add(&mut self, report: LeakReport) {
        self.count += 1;
        let by_wall_clock = |moment: &Moment| (moment.unix_ms, moment.at_ms);
        self.first_at = std::cmp::min_by_key(self.first_at, report.at, by_wall_clock);
        self.last_at = std::cmp::max_by_key(self.last_at, report.at, by_wall_clock);
        let is_same = |known: &ProcessInfo| {
            (known.pid, &known.host, &known.worker)
                == (
                    report.process.pid,
                    &report.process.host,
                    &report.process.worker,
                )
        };
        if !self.processes.iter().any(is_same) {
            self.processes.push(report.process.clone());
        }
        if let Some(release) = &report.process.release
            && !self.releases.contains(release)
        {
            self.releases.push(release.clone());
        }
        if report.verdict.confidence >= self.report.verdict.confidence {
            self.report = report;
        }
    }
}

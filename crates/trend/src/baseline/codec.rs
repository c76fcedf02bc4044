//! The stored form of a baseline.
//!
//! All numbers are little-endian.
//! ```text
//! "MGBL"  u8 format = 1
//! key     u16 length, app   u16 length, version   u32 Node line   u64 limit
//! u8      number of metrics, then for each:
//!   u8    metric             u8 number of hours, then for each:
//!     i32 hours of local time since 1970   f32 median   f32 high   u8 half minutes   u8 0 provisional, 1 trusted
//! u32     CRC-32 (IEEE) of all before
//! ```

use crate::baseline::BaselineKey;
use crate::baseline::week::{State, Summary, Week};
use crate::{Error, Metric};

const MAGIC: &[u8; 4] = b"MGBL";
const FORMAT: u8 = 1;
const CRC_BYTES: usize = 4;
const MAX_SLOTS: u8 = 120;
const MAX_HOURS: u8 = 168;

/// Numbers of metrics in files: never to be given to another metric.
const METRIC_IDS: [(u8, Metric); 9] = [
    (1, Metric::HeapUsed),
    (2, Metric::HeapUsedOfTotal),
    (3, Metric::LiveHeap),
    (4, Metric::EffectiveUse),
    (5, Metric::Rss),
    (6, Metric::External),
    (7, Metric::ArrayBuffers),
    (8, Metric::CgroupUse),
    (9, Metric::Pressure),
];

pub(super) fn encode<'a>(
    key: &BaselineKey,
    weeks: impl ExactSizeIterator<Item = (Metric, &'a Week)>,
    with_provisional: bool,
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8 * 1024);
    bytes.extend_from_slice(MAGIC);
    bytes.push(FORMAT);
    for text in [&key.app, &key.version] {
        let text = clipped(text);
        bytes.extend_from_slice(&(text.len() as u16).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes.extend_from_slice(&key.node_line.to_le_bytes());
    bytes.extend_from_slice(&key.limit.to_le_bytes());
    bytes.push(weeks.len() as u8);
    for (metric, week) in weeks {
        let kept = || {
            week.iter()
                .filter(|(_, state)| with_provisional || *state == State::Trusted)
        };
        bytes.push(metric_id(metric));
        bytes.push(kept().count() as u8);
        for (summary, state) in kept() {
            bytes.extend_from_slice(&summary.epoch_hour.to_le_bytes());
            bytes.extend_from_slice(&summary.median.to_le_bytes());
            bytes.extend_from_slice(&summary.high.to_le_bytes());
            bytes.extend_from_slice(&[summary.slots, u8::from(state == State::Trusted)]);
        }
    }
    let crc = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

pub(super) fn decode(bytes: &[u8]) -> Result<(BaselineKey, Vec<(Metric, Week)>), Error> {
    // What it is comes first, so that a file of a later format isn't called damaged.
    let mut header = Input { bytes, at: 0 };
    if header.take::<4>()? != *MAGIC {
        return Err(corrupt(0, "it does not begin as a baseline does"));
    }
    let [found] = header.take()?;
    if found != FORMAT {
        return Err(Error::BaselineVersion {
            offset: MAGIC.len(),
            found,
            supported: FORMAT,
        });
    }
    let body = bytes.len().saturating_sub(CRC_BYTES).max(header.at);
    let computed = crc32fast::hash(&bytes[..body]);
    let stored = u32::from_le_bytes(Input { bytes, at: body }.take()?);
    if stored != computed {
        let problem = format!("the checksum is {stored:08x} and should be {computed:08x}");
        return Err(Error::CorruptBaseline {
            offset: body,
            problem,
        });
    }
    let mut input = Input {
        bytes: &bytes[..body],
        at: header.at,
    };
    let key = BaselineKey {
        app: input.text()?,
        version: input.text()?,
        node_line: u32::from_le_bytes(input.take()?),
        limit: u64::from_le_bytes(input.take()?),
    };
    let [metrics] = input.take()?;
    let mut weeks: Vec<(Metric, Week)> = Vec::new();
    for _ in 0..metrics {
        let at = input.at;
        let (metric, week) = input.week()?;
        if weeks.iter().any(|(known, _)| *known == metric) {
            return Err(corrupt(at, "a metric stands there for the second time"));
        }
        weeks.push((metric, week));
    }
    if input.at != body {
        return Err(corrupt(input.at, "there is more than belongs there"));
    }
    Ok((key, weeks))
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Input<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let taken = self
            .bytes
            .get(self.at..)
            .and_then(|rest| rest.first_chunk::<N>());
        let taken = *taken.ok_or_else(|| corrupt(self.at, "it ends too early"))?;
        self.at += N;
        Ok(taken)
    }

    fn text(&mut self) -> Result<String, Error> {
        let length = usize::from(u16::from_le_bytes(self.take()?));
        let at = self.at;
        let text = self
            .bytes
            .get(at..at + length)
            .ok_or_else(|| corrupt(at, "it ends too early"))?;
        self.at += length;
        str::from_utf8(text)
            .map(str::to_owned)
            .map_err(|_| corrupt(at, "the text is not UTF-8"))
    }

    fn week(&mut self) -> Result<(Metric, Week), Error> {
        let at = self.at;
        let [id, hours] = self.take()?;
        let metric = METRIC_IDS
            .iter()
            .find(|(known, _)| *known == id)
            .map(|(_, metric)| *metric);
        let metric = metric.ok_or_else(|| corrupt(at, "there is no such metric"))?;
        if hours > MAX_HOURS {
            return Err(corrupt(at + 1, "there are more hours than a week has"));
        }
        let mut week = Week::default();
        for _ in 0..hours {
            let at = self.at;
            let epoch_hour = i32::from_le_bytes(self.take()?);
            let (median, high) = (
                f32::from_le_bytes(self.take()?),
                f32::from_le_bytes(self.take()?),
            );
            let [slots, state] = self.take()?;
            let is_sane = epoch_hour >= 0
                && median >= 0.0
                && high >= median
                && high.is_finite()
                && slots <= MAX_SLOTS;
            let state = match state {
                0 => State::Provisional,
                1 => State::Trusted,
                _ => return Err(corrupt(at, "the hour has an impossible state")),
            };
            if !is_sane {
                return Err(corrupt(at, "the hour has impossible values"));
            }
            week.insert(
                Summary {
                    epoch_hour,
                    median,
                    high,
                    slots,
                },
                state,
            );
        }
        Ok((metric, week))
    }
}

fn metric_id(metric: Metric) -> u8 {
    METRIC_IDS[metric.index()].0
}

/// Names are short; one that isn't is cut at a character so that its length fits the field.
fn clipped(text: &str) -> &str {
    &text[..text.floor_char_boundary(usize::from(u16::MAX))]
}

fn corrupt(offset: usize, problem: &str) -> Error {
    Error::CorruptBaseline {
        offset,
        problem: problem.to_owned(),
    }
}

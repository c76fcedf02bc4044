//! Recorded traces: small files that `eval/forecast/record.js` writes.

use std::io;
use std::path::Path;

use serde::Deserialize;

use super::chance::Chance;
use super::program::{Origin, Program, Row};

/// The first line of a file.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct About {
    program: String,
    family: String,
    leaking: bool,
    pace: f64,
    rss_limit_mb: Option<f64>,
    died: bool,
    lasted_ms: Option<f64>,
}

const KB: f64 = 1024.0;
const MB: f64 = 1024.0 * KB;

/// All traces of a folder, in the order of their names.
///
/// # Errors
/// The folder or a file cannot be read, or is no trace.
pub fn load(folder: &Path, origin: Origin) -> io::Result<Vec<Program>> {
    let mut files: Vec<_> = std::fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|it| it == "csv"));
    files.sort();
    files
        .iter()
        .map(|file| {
            let text = std::fs::read_to_string(file)?;
            parse(&text, origin)
                .ok_or_else(|| io::Error::other(format!("{} is no trace", file.display())))
        })
        .collect()
}

fn parse(text: &str, origin: Origin) -> Option<Program> {
    let mut lines = text.lines();
    let about: About = serde_json::from_str(lines.next()?).ok()?;
    let columns: Vec<&str> = lines.next()?.split(',').collect();
    let column = |name: &str| columns.iter().position(|it| *it == name);
    let (at, used, live, live_at) = (
        column("atMs")?,
        column("used")?,
        column("live")?,
        column("liveAtMs")?,
    );
    let (rss, nursery, old_limit) = (column("rss")?, column("nursery")?, column("oldSpaceLimit")?);
    let mut fields: Vec<Option<f64>> = vec![None; columns.len()];
    let mut rows = Vec::new();
    let (mut limit, mut grace) = (0.0, 0.0);
    for line in lines {
        for (field, text) in fields.iter_mut().zip(line.split(',')) {
            if !text.is_empty() {
                *field = Some(text.parse().ok()?);
            }
        }
        let at_ms = fields[at]? as u64;
        if about.rss_limit_mb.is_some() {
            rows.push(Row {
                at_ms,
                used: fields[rss]? * KB,
                live: None,
            });
            continue;
        }
        let heap_limit = fields[old_limit]? * KB;
        grace = (fields[nursery]? * KB).min(heap_limit / 6.0);
        limit = heap_limit - grace;
        let live = match (fields[live], fields[live_at]) {
            (Some(live), Some(at)) => Some((live * KB, at.max(1.0) as u64)),
            _ => None,
        };
        rows.push(Row {
            at_ms,
            used: fields[used]? * KB,
            live,
        });
    }
    let end = rows.last()?.at_ms;
    let failed = about
        .died
        .then(|| about.lasted_ms.map_or(end, |ms| ms as u64).max(end));
    Some(Program {
        name: about.program,
        family: about.family,
        origin,
        leaking: about.leaking,
        pace: about.pace,
        limit: about.rss_limit_mb.map_or(limit, |mb| mb * MB),
        grace,
        failed_at_ms: failed,
        rows,
    })
}

/// The same programs below other limits: leaking ones reach theirs after half to nearly all of the trace, one in four
/// and all healthy ones never do.
pub fn relimited(programs: &[Program]) -> Vec<Program> {
    programs
        .iter()
        .enumerate()
        .filter_map(|(index, program)| {
            let mut chance = Chance::new(77 + index as u64);
            let fails = program.leaking && index % 4 != 3;
            let level = |row: &Row| row.live.map_or(row.used, |(live, _)| live.min(row.used));
            let end = program.rows.last()?.at_ms as f64;
            let (limit, failed_at_ms) = if fails {
                let at = end * chance.between(0.5, 0.97);
                let until = program.rows.iter().filter(|row| (row.at_ms as f64) < at);
                let limit = until.map(level).fold(0.0, f64::max);
                let first = program.rows.iter().find(|row| level(row) >= limit)?;
                (limit, Some(first.at_ms))
            } else {
                let peak = program.rows.iter().map(level).fold(0.0, f64::max);
                (peak * chance.between(1.08, 1.9), None)
            };
            let rows = program.rows.iter().copied();
            let rows: Vec<Row> = rows
                .take_while(|row| failed_at_ms.is_none_or(|at| row.at_ms < at))
                .map(|row| Row {
                    used: row.used.min(limit),
                    ..row
                })
                .collect();
            Some(Program {
                name: format!("{} below {:.0} MB", program.name, limit / MB),
                origin: Origin::Relimited,
                limit,
                grace: 0.0,
                failed_at_ms,
                rows,
                ..program.clone()
            })
        })
        .collect()
}

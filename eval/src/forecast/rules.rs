//! The rules that forecasts are held against, each asked at every tenth of a horizon whether the limit is about to be
//! reached.

use super::program::{Program, Row};

/// A rule: its name, and what it says of a program.
pub type Rule = (&'static str, fn(&Program) -> Vec<(f64, bool)>);

/// All of them.
pub const RULES: [Rule; 6] = [
    ("never alarm", |program| ask(program, |_, _| false)),
    ("used > 85 %", used_over),
    ("live > 85 %", live_over),
    ("memwatch: 5 growing GCs", memwatch),
    ("least squares on used, end < H", least_squares),
    ("Theil–Sen + Mann–Kendall, end < H", theil_sen),
];

/// Asks a rule of what was seen up to each decision, from the age of half a horizon on.
fn ask(program: &Program, mut rule: impl FnMut(&Program, &[Row]) -> bool) -> Vec<(f64, bool)> {
    let horizon = program.horizon_ms();
    let mut next = horizon / 2.0;
    let mut answers = Vec::new();
    for (index, row) in program.rows.iter().enumerate() {
        if row.at_ms as f64 >= next {
            next = row.at_ms as f64 + horizon / 10.0 * 0.999;
            answers.push((
                row.at_ms as f64 / horizon,
                rule(program, &program.rows[..=index]),
            ));
        }
    }
    answers
}

fn level(row: &Row) -> f64 {
    row.live.map_or(row.used, |(live, _)| live.min(row.used))
}

fn used_over(program: &Program) -> Vec<(f64, bool)> {
    ask(program, |program, rows| {
        rows.last()
            .is_some_and(|row| row.used > 0.85 * program.limit)
    })
}

fn live_over(program: &Program) -> Vec<(f64, bool)> {
    ask(program, |program, rows| {
        rows.last()
            .is_some_and(|row| level(row) > 0.85 * program.limit)
    })
}

/// The live heap grew over five major GCs in a row; without GCs, five readings a tenth of a horizon apart.
fn memwatch(program: &Program) -> Vec<(f64, bool)> {
    ask(program, |program, rows| {
        let mut seen: Vec<f64> = Vec::new();
        let mut before = None;
        let horizon = program.horizon_ms();
        for row in rows.iter().rev() {
            let when = row
                .live
                .map_or(row.at_ms / (horizon / 10.0) as u64, |(_, at)| at);
            if before.replace(when) != Some(when) {
                seen.push(level(row));
            }
            if seen.len() == 6 {
                break;
            }
        }
        seen.len() == 6 && seen.windows(2).all(|pair| pair[0] > pair[1])
    })
}

/// Points of the last horizon in horizons before now.
fn recent(program: &Program, rows: &[Row], of: fn(&Row) -> f64) -> Vec<(f64, f64)> {
    let horizon = program.horizon_ms();
    let now = rows.last().map_or(0, |row| row.at_ms);
    let step = (horizon / 40.0) as u64;
    let mut taken = None;
    rows.iter()
        .rev()
        .take_while(|row| (now - row.at_ms) as f64 <= horizon)
        .filter(|row| taken.replace(row.at_ms / step.max(1)) != Some(row.at_ms / step.max(1)))
        .map(|row| (-((now - row.at_ms) as f64) / horizon, of(row)))
        .collect()
}

fn least_squares(program: &Program) -> Vec<(f64, bool)> {
    ask(program, |program, rows| {
        let points = recent(program, rows, |row| row.used);
        let n = points.len() as f64;
        let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| {
            (x + point.0 / n, y + point.1 / n)
        });
        let mut sums = [0.0; 3];
        for point in &points {
            let (dx, dy) = (point.0 - x, point.1 - y);
            sums[0] += dx * dx;
            sums[1] += dx * dy;
            sums[2] += dy * dy;
        }
        let slope = sums[1] / sums[0];
        let fits = sums[1] * sums[1] / (sums[0] * sums[2]) > 0.7;
        fits && slope > 0.0 && level(&rows[rows.len() - 1]) + slope > program.limit
    })
}

fn theil_sen(program: &Program) -> Vec<(f64, bool)> {
    ask(program, |program, rows| {
        let points = recent(program, rows, level);
        let mut slopes = Vec::new();
        let mut concordant = 0.0;
        for (i, late) in points.iter().enumerate() {
            for early in &points[i + 1..] {
                slopes.push((late.1 - early.1) / (late.0 - early.0));
                concordant +=
                    f64::from(u8::from(late.1 > early.1)) - f64::from(u8::from(late.1 < early.1));
            }
        }
        slopes.sort_unstable_by(f64::total_cmp);
        let Some(slope) = slopes.get(slopes.len() / 2) else {
            return false;
        };
        let n = points.len() as f64;
        let z = concordant / (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
        z > 1.645 && level(&rows[rows.len() - 1]) + slope > program.limit
    })
}

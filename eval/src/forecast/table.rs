//! Tables in Markdown.

use memguard_trend::ForecastConfig;

use super::decisions::{Track, evenly};
use super::program::{Origin, Program};
use super::rules::RULES;
use super::score::{Said, Score, alarms};
use super::study::Study;

/// Where programs are from, and what a table of them is called.
const ORIGINS: [(Origin, &str); 4] = [
    (Origin::Recorded, "Recorded, real limits and ends"),
    (Origin::Relimited, "Recorded, limits chosen afterwards"),
    (
        Origin::Foreign,
        "Recorded, programs with npm packages (no part in the training)",
    ),
    (Origin::Simulated, "Simulated"),
];

/// Everything that there is to say.
pub fn print(programs: &[Program], study: &Study) {
    for (origin, title) in ORIGINS {
        let chosen: Vec<usize> = (0..programs.len())
            .filter(|index| programs[*index].origin == origin)
            .collect();
        if !chosen.is_empty() {
            print_origin(title, &chosen, programs, study);
        }
    }
    print_thresholds(programs, study);
    print_calibration(programs, study);
    print_times(programs, study);
    print_paces(programs, study);
}

fn print_origin(title: &str, chosen: &[usize], programs: &[Program], study: &Study) {
    let config = ForecastConfig::default();
    let mut rows: Vec<(String, Score)> = Vec::new();
    for (name, rule) in RULES {
        let score = sum(chosen, programs, 0.5, |index| {
            let answers: Vec<(f64, f64)> = rule(&programs[index])
                .into_iter()
                .map(|(at, yes)| (at, f64::from(u8::from(yes))))
                .collect();
            Said {
                alarms: alarms(&answers, 0.5),
                answers,
            }
        });
        rows.push((name.to_owned(), score));
    }
    for (name, threshold) in [("watch", config.watch), ("act", config.act)] {
        let score = sum(chosen, programs, threshold, |index| {
            let answers = evenly(study.logistic[index].iter().copied());
            Said {
                alarms: alarms(&answers, threshold),
                answers,
            }
        });
        rows.push((format!("logistic regression, {name}"), score));
    }
    for (name, threshold, of) in [
        (
            "watch",
            config.watch,
            (|track: &Track| track.watch.clone()) as fn(&Track) -> Vec<(f64, f64)>,
        ),
        ("act", config.act, |track: &Track| track.act.clone()),
    ] {
        let score = sum(chosen, programs, threshold, |index| {
            let track = &study.tracks[index];
            let answers = evenly(track.decisions.iter().map(|it| (it.at, it.probability)));
            Said {
                answers,
                alarms: of(track),
            }
        });
        rows.push((format!("**forecast, {name}**"), score));
    }
    let score = sum(chosen, programs, 0.5, |index| {
        let decisions = &study.tracks[index].decisions;
        let all: Vec<_> = decisions.iter().map(|it| (it.at, it.probability)).collect();
        Said {
            alarms: alarms(&all, 0.5),
            answers: evenly(all.into_iter()),
        }
    });
    rows.push(("forecast, p ≥ 0.5".to_owned(), score));
    let Some((_, first)) = rows.first() else {
        return;
    };
    println!("\n### {title}\n");
    println!(
        "{} programs, {:.1} program-days, {} failures that could be foreseen; {:.1} % of decisions within half an hour of one.\n",
        chosen.len(),
        first.days,
        first.failures,
        100.0 * first.base_rate()
    );
    println!(
        "| | accuracy | precision of decisions | recall of decisions | precision of alarms | failures seen 5 min ahead | lead, min | false alarms a day | of these healthy | unharmed programs alarmed | Brier |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for (name, score) in &rows {
        let (precision, recall) = score.by_decision();
        println!(
            "| {name} | {:.3} | {} | {:.2} | {} | {}/{} = {} | {} | {:.2} | {} | {}/{} | {:.4} |",
            score.accuracy(),
            share(precision),
            recall,
            share(score.precision()),
            score.foreseen,
            score.failures,
            share(score.recall()),
            score
                .lead()
                .map_or("–".to_owned(), |lead| format!("{lead:.0}")),
            score.false_per_day(),
            score.false_healthy,
            score.unharmed_alarmed,
            score.unharmed,
            score.brier(),
        );
    }
    if let Some((_, watch)) = rows.iter().rev().nth(2) {
        let missed: Vec<String> = watch
            .missed()
            .iter()
            .map(|(family, count)| format!("{family} {count}"))
            .collect();
        println!(
            "\nNot foreseen at the watching level: {}.",
            if missed.is_empty() {
                "none".to_owned()
            } else {
                missed.join(", ")
            }
        );
    }
}

fn sum(
    chosen: &[usize],
    programs: &[Program],
    threshold: f64,
    said: impl Fn(usize) -> Said,
) -> Score {
    let mut score = Score::default();
    for index in chosen {
        score.add(&programs[*index], &said(*index), threshold);
    }
    score
}

fn share(value: f64) -> String {
    if value.is_nan() {
        "–".to_owned()
    } else {
        format!("{value:.2}")
    }
}

/// How often the limit was reached when it was said to be so likely.
fn print_calibration(programs: &[Program], study: &Study) {
    const EDGES: [f64; 8] = [0.0, 0.05, 0.15, 0.3, 0.5, 0.7, 0.9, 1.01];
    println!("\n### Calibration\n");
    println!(
        "| said | simulated: said on average | came true | decisions | recorded: said on average | came true | decisions |"
    );
    println!("|---|---|---|---|---|---|---|");
    let mut errors = [(0.0, 0.0); 2];
    for edge in EDGES.windows(2) {
        let cells: Vec<String> = [true, false]
            .iter()
            .enumerate()
            .map(|(column, simulated)| {
                let inside = study
                    .tracks
                    .iter()
                    .flat_map(|track| &track.decisions)
                    .filter(|it| programs[it.program].origin != Origin::Slowed)
                    .filter(|it| (programs[it.program].origin == Origin::Simulated) == *simulated)
                    .filter(|it| it.probability >= edge[0] && it.probability < edge[1]);
                let (count, said, came) =
                    inside.fold((0.0, 0.0, 0.0), |(count, said, came), it| {
                        (count + 1.0, said + it.probability, came + it.label())
                    });
                errors[column].0 += f64::abs(said - came);
                errors[column].1 += count;
                format!(
                    "{} | {} | {count}",
                    share(said / count),
                    share(came / count)
                )
            })
            .collect();
        println!(
            "| {:.2} to {:.2} | {} |",
            edge[0],
            edge[1].min(1.0),
            cells.join(" | ")
        );
    }
    let [simulated, recorded] = errors.map(|(off, count)| off / count);
    println!("\nExpected calibration error {simulated:.3} simulated, {recorded:.3} recorded.");
}

/// How near the expected times came.
fn print_times(programs: &[Program], study: &Study) {
    println!("\n### Time to the limit, while above calm\n");
    println!(
        "| true time left | programs | estimates | median error, min | within half | in the interval | no time told |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (origin, _) in ORIGINS {
        for (low, high) in [(0.0, 0.5), (0.5, 1.0), (1.0, 2.0), (2.0, 8.0)] {
            let times: Vec<_> = programs
                .iter()
                .zip(&study.tracks)
                .filter(|(program, _)| program.origin == origin)
                .flat_map(|(_, track)| &track.times)
                .filter(|(left, _)| *left > low && *left <= high)
                .collect();
            if times.len() < 10 {
                continue;
            }
            let told: Vec<_> = times
                .iter()
                .filter_map(|(left, [eta, early, late])| Some((*left, (*eta)?, *early, *late)))
                .collect();
            let mut errors: Vec<f64> = told
                .iter()
                .map(|(left, eta, ..)| 30.0 * (eta - left).abs())
                .collect();
            errors.sort_unstable_by(f64::total_cmp);
            let of = |count: usize| count as f64 / told.len() as f64;
            let half = told
                .iter()
                .filter(|(left, eta, ..)| (eta - left).abs() <= 0.5 * left)
                .count();
            let inside = told
                .iter()
                .filter(|(left, _, early, late)| {
                    early.is_none_or(|early| early <= *left)
                        && late.is_none_or(|late| late >= *left)
                })
                .count();
            println!(
                "| {:.0} to {:.0} min | {origin:?} | {} | {:.1} | {:.2} | {:.2} | {:.2} |",
                30.0 * low,
                30.0 * high,
                times.len(),
                errors.get(errors.len() / 2).copied().unwrap_or(f64::NAN),
                of(half),
                of(inside),
                1.0 - told.len() as f64 / times.len() as f64,
            );
        }
    }
}

/// What other thresholds would have done.
fn print_thresholds(programs: &[Program], study: &Study) {
    println!("\n### By threshold\n");
    println!(
        "| probability | programs | precision of alarms | failures seen 5 min ahead | lead, min | false alarms a day |"
    );
    println!("|---|---|---|---|---|---|");
    for threshold in [
        0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9,
    ] {
        for (origin, _) in ORIGINS {
            let chosen: Vec<usize> = (0..programs.len())
                .filter(|index| programs[*index].origin == origin)
                .collect();
            let score = sum(&chosen, programs, threshold, |index| {
                let answers: Vec<_> = study.tracks[index]
                    .decisions
                    .iter()
                    .map(|it| (it.at, it.probability))
                    .collect();
                Said {
                    alarms: alarms(&answers, threshold),
                    answers,
                }
            });
            println!(
                "| {threshold} | {origin:?} | {} | {} | {:.0} | {:.2} |",
                share(score.precision()),
                share(score.recall()),
                score.lead().unwrap_or(f64::NAN),
                score.false_per_day(),
            );
        }
    }
}

/// The same programs at two paces: when they ended, and when the levels were raised for good, in minutes of the defaults' time.
fn print_paces(programs: &[Program], study: &Study) {
    println!("\n### Hours and minutes\n");
    println!(
        "| program | pace | ended after, min | at watch for the last time from | at act from |"
    );
    println!("|---|---|---|---|---|");
    let slowed = programs.iter().filter(|it| it.origin == Origin::Slowed);
    for slow in slowed {
        let same = |it: &Program| {
            it.name == slow.name && matches!(it.origin, Origin::Recorded | Origin::Slowed)
        };
        let minutes = |horizons: f64| format!("{:.0}", 30.0 * horizons);
        for (program, track) in programs
            .iter()
            .zip(&study.tracks)
            .filter(|(it, _)| same(it))
        {
            let last = |alarms: &[(f64, f64)]| {
                let last = alarms.last().map(|(from, _)| minutes(*from));
                last.unwrap_or("–".to_owned())
            };
            println!(
                "| {} | {} | {} | {} | {} |",
                program.name,
                program.pace,
                program
                    .failed_at_ms
                    .map_or("did not".to_owned(), |at| minutes(
                        at as f64 / program.horizon_ms()
                    )),
                last(&track.watch),
                last(&track.act),
            );
        }
    }
}

//! The results as Markdown.

use super::case::Mode;
use super::options::Options;
use super::run::Outcome;
use super::score::Score;

/// What a simpler rule said of a run.
type Rule = fn(&Outcome) -> bool;

pub(super) fn print(outcomes: &[Outcome], options: &Options) {
    println!(
        "\nA run is {} s, the pace {:.0}; {}.\n",
        options.seconds,
        options.pace(),
        if options.outside {
            "heaps are read from outside"
        } else {
            "the guard in the program hunts, unattended"
        }
    );
    println!(
        "| program | part | version | told | class | held by | pattern | file | after s | looks | longest stop ms |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for outcome in outcomes {
        row(outcome);
    }
    for part in ["tuned", "unseen"] {
        let of_part: Vec<&Outcome> = outcomes
            .iter()
            .filter(|outcome| outcome.job.case.part() == part)
            .collect();
        if !of_part.is_empty() {
            summary(part, &of_part);
        }
    }
}

fn row(outcome: &Outcome) {
    let score = Score::of(outcome);
    let is_bad = outcome.job.mode == Mode::Bad;
    let mark = |yes: bool| {
        if !is_bad {
            ""
        } else if yes {
            "yes"
        } else {
            "–"
        }
    };
    let told = match (is_bad, score.told) {
        (true, true) => "leak",
        (true, false) => "**missed**",
        (false, true) => "**false alarm**",
        (false, false) => "nothing",
    };
    let after = outcome
        .report
        .as_ref()
        .map(|(at, _)| format!("{at:.0}"))
        .unwrap_or_default();
    println!(
        "| {} | {} | {} | {told}{} | {} | {} | {} | {} | {after} | {} | {:.0} |",
        outcome.job.case.id,
        outcome.job.case.part(),
        outcome.job.mode.name(),
        outcome
            .trouble
            .as_ref()
            .map(|trouble| format!(" ({trouble})"))
            .unwrap_or_default(),
        mark(score.class),
        mark(score.retainer),
        mark(score.pattern),
        mark(score.file),
        outcome.looks,
        outcome.longest_pause_ms,
    );
}

fn summary(part: &str, outcomes: &[&Outcome]) {
    let bad: Vec<Score> = outcomes
        .iter()
        .filter(|outcome| outcome.job.mode == Mode::Bad)
        .map(|outcome| Score::of(outcome))
        .collect();
    let others: Vec<&&Outcome> = outcomes
        .iter()
        .filter(|outcome| outcome.job.mode != Mode::Bad)
        .collect();
    let count =
        |is: fn(&Score) -> bool| share(bad.iter().filter(|score| is(score)).count(), bad.len());
    println!(
        "\n### {part}: {} leaking, {} mended or healthy\n",
        bad.len(),
        others.len()
    );
    println!("| rule | leaks found | false alarms | class | held by | pattern | file |");
    println!("|---|---|---|---|---|---|---|");
    println!(
        "| memguard's hunt | {} | {} | {} | {} | {} | {} |",
        count(|score| score.told),
        share(
            others
                .iter()
                .filter(|outcome| outcome.report.is_some())
                .count(),
            others.len()
        ),
        count(|score| score.class),
        count(|score| score.retainer),
        count(|score| score.pattern),
        count(|score| score.file)
    );
    let peers: [(&str, Rule); 3] = [
        ("used heap > 85 % of its limit", |outcome| {
            outcome.peers.threshold
        }),
        ("memwatch: 5 collections in a row", |outcome| {
            outcome.peers.memwatch
        }),
        ("regression, R² > 0.7", |outcome| outcome.peers.regression),
    ];
    for (name, rule) in peers {
        let of_bad = outcomes
            .iter()
            .filter(|outcome| outcome.job.mode == Mode::Bad && rule(outcome))
            .count();
        let of_others = others.iter().filter(|outcome| rule(outcome)).count();
        println!(
            "| {name} | {} | {} | | | | |",
            share(of_bad, bad.len()),
            share(of_others, others.len())
        );
    }
}

fn share(part: usize, whole: usize) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    format!(
        "{part}/{whole} ({:.0} %)",
        100.0 * part as f64 / whole as f64
    )
}

//! What a person reads: figures first, then the rule, then how long.

use crate::baseline::Usual;
use crate::format::{format_bytes, format_duration, format_percent, format_percents, format_sizes};
use crate::{Figure, GcFigures, Metric, Threshold};

/// How many readings the alert rests on, and since when.
pub(crate) struct Run {
    pub violations: u32,
    pub span_ms: u64,
    pub lasted_ms: u64,
}

impl Run {
    /// "in 3 of 3 readings within 1.5 s", and for how long when that is longer.
    fn words(&self) -> String {
        let n = self.violations;
        let mut words = match n {
            0 | 1 => "in the last reading".to_owned(),
            _ => format!(
                "in {n} of {n} readings within {}",
                format_duration(self.span_ms)
            ),
        };
        if self.lasted_ms > self.span_ms.saturating_mul(2) {
            words.push_str(&format!(", and so for {}", format_duration(self.lasted_ms)));
        }
        words
    }
}

/// "heap used 3.5 GB is 87 % of its 4.0 GB limit: over 85 % in 3 of 3 readings within 1.5 s".
pub(crate) fn over_threshold(
    metric: Metric,
    figure: &Figure,
    threshold: Threshold,
    run: &Run,
) -> String {
    let (value, over) = match threshold {
        Threshold::Ratio(limit) => {
            let (ratio, over) =
                format_percents(figure_ratio(metric, figure).unwrap_or_default(), limit);
            (value_of_whole(metric, figure, &ratio), over)
        }
        Threshold::Bytes(limit) => {
            let (value, over) = format_sizes(figure.value, limit as f64);
            (format!("{} is {value}", metric.label()), over)
        }
    };
    format!("{value}: over {over} {}", run.words())
}

/// "RSS 910 MB is far above what is usual between 14:00 and 15:00 (310 MB, on 5 days up to 402 MB): over …".
pub(crate) fn over_baseline(
    metric: Metric,
    figure: &Figure,
    threshold: Threshold,
    usual: &Usual,
    run: &Run,
) -> String {
    let (value, over) = match threshold {
        Threshold::Ratio(limit) => {
            format_percents(figure_ratio(metric, figure).unwrap_or_default(), limit)
        }
        Threshold::Bytes(limit) => format_sizes(figure.value, limit as f64),
    };
    let words = |value: f64| match threshold {
        Threshold::Ratio(_) => format_percent(value),
        Threshold::Bytes(_) => format_bytes(value),
    };
    format!(
        "{} {value} is above what is usual between {:02}:00 and {:02}:00 ({}, up to {} on {} days): over {over} {}",
        metric.label(),
        usual.hour,
        (usual.hour + 1) % 24,
        words(usual.median),
        words(usual.highest),
        usual.days,
        run.words(),
    )
}

/// "heap limit near (96 %), the last 4 major GCs recovered 1.2 % and took 78 % of the time".
pub(crate) fn ineffective_gc(live_ratio: f64, gc: &GcFigures) -> String {
    format!(
        "heap limit near ({}), the last {} major GCs recovered {} and took {} of the time",
        format_percent(live_ratio),
        gc.count,
        format_percent(gc.recovered_ratio),
        format_percent(gc.time_ratio),
    )
}

/// "heap used 2.1 GB is 52 % of its 4.0 GB limit: calm again after 12 min".
pub(crate) fn lowered(metric: Metric, figure: &Figure, to: &str, lasted_ms: u64) -> String {
    format!(
        "{}: {to} after {}",
        value_words(metric, figure),
        format_duration(lasted_ms)
    )
}

fn value_words(metric: Metric, figure: &Figure) -> String {
    match figure_ratio(metric, figure) {
        Some(ratio) => value_of_whole(metric, figure, &format_percent(ratio)),
        None => format!("{} is {}", metric.label(), format_bytes(figure.value)),
    }
}

fn value_of_whole(metric: Metric, figure: &Figure, ratio: &str) -> String {
    if metric.is_ratio() {
        return format!(
            "{}: tasks waited for memory {ratio} of the time",
            metric.label()
        );
    }
    let whole = format_bytes(figure.of.unwrap_or_default());
    let whole = match (&figure.of_name, metric) {
        (Some(name), _) => format!("the {whole} {name}"),
        (None, Metric::HeapUsedOfTotal) => format!("the {whole} heap total"),
        (None, _) => format!("its {whole} limit"),
    };
    format!(
        "{} {} is {ratio} of {whole}",
        metric.label(),
        format_bytes(figure.value)
    )
}

/// Value ÷ whole, or the value itself where it is a ratio.
pub(crate) fn figure_ratio(metric: Metric, figure: &Figure) -> Option<f64> {
    if metric.is_ratio() {
        Some(figure.value)
    } else {
        figure.ratio()
    }
}

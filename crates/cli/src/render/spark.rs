//! A curve in one line of text.

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Draws values, oldest first, in at most `width` columns: each column is the mean of its values. The lowest is the least of them;
/// what differs by less than `least` looks flat.
pub(crate) fn spark(values: &[f64], width: usize, least: f64) -> String {
    let group = values.len().div_ceil(width.max(1)).max(1);
    let means: Vec<f64> = values
        .chunks(group)
        .map(|few| few.iter().sum::<f64>() / few.len() as f64)
        .collect();
    let low = means.iter().copied().fold(f64::INFINITY, f64::min);
    let high = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let range = (high - low).max(least).max(f64::MIN_POSITIVE);
    means
        .iter()
        .map(|mean| {
            let level = (mean - low) / range * (LEVELS.len() - 1) as f64;
            LEVELS[(level.round() as usize).min(LEVELS.len() - 1)]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        assert_eq!(spark(&[], 8, 0.0), "");
        assert_eq!(
            spark(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], 8, 0.0),
            "▁▂▃▄▅▆▇█"
        );
        assert_eq!(spark(&[5.0, 5.0, 5.0], 8, 0.0), "▁▁▁");
        assert_eq!(spark(&[100.0, 101.0], 8, 70.0), "▁▁");
        assert_eq!(spark(&[0.0, 0.0, 8.0, 8.0], 2, 0.0), "▁█");
    }
}

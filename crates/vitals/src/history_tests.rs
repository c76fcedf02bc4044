use super::*;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A reading whose every figure is `value` kilobytes, or that ratio.
fn raw(at_ms: u64, value: f32) -> Raw {
    Raw {
        at_ms,
        values: [value; FIGURES],
    }
}

fn rss(points: &Points) -> Vec<[f64; 3]> {
    points
        .column(Figure::Rss)
        .map(|point| point.map(|value| value.unwrap() / 1024.0))
        .collect()
}

#[test]
fn three_weeks_stay_within_the_promised_memory() {
    let mut history = History::default();
    let bound = history.max_memory_bytes();
    assert_eq!(bound / 1024, 438, "what the documentation promises");
    assert_eq!(history.memory_bytes(), 0, "a young process holds nothing");
    let mut at = 0;
    while at < 21 * DAY {
        history.push_raw(raw(at, (at / HOUR) as f32));
        assert!(history.memory_bytes() <= bound);
        for (age, promised) in [(MINUTE, 18), (2 * HOUR, 135), (DAY, 296)] {
            let held = history.memory_bytes() / 1024;
            assert!(at != age || held == promised, "{held} KB at {age}");
        }
        at += 10_000;
    }
    assert_eq!(history.memory_bytes(), bound, "all rings are full");

    // Each window is answered by a tier that reaches back far enough, to the end.
    for window in [MINUTE, HOUR, 12 * HOUR, 7 * DAY, 13 * DAY] {
        let points = history.points(window, 500);
        assert!(
            (2..=500).contains(&points.len()),
            "{window}: {}",
            points.len()
        );
        let newest = at - 10_000;
        let oldest = points.at_ms[0];
        assert!(newest - oldest <= window + 15 * MINUTE, "{window}");
        assert!(
            newest - oldest + 30 * MINUTE >= window,
            "{window}: reaches back {}",
            newest - oldest
        );
        assert!(points.at_ms.is_sorted());
        let last = rss(&points)[points.len() - 1];
        assert!((last[2] - 503.0).abs() < 1.0, "{window}: {last:?}");
    }
    // Farther back than anything: what there is.
    let all = history.points(u64::MAX, 10_000);
    assert_eq!(
        all.len(),
        1344 + 1,
        "the coarsest ring and the span that is being filled"
    );
}

#[test]
fn the_promise_is_bytes_a_point() {
    let options = HistoryOptions::default();
    let merged: usize = options.tiers.iter().map(|(_, points)| points).sum();
    let promised = options.raw_points * RAW_POINT_BYTES + merged * MERGED_POINT_BYTES;
    let held = History::new(&options).max_memory_bytes();
    assert!(
        held.abs_diff(promised) <= promised / 20,
        "{held} held, {promised} promised"
    );
}

#[test]
fn peaks_and_troughs_survive_every_merging() {
    let mut history = History::default();
    let mut at = 0;
    while at < 2 * DAY {
        let value = match at {
            t if t == 6 * HOUR => 9000.0,
            t if t == 30 * HOUR => 1.0,
            _ => 100.0,
        };
        history.push_raw(raw(at, value));
        at += 10_000;
    }
    for max_points in [1, 7, 100, 5000] {
        let points = history.points(2 * DAY, max_points);
        assert!(points.len() <= max_points);
        let column = rss(&points);
        let max = column.iter().map(|p| p[2]).fold(f64::MIN, f64::max);
        let min = column.iter().map(|p| p[1]).fold(f64::MAX, f64::min);
        assert_eq!((min, max), (1.0, 9000.0), "{max_points} points");
        for [mean, min, max] in column {
            assert!(min <= mean && mean <= max);
        }
    }
}

#[test]
fn a_young_history_is_raw_and_exact() {
    let mut history = History::default();
    assert!(history.points(HOUR, 100).is_empty());
    for i in 0..10u64 {
        history.push_raw(raw(i * 500, i as f32));
    }
    let points = history.points(HOUR, 100);
    assert_eq!(points.at_ms, (0..10).map(|i| i * 500).collect::<Vec<u64>>());
    assert_eq!(rss(&points)[3], [3.0; 3]);
    assert_eq!(
        history.points(1_000, 100).len(),
        3,
        "the window includes both ends"
    );
    assert_eq!(history.points(HOUR, 0), Points::default());
    let two = history.points(HOUR, 2);
    assert_eq!(rss(&two), [[2.0, 0.0, 4.0], [7.0, 5.0, 9.0]]);
}

#[test]
fn unknown_figures_are_null_and_do_not_disturb_the_known() {
    let mut history = History::default();
    for i in 0..4u64 {
        let mut point = raw(i * 1000, 8.0);
        if i % 2 == 0 {
            point.values[Figure::LiveHeap as usize] = f32::NAN;
        }
        point.values[Figure::Pressure as usize] = f32::NAN;
        history.push_raw(point);
    }
    let points = history.points(HOUR, 1);
    let live: Vec<_> = points.column(Figure::LiveHeap).collect();
    assert_eq!(live, [[Some(8192.0); 3]]);
    let pressure: Vec<_> = points.column(Figure::Pressure).collect();
    assert_eq!(pressure, [[None; 3]]);
    let json = serde_json::to_value(&points).unwrap();
    assert_eq!(json["figures"][Figure::Pressure as usize], "pressure");
    assert!(json["mean"][Figure::Pressure as usize][0].is_null());
    assert_eq!(json["mean"][Figure::Rss as usize][0], 8192.0);
}

#[test]
fn sizes_are_kept_to_a_sixteen_millionth() {
    for bytes in [0u64, 1023, 45_678_912, 4 << 30, 1 << 40] {
        let kept = f64::from(size(bytes)) * 1024.0;
        assert!(
            (kept - bytes as f64).abs() <= bytes as f64 / 16_000_000.0,
            "{bytes}: {kept}"
        );
    }
}

#[test]
fn a_sample_is_summed_over_its_isolates() {
    let isolate = |id, used| crate::IsolateFigures {
        id,
        heap_used_bytes: used,
        heap_total_bytes: 2 * used,
        external_bytes: 1024,
        array_buffers_bytes: (id == 1).then_some(2048),
        live_heap_bytes: Some(used / 2),
        ..crate::IsolateFigures::default()
    };
    let reading = crate::OsReading {
        at_ms: 77,
        ..crate::OsReading::default()
    };
    let isolates = vec![isolate(0, 10 << 20), isolate(1, 6 << 20)];
    let sample = crate::join(reading, isolates, &crate::LimitNames::default());
    let mut history = History::default();
    history.push(&sample);
    let points = history.points(HOUR, 10);
    let only = |figure| points.column(figure).next().unwrap()[0];
    assert_eq!(points.at_ms, [77]);
    assert_eq!(only(Figure::HeapUsed), Some(f64::from(16 << 20)));
    assert_eq!(only(Figure::HeapTotal), Some(f64::from(32 << 20)));
    assert_eq!(only(Figure::External), Some(2048.0));
    assert_eq!(only(Figure::ArrayBuffers), Some(2048.0));
    assert_eq!(
        only(Figure::LiveHeap),
        Some(f64::from(5 << 20)),
        "the main thread's"
    );
    assert_eq!(only(Figure::LimitRatio), None);
}

#[test]
fn a_pause_and_absurd_options_do_no_harm() {
    let mut history = History::new(&HistoryOptions {
        raw_points: 0,
        tiers: vec![(0, 0), (10, 3)],
    });
    for at in [0, 5, 5, 1_000_000, u64::MAX] {
        history.push_raw(raw(at, 1.0));
    }
    assert!(!history.points(u64::MAX, 10).is_empty());
    let no_tiers = HistoryOptions {
        raw_points: 2,
        tiers: Vec::new(),
    };
    let mut history = History::new(&no_tiers);
    for at in 0..9 {
        history.push_raw(raw(at, 1.0));
    }
    assert_eq!(history.points(u64::MAX, 10).at_ms, [7, 8]);
}

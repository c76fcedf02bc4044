//! What growth is called.

use super::support::{HOUR, MB, Noise, SECOND};
use crate::{ForecastConfig, Makeup, MakeupReading, Part, Verdict};

/// Six hours of a process, of which `change` makes what it is; times are in hours.
fn after_hours(mut change: impl FnMut(f64, &mut MakeupReading)) -> Makeup {
    let mut makeup = Makeup::new(&ForecastConfig::default());
    let mut noise = Noise(11);
    for tick in 1..=2160_u64 {
        let at_ms = tick * 10 * SECOND;
        let mut reading = MakeupReading {
            at_ms,
            heap_used: 120.0 * MB + 20.0 * MB * (tick % 30) as f64 / 30.0,
            live: Some((120.0 * MB + MB * noise.next(), tick / 30 * 300 * SECOND)),
            heap_total: 160.0 * MB,
            external: 10.0 * MB,
            rss: 260.0 * MB + MB * noise.next(),
            allocation_rate: Some(3.0 * MB + MB * noise.next()),
            caches: None,
            handles: Some(40.0),
        };
        change(at_ms as f64 / HOUR as f64, &mut reading);
        makeup.observe(&reading);
    }
    makeup
}

/// The heap is bigger by so much, and with it all that contains it.
fn grow_heap(reading: &mut MakeupReading, by: f64) {
    reading.heap_used += by;
    reading.heap_total += by;
    reading.rss += by;
    reading.live = reading.live.map(|(live, at)| (live + by, at));
}

#[test]
fn nothing_grows() {
    let makeup = after_hours(|_, _| {});
    assert_eq!(makeup.verdict(), Verdict::None);
    assert_eq!(makeup.growing(), []);
}

#[test]
fn live_objects() {
    let makeup = after_hours(|hour, reading| grow_heap(reading, 30.0 * MB * hour));
    assert_eq!(makeup.verdict(), Verdict::JsHeap);
    let growing = makeup.growing();
    assert_eq!(growing[0].part, Part::LiveHeap);
    assert!((growing[0].per_hour / (30.0 * MB) - 1.0).abs() < 0.1);
    assert!(growing[0].share > 0.9);
}

#[test]
fn buffers_are_not_a_leak_of_the_heap() {
    let makeup = after_hours(|hour, reading| {
        reading.external += 40.0 * MB * hour;
        reading.rss += 40.0 * MB * hour;
    });
    assert_eq!(makeup.verdict(), Verdict::External);
}

#[test]
fn what_v8_knows_nothing_of_is_native_when_steady_and_fragmentation_when_it_slows() {
    let steady = after_hours(|hour, reading| reading.rss += 40.0 * MB * hour);
    assert_eq!(steady.verdict(), Verdict::Native);
    let slowing =
        after_hours(|hour, reading| reading.rss += 150.0 * MB * (1.0 - (-hour / 1.2).exp()));
    assert_eq!(slowing.verdict(), Verdict::Fragmentation);
}

#[test]
fn a_cache_with_room_is_filling_and_one_without_is_not_the_reason() {
    let with = |most: f64| {
        after_hours(move |hour, reading| {
            grow_heap(reading, 30.0 * MB * hour);
            reading.caches = Some((25.0 * MB * hour, most));
        })
    };
    assert_eq!(with(500.0 * MB).verdict(), Verdict::CacheFilling);
    assert_eq!(with(25.0 * MB * 6.0).verdict(), Verdict::JsHeap);
}

#[test]
fn what_slows_down_may_stop() {
    let makeup =
        after_hours(|hour, reading| grow_heap(reading, 200.0 * MB * (1.0 - (-hour / 1.5).exp())));
    assert_eq!(makeup.verdict(), Verdict::CacheFilling);
}

#[test]
fn what_goes_up_and_down_with_the_load_is_the_load() {
    // In the middle of a rise, not after it.
    let rising = after_hours(|hour, reading| {
        let load = 0.5 - 0.5 * (hour / 2.4 * std::f64::consts::TAU).cos();
        grow_heap(reading, 200.0 * MB * load);
        reading.allocation_rate = Some((3.0 + 40.0 * load) * MB);
    });
    assert_eq!(rising.verdict(), Verdict::Load);
}

#[test]
fn handles_are_told_beside_what_grows() {
    let makeup = after_hours(|hour, reading| {
        grow_heap(reading, 30.0 * MB * hour);
        reading.handles = Some((40.0 + 500.0 * hour).floor());
    });
    let last = *makeup.growing().last().unwrap();
    assert_eq!(last.part, Part::Handles);
    assert!((last.per_hour / 500.0 - 1.0).abs() < 0.1, "{last:?}");
}

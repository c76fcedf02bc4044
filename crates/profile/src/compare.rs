//! What one profile allocates more than another, by function.
//!
//! Functions are matched by name and script, not by line: a release in which a function has moved by a line is still the
//! same program. Where both profiles say how long was sampled, bytes are per second.

use std::collections::HashMap;

use crate::model::Profile;
use crate::report::{Listing, ProfileComparison, Site, SiteDelta};
use crate::sites;

/// One side's share of a function.
#[derive(Default, Clone)]
struct Side {
    bytes: f64,
    samples: u64,
    /// The heaviest of the functions of this name and script.
    site: Option<Site>,
}

/// Compares two profiles of the same kind: at most `rows` functions, the greatest growth first.
#[must_use]
pub fn compare(before: &Profile, after: &Profile, rows: usize) -> ProfileComparison {
    let seconds = |profile: &Profile| {
        let duration = profile.meta.duration_ms.filter(|ms| *ms > 0.0);
        duration.map(|ms| ms / 1e3)
    };
    let (per_second, units) = match (seconds(before), seconds(after)) {
        (Some(old), Some(new)) => (true, [old, new]),
        _ => (false, [1.0, 1.0]),
    };
    let mut pairs: HashMap<(String, Option<String>), [Side; 2]> = HashMap::new();
    for (side, profile) in [before, after].into_iter().enumerate() {
        for site in sites::by_self(profile, usize::MAX).rows {
            let location = site.frame.location.as_ref();
            let script = location.and_then(|location| location.script.clone());
            let key = (site.frame.function.clone(), script);
            let known = &mut pairs.entry(key).or_default()[side];
            known.bytes += site.self_bytes as f64 / units[side];
            known.samples += site.samples;
            // Sites come heaviest first.
            known.site.get_or_insert(site);
        }
    }
    let mut changed: Vec<SiteDelta> = pairs
        .into_values()
        .filter_map(|[before, after]| delta(before, after))
        .collect();
    changed.sort_by(|a, b| {
        let growth = b.delta_bytes.total_cmp(&a.delta_bytes);
        growth.then_with(|| a.frame.function.cmp(&b.frame.function))
    });
    ProfileComparison {
        before: sites::source(before),
        after: sites::source(after),
        per_second,
        before_bytes: before.bytes() as f64 / units[0],
        after_bytes: after.bytes() as f64 / units[1],
        sites: Listing::cut(changed, rows),
    }
}

fn delta(before: Side, after: Side) -> Option<SiteDelta> {
    let variance = |side: &Side| (side.bytes * sites::error_ratio(side.samples)).powi(2);
    let deviation = (variance(&before) + variance(&after)).sqrt();
    let delta_bytes = after.bytes - before.bytes;
    let site = after.site.or(before.site)?;
    Some(SiteDelta {
        frame: site.frame,
        before_bytes: before.bytes,
        after_bytes: after.bytes,
        delta_bytes,
        deviations: match deviation > 0.0 {
            true => delta_bytes / deviation,
            false => 0.0,
        },
        stack: site.stack,
    })
}

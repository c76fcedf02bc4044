//! Numbers as people read them. Units are binary with the short names that Node and V8 print (1 MB = 1,048,576 B).

/// `512 B`, `3.5 MB`, `640 MB`, `4.0 GB`.
pub fn format_bytes(bytes: f64) -> String {
    const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
    let mut value = bytes;
    let mut unit = 0;
    // 1023.96 would be printed as 1024.
    while value >= 1023.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 || value >= 99.95 {
        format!("{value:.0} {}", UNITS[unit])
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

/// `850 ms`, `1.5 s`, `20 s`, `5 min`, `3.5 h`, `2 d`.
pub fn format_duration(ms: u64) -> String {
    const UNITS: [(f64, &str); 4] = [
        (86_400_000.0, "d"),
        (3_600_000.0, "h"),
        (60_000.0, "min"),
        (1_000.0, "s"),
    ];
    let value = ms as f64;
    for (size, unit) in UNITS {
        if value >= size {
            let tenths = (value / size * 10.0).round() / 10.0;
            return if tenths.fract() == 0.0 || tenths >= 10.0 {
                format!("{tenths:.0} {unit}")
            } else {
                format!("{tenths:.1} {unit}")
            };
        }
    }
    format!("{ms} ms")
}

/// `87 %`, `1.2 %`, `99.7 %`: a decimal where it matters.
pub fn format_percent(ratio: f64) -> String {
    let percent = ratio * 100.0;
    if (percent > 0.0 && percent < 9.95) || (percent > 99.0 && percent < 99.95) {
        format!("{percent:.1} %")
    } else {
        format!("{percent:.0} %")
    }
}

/// A ratio and the threshold that it is over, with as many decimals as it takes to see that it is.
pub(crate) fn format_percents(ratio: f64, threshold: f64) -> (String, String) {
    let short = (format_percent(ratio), format_percent(threshold));
    if short.0 != short.1 {
        return short;
    }
    let precise = |value: f64, decimals: usize| format!("{:.decimals$} %", value * 100.0);
    let decimals = if precise(ratio, 1) == precise(threshold, 1) {
        2
    } else {
        1
    };
    (precise(ratio, decimals), precise(threshold, decimals))
}

/// Two sizes, likewise.
pub(crate) fn format_sizes(value: f64, threshold: f64) -> (String, String) {
    let short = (format_bytes(value), format_bytes(threshold));
    if short.0 != short.1 {
        return short;
    }
    let precise = |bytes: f64| format!("{:.1} KB", bytes / 1024.0);
    (precise(value), precise(threshold))
}

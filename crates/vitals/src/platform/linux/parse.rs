//! Numbers out of the kernel's text files. Never allocates, never panics, whatever the text.

/// First run of digits of `text` after optional blanks; `None` without digits or beyond `u64`.
pub fn number(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii_start();
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 {
        return None;
    }
    text[..digits].iter().try_fold(0u64, |value, digit| {
        value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    })
}

/// The `n`-th blank-separated number, counted from 0.
pub fn field(text: &[u8], n: usize) -> Option<u64> {
    text.split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .nth(n)
        .and_then(number)
}

/// The number after the line's name: `name 123` or `Name:   123 kB` (the unit is left to the
/// caller).
pub fn named(text: &[u8], name: &str) -> Option<u64> {
    let name = name.as_bytes();
    text.split(|b| *b == b'\n').find_map(|line| {
        let rest = line.strip_prefix(name)?;
        match rest.first() {
            Some(b' ' | b'\t') => number(rest),
            Some(b':') => number(&rest[1..]),
            _ => None,
        }
    })
}

/// A named value in kilobytes, as bytes.
pub fn named_kb(text: &[u8], name: &str) -> Option<u64> {
    named(text, name)?.checked_mul(1024)
}

/// A limit file: a number of bytes, or `max` for none. `Err` when it is neither.
pub fn limit(text: &[u8]) -> Result<Option<u64>, ()> {
    let text = text.trim_ascii();
    if text == b"max" {
        return Ok(None);
    }
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return Err(());
    }
    // More digits than `u64` holds is no limit either.
    Ok(number(text))
}

/// Pressure text: the averages over 10 and 60 s of the lines `some` and `full`, as parts of 1.
pub fn pressure(text: &[u8]) -> Option<[f64; 4]> {
    let average = |line: &str, key: &str| -> Option<f64> {
        let line = text.split(|b| *b == b'\n').find(|l| {
            l.strip_prefix(line.as_bytes())
                .is_some_and(|r| r.first() == Some(&b' '))
        })?;
        let value = line
            .split(|b| *b == b' ')
            .find_map(|word| word.strip_prefix(key.as_bytes())?.strip_prefix(b"="))?;
        let percent: f64 = std::str::from_utf8(value).ok()?.parse().ok()?;
        percent
            .is_finite()
            .then(|| (percent / 100.0).clamp(0.0, 1.0))
    };
    let some = average("some", "avg10")?;
    // Old kernels have no `full` line in some files.
    Some([
        some,
        average("some", "avg60").unwrap_or(some),
        average("full", "avg10").unwrap_or(0.0),
        average("full", "avg60").unwrap_or(0.0),
    ])
}

/// Figures of `/proc/<pid>/stat` that can be had for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    /// Page faults that needed a disk.
    pub major_faults: Option<u64>,
    /// User and system time, in clock ticks.
    pub cpu_ticks: Option<u64>,
    /// Threads.
    pub threads: Option<u64>,
    /// Start of the process after boot, in clock ticks.
    pub start_ticks: Option<u64>,
}

/// `/proc/<pid>/stat`. The second field is the command in parentheses and may itself hold blanks
/// and parentheses.
pub fn stat(text: &[u8]) -> Stat {
    let Some(end) = text.iter().rposition(|b| *b == b')') else {
        return Stat::default();
    };
    let rest = &text[end + 1..];
    // The manual counts fields from 1; the first after the command is number 3.
    let nth = |number: usize| field(rest, number - 3);
    Stat {
        major_faults: nth(12),
        cpu_ticks: nth(14).zip(nth(15)).and_then(|(u, s)| u.checked_add(s)),
        threads: nth(20),
        start_ticks: nth(22),
    }
}

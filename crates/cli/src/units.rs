//! Durations, sizes and shares as they are typed.

use std::str::FromStr;

/// Milliseconds: `500ms`, `30s`, `5m`, `2h`; a bare number is seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Millis(pub(crate) u64);

impl FromStr for Millis {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = split(text);
        let factor = match unit.as_str() {
            "ms" => 1.0,
            "s" | "" => 1e3,
            "m" | "min" => 60e3,
            "h" => 3_600e3,
            "d" => 86_400e3,
            _ => 0.0,
        };
        match number {
            // No timer of Node's waits for longer.
            Some(number) if number * factor >= 1.0 && number * factor <= 24.0 * 86_400e3 => {
                Ok(Self((number * factor).round() as u64))
            }
            _ => Err("expected a time such as 500ms, 30s, 5m or 2h, at most 24d".to_owned()),
        }
    }
}

/// A size: `400mb`, `1.5GiB`; units are powers of 1,024.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = split(text);
        let factor: f64 = match unit.trim_end_matches('b').trim_end_matches('i') {
            "" => 1.0,
            "k" => 1024.0,
            "m" => 1_048_576.0,
            "g" => 1_073_741_824.0,
            "t" => 1_099_511_627_776.0,
            _ => 0.0,
        };
        match number {
            Some(number) if number * factor >= 1.0 && number * factor < 9e15 => {
                Ok(Self((number * factor).round() as u64))
            }
            _ => Err("expected a size such as 400mb or 1.5GiB".to_owned()),
        }
    }
}

/// A bound of the heap: a share of its limit, `85%` or `0.85`, or a size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bound {
    Share(f64),
    Bytes(u64),
}

impl FromStr for Bound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || "expected a share of the limit such as 85%, or a size such as 400mb".to_owned();
        let share = match text.trim().strip_suffix('%') {
            Some(percent) => percent.trim().parse::<f64>().map_err(|_| wrong())? / 100.0,
            None => match text.trim().parse::<f64>() {
                Ok(number) if number <= 1.0 => number,
                _ => {
                    return text
                        .parse()
                        .map(|Size(bytes)| Self::Bytes(bytes))
                        .map_err(|_| wrong());
                }
            },
        };
        if share > 0.0 && share <= 1.0 {
            Ok(Self::Share(share))
        } else {
            Err(wrong())
        }
    }
}

/// A number and what stands behind it, in small letters.
fn split(text: &str) -> (Option<f64>, String) {
    let text = text.trim();
    let end = text
        .find(|sign: char| !sign.is_ascii_digit() && sign != '.')
        .unwrap_or(text.len());
    let number = text[..end].parse().ok();
    (number, text[end..].trim().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, ms) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("10", 10_000),
            ("1.5 m", 90_000),
            ("2h", 7_200_000),
        ] {
            assert_eq!(text.parse(), Ok(Millis(ms)), "{text}");
        }
        for text in ["", "0", "-1s", "s", "1y", "1e3s", "25d", "0.1ms", "NaN"] {
            assert!(text.parse::<Millis>().is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_and_bounds() {
        for (text, bytes) in [
            ("1", 1),
            ("400mb", 400 << 20),
            ("1.5 GiB", 3 << 29),
            ("64k", 64 << 10),
        ] {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
        for text in ["", "mb", "0", "1x", "-5"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
        assert_eq!("85%".parse(), Ok(Bound::Share(0.85)));
        assert_eq!("0.5".parse(), Ok(Bound::Share(0.5)));
        assert_eq!("400mb".parse(), Ok(Bound::Bytes(400 << 20)));
        for text in ["", "0%", "120%", "-1", "x%"] {
            assert!(text.parse::<Bound>().is_err(), "{text}");
        }
    }
}

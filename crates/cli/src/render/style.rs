//! Colours, widths, figures.

/// How a terminal's text looks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(crate) color: bool,
    /// Columns.
    pub(crate) width: usize,
}

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        if self.color && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.paint("33", text)
    }

    pub(crate) fn cyan(self, text: &str) -> String {
        self.paint("36", text)
    }
}

/// A size as people read it, in units of 1,024.
pub(crate) fn bytes(size: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if size < 1024 {
        return format!("{size} B");
    }
    let mut value = size as f64 / 1024.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = usize::from(value < 9.95);
    format!("{value:.digits$} {}", UNITS[unit])
}

/// A number with its thousands apart.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share from 0 to 1 in percent.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        0.0 => "0 %".into(),
        _ if percent < 0.1 => "< 0.1 %".into(),
        _ if percent < 9.95 => format!("{percent:.1} %"),
        _ => format!("{percent:.0} %"),
    }
}

/// The text with everything that could move the cursor, turn the line or end it made visible: names come from
/// a file that anybody may have written.
pub(crate) fn harmless(text: &str) -> String {
    let bad = |sign: char| {
        sign.is_control()
            || matches!(sign, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    if !text.chars().any(bad) {
        return text.to_owned();
    }
    text.chars()
        .map(|sign| match sign {
            '\n' => "\\n".into(),
            '\r' => "\\r".into(),
            '\t' => "\\t".into(),
            _ if bad(sign) => format!("\\u{{{:x}}}", u32::from(sign)),
            _ => sign.into(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 kB"),
            (10_188, "9.9 kB"),
            (10_240, "10 kB"),
            (1_048_576, "1.0 MB"),
            (1_073_741_824, "1.0 GB"),
            (u64::MAX, "16384 PB"),
        ];
        for (size, text) in cases {
            assert_eq!(bytes(size), text);
        }
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            [0.0, 0.0001, 0.051, 0.5].map(percent),
            ["0 %", "< 0.1 %", "5.1 %", "50 %"]
        );
    }

    #[test]
    fn no_colours_unless_asked_for() {
        let plain = Style {
            color: false,
            width: 80,
        };
        assert_eq!(plain.red("x"), "x");
        assert_eq!(
            Style {
                color: true,
                ..plain
            }
            .red("x"),
            "\u{1b}[31mx\u{1b}[0m"
        );
    }

    #[test]
    fn hostile_names_stay_in_their_line() {
        assert_eq!(
            harmless("a\u{1b}[2Jb\nc\u{202e}d"),
            "a\\u{1b}[2Jb\\nc\\u{202e}d"
        );
        assert_eq!(harmless("größe 😀"), "größe 😀");
    }
}

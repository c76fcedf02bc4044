//! Whether a text is what a filter asks for.

/// A pattern for texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// The whole text.
    Whole(String),
    /// The whole text with `*` for anything: the parts between the stars, of which there is at least one.
    Wild(Vec<String>),
    /// Somewhere in the text, whatever the case: in lower case here.
    Contains(String),
}

impl Pattern {
    /// A pattern for `=`: `*` stands for anything, `\*` for itself.
    pub(crate) fn whole(text: &str) -> Self {
        let mut parts = vec![String::new()];
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\\' if characters.peek() == Some(&'*') => {
                    characters.next();
                    push(&mut parts, '*');
                }
                '*' => parts.push(String::new()),
                _ => push(&mut parts, character),
            }
        }
        if parts.len() == 1 {
            Self::Whole(parts.swap_remove(0))
        } else {
            Self::Wild(parts)
        }
    }

    /// A pattern for `~`.
    pub(crate) fn contains(text: &str) -> Self {
        Self::Contains(text.to_lowercase())
    }

    /// Whether `text` matches: O(text × parts).
    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Whole(whole) => text == whole,
            Self::Contains(part) => contains_lowercase(text, part),
            Self::Wild(parts) => wild(parts, text),
        }
    }
}

fn push(parts: &mut [String], character: char) {
    if let Some(last) = parts.last_mut() {
        last.push(character);
    }
}

fn contains_lowercase(text: &str, part: &str) -> bool {
    if text.is_ascii() && part.is_ascii() {
        let (text, part) = (text.as_bytes(), part.as_bytes());
        return part.is_empty()
            || text
                .windows(part.len())
                .any(|window| window.eq_ignore_ascii_case(part));
    }
    text.to_lowercase().contains(part)
}

/// The first part at the start, the last at the end, those between as early as they come.
fn wild(parts: &[String], text: &str) -> bool {
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else {
        return false;
    };
    let Some(mut rest) = text.strip_prefix(first.as_str()) else {
        return false;
    };
    for part in &parts[1..parts.len() - 1] {
        let Some(at) = rest.find(part.as_str()) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.len() >= last.len() && rest.ends_with(last.as_str())
}

//! What is wrong with a filter, and where.

/// A filter that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} (at character {} of the filter)", position + 1)]
pub struct FilterError {
    /// What is wrong.
    pub kind: FilterErrorKind,
    /// Where, as a number of characters from the start.
    pub position: usize,
}

/// What can be wrong with a filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterErrorKind {
    /// Nothing in it.
    #[error("The filter is empty; expected something like `class = LogEntry`")]
    Empty,
    /// A word that is no field.
    #[error("`{found}` is not a field; expected one of {expected}{}", suggestion.map(|name| format!(". Did you mean `{name}`?")).unwrap_or_default())]
    UnknownField {
        /// What is there.
        found: String,
        /// Every field.
        expected: &'static str,
        /// The nearest field.
        suggestion: Option<&'static str>,
    },
    /// Something else is missing.
    #[error("Found {found} where {expected} was expected")]
    Unexpected {
        /// What is there.
        found: String,
        /// What should be.
        expected: &'static str,
    },
    /// An operator that the field does not have.
    #[error("`{operator}` cannot be used with `{field}`; expected one of {expected}")]
    WrongOperator {
        /// The field.
        field: &'static str,
        /// The operator.
        operator: &'static str,
        /// Those that it has.
        expected: &'static str,
    },
    /// A text where a number should be.
    #[error("`{found}` is not a number for `{field}`; expected {expected}")]
    NotANumber {
        /// The field.
        field: &'static str,
        /// What is there.
        found: String,
        /// What should be.
        expected: &'static str,
    },
    /// A quote without its second.
    #[error("The text in quotes does not end")]
    OpenQuote,
    /// Parentheses or negations in one another beyond measure.
    #[error("More than {limit} parentheses and negations in one another")]
    TooDeep {
        /// How many there may be.
        limit: usize,
    },
}

impl FilterError {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "ERR_MEMGUARD_INVALID_FILTER"
    }
}

//! From text to a tree of tests.

use std::fmt;
use std::str::FromStr;

use super::error::{FilterError, FilterErrorKind};
use super::lexer::{Token, tokens};
use super::text::Pattern;

/// Parentheses and negations in one another.
const MAX_DEPTH: usize = 64;
const FIELDS: &str =
    "class, name, string, kind, script, path, id, shallow, retained, distance, edges, detached";
const TEXT_OPERATORS: &str = "=, !=, ~, !~";
const NUMBER_OPERATORS: &str = "=, !=, <, <=, >, >=";

/// Which objects are meant. Made from text: `"class = LogEntry and retained > 1mb".parse()`; the language is described
/// in the [module](crate::query).
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    text: String,
    pub(super) expression: Expression,
}

impl Filter {
    /// Objects of a class, by its whole name.
    #[must_use]
    pub fn class(name: &str) -> Self {
        Self::of_text(TextField::Class, "class", name)
    }

    /// The object with an id.
    #[must_use]
    pub fn id(id: u64) -> Self {
        let expression = Expression::Number(NumberField::Id, Order::Equal, id);
        Self {
            text: format!("id = @{id}"),
            expression,
        }
    }

    /// Objects that a variable or property of this name refers to, and those that bear it themselves.
    #[must_use]
    pub fn name(name: &str) -> Self {
        Self {
            text: format!("name = {}", quote(name)),
            expression: Expression::Any(vec![
                Expression::Text(TextField::HeldAs, Pattern::Whole(name.to_owned())),
                Expression::Text(TextField::Name, Pattern::Whole(name.to_owned())),
            ]),
        }
    }

    fn of_text(field: TextField, word: &str, value: &str) -> Self {
        let expression = Expression::Text(field, Pattern::Whole(value.to_owned()));
        Self {
            text: format!("{word} = {}", quote(value)),
            expression,
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let tokens = tokens(text)?;
        let mut parser = Parser {
            tokens: &tokens,
            at: 0,
            end: text.chars().count(),
        };
        if tokens.is_empty() {
            return Err(parser.error(FilterErrorKind::Empty));
        }
        let expression = parser.any(0)?;
        match parser.peek() {
            None => Ok(Self {
                text: text.trim().to_owned(),
                expression,
            }),
            Some(_) => Err(parser.unexpected("`and`, `or` or the end")),
        }
    }
}

/// A text as a filter has it.
fn quote(text: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || "_$.:/@#-".contains(c);
    if !text.is_empty() && text.chars().all(is_word) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A tree of tests, at most [`MAX_DEPTH`] deep.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
    Text(TextField, Pattern),
    Number(NumberField, Order, u64),
    Detached,
}

/// Texts of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextField {
    Class,
    Name,
    Content,
    Kind,
    Script,
    Path,
    /// The name of any reference to it.
    HeldAs,
}

/// Numbers of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberField {
    Id,
    Shallow,
    Retained,
    Distance,
    Edges,
}

/// How a number compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    pub(super) fn holds(self, left: u64, right: u64) -> bool {
        match self {
            Self::Equal => left == right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

#[derive(Clone, Copy)]
enum Field {
    Text(TextField),
    Number(NumberField),
    Detached,
}

const FIELD_NAMES: [(&str, Field); 14] = [
    ("class", Field::Text(TextField::Class)),
    ("name", Field::Text(TextField::Name)),
    ("string", Field::Text(TextField::Content)),
    ("kind", Field::Text(TextField::Kind)),
    ("type", Field::Text(TextField::Kind)),
    ("script", Field::Text(TextField::Script)),
    ("path", Field::Text(TextField::Path)),
    ("id", Field::Number(NumberField::Id)),
    ("shallow", Field::Number(NumberField::Shallow)),
    ("size", Field::Number(NumberField::Shallow)),
    ("retained", Field::Number(NumberField::Retained)),
    ("distance", Field::Number(NumberField::Distance)),
    ("edges", Field::Number(NumberField::Edges)),
    ("detached", Field::Detached),
];

struct Parser<'t> {
    tokens: &'t [(Token, usize)],
    at: usize,
    end: usize,
}

impl Parser<'_> {
    fn any(&mut self, depth: usize) -> Result<Expression, FilterError> {
        let mut parts = vec![self.all(depth)?];
        while self.take_word("or") || self.take_operator("||") {
            parts.push(self.all(depth)?);
        }
        Ok(single(parts, Expression::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Expression, FilterError> {
        let mut parts = vec![self.unary(depth)?];
        loop {
            let joined = self.take_word("and") || self.take_operator("&&");
            let goes_on = match self.peek() {
                Some(Token::Word(word)) => !word.eq_ignore_ascii_case("or"),
                Some(Token::Open | Token::Operator("!") | Token::Quoted(_)) => true,
                _ => false,
            };
            if !joined && !goes_on {
                return Ok(single(parts, Expression::All));
            }
            parts.push(self.unary(depth)?);
        }
    }

    fn unary(&mut self, depth: usize) -> Result<Expression, FilterError> {
        if depth >= MAX_DEPTH {
            return Err(self.error(FilterErrorKind::TooDeep { limit: MAX_DEPTH }));
        }
        if self.take_word("not") || self.take_operator("!") {
            return Ok(Expression::Not(Box::new(self.unary(depth + 1)?)));
        }
        if self.peek() == Some(&Token::Open) {
            self.at += 1;
            let inner = self.any(depth + 1)?;
            if self.peek() != Some(&Token::Close) {
                return Err(self.unexpected("`)`"));
            }
            self.at += 1;
            return Ok(inner);
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Expression, FilterError> {
        let Some(Token::Word(word)) = self.peek() else {
            return Err(self.unexpected("a field"));
        };
        let Some(&(name, field)) = FIELD_NAMES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(word))
        else {
            let (found, suggestion) = (word.clone(), nearest(word));
            return Err(self.error(FilterErrorKind::UnknownField {
                found,
                expected: FIELDS,
                suggestion,
            }));
        };
        self.at += 1;
        match field {
            Field::Detached => Ok(Expression::Detached),
            Field::Text(field) => self.text_test(name, field),
            Field::Number(field) => self.number_test(name, field),
        }
    }

    fn text_test(
        &mut self,
        name: &'static str,
        field: TextField,
    ) -> Result<Expression, FilterError> {
        let operator = self.operator(name, TEXT_OPERATORS)?;
        let value = self.value()?;
        let test = match operator {
            "=" | "!=" => Expression::Text(field, Pattern::whole(&value)),
            _ => Expression::Text(field, Pattern::contains(&value)),
        };
        Ok(if operator.starts_with('!') {
            Expression::Not(Box::new(test))
        } else {
            test
        })
    }

    fn number_test(
        &mut self,
        name: &'static str,
        field: NumberField,
    ) -> Result<Expression, FilterError> {
        let operator = self.operator(name, NUMBER_OPERATORS)?;
        let place = self.at;
        let value = self.value()?;
        let is_size = matches!(field, NumberField::Shallow | NumberField::Retained);
        let expected = match field {
            NumberField::Id => "an object's id such as 1234 or @1234",
            _ if is_size => "bytes such as 4096, 64kb or 1.5mb",
            _ => "a whole number",
        };
        let Some(number) = number(&value, is_size) else {
            self.at = place;
            return Err(self.error(FilterErrorKind::NotANumber {
                field: name,
                found: value,
                expected,
            }));
        };
        let order = match operator {
            "<" => Order::Less,
            "<=" => Order::LessOrEqual,
            ">" => Order::Greater,
            ">=" => Order::GreaterOrEqual,
            _ => Order::Equal,
        };
        let test = Expression::Number(field, order, number);
        Ok(if operator == "!=" {
            Expression::Not(Box::new(test))
        } else {
            test
        })
    }

    /// The operator that follows, one of those that the field has.
    fn operator(
        &mut self,
        field: &'static str,
        expected: &'static str,
    ) -> Result<&'static str, FilterError> {
        let Some(&Token::Operator(operator)) = self.peek() else {
            return Err(self.unexpected(expected));
        };
        if !expected.split(", ").any(|known| known == operator) {
            return Err(self.error(FilterErrorKind::WrongOperator {
                field,
                operator,
                expected,
            }));
        }
        self.at += 1;
        Ok(operator)
    }

    fn value(&mut self) -> Result<String, FilterError> {
        match self.peek() {
            Some(Token::Word(text) | Token::Quoted(text)) => {
                let text = text.clone();
                self.at += 1;
                Ok(text)
            }
            _ => Err(self.unexpected("a value")),
        }
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found =
            matches!(self.peek(), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn take_operator(&mut self, operator: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Operator(found)) if *found == operator);
        self.at += usize::from(found);
        found
    }

    fn unexpected(&self, expected: &'static str) -> FilterError {
        let found = self
            .peek()
            .map_or_else(|| "the end".to_owned(), Token::describe);
        self.error(FilterErrorKind::Unexpected { found, expected })
    }

    fn error(&self, kind: FilterErrorKind) -> FilterError {
        let position = self
            .tokens
            .get(self.at)
            .map_or(self.end, |(_, place)| *place);
        FilterError { kind, position }
    }
}

fn single(mut parts: Vec<Expression>, join: impl Fn(Vec<Expression>) -> Expression) -> Expression {
    if parts.len() == 1 {
        parts.swap_remove(0)
    } else {
        join(parts)
    }
}

/// A whole number, or with `is_size` bytes with a unit.
fn number(text: &str, is_size: bool) -> Option<u64> {
    let text = text.strip_prefix('@').unwrap_or(text);
    if let Ok(whole) = text.parse() {
        return Some(whole);
    }
    if !is_size {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let digits = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &lower[digits.len()..] {
        "" | "b" => 1.0,
        "k" | "kb" | "kib" => 1024.0,
        "m" | "mb" | "mib" => 1024.0 * 1024.0,
        "g" | "gb" | "gib" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    let bytes = digits.parse::<f64>().ok()? * factor;
    (bytes.is_finite() && (0.0..=9e15).contains(&bytes)).then_some(bytes as u64)
}

/// The field that a word is most like, if any.
fn nearest(word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase();
    FIELD_NAMES
        .iter()
        .map(|(name, _)| (*name, distance(&word, name)))
        .filter(|(_, distance)| *distance <= 2)
        .min_by_key(|(_, distance)| *distance)
        .map(|(name, _)| name)
}

/// Levenshtein's edit distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().take(32).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let changed = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

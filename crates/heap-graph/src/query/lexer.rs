//! Words, operators and quotes, each with its place.

use super::error::{FilterError, FilterErrorKind};

/// A piece of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    Quoted(String),
    Operator(&'static str),
    Open,
    Close,
}

impl Token {
    /// The piece in a message.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Word(word) => format!("`{word}`"),
            Self::Quoted(text) => format!("\"{text}\""),
            Self::Operator(operator) => format!("`{operator}`"),
            Self::Open => "`(`".to_owned(),
            Self::Close => "`)`".to_owned(),
        }
    }
}

/// Longest first.
const OPERATORS: [&str; 11] = ["!=", "!~", "<=", ">=", "&&", "||", "=", "~", "<", ">", "!"];

/// The pieces of a filter with their places in characters.
pub(super) fn tokens(filter: &str) -> Result<Vec<(Token, usize)>, FilterError> {
    let characters: Vec<char> = filter.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&character) = characters.get(at) {
        let start = at;
        let token = match character {
            _ if character.is_whitespace() => {
                at += 1;
                continue;
            }
            // After an operator a value may begin with a parenthesis: the classes `(string)` and `(array)`.
            '(' if follows_operator(&tokens) => class_in_parentheses(&characters, &mut at)?,
            '(' => {
                at += 1;
                Token::Open
            }
            ')' => {
                at += 1;
                Token::Close
            }
            '"' | '\'' => quoted(&characters, &mut at)?,
            _ => match operator(&characters[at..]) {
                Some(operator) => {
                    at += operator.len();
                    Token::Operator(operator)
                }
                None => word(&characters, &mut at),
            },
        };
        tokens.push((token, start));
    }
    Ok(tokens)
}

fn follows_operator(tokens: &[(Token, usize)]) -> bool {
    matches!(tokens.last(), Some((Token::Operator(operator), _)) if !matches!(*operator, "!" | "&&" | "||"))
}

/// `(string)`, `(compiled code)`: a class that stands in parentheses.
fn class_in_parentheses(characters: &[char], at: &mut usize) -> Result<Token, FilterError> {
    let length = characters[*at..]
        .iter()
        .position(|&character| character == ')');
    let Some(length) = length else {
        let kind = FilterErrorKind::Unexpected {
            found: "the end".to_owned(),
            expected: "`)`",
        };
        return Err(FilterError {
            kind,
            position: characters.len(),
        });
    };
    let word = characters[*at..=*at + length].iter().collect();
    *at += length + 1;
    Ok(Token::Word(word))
}

fn quoted(characters: &[char], at: &mut usize) -> Result<Token, FilterError> {
    let start = *at;
    let quote = characters[start];
    let mut text = String::new();
    *at += 1;
    while let Some(&character) = characters.get(*at) {
        *at += 1;
        match character {
            _ if character == quote => return Ok(Token::Quoted(text)),
            // `\*` keeps its backslash: it tells the star from the wildcard.
            '\\' if characters
                .get(*at)
                .is_some_and(|next| *next == quote || *next == '\\') =>
            {
                text.push(characters[*at]);
                *at += 1;
            }
            _ => text.push(character),
        }
    }
    Err(FilterError {
        kind: FilterErrorKind::OpenQuote,
        position: start,
    })
}

fn operator(rest: &[char]) -> Option<&'static str> {
    let begins_with = |operator: &&&str| {
        operator.chars().zip(rest).filter(|(a, b)| a == *b).count() == operator.len()
    };
    OPERATORS.iter().find(begins_with).copied()
}

fn word(characters: &[char], at: &mut usize) -> Token {
    let start = *at;
    while let Some(&character) = characters.get(*at) {
        let ends = character.is_whitespace()
            || matches!(character, '(' | ')' | '"' | '\'')
            || operator(&characters[*at..]).is_some();
        if ends {
            break;
        }
        *at += 1;
    }
    Token::Word(characters[start..*at].iter().collect())
}

//! A small language that picks objects: `class = LogEntry and retained > 1mb`, `string ~ "Bearer "`, `path ~ requestLog`.
//!
//! # Grammar
//! ```text
//! filter      = and { ("or" | "||") and }
//! and         = unary { ["and" | "&&"] unary }
//! unary       = { "not" | "!" } ( "(" filter ")" | comparison )
//! comparison  = field operator value | "detached"
//! value       = word | '"' text '"' | "'" text "'" | number [unit]
//! ```
//!
//! | field | what | operators |
//! |---|---|---|
//! | `class` | the class as DevTools groups it: `LogEntry`, `(string)`, `Function` | text |
//! | `name` | the node's own name: a constructor's, a function's, a string's text | text |
//! | `string` | the content, of strings alone | text |
//! | `kind` | V8's kind: `object`, `closure`, `string`, `array`, … | text |
//! | `script` | path of the script where its function or constructor stands | text |
//! | `path` | any property, variable or class on its way to the root | text |
//! | `id` | the object's id, with or without `@` | number |
//! | `shallow` (`size`) | shallow size in bytes | number |
//! | `retained` | retained size in bytes | number |
//! | `distance` | steps from a global object | number |
//! | `edges` | references that it holds | number |
//! | `detached` | whether its document or native part is gone | none |
//!
//! Text operators are `=` and `!=` (the whole text; `*` stands for anything, `\*` for the star), `~` and `!~`
//! (contains, whatever the case). Number operators are `=`, `!=`, `<`, `<=`, `>`, `>=`; sizes take `kb`, `mb`, `gb`
//! (of 1024). Two comparisons side by side both have to hold.
//!
//! A filter costs one pass over the nodes. Each distinct string is looked at once per test, not once per node.

mod error;
mod evaluate;
mod lexer;
mod parser;
#[cfg(test)]
mod tests;
mod text;

pub use error::{FilterError, FilterErrorKind};
pub(crate) use evaluate::Matcher;
pub use parser::Filter;

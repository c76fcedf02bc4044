//! Where a variable is declared, by the text of its source: what no heap tells.
//!
//! Of the declarations of that name the nearest above the function is taken that is not indented more deeply, since a variable
//! that a function sees stands in a scope around it; else the first below. Parameters and patterns are not looked for: without
//! a declaration the function itself is what is told.

/// Line and column, from 1, of the declaration of `name` that a function at `line` sees.
pub(super) fn find(text: &str, name: &str, line: u32) -> Option<(u32, u32)> {
    let lines: Vec<&str> = text.lines().collect();
    let of_function = lines.get((line as usize).checked_sub(1)?)?;
    let deepest = indent(of_function);
    let mut above = None;
    for (number, content) in (1..).zip(&lines) {
        if indent(content) > deepest {
            continue;
        }
        let Some(column) = declared(content, name) else {
            continue;
        };
        if number > line {
            return above.or(Some((number, column)));
        }
        above = Some((number, column));
    }
    above
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The column of `name`, where this line declares it.
fn declared(line: &str, name: &str) -> Option<u32> {
    let is_part = |sign: char| sign.is_alphanumeric() || matches!(sign, '_' | '$');
    line.match_indices(name).find_map(|(at, _)| {
        let before = line[..at].trim_end();
        let after = &line[at + name.len()..];
        let ends = !after.starts_with(is_part);
        let starts = before.len() < at
            && ["const", "let", "var"].iter().any(|keyword| {
                before
                    .strip_suffix(keyword)
                    .is_some_and(|rest| !rest.ends_with(is_part))
            });
        (starts && ends).then(|| line[..at].chars().count() as u32 + 1)
    })
}

/// Lines and columns, from 1, at which a property of that name is assigned, of any object. The column is that of the name.
pub(super) fn assignments(text: &str, name: &str) -> Vec<(u32, u32)> {
    let is_assigned = |line: &str, at: usize| {
        let rest = line[at + name.len()..].trim_start();
        let rest = rest
            .strip_prefix("??")
            .or_else(|| rest.strip_prefix("||"))
            .unwrap_or(rest);
        line[..at].ends_with(['.', '#'])
            && rest.starts_with('=')
            && !rest.starts_with("==")
            && !rest.starts_with("=>")
    };
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let is_comment = line.trim_start().starts_with(['*', '/']);
        let mut places = line
            .match_indices(name)
            .filter(|(at, _)| is_assigned(line, *at));
        if let Some((at, _)) = places.next().filter(|_| !is_comment && !name.is_empty()) {
            found.push((number, line[..at].chars().count() as u32 + 1));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{assignments, find};

    const TEXT: &str = "\
function other() {
  const log = [];
}
const log = [], more = 1;
let logs = 2;
function handle() {
  return () => {
    log.push(1);
  };
}
export const late = new Map();
";

    #[test]
    fn a_property_is_assigned_where_a_sign_of_that_follows_it() {
        let text = "\
app.locals.problems = {};
// app.problems = 1;
if (app.problems == 2) app.problemsOf = 1, app.problems.all = 3;
  this.#problems ??= new Map();
problems = 4; const x = { problems: (problems) => 1 };
";
        assert_eq!(assignments(text, "problems"), [(1, 12), (4, 9)]);
        assert_eq!(assignments(text, "all"), [(3, 57)]);
        assert_eq!(assignments(text, ""), []);
    }

    #[test]
    fn a_declaration_is_one_that_the_function_sees() {
        assert_eq!(find(TEXT, "log", 6), Some((4, 7)));
        assert_eq!(find(TEXT, "log", 7), Some((4, 7)));
        assert_eq!(find(TEXT, "late", 6), Some((11, 14)));
        assert_eq!(find(TEXT, "handle", 6), None);
        assert_eq!(find(TEXT, "lo", 6), None);
        assert_eq!(find(TEXT, "log", 99), None);
        assert_eq!(find("x.catalog = 1; var log = 2;", "log", 1), Some((1, 20)));
    }
}

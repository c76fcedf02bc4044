//! `memguard doctor`: what works on this machine, what does not, and why.

use serde_json::{Map, Value};

use crate::context::Context;
use crate::error::CliError;

/// Say what works on this machine, what does not, and why
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON: what `capabilities()` answers
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<(), CliError> {
    let all: Map<String, Value> = context.host.facts()?;
    let lines = if args.json {
        format!("{:#}\n", Value::Object(all))
    } else {
        render(&all, context)
    };
    context.out.write_all(lines.as_bytes())?;
    Ok(())
}

fn render(all: &Map<String, Value>, context: &Context) -> String {
    let style = context.style;
    let width = all.keys().map(String::len).max().unwrap_or_default();
    let mut lines = String::new();
    for (name, capability) in all {
        let available = capability["available"] == true;
        let mark = if available {
            style.green("✔")
        } else {
            style.yellow("✘")
        };
        let method = capability["method"].as_str().unwrap_or_default();
        let reason = capability["reason"].as_str().unwrap_or_default();
        let colon = if method.is_empty() || reason.is_empty() {
            ""
        } else {
            ": "
        };
        let line = format!(
            "{mark} {name:width$}  {}",
            style.dim(&format!("{method}{colon}{reason}"))
        );
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    lines
}

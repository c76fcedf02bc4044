//! How a command line describes HTTP load.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use crate::error::CliError;
use crate::units::Millis;

/// Options of load that do not depend on the verb.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub(crate) struct Traffic {
    /// Requests under way at once, at most
    #[arg(long, short, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    concurrency: u32,
    /// Requests a second, due at fixed times whatever the server does; without, each caller waits for its answer
    #[arg(long, short, value_name = "N")]
    rate: Option<f64>,
    /// A request is given up after so long
    #[arg(long, default_value = "30s", value_name = "TIME")]
    timeout: Millis,
    /// The method; GET, or POST where there is a body
    #[arg(long, short, value_name = "METHOD")]
    method: Option<String>,
    /// What is sent with each request; `@FILE` for what is in a file
    #[arg(long, short, value_name = "TEXT")]
    body: Option<String>,
    /// A header, such as `content-type: application/json`; may be repeated
    #[arg(long, short = 'H', value_name = "HEADER")]
    header: Vec<String>,
}

/// What JavaScript is told to send.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadPlan {
    /// Whom to ask, in turns. `{i}` stands for the number of the request.
    pub urls: Vec<String>,
    /// The method.
    pub method: String,
    /// Headers, names in small letters.
    pub headers: BTreeMap<String, String>,
    /// What is sent with each request.
    pub body: Option<String>,
    /// Requests under way at once, at most.
    pub concurrency: u32,
    /// Requests a second.
    pub rate: Option<f64>,
    /// A request is given up after so long.
    pub timeout_ms: u64,
    /// So many requests and no more.
    pub requests: Option<u64>,
}

impl Traffic {
    /// What is to be sent to `urls`.
    pub(crate) fn plan(&self, urls: &[String]) -> Result<LoadPlan, CliError> {
        for url in urls {
            let rest = url
                .strip_prefix("http://")
                .or_else(|| url.strip_prefix("https://"));
            if rest.is_none_or(|rest| rest.is_empty() || rest.starts_with('/')) {
                return Err(CliError::Arguments(format!(
                    "{url:?} is no address that can be asked: expected http://… or https://…"
                )));
            }
        }
        if let Some(rate) = self.rate
            && !(rate > 0.0 && rate <= 1e6)
        {
            return Err(CliError::Arguments(format!(
                "--rate is {rate}; expected a number of requests a second, above 0 and at most 1,000,000"
            )));
        }
        Ok(LoadPlan {
            urls: urls.to_vec(),
            method: self.method(),
            headers: self.headers()?,
            body: self.body()?,
            concurrency: self.concurrency,
            rate: self.rate,
            timeout_ms: self.timeout.0,
            requests: None,
        })
    }

    fn method(&self) -> String {
        match (&self.method, &self.body) {
            (Some(method), _) => method.to_ascii_uppercase(),
            (None, Some(_)) => "POST".to_owned(),
            (None, None) => "GET".to_owned(),
        }
    }

    fn headers(&self) -> Result<BTreeMap<String, String>, CliError> {
        self.header
            .iter()
            .map(|header| match header.split_once(':') {
                Some((name, value)) if !name.trim().is_empty() => {
                    Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
                }
                _ => Err(CliError::Arguments(format!(
                    "--header is {header:?}; expected a name, a colon and a value"
                ))),
            })
            .collect()
    }

    fn body(&self) -> Result<Option<String>, CliError> {
        let Some(body) = &self.body else {
            return Ok(None);
        };
        let Some(file) = body.strip_prefix('@') else {
            return Ok(Some(body.clone()));
        };
        let path = PathBuf::from(file);
        std::fs::read_to_string(&path)
            .map(Some)
            .map_err(|error| CliError::file(&path, error))
    }
}

//! Exports of the judgement over whole curves.

use memguard_trend::curve::{Curve, Point, Tolerance};
use napi_derive::napi;
use serde::Deserialize;

use crate::error::Result;
use crate::json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    points: Vec<Point>,
    #[serde(default)]
    tolerance: Tolerance,
}

/// Whether a curve grows: see `memguard_trend::curve`.
#[napi(catch_unwind)]
pub fn judge_curve(request: String) -> Result<String> {
    let request: Request = json::parse(&request)?;
    json::print(&Curve::of(&request.points, &request.tolerance))
}

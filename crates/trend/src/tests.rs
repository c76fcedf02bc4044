//! Tests that are longer than what they test. Time is simulated throughout.

mod baseline;
mod clock;
mod codec;
mod config;
mod forecast;
mod format;
mod gc;
mod hostile;
mod machine;
mod makeup;
mod reconfigure;
mod rules;
mod support;
mod weeks;

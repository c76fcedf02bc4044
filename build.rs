//! Links the addon as Node wants it on each system.

fn main() {
    napi_build::setup();
}

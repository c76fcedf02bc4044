//! Tells the linker that Node.js itself will provide the `napi_*` functions.

fn main() {
    napi_build::setup();
}

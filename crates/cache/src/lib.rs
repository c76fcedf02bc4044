//! Off-heap cache shared by worker threads. (In the making, with lib/cache/shared and src/cache.rs, by an engineer of its own.)

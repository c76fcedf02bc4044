//! V8's C++ entry points that every Node binary exports, found at run time, each of them optional.

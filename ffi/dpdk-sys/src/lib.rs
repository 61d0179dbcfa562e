//! Raw bindings to libdpdk and the cold C shims.

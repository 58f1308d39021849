//! Decides whether handlers of the interpreter call each other or return to a loop.
//!
//! A call in tail position becomes a jump only if the compiler optimizes and knows how for the target.
//! Rust does not promise it. Where it does not happen, each instruction would take a bit of the host's
//! stack; so everywhere else, and if `--cfg riser_portable` or a sanitizer asks for it, handlers return to a
//! loop, which is right on every machine and slower.

use std::env;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(riser_tail_calls)");
    println!("cargo::rerun-if-changed=build.rs");
    let var = |name: &str| env::var(name).unwrap_or_default();
    let arch = var("CARGO_CFG_TARGET_ARCH");
    let knows = ["x86_64", "aarch64", "riscv64", "s390x", "loongarch64"].contains(&arch.as_str());
    let optimizes = ["2", "3"].contains(&var("OPT_LEVEL").as_str());
    let flags = var("CARGO_ENCODED_RUSTFLAGS");
    let refused = flags.contains("riser_portable") || flags.contains("sanitizer");
    if knows && optimizes && !refused {
        println!("cargo::rustc-cfg=riser_tail_calls");
    }
}

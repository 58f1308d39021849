//! Says to the rest of the crate whether this platform can run compiled code: where `Cargo.toml` names the compiler.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(riser_compiled)");
    println!("cargo::rerun-if-changed=build.rs");
    let is = |variable: &str, values: &[&str]| {
        std::env::var(variable).is_ok_and(|value| values.contains(&value.as_str()))
    };
    let portable = std::env::var_os("CARGO_CFG_RISER_PORTABLE").is_some();
    if !portable
        && is("CARGO_CFG_TARGET_OS", &["linux"])
        && is("CARGO_CFG_TARGET_ARCH", &["x86_64", "aarch64"])
    {
        println!("cargo::rustc-cfg=riser_compiled");
    }
}

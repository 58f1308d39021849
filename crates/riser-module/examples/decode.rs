//! Decodes module files, compares the verdict with `wasmparser`'s, and prints how long both take.
//!
//! `cargo run --release -p riser-module --example decode -- FILE…`

use riser_module::{Module, ModuleBytes, ModuleLimits, TypeRegistry};
use riser_ops::Features;
use std::time::{Duration, Instant};
use wasmparser::{Parser, Payload, Validator, WasmFeatures};

/// The least time of several runs, and what the last returned.
fn least<T>(mut run: impl FnMut() -> T) -> (Duration, T) {
    let mut time = Duration::MAX;
    let mut result = None;
    for _ in 0..5 {
        drop(result.take());
        let start = Instant::now();
        result = Some(run());
        time = time.min(start.elapsed());
    }
    (time, result.expect("it ran"))
}

/// `wasmparser`'s verdict on everything but the bodies.
fn sections(bytes: &[u8]) -> wasmparser::Result<()> {
    let mut validator =
        Validator::new_with_features(WasmFeatures::all() - WasmFeatures::COMPONENT_MODEL);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::CodeSectionEntry(body) => drop(validator.code_section_entry(&body)?),
            payload => drop(validator.payload(&payload)?),
        }
    }
    Ok(())
}

fn main() {
    println!("     bytes  functions   types  ours ms  wasmparser ms  names ms  verdict");
    let mut disagreements = 0;
    for path in std::env::args().skip(1) {
        let content = match std::fs::read(&path) {
            Ok(content) => content,
            Err(error) => {
                println!("{path}: {error}");
                continue;
            }
        };
        let len = content.len();
        let (theirs, their_verdict) = least(|| sections(&content));
        let bytes = ModuleBytes::new(content);
        let registry = TypeRegistry::new();
        let limits = ModuleLimits::DEFAULT;
        let (ours, verdict) =
            least(|| Module::decode(bytes.clone(), &registry, Features::ALL, &limits));
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let (funcs, types, names) = match &verdict {
            Ok(module) => {
                let (time, _) = least(|| module.names());
                (module.funcs.len(), module.types.len(), ms(time))
            }
            Err(_) => (0, 0, 0.0),
        };
        let (ours, theirs) = (ms(ours), ms(theirs));
        let agree = verdict.is_ok() == their_verdict.is_ok();
        disagreements += u32::from(!agree);
        let verdict = match (&verdict, agree) {
            (Ok(_), true) => "ok".into(),
            (Err(error), true) => error.to_string(),
            _ => format!("DISAGREE: {:?} / {their_verdict:?}", verdict.map(drop)),
        };
        println!(
            "{len:>10} {funcs:>10} {types:>7} {ours:>8.2} {theirs:>14.2} {names:>9.2}  {path}: {verdict}"
        );
    }
    assert_eq!(disagreements, 0, "verdicts differ");
}

//! How compile time grows with the body.

use super::{riser, time, wasmtime};
use riser_testkit::generated::Shape;
use std::time::Duration;

/// The smallest body, and how often it is doubled.
const SMALLEST_BYTES: usize = 10_000;
const DOUBLINGS: u32 = 6;
/// A compiler that takes longer for one body is not asked for a longer one.
const PATIENCE: Duration = Duration::from_secs(20);

/// Prints two rows for each shape: the milliseconds for each size, and the largest and the last factor between them.
pub fn run(runs: u32) -> Result<(), String> {
    let mut header = "| ms for a body of |".to_string();
    let mut line = "| --- |".to_string();
    for doubling in 0..=DOUBLINGS {
        header += &format!(" {} KB |", (SMALLEST_BYTES << doubling) / 1000);
        line += " --: |";
    }
    println!("{header} largest factor | of all doublings |\n{line} --: | --: |");
    let (ours, theirs) = (riser(), wasmtime());
    for shape in Shape::ALL {
        row(&format!("{}: riser", shape.name()), shape, runs, |wasm| {
            riser::Module::new(&ours, wasm).map(drop).map_err(|e| e.to_string())
        })?;
        row(&format!("{}: wasmtime", shape.name()), shape, runs, |wasm| {
            wasmtime::Module::new(&theirs, wasm).map(drop).map_err(|e| e.to_string())
        })?;
    }
    Ok(())
}

fn row(
    name: &str,
    shape: Shape,
    runs: u32,
    compile: impl Fn(&[u8]) -> Result<(), String>,
) -> Result<(), String> {
    let mut times: Vec<f64> = Vec::new();
    for doubling in 0..=DOUBLINGS {
        let generated = shape.generate(SMALLEST_BYTES << doubling);
        let mut best = Duration::MAX;
        let mut result = Ok(());
        // What is over at once is repeated more often: a disturbance is a large part of it.
        let runs = if doubling < 3 { runs * 5 } else { runs };
        for _ in 0..runs {
            best = best.min(time(|| result = compile(&generated.wasm)));
            if best > PATIENCE {
                break;
            }
        }
        result.map_err(|e| format!("{name}: {e}"))?;
        times.push(best.as_secs_f64() * 1e3);
        if best > PATIENCE {
            break;
        }
    }
    let factors: Vec<f64> = times.windows(2).map(|pair| pair[1] / pair[0]).collect();
    let mut text = format!("| {name} |");
    for doubling in 0..=DOUBLINGS as usize {
        text += &times.get(doubling).map_or(" - |".into(), |time| format!(" {time:.1} |"));
    }
    let largest = factors.iter().copied().fold(0.0, f64::max);
    let all = factors.iter().product::<f64>().powf(1.0 / factors.len().max(1) as f64);
    println!("{text} {largest:.2} | {all:.2} |");
    Ok(())
}

//! `riser cache`: where compiled code is kept, how much there is, and away with it.

use riser::{Cache, CacheConfig, CacheStats};
use serde_json::{Value, json};

use crate::decoded::{count, size};
use crate::errors::Report;
use crate::options::{CacheAction, CacheOptions, General};
use crate::style;

/// Runs the command.
pub fn run(options: &CacheOptions, general: &General) -> Result<i32, Report> {
    let directory = Cache::default_directory().map_err(|error| {
        Report::new(format!("there is no folder for the cache: {error}"))
            .help("set RISER_CACHE_DIR to a folder of yours")
    })?;
    let path = directory.display().to_string();
    let (text, value) = match options.what {
        CacheAction::Path => (path.clone(), json!({ "path": path })),
        CacheAction::Stats => stats(&path),
        CacheAction::Clear => {
            let removed = open()
                .and_then(|cache| cache.clear())
                .map_err(|error| Report::new(format!("the cache cannot be emptied: {error:#}")))?;
            (format!("removed {}", holdings(removed)), value(&path, &Ok(removed)))
        }
    };
    match options.json {
        true => style::print_bytes(format!("{value}\n").as_bytes()),
        false if general.quiet && options.what == CacheAction::Clear => {}
        false => style::print(&format!("{text}\n")),
    }
    Ok(0)
}

fn open() -> riser::Result<Cache> {
    Cache::new(CacheConfig::new())
}

fn stats(path: &str) -> (String, Value) {
    let found = open().and_then(|cache| cache.stats()).map_err(|error| format!("{error:#}"));
    let text = match &found {
        Ok(stats) => {
            format!("{path}\n{}, of at most {}", holdings(*stats), size(stats.bytes_max))
        }
        Err(reason) => format!("{path}\nnot used: {reason}"),
    };
    (text, value(path, &found))
}

fn holdings(stats: CacheStats) -> String {
    format!("code of {}, {}", count(stats.modules, "module"), size(stats.bytes))
}

fn value(path: &str, found: &Result<CacheStats, String>) -> Value {
    match found {
        Ok(stats) => json!({
            "path": path,
            "modules": stats.modules,
            "bytes": stats.bytes,
            "bytes_max": stats.bytes_max,
        }),
        Err(reason) => json!({ "path": path, "not_used": reason }),
    }
}

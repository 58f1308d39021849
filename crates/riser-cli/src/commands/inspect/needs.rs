//! What a program will ask for when it runs: told by what it imports and declares.

use riser_module::{EntityType, Module};

use crate::decoded::{count, size};

/// A thing that a program asks for.
#[derive(Debug, PartialEq)]
pub struct Need {
    /// What it is, as a key.
    pub topic: &'static str,
    /// What the program does with it, and which option grants it.
    pub what: String,
    /// The functions by which it asks.
    pub functions: Vec<String>,
}

/// A topic of WASI 0.1: its name, what is done, and the functions; a name that ends with `*` is the beginning of one.
type Topic = (&'static str, &'static str, &'static [&'static str]);

const TOPICS: [Topic; 9] = [
    ("streams", "reads or writes its standard streams, or open files", &["fd_read", "fd_write"]),
    ("files", "opens, lists or changes files; grant folders with --dir", &["path_*", "fd_readdir"]),
    ("arguments", "looks at its arguments, which stand behind the file", &["args_get"]),
    ("environment", "looks at environment variables; give them with --env", &["environ_get"]),
    ("clocks", "asks for the time", &["clock_time_get"]),
    ("waiting", "waits for a time, for input or for connections", &["poll_oneoff"]),
    ("random", "asks for random numbers", &["random_get"]),
    ("sockets", "uses sockets; grant one that listens with --listen", &["sock_*"]),
    ("exit", "ends itself with an exit status", &["proc_exit"]),
];

/// The modules that WASI 0.1 is imported from.
const WASI: [&str; 2] = ["wasi_snapshot_preview1", "wasi_unstable"];

/// Everything that a module asks for.
pub fn needs(module: &Module) -> Vec<Need> {
    let wasi = |names: &[&str]| -> Vec<String> {
        let matches = |name: &str| {
            names.iter().any(|wanted| match wanted.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => name == *wanted,
            })
        };
        let imports = module.imports.iter().filter(|import| WASI.contains(&&*import.module));
        imports.map(|import| import.name.to_string()).filter(|name| matches(name)).collect()
    };
    let topics = TOPICS.iter().map(|(topic, what, names)| Need {
        topic,
        what: (*what).into(),
        functions: wasi(names),
    });
    let mut needs: Vec<Need> = topics.filter(|need| !need.functions.is_empty()).collect();
    needs.extend(threads(module));
    needs.extend(memory(module));
    needs.extend(modules(module));
    needs
}

/// Whether a module starts threads, as wasi-threads has it.
fn spawns_threads(module: &Module) -> bool {
    module.imports.iter().any(|import| &*import.module == "wasi" && &*import.name == "thread-spawn")
}

fn threads(module: &Module) -> Option<Need> {
    let spawns = spawns_threads(module);
    let shares = module.memories.iter().any(|memory| memory.shared);
    let what = match (spawns, shares) {
        (true, _) => "starts threads",
        (false, true) => "shares its memory with other threads",
        (false, false) => return None,
    };
    let functions = if spawns { vec!["thread-spawn".into()] } else { Vec::new() };
    Some(Need { topic: "threads", what: what.into(), functions })
}

/// The sizes of all memories together.
fn memory(module: &Module) -> Option<Need> {
    let bytes = |pages: u64, log2: u32| u128::from(pages) << log2.min(16);
    let mut min = 0;
    let mut max = Some(0);
    for memory in &module.memories {
        let log2 = memory.page_size_log2;
        min += bytes(memory.limits.min, log2);
        max = max.zip(memory.limits.max).map(|(sum, max)| sum + bytes(max, log2));
    }
    if module.memories.is_empty() {
        return None;
    }
    let shown = |bytes: u128| size(u64::try_from(bytes).unwrap_or(u64::MAX));
    let most = match max {
        Some(max) if max == min => "and no more".into(),
        Some(max) => format!("and at most {}", shown(max)),
        None => "and more as it runs; --max-memory limits it".into(),
    };
    let what = format!("takes {} of memory to begin with, {most}", shown(min));
    Some(Need { topic: "memory", what, functions: Vec::new() })
}

/// Modules that are imported from and that are not WASI.
fn modules(module: &Module) -> Vec<Need> {
    // The memory that threads share is made for them.
    let spawns = spawns_threads(module);
    let is_given = |ty: EntityType| matches!(ty, EntityType::Memory(ty) if spawns && ty.shared);
    let others = || module.imports.iter().filter(move |import| !is_given(import.ty));
    let mut names: Vec<&str> = others()
        .map(|import| &*import.module)
        .filter(|name| !WASI.contains(name) && *name != "wasi")
        .collect();
    names.sort_unstable();
    names.dedup();
    let need = |name: &str| {
        let imports: Vec<_> = others().filter(|import| &*import.module == name).collect();
        let functions = imports.iter().filter(|import| matches!(import.ty, EntityType::Func(_)));
        let what = format!(
            "imports {} from `{name}`, which is not WASI; provide it with --link",
            count(imports.len() as u64, "thing")
        );
        let functions = functions.map(|import| import.name.to_string()).collect();
        Need { topic: "modules", what, functions }
    };
    names.into_iter().map(need).collect()
}

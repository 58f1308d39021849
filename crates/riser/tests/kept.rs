//! Compiled code that is kept: in a cache between runs, and as bytes that were compiled ahead of time.
#![cfg(riser_compiled)]

use riser::{
    Cache, CacheConfig, Config, Engine, Instance, Module, Precompiled, ProfilingStrategy, Store,
    Strategy, Trap, WasmBacktrace,
};
use riser_code::image::{ImageLayout, ImageView};
use std::fs;
use std::path::{Path, PathBuf};

const PROGRAM: &str = r#"(module
    (memory 1)
    (func $square (param i32) (result i32) (i32.mul (local.get 0) (local.get 0)))
    (func $f (export "f") (param i32) (result i32) (call $square (local.get 0)))
    (func $g (export "g") (param i32) (result i32) (i32.load (local.get 0)))
    (func $div (export "div") (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0))))"#;

/// A folder that goes away.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kept-{name}"));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        Scratch(path)
    }

    fn cache(&self) -> Cache {
        Cache::new(CacheConfig::new().with_directory(&self.0).clone()).unwrap()
    }

    /// The only entry.
    fn entry(&self) -> PathBuf {
        let paths = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path());
        let mut paths = paths.filter(|path| path.extension().is_some_and(|end| end == "rsr"));
        let entry = paths.next().expect("something was kept");
        assert_eq!(paths.next(), None);
        entry
    }

    /// The functions in all entries.
    fn kept(&self) -> Vec<u32> {
        let paths = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path());
        let mut functions = Vec::new();
        // Some file may have been replaced meanwhile.
        for bytes in paths.filter_map(|path| fs::read(path).ok()) {
            if let Ok(view) = ImageView::parse(&bytes) {
                functions.extend(view.functions());
            }
        }
        functions.sort_unstable();
        functions.dedup();
        functions
    }

    /// The functions in the only entry.
    fn functions(&self) -> Vec<u32> {
        let bytes = fs::read(self.entry()).unwrap();
        ImageView::parse(&bytes).unwrap().functions().collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// An engine that compiles, if this machine can, and keeps all that is called.
fn engine(change: impl FnOnce(&mut Config) -> &mut Config) -> Option<Engine> {
    let mut config = Config::new();
    let has_compiler = Engine::new(&config).unwrap().is_compiled();
    if has_compiler {
        config.strategy(Strategy::Cranelift);
    }
    change(&mut config);
    let engine = Engine::new(&config).unwrap();
    engine.is_compiled().then_some(engine)
}

fn cached(cache: &Cache) -> Option<Engine> {
    engine(|config| config.cache(Some(cache.clone())))
}

fn call(module: &Module, name: &str, argument: i32) -> riser::Result<i32> {
    let mut store = Store::new(module.engine(), ());
    let instance = Instance::new(&mut store, module, &[])?;
    instance.get_typed_func::<i32, i32>(&mut store, name)?.call(&mut store, argument)
}

#[test]
fn a_later_run_finds_what_was_compiled_and_adds_to_it() {
    let scratch = Scratch::new("later");
    let cache = scratch.cache();
    let Some(first) = cached(&cache) else { return };
    let module = Module::new(&first, PROGRAM).unwrap();
    assert_eq!(call(&module, "f", 7).unwrap(), 49);
    first.flush_cache();
    assert_eq!(scratch.functions(), [0, 1]);
    let second = cached(&cache).unwrap();
    let before = cache.cache_hits();
    let module = Module::new(&second, PROGRAM).unwrap();
    assert_eq!(cache.cache_hits(), before + 1);
    assert_eq!(call(&module, "f", 8).unwrap(), 64);
    let written = fs::metadata(scratch.entry()).unwrap().modified().unwrap();
    second.flush_cache();
    assert_eq!(fs::metadata(scratch.entry()).unwrap().modified().unwrap(), written);
    assert_eq!(call(&module, "g", 8).unwrap(), 0);
    drop(module);
    assert_eq!(scratch.functions(), [0, 1, 2], "it is kept when the module goes");
}

#[test]
fn code_is_kept_while_the_program_runs() {
    let scratch = Scratch::new("while");
    let Some(engine) = cached(&scratch.cache()) else { return };
    let module = Module::new(&engine, PROGRAM).unwrap();
    call(&module, "g", 0).unwrap();
    let begun = std::time::Instant::now();
    while scratch.cache().stats().unwrap().modules == 0 {
        assert!(begun.elapsed().as_secs() < 60, "nothing was kept");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(scratch.functions(), [2]);
}

/// A list in the cache says what that is.
#[test]
fn what_a_run_left_without_code_is_made_ahead_in_the_next() {
    let scratch = Scratch::new("ahead");
    let cache = scratch.cache();
    // So large that it is optimized only when it is hot.
    let nops = "nop ".repeat(140 << 10);
    let program = PROGRAM.replace("(func $g", &format!("(func $large {nops}) (func $g"));
    let program = program.replace("(i32.load (local.get 0))", "(call $large) (i32.const 5)");
    let engine = || {
        let mut config = Config::new();
        config.strategy(Strategy::Auto).tier_statistics(true).cache(Some(cache.clone()));
        Engine::new(&config).unwrap()
    };
    if !engine().is_compiled() || std::thread::available_parallelism().is_ok_and(|n| n.get() < 2) {
        return;
    }
    let listed = || {
        let paths = fs::read_dir(&scratch.0).unwrap().map(|entry| entry.unwrap().path());
        let mut paths = paths.filter(|path| path.extension().is_some_and(|end| end == "first"));
        let list = fs::read(paths.next()?).unwrap();
        Some(list[..list.len() - 32].as_chunks::<4>().0.contains(&2_u32.to_le_bytes()))
    };
    let first = engine();
    let module = Module::new(&first, &program).unwrap();
    assert_eq!(call(&module, "g", 1).unwrap(), 5);
    first.flush_cache();
    assert_eq!(listed(), Some(true));
    let second = engine();
    let module = Module::new(&second, &program).unwrap();
    let begun = std::time::Instant::now();
    // The other functions may be kept by now.
    while second.tier_statistics().unwrap().baseline.functions == 0 {
        assert!(begun.elapsed().as_secs() < 60, "nothing is made ahead");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(module.functions_called(), 0);
    assert_eq!(call(&module, "g", 1).unwrap(), 5);
    assert_eq!(module.functions_called(), 2);
    second.flush_cache();
    assert_eq!(listed(), Some(true));
    let third = engine();
    let module = Module::new(&third, &program).unwrap();
    assert_eq!(call(&module, "f", 3).unwrap(), 9);
    third.flush_cache();
    assert_eq!(listed(), Some(false), "it was not called");
}

/// Code of the baseline compiler is not kept; what it runs long enough, and what is hot, is made by the other one and kept.
#[test]
fn code_that_is_made_in_the_background_is_kept() {
    let scratch = Scratch::new("background");
    let cache = scratch.cache();
    // What is hot, at once, and what never is: budget, whether another thread compiles, what is called, what is kept.
    let hot = (0, false, "f", vec![0, 1]);
    let never = (u32::MAX, true, "g", vec![0, 1, 2]);
    for (budget, in_background, name, expected) in [hot, never] {
        let mut config = Config::new();
        config.strategy(Strategy::Auto).tier_up_budget(budget, 0).cache(Some(cache.clone()));
        config.tier_up_in_background(in_background);
        let engine = Engine::new(&config).unwrap();
        if !engine.is_compiled() || std::thread::available_parallelism().is_ok_and(|n| n.get() < 2)
        {
            return;
        }
        // A program that is over at once leaves nothing.
        std::thread::sleep(std::time::Duration::from_millis(50));
        let module = Module::new(&engine, PROGRAM).unwrap();
        call(&module, name, 4).unwrap();
        call(&module, name, 4).unwrap();
        let begun = std::time::Instant::now();
        loop {
            engine.flush_cache();
            if scratch.kept() == expected {
                break;
            }
            assert!(begun.elapsed().as_secs() < 60, "{:?}, not {expected:?}", scratch.kept());
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

#[test]
fn traps_of_kept_code_are_told_as_those_of_new_code() {
    let scratch = Scratch::new("traps");
    let mut told = Vec::new();
    for _ in 0..2 {
        let Some(engine) = cached(&scratch.cache()) else { return };
        let module = Module::new(&engine, PROGRAM).unwrap();
        for (name, argument, trap) in
            [("div", 0, Trap::IntegerDivisionByZero), ("g", -4, Trap::MemoryOutOfBounds)]
        {
            let error = call(&module, name, argument).unwrap_err();
            assert_eq!(error.downcast_ref::<Trap>(), Some(&trap));
            let trace = error.downcast_ref::<WasmBacktrace>().unwrap();
            told.push(format!("{:?}", trace.frames()));
        }
    }
    assert_eq!(told[..2], told[2..]);
    assert!(told[0].contains("FuncIdx(3)"), "{told:?}");
}

#[test]
fn the_same_module_for_another_engine_is_another_entry() {
    let scratch = Scratch::new("engines");
    let cache = scratch.cache();
    let vector = "(module (func (export \"v\") (result v128) (v128.const i64x2 0 0)))";
    let Some(plain) = cached(&cache) else { return };
    Module::new(&plain, vector).unwrap().compile_all(|_, _| ()).unwrap();
    let without = engine(|config| config.cache(Some(cache.clone())).wasm_simd(false));
    let without = without.unwrap();
    assert!(Module::new(&without, vector).is_err(), "that it is valid elsewhere does not matter");
    let fuel = engine(|config| config.cache(Some(cache.clone())).consume_fuel(true)).unwrap();
    Module::new(&fuel, vector).unwrap().compile_all(|_, _| ()).unwrap();
    assert_eq!(cache.stats().unwrap().modules, 2);
    assert_eq!(cache.cache_hits(), 0);
}

/// What of an image could be damaged: everything but filling.
fn places(bytes: &[u8]) -> Vec<usize> {
    let head = ImageLayout::head_bytes(bytes).unwrap() as usize;
    let tables_end = bytes[..head].iter().rposition(|&byte| byte != 0).unwrap() + 1;
    (0..tables_end).chain(head..bytes.len()).collect()
}

#[test]
fn damaged_entries_are_as_good_as_none() {
    let scratch = Scratch::new("damaged");
    let cache = scratch.cache();
    let Some(engine) = cached(&cache) else { return };
    let program = r#"(module (func (export "f") (param i32) (result i32)
        (i32.mul (local.get 0) (local.get 0))))"#;
    let module = Module::new(&engine, program).unwrap();
    assert_eq!(call(&module, "f", 5).unwrap(), 25);
    drop(module);
    let (entry, whole) = (scratch.entry(), fs::read(scratch.entry()).unwrap());
    let places = places(&whole);
    assert!(places.len() > 300);
    for (nth, &at) in places.iter().enumerate() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (nth % 8);
        if nth % 7 == 0 {
            bytes.truncate(at);
        }
        // In place of the entry, not in it: files of caches are replaced.
        fs::write(scratch.0.join("new"), &bytes).unwrap();
        fs::rename(scratch.0.join("new"), &entry).unwrap();
        let module = Module::new(&engine, program).unwrap();
        assert_eq!(call(&module, "f", nth as i32).unwrap(), (nth * nth) as i32, "byte {at}");
    }
    engine.flush_cache();
    assert_eq!(scratch.functions(), [0], "it was mended");
}

#[test]
fn what_is_compiled_ahead_of_time_runs() {
    let Some(engine) = engine(|config| config) else { return };
    let bytes = engine.precompile_module(PROGRAM.as_bytes()).unwrap();
    assert_eq!(Engine::detect_precompiled(&bytes), Some(Precompiled::Module));
    assert_eq!(Engine::detect_precompiled(b"\0asm\x01\0\0\0"), None);
    let scratch = Scratch::new("ahead");
    fs::create_dir(&scratch.0).unwrap();
    let path = scratch.0.join("program.rsr");
    fs::write(&path, &bytes).unwrap();
    let other = Engine::default();
    // SAFETY: the bytes are those that were just made, and the file does not change.
    let modules =
        unsafe { [Module::deserialize(&other, &bytes), Module::deserialize_file(&other, &path)] };
    for module in modules {
        let module = module.unwrap();
        assert_eq!((call(&module, "f", 9).unwrap(), call(&module, "g", 0).unwrap()), (81, 0));
        assert_eq!(module.serialize().unwrap(), bytes, "it is the same each time");
        let error = call(&module, "div", 0).unwrap_err();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::IntegerDivisionByZero));
    }
    let module = Engine::module_in_precompiled(&bytes).unwrap();
    assert_eq!(module, wat::parse_str(PROGRAM).unwrap());
}

#[test]
fn code_for_another_engine_is_refused() {
    let Some(plain) = engine(|config| config) else { return };
    let bytes = plain.precompile_module(PROGRAM.as_bytes()).unwrap();
    let refused = |engine: &Engine| {
        // SAFETY: the bytes are those that were just made.
        let error = unsafe { Module::deserialize(engine, &bytes) }.map(drop).unwrap_err();
        format!("{error:#}")
    };
    let fuel = engine(|config| config.consume_fuel(true)).unwrap();
    let message = refused(&fuel);
    assert!(message.ends_with("one with fuel=false, where this one has fuel=true"), "{message}");
    let interpreter = Engine::new(Config::new().strategy(Strategy::Interpreter)).unwrap();
    assert!(refused(&interpreter).contains("interpreter"));
    let module = Module::new(&interpreter, PROGRAM).unwrap();
    assert!(module.serialize().unwrap_err().to_string().contains("interprets"));
}

#[test]
fn damaged_code_is_refused_or_made_anew() {
    let Some(engine) = engine(|config| config) else { return };
    let program = r#"(module (func (export "f") (param i32) (result i32)
        (i32.mul (local.get 0) (local.get 0))))"#;
    let whole = engine.precompile_module(program.as_bytes()).unwrap();
    let mut refused = 0;
    for (nth, at) in places(&whole).into_iter().enumerate() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (nth % 8);
        // SAFETY: checksums find this accident, as the test is to show.
        match unsafe { Module::deserialize(&engine, &bytes) } {
            Ok(module) => assert_eq!(call(&module, "f", 3).unwrap(), 9, "byte {at}"),
            Err(_) => refused += 1,
        }
        // SAFETY: as before.
        assert!(unsafe { Module::deserialize(&engine, &bytes[..at]) }.is_err());
    }
    assert!(refused > 200, "{refused}");
}

#[test]
fn profilers_are_told_of_new_and_kept_code() {
    let scratch = Scratch::new("profiled");
    let path = format!("/tmp/perf-{}.map", std::process::id());
    for _ in 0..2 {
        let cache = Some(scratch.cache());
        let profiled = engine(|config| config.cache(cache).profiler(ProfilingStrategy::PerfMap));
        let Some(engine) = profiled else { return };
        let module = Module::new(&engine, PROGRAM).unwrap();
        call(&module, "f", 1).unwrap();
        let map = fs::read_to_string(&path).unwrap();
        let names: Vec<&str> = map.lines().filter_map(|line| line.splitn(3, ' ').nth(2)).collect();
        assert_eq!(names, ["riser_enter_wasm", "f", "square"]);
    }
    fs::remove_file(&path).unwrap();
    let mut config = Config::new();
    config.strategy(Strategy::Interpreter).profiler(ProfilingStrategy::PerfMap);
    assert!(Engine::new(&config).is_err());
    let _ = fs::remove_file(&path);
}

//! What references to functions lead to, while functions get code and better code.

use super::{FIRST, OPTIMIZED, lock};
use crate::cache::CacheKey;
use crate::module::available_cores;
use crate::raw::run::CodeHolder;
use crate::{Cache, CacheConfig, Config, Engine, Instance, Module, Store, Strategy};
use std::time::{Duration, Instant};

/// `call` calls through a table the function that `direct` calls by its number.
const GUEST: &str = r#"(module
    (type $f (func (result i32)))
    (func $f (export "f") (type $f) (i32.const 7))
    (table (export "table") 1 funcref)
    (elem (i32.const 0) func $f)
    (func (export "call") (result i32) (call_indirect (type $f) (i32.const 0)))
    (func (export "direct") (result i32) (call $f)))"#;

/// Where a reference to the first function leads, and the code of the function, before anything is called and after each of some calls.
fn entries(budget: u32, calls: &[&str]) -> Vec<(*const u8, Option<*const u8>)> {
    let mut config = Config::new();
    config.strategy(Strategy::Auto).tier_up_budget(budget, 0).tier_up_in_background(false);
    let engine = Engine::new(&config).unwrap();
    let module = Module::new(&engine, GUEST).unwrap();
    let Some(CodeHolder::Compiled(code)) = CodeHolder::of(&module) else { panic!("not compiled") };
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let func = instance.get_func(&mut store, "f").unwrap().func;
    // SAFETY: the store lives.
    let now = || (unsafe { (*func.as_ptr()).entry }, code.code(0));
    let mut entries = vec![now()];
    for call in calls {
        let call = instance.get_typed_func::<(), i32>(&mut store, call).unwrap();
        assert_eq!(call.call(&mut store, ()).unwrap(), 7);
        entries.push(now());
    }
    entries
}

#[test]
fn a_reference_leads_to_the_code_that_there_is_once_it_is_called() {
    let entries = entries(u32::MAX, &["direct", "call", "call"]);
    assert_eq!(entries[0].1, None);
    // The first call was none through the reference.
    let code = entries[1].1.expect("it was called");
    assert_ne!(entries[0].0, code);
    assert_eq!(entries[2..], [(code, Some(code)); 2]);
}

#[test]
fn a_reference_leads_to_better_code_once_what_it_leads_to_asks() {
    if Engine::new(Config::new().strategy(Strategy::Baseline)).is_err() {
        // There is one compiler.
        return;
    }
    // A few calls spend that.
    let entries = entries(100, &["call"; 30]);
    let (first, last) = (entries[1].1.unwrap(), entries[30].1.unwrap());
    assert_ne!(first, last);
    assert!(entries[1..].iter().all(|&(entry, code)| Some(entry) == code));
}

/// What a program calls at its end would never be kept otherwise: it is over before that is made.
#[test]
fn better_code_is_made_before_what_was_made_ahead_is_called() {
    let folder = std::env::temp_dir().join(format!("riser-made-ahead-{}", std::process::id()));
    let cache = Cache::new(CacheConfig::new().with_directory(&folder).clone()).unwrap();
    let mut config = Config::new();
    config.strategy(Strategy::Auto).cache(Some(cache.clone()));
    let has_two = Engine::new(Config::new().strategy(Strategy::Baseline)).is_ok();
    if has_two && available_cores() > 1 {
        let engine = Engine::new(&config).unwrap();
        let module = Module::new(&engine, GUEST).unwrap();
        let Some(CodeHolder::Compiled(code)) = CodeHolder::of(&module) else { panic!("no code") };
        let key = CacheKey::new(&code.engine.key, &code.origin.hash.expect("there is a cache"));
        // As a run leaves it that called the function, and was over too soon.
        cache.put_firsts(&key, &[0]);
        let engine = Engine::new(&config).unwrap();
        // Programs that are over at once make nothing better.
        std::thread::sleep(Duration::from_millis(20));
        let module = Module::new(&engine, GUEST).unwrap();
        let Some(CodeHolder::Compiled(code)) = CodeHolder::of(&module) else { panic!("no code") };
        let begun = Instant::now();
        while lock(&code.state).ready.is_empty() {
            assert!(begun.elapsed().as_secs() < 60, "nothing better is made");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!((code.functions_compiled(), code.progress_of(0)), (0, Some(FIRST)));
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let func = instance.get_typed_func::<(), i32>(&mut store, "f").unwrap();
        assert_eq!(func.call(&mut store, ()).unwrap(), 7);
        assert_eq!((code.functions_compiled(), code.progress_of(0)), (1, Some(OPTIMIZED)));
    }
    // Something may still be written there.
    let _ = std::fs::remove_dir_all(&folder);
}

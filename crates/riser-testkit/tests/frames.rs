//! Canonical frames: at each host call, every Wasm frame is read (pc, locals, operands), and the listing is compared with
//! a golden file, `frames/listing.txt`, in every way to run that keeps values: the interpreter, and the baseline compiler. Optimized frames keep the references that are needed
//! later: they are compared with those of the interpreter, and listed in `frames/references.txt`. `BLESS=1` rewrites both. `suite_frames.rs` compares
//! the same at each host call of the official suite, and of programs.
//!
//! The program has references, vectors and exceptions live, operands that are locals or constants, frames of two
//! instances, and nested activations.

use riser::{
    Caller, Config, Engine, Extern, ExternRef, Linker, Module, Result, Rooted, Store, Strategy,
    WasmFrame,
};
use riser_testkit::frames::{show, show_all};
use riser_testkit::golden;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

/// What frames are looked at, and what was seen.
#[derive(Default)]
struct Listing {
    text: String,
    frames: Vec<Frame>,
}

/// A frame as all ways to run give it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Frame {
    /// Which look it was.
    note: String,
    /// The function, and where it waits.
    place: String,
    /// What it refers to, each once, sorted.
    references: Vec<String>,
}

/// Adds all frames to the listing.
fn look(mut caller: Caller<'_, Listing>, note: &str) -> Result<()> {
    let mut text = format!("{note}\n");
    for frame in WasmFrame::capture(&mut caller) {
        let name = frame.func_name().unwrap_or("?").to_string();
        let place = format!("{name} at {:#x}", frame.module_offset());
        writeln!(text, "  {place}")?;
        let shown = frame.references().iter().map(|val| show(&mut caller, val));
        let references = shown.collect::<Result<BTreeSet<String>>>()?.into_iter().collect();
        caller.data_mut().frames.push(Frame { note: note.into(), place, references });
        if !frame.has_values() {
            continue;
        }
        writeln!(text, "    locals:   {}", show_all(&mut caller, frame.locals())?)?;
        writeln!(text, "    operands: {}", show_all(&mut caller, frame.operands())?)?;
    }
    text.push('\n');
    caller.data_mut().text += &text;
    Ok(())
}

const PROGRAM: &str = r#"(module
    (type $pair (struct (field (mut i32)) (field (ref null $pair))))
    (type $bytes (array (mut i8)))
    (type $note (func (param i32)))
    (import "host" "look" (func $look (param i32)))
    (import "host" "enter" (func $enter (param i32)))
    (import "other" "pass" (func $pass (param anyref (ref $note))))
    (tag $e (param i32 f64))
    (elem declare func $noted)
    (func $pair (param i32) (result (ref $pair)) (struct.new $pair (local.get 0) (ref.null $pair)))
    (func $noted (param i32) (call $look (local.get 0)))

    ;; Operands that are locals, constants and results, under a call.
    (func $simple (export "simple") (param $a i32) (param $b f64) (local $c i64) (local $d f32)
        (local.set $c (i64.const -5))
        (local.get $a)
        (i32.const 1000)
        (f64.add (local.get $b) (f64.const 0.5))
        (local.get $c)
        (call $look (i32.const 1))
        drop drop drop drop)

    ;; References, vectors, and a local that changed while its old value is an operand.
    (func $mixed (export "mixed") (param $host externref)
        (local $p (ref null $pair)) (local $v v128) (local $bytes (ref null $bytes)) (local $f funcref)
        (local.set $p (call $pair (i32.const 7)))
        (local.set $v (v128.const i32x4 1 2 3 4))
        (local.set $f (ref.func $noted))
        (local.get $p)
        (local.set $p (struct.new $pair (i32.const 8) (local.get $p)))
        (i32x4.add (local.get $v) (local.get $v))
        (local.set $bytes (array.new_fixed $bytes 3 (i32.const 1) (i32.const 2) (i32.const 300)))
        (ref.i31 (i32.const -3))
        (call $look (i32.const 2))
        (call $noted (i32.const 3))
        drop drop drop)

    ;; An exception that is caught, beside what was live around it.
    (func $thrower (param i32) (throw $e (local.get 0) (f64.const 2.5)))
    (func $catcher (export "catcher") (local $p (ref null $pair)) (local $caught exnref)
        (local.set $p (call $pair (i32.const 1)))
        (struct.new $pair (i32.const 2) (local.get $p))
        (block $handler (result i32 f64 exnref)
            (try_table (catch_ref $e $handler) (call $thrower (i32.const 9)))
            unreachable)
        (local.set $caught)
        (call $look (i32.const 4))
        drop drop drop)

    ;; Frames of another instance, and of another activation.
    (func $crossing (export "crossing") (local $p (ref null $pair))
        (local.set $p (call $pair (i32.const 5)))
        (i64.const 77)
        (call $pass (local.get $p) (ref.func $noted))
        (call $enter (i32.const 3))
        drop)
    (func $nested (export "nested") (param $depth i32) (result i32)
        (local $own (ref null $pair))
        (local.set $own (call $pair (local.get $depth)))
        (if (i32.eqz (local.get $depth)) (then (call $look (i32.const 6)) (return (i32.const 0))))
        (call $enter (i32.sub (local.get $depth) (i32.const 1)))
        (struct.get $pair 0 (local.get $own)))

    ;; A frame that is given up: the host does not see it.
    (func $tail (export "tail") (param $p i64) (return_call $look (i32.const 7))))"#;

const OTHER: &str = r#"(module
    (type $note (func (param i32)))
    (func $pass (export "pass") (param $it anyref) (param $note (ref $note)) (local $copy anyref)
        (local.set $copy (local.get $it))
        (local.get $it)
        (call_ref $note (i32.const 5) (local.get $note))
        drop))"#;

/// Frames whose references are all needed after the call: as locals, as operands, in a loop, in a handler, through several frames.
const LIVE: &str = r#"(module
    (type $pair (struct (field (mut i32)) (field (ref null $pair))))
    (type $bytes (array (mut i8)))
    (import "host" "look" (func $look (param i32)))
    (tag $e (param (ref $pair)))
    (func $sum (param (ref null $pair) (ref null $bytes) anyref externref) (result i32)
        (i32.add
            (i32.add (struct.get $pair 0 (local.get 0)) (array.len (local.get 1)))
            (i32.add (ref.is_null (local.get 2)) (ref.is_null (local.get 3)))))

    (func $locals (export "locals") (param $host externref) (result i32)
        (local $p (ref null $pair)) (local $bytes (ref null $bytes)) (local $small anyref)
        (local.set $p (struct.new $pair (i32.const 1) (ref.null $pair)))
        (local.set $bytes (array.new_fixed $bytes 2 (i32.const 3) (i32.const 4)))
        (local.set $small (ref.i31 (i32.const 99)))
        (call $look (i32.const 8))
        (call $sum (local.get $p) (local.get $bytes) (local.get $small) (local.get $host)))

    (func $operands (export "operands") (param $host externref) (result i32)
        (struct.new $pair (i32.const 5) (struct.new $pair (i32.const 6) (ref.null $pair)))
        (array.new_fixed $bytes 1 (i32.const 7))
        (ref.null any)
        (local.get $host)
        (call $look (i32.const 9))
        (call $sum))

    (func $loops (export "loops") (param $host externref) (result i32)
        (local $n i32) (local $list (ref null $pair))
        (loop $next
            (local.set $list (struct.new $pair (local.get $n) (local.get $list)))
            (call $look (i32.const 10))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $n) (i32.const 3))))
        (i32.add (struct.get $pair 0 (local.get $list)) (ref.is_null (local.get $host))))

    (func $thrower (param $p (ref $pair)) (param $own (ref $pair)) (result i32)
        (call $look (i32.const 11))
        (if (struct.get $pair 0 (local.get $own)) (then (throw $e (local.get $p))))
        (i32.const 0))
    (func $handles (export "handles") (param $host externref) (result i32)
        (local $p (ref null $pair))
        (local.set $p (struct.new $pair (i32.const 12) (ref.null $pair)))
        (block $caught (result (ref $pair))
            (try_table (catch $e $caught)
                (drop (call $thrower
                    (struct.new $pair (i32.const 13) (local.get $p))
                    (struct.new $pair (i32.const 14) (ref.null $pair)))))
            unreachable)
        (call $look (i32.const 12))
        (i32.add (struct.get $pair 0) (struct.get $pair 0 (local.get $p))))

    (func $depth (export "deep") (param $host externref) (result i32)
        (call $deeper (i32.const 3) (ref.null $pair)))
    (func $deeper (param $n i32) (param $outer (ref null $pair)) (result i32)
        (local $own (ref null $pair))
        (local.set $own (struct.new $pair (local.get $n) (local.get $outer)))
        (if (i32.eqz (local.get $n))
            (then (call $look (i32.const 13)) (return (struct.get $pair 0 (local.get $own)))))
        (i32.add
            (call $deeper (i32.sub (local.get $n) (i32.const 1)) (local.get $own))
            (struct.get $pair 0 (local.get $own)))))"#;

fn listing(config: &Config) -> Result<Listing> {
    let engine = Engine::new(config)?;
    let mut linker = Linker::<Listing>::new(&engine);
    linker.func_wrap("host", "look", |caller: Caller<'_, Listing>, note: i32| {
        look(caller, &format!("look {note}:"))
    })?;
    linker.func_wrap("host", "enter", |mut caller: Caller<'_, Listing>, depth: i32| {
        let nested = caller.get_export("nested").and_then(Extern::into_func);
        let nested = nested.expect("an export").typed::<i32, i32>(&caller)?;
        let result = nested.call(&mut caller, depth)?;
        assert_eq!(result, depth);
        Ok::<(), riser::Error>(())
    })?;
    let mut store = Store::new(&engine, Listing::default());
    store.set_epoch_deadline(u64::MAX);
    let other = linker.instantiate(&mut store, &Module::new(&engine, OTHER)?)?;
    linker.instance(&mut store, "other", other)?;
    let program = linker.instantiate(&mut store, &Module::new(&engine, PROGRAM)?)?;
    let simple = program.get_typed_func::<(i32, f64), ()>(&mut store, "simple")?;
    simple.call(&mut store, (-4, 1.0))?;
    let host = ExternRef::new(&mut store, 5_u32)?;
    let mixed = program.get_typed_func::<Option<Rooted<ExternRef>>, ()>(&mut store, "mixed")?;
    mixed.call(&mut store, Some(host))?;
    for name in ["catcher", "crossing"] {
        program.get_typed_func::<(), ()>(&mut store, name)?.call(&mut store, ())?;
    }
    program.get_typed_func::<i64, ()>(&mut store, "tail")?.call(&mut store, 1)?;
    Ok(store.into_data())
}

/// What is seen of [`LIVE`].
fn live(config: &Config) -> Result<Vec<Frame>> {
    let engine = Engine::new(config)?;
    let mut linker = Linker::<Listing>::new(&engine);
    linker.func_wrap("host", "look", |caller: Caller<'_, Listing>, note: i32| {
        look(caller, &format!("look {note}:"))
    })?;
    let mut store = Store::new(&engine, Listing::default());
    store.set_epoch_deadline(u64::MAX);
    let instance = linker.instantiate(&mut store, &Module::new(&engine, LIVE)?)?;
    for (name, result) in
        [("locals", 3), ("operands", 7), ("loops", 2), ("handles", 25), ("deep", 6)]
    {
        let host = ExternRef::new(&mut store, 5_u32)?;
        let func = instance.get_typed_func::<Option<Rooted<ExternRef>>, i32>(&mut store, name)?;
        assert_eq!(func.call(&mut store, Some(host))?, result, "{name}");
    }
    Ok(store.into_data().frames)
}

#[test]
fn frames_can_be_read_at_each_host_call() -> Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frames/listing.txt");
    let mut interpreted = Config::new();
    interpreted.strategy(Strategy::Interpreter);
    golden::check(&path, &listing(&interpreted)?.text);
    // Nothing of it depends on where objects are, or on what code does besides.
    golden::check(&path, &listing(interpreted.clone().gc_stress(true))?.text);
    let mut watched = interpreted;
    watched.consume_fuel(false).epoch_interruption(false).cranelift_nan_canonicalization(true);
    golden::check(&path, &listing(&watched)?.text);
    for config in baseline() {
        golden::check(&path, &listing(&config)?.text);
    }
    Ok(())
}

/// What needs all values is what the baseline compiler's frames have, too.
#[test]
fn baseline_frames_refer_to_what_the_interpreters_do() -> Result<()> {
    let interpreted = live(Config::new().strategy(Strategy::Interpreter))?;
    for config in baseline() {
        assert_eq!(live(&config)?, interpreted);
    }
    Ok(())
}

/// The ways to run baseline code: alone, with a collection before each object, with everything that counts in it; none where there is
/// no such compiler.
fn baseline() -> Vec<Config> {
    let mut plain = Config::new();
    plain.strategy(Strategy::Baseline);
    if Engine::new(&plain).is_err() {
        return Vec::new();
    }
    let (mut stressed, mut fuelled, mut counting) = (plain.clone(), plain.clone(), plain.clone());
    stressed.gc_stress(true);
    fuelled.epoch_interruption(true).cranelift_nan_canonicalization(true);
    // Nothing here gets as hot as that.
    counting.strategy(Strategy::Auto).tier_up_budget(1 << 30, 0);
    vec![plain, stressed, fuelled, counting]
}

/// The ways to run optimized code: as always, and with a collection before each object.
fn optimized() -> Vec<Config> {
    let mut plain = Config::new();
    plain.strategy(Strategy::Cranelift);
    if Engine::new(&plain).is_err() {
        return Vec::new();
    }
    let mut stressed = plain.clone();
    stressed.gc_stress(true);
    vec![plain, stressed]
}

/// Optimized frames have no values. Otherwise, which they are, and where they wait, is the same, and what they refer to is among what
/// the interpreter's refer to.
#[test]
fn optimized_frames_are_those_of_the_interpreter() -> Result<()> {
    let interpreted = listing(Config::new().strategy(Strategy::Interpreter))?.frames;
    for config in optimized() {
        let frames = listing(&config)?.frames;
        assert_eq!(frames.len(), interpreted.len());
        for (ours, theirs) in frames.iter().zip(&interpreted) {
            assert_eq!((&ours.note, &ours.place), (&theirs.note, &theirs.place));
            let known = |reference| theirs.references.contains(reference);
            assert!(ours.references.iter().all(known), "{ours:?} is more than {theirs:?}");
        }
    }
    Ok(())
}

/// What a function needs later is what its optimized frame refers to.
#[test]
fn optimized_frames_keep_what_is_needed() -> Result<()> {
    let interpreted = live(Config::new().strategy(Strategy::Interpreter))?;
    for config in optimized() {
        let frames = live(&config)?;
        assert_eq!(frames.len(), interpreted.len());
        for (ours, theirs) in frames.iter().zip(&interpreted) {
            assert_eq!((&ours.note, &ours.place), (&theirs.note, &theirs.place));
            // These need all that they have.
            if ["locals", "operands", "loops", "thrower"]
                .iter()
                .any(|name| ours.place.starts_with(name))
            {
                assert_eq!(ours.references, theirs.references, "{}", ours.place);
            }
            assert!(ours.references.iter().all(|reference| theirs.references.contains(reference)));
        }
        let mut text = String::new();
        for Frame { note, place, references } in &frames {
            let references =
                if references.is_empty() { "none".into() } else { references.join(", ") };
            writeln!(text, "{note} {place}: {references}")?;
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frames/references.txt");
        golden::check(path, &text);
    }
    Ok(())
}

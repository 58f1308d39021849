//! Modules, linking, and what goes wrong there.

use riser::*;

fn setup() -> (Engine, Linker<u32>, Store<u32>) {
    let engine = Engine::default();
    let store = Store::new(&engine, 0);
    (engine.clone(), Linker::new(&engine), store)
}

#[test]
fn unknown_imports_are_named() -> Result<()> {
    let (engine, linker, mut store) = setup();
    let module = Module::new(&engine, r#"(module (import "a" "b" (func (param i32))))"#)?;
    let error = linker.instantiate(&mut store, &module).unwrap_err();
    assert_eq!(error.to_string(), "unknown import: `a::b` has not been defined");
    let unknown = error.downcast_ref::<UnknownImportError>().unwrap();
    assert_eq!((unknown.module(), unknown.name()), ("a", "b"));
    assert_eq!(unknown.ty().to_string(), "(func (param i32))");
    Ok(())
}

#[test]
fn incompatible_imports_list_both_types() -> Result<()> {
    let (engine, mut linker, mut store) = setup();
    let memory = Memory::new(&mut store, MemoryType::new(1, Some(5)))?;
    let table = TableType::new(RefType::EXTERNREF, 2, None).default_value(&mut store)?;
    let ty = GlobalType::new(ValType::I32, Mutability::Const);
    let global = ty.default_value(&mut store)?;
    linker.func_wrap("", "f", |_: i64| 0i32)?;
    linker.define(&store, "", "m", memory)?;
    linker.define(&store, "", "t", table)?;
    linker.define(&store, "", "g", global)?;
    for (import, expected, found) in [
        ("\"f\" (func (param i32))", "(func (param i32))", "(func (param i64) (result i32))"),
        ("\"m\" (memory 2)", "(memory 2)", "(memory 1 5)"),
        ("\"m\" (memory 1 4)", "(memory 1 4)", "(memory 1 5)"),
        ("\"m\" (memory i64 1)", "(memory i64 1)", "(memory 1 5)"),
        ("\"m\" (func)", "(func)", "(memory 1 5)"),
        ("\"t\" (table 2 funcref)", "(table 2 funcref)", "(table 2 externref)"),
        ("\"t\" (table 2 3 externref)", "(table 2 3 externref)", "(table 2 externref)"),
        ("\"g\" (global (mut i32))", "(global (mut i32))", "(global i32)"),
        ("\"g\" (global i64)", "(global i64)", "(global i32)"),
    ] {
        let module = Module::new(&engine, format!("(module (import \"\" {import}))"))?;
        let error = linker.instantiate(&mut store, &module).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.starts_with("incompatible import type for `::"), "{text}");
        assert!(text.ends_with(&format!("expected `{expected}`, found `{found}`")), "{text}");
        assert!(linker.instantiate_pre(&module).is_err());
    }
    Ok(())
}

#[test]
fn sizes_of_now_count() -> Result<()> {
    let (engine, mut linker, mut store) = setup();
    let memory = Memory::new(&mut store, MemoryType::new(1, Some(5)))?;
    linker.define(&store, "", "m", memory)?;
    let module = Module::new(&engine, r#"(module (import "" "m" (memory 3 9)))"#)?;
    assert!(linker.instantiate(&mut store, &module).is_err());
    memory.grow(&mut store, 2)?;
    linker.instantiate(&mut store, &module)?;
    Ok(())
}

#[test]
fn names_are_defined_once_unless_shadowing_is_allowed() -> Result<()> {
    let (_, mut linker, mut store) = setup();
    linker.func_wrap("a", "f", || 1i32)?;
    let error = linker.func_wrap("a", "f", || 2i32).unwrap_err();
    assert_eq!(error.to_string(), "import of `a::f` defined twice");
    linker.allow_shadowing(true).func_wrap("a", "f", || 3i32)?;
    linker.alias("a", "f", "b", "g")?;
    linker.alias_module("b", "c")?;
    assert!(linker.alias("nothing", "f", "b", "h").is_err());
    let error = linker.get(&mut store, "c", "missing").unwrap_err();
    assert_eq!(error.to_string(), "`c::missing` has not been defined");
    let g = linker.get(&mut store, "c", "g")?.into_func().unwrap();
    assert_eq!(g.typed::<(), i32>(&store)?.call(&mut store, ())?, 3);
    let names: Vec<_> = linker.iter(&mut store).map(|(module, name, _)| (module, name)).collect();
    assert_eq!(names, [("a", "f"), ("b", "g"), ("c", "g")]);
    Ok(())
}

#[test]
fn missing_imports_can_be_stubbed() -> Result<()> {
    let (engine, linker, mut store) = setup();
    let module = Module::new(
        &engine,
        r#"(module
            (import "a" "f" (func $f (result i64)))
            (import "a" "g" (global $g f32)) (import "a" "m" (memory 2)) (import "a" "t" (table 3 funcref))
            (func (export "f") (result i64) call $f)
            (func (export "g") (result f32) global.get $g))"#,
    )?;
    let mut defaults = linker.clone();
    defaults.define_unknown_imports_as_default_values(&mut store, &module)?;
    let instance = defaults.instantiate(&mut store, &module)?;
    let f = instance.get_typed_func::<(), i64>(&mut store, "f")?;
    assert_eq!(f.call(&mut store, ())?, 0);

    let functions = Module::new(
        &engine,
        r#"(module (import "a" "f" (func $f (result i64))) (func (export "f") (result i64) call $f))"#,
    )?;
    let mut traps = linker.clone();
    traps.define_unknown_imports_as_traps(&functions)?;
    let instance = traps.instantiate(&mut store, &functions)?;
    let f = instance.get_typed_func::<(), i64>(&mut store, "f")?;
    let error = f.call(&mut store, ()).unwrap_err();
    assert!(error.is::<UnknownImportError>() && error.is::<Trap>(), "{error:?}");
    Ok(())
}

#[test]
fn host_functions_of_a_linker_serve_many_stores() -> Result<()> {
    let (engine, mut linker, _) = setup();
    linker.func_wrap("", "count", |mut caller: Caller<'_, u32>| {
        *caller.data_mut() += 1;
        *caller.data()
    })?;
    let module = Module::new(
        &engine,
        r#"(module (import "" "count" (func $count (result i32))) (export "count" (func $count))
            (func (export "call") (result i32) (drop (call $count)) (call $count)))"#,
    )?;
    let pre = linker.instantiate_pre(&module)?;
    for start in [0, 10] {
        let mut store = Store::new(&engine, start);
        let instance = pre.instantiate(&mut store)?;
        let call = instance.get_typed_func::<(), u32>(&mut store, "call")?;
        assert_eq!(call.call(&mut store, ())?, start + 2);
        let direct = instance.get_typed_func::<(), u32>(&mut store, "count")?;
        assert_eq!(direct.call(&mut store, ())?, start + 3);
    }
    Ok(())
}

#[test]
fn commands_are_instantiated_for_each_call_and_reactors_once() -> Result<()> {
    let (engine, mut linker, mut store) = setup();
    let body = r#"(global $n (mut i32) (i32.const 0))
        (func (export "next") (result i32)
            (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n))"#;
    let command = Module::new(&engine, format!("(module {body} (func (export \"_start\")))"))?;
    let reactor = Module::new(
        &engine,
        format!("(module {body} (func (export \"_initialize\") (global.set $n (i32.const 10))))"),
    )?;
    linker.module(&mut store, "command", &command)?;
    linker.module(&mut store, "reactor", &reactor)?;
    let mut next = |module| -> Result<i32> {
        let next = linker.get(&mut store, module, "next").unwrap().into_func().unwrap();
        next.typed::<(), i32>(&store)?.call(&mut store, ())
    };
    assert_eq!((next("command")?, next("command")?), (1, 1));
    assert_eq!((next("reactor")?, next("reactor")?), (11, 12));
    let start = linker.get_default(&mut store, "command")?;
    start.typed::<(), ()>(&store)?.call(&mut store, ())?;
    linker.get_default(&mut store, "nothing")?.typed::<(), ()>(&store)?.call(&mut store, ())
}

#[test]
fn instances_share_what_they_import() -> Result<()> {
    let (engine, mut linker, mut store) = setup();
    let owner = Module::new(
        &engine,
        r#"(module
            (memory (export "m") 1) (global (export "g") (mut i32) (i32.const 1))
            (table (export "t") 4 funcref) (func (export "f") (result i32) i32.const 77)
            (func (export "read") (result i32) (i32.load (i32.const 8))))"#,
    )?;
    let owner = linker.instantiate(&mut store, &owner)?;
    linker.instance(&mut store, "o", owner)?;
    let user = Module::new(
        &engine,
        r#"(module
            (import "o" "m" (memory 1)) (import "o" "g" (global $g (mut i32)))
            (import "o" "t" (table 4 funcref)) (import "o" "f" (func $f (result i32)))
            (elem (i32.const 2) func $f $own)
            (func $own (result i32) (global.get $g))
            (func (export "write") (i32.store (i32.const 8) (i32.const 5)) (global.set $g (i32.const 9)))
            (func (export "at") (param i32) (result i32)
                (call_indirect (result i32) (local.get 0))))"#,
    )?;
    let user = linker.instantiate(&mut store, &user)?;
    user.get_typed_func::<(), ()>(&mut store, "write")?.call(&mut store, ())?;
    let read = owner.get_typed_func::<(), i32>(&mut store, "read")?;
    assert_eq!(read.call(&mut store, ())?, 5);
    let at = user.get_typed_func::<i32, i32>(&mut store, "at")?;
    assert_eq!((at.call(&mut store, 2)?, at.call(&mut store, 3)?), (77, 9));
    assert_eq!(owner.get_global(&mut store, "g").unwrap().get(&mut store).unwrap_i32(), 9);
    Ok(())
}

#[test]
fn invalid_modules_say_where() {
    let engine = Engine::default();
    let error = Module::new(&engine, "(module (func $bad (result i32) f64.const 0))").unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains("bad") && text.contains("offset"), "{text}");
    assert!(text.contains("expected i32, found f64"), "{text}");
    let error = Module::new(&engine, "(module (func").unwrap_err();
    assert!(error.to_string().contains("(module (func"), "{error}");
    assert!(Module::new(&engine, b"\0asm\x0d\0\x01\0").is_err());
    assert!(Module::new(&engine, b"").is_err());
    assert!(Module::new(&engine, b"\0").is_err());
    assert!(Module::new(&engine, b"\xff\xfe").is_err());
    let error = Module::from_file(&engine, "no/such/file.wasm").unwrap_err();
    assert!(error.to_string().contains("no/such/file.wasm"), "{error}");
}

#[test]
fn the_first_invalid_function_is_reported_however_many_threads_look() {
    let mut config = Config::new();
    let body = "(drop (i32.const 1))".repeat(200);
    let mut text = String::from("(module");
    for n in 0..2000 {
        let bad = if n > 700 && n % 100 == 77 { "(drop)" } else { "" };
        text.push_str(&format!("(func {body} {bad})"));
    }
    text.push(')');
    for parallel in [false, true] {
        let engine = Engine::new(config.parallel_compilation(parallel)).unwrap();
        let error = Module::new(&engine, &text).unwrap_err();
        assert!(error.to_string().contains("func 777"), "{error}");
    }
}

#[test]
fn custom_sections_and_names_are_there() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(
        &engine,
        r#"(module $name (@custom "notes" "some text") (@custom "notes" "more"))"#,
    )?;
    let notes: Vec<_> =
        module.custom_sections().filter(|(name, _)| *name == "notes").map(|(_, b)| b).collect();
    assert_eq!(notes, [&b"some text"[..], b"more"]);
    assert_eq!(module.name(), Some("name"));
    Module::validate(&engine, b"\0asm\x01\0\0\0")?;
    Ok(())
}

#[test]
fn modules_of_another_engine_are_refused() -> Result<()> {
    let (_, linker, mut store) = setup();
    let module = Module::new(&Engine::default(), "(module)")?;
    assert!(linker.instantiate(&mut store, &module).is_err());
    assert!(Instance::new(&mut store, &module, &[]).is_err());
    Ok(())
}

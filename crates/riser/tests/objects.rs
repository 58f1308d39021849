//! Stores, handles, instances, and what they own.

mod common;

use common::{instance, trap};
use riser::*;
use std::panic::{AssertUnwindSafe, catch_unwind};

fn is_send<T: Send>() {}
fn is_sync<T: Sync>() {}

#[test]
fn what_may_cross_threads_does() {
    is_send::<Engine>();
    is_sync::<Engine>();
    is_send::<Config>();
    is_sync::<Config>();
    is_send::<Module>();
    is_sync::<Module>();
    is_send::<Linker<*const u8>>();
    is_sync::<Linker<*const u8>>();
    is_send::<InstancePre<*const u8>>();
    is_sync::<InstancePre<*const u8>>();
    is_send::<Store<std::cell::Cell<u8>>>();
    is_send::<Error>();
    is_sync::<Error>();
    is_send::<Func>();
    is_send::<TypedFunc<(i32, i64), f32>>();
    is_send::<Extern>();
    is_send::<Val>();
    is_send::<FuncType>();
    is_sync::<FuncType>();
}

#[test]
fn a_store_moves_between_threads() -> Result<()> {
    let (store, instance) = instance(r#"(module (func (export "f") (result i32) i32.const 3))"#)?;
    let call = move || {
        let mut store = store;
        instance.get_typed_func::<(), i32>(&mut store, "f")?.call(&mut store, ())
    };
    assert_eq!(std::thread::spawn(call).join().unwrap()?, 3);
    Ok(())
}

#[test]
fn handles_of_another_store_panic() -> Result<()> {
    let mut a = Store::<()>::default();
    let mut b = Store::new(a.engine(), ());
    let func = Func::wrap(&mut a, || {});
    let memory = Memory::new(&mut a, MemoryType::new(1, None))?;
    let reference = ExternRef::new(&mut a, 1)?;
    let mut panics = |f: &mut dyn FnMut(&mut Store<()>)| {
        let panic = catch_unwind(AssertUnwindSafe(|| f(&mut b))).unwrap_err();
        let message = panic.downcast_ref::<&str>().unwrap();
        assert!(message.contains("wrong store"), "{message}");
    };
    panics(&mut |b| drop(func.call(b, &[], &mut [])));
    panics(&mut |b| drop(func.ty(b)));
    panics(&mut |b| assert!(memory.data(&*b).is_empty()));
    panics(&mut |b| drop(memory.grow(b, 1)));
    panics(&mut |b| drop(reference.data(&*b)));
    let sink = Func::wrap(&mut b, |_: Option<Func>| {});
    let sink = sink.typed::<Option<Func>, ()>(&b)?;
    assert!(sink.call(&mut b, Some(func)).is_err());
    let module = Module::new(b.engine(), r#"(module (import "" "" (func)))"#)?;
    let error = Instance::new(&mut b, &module, &[func.into()]).unwrap_err();
    assert!(error.to_string().contains("cross-`Store`"), "{error}");
    Ok(())
}

#[test]
fn instantiation_follows_the_order_of_the_specification() -> Result<()> {
    // The first segments stay written although a later one traps, and functions in tables stay callable.
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let memory = Memory::new(&mut store, MemoryType::new(1, None))?;
    let table = Table::new(&mut store, TableType::new(RefType::FUNCREF, 2, None), Ref::Func(None))?;
    let module = Module::new(
        &engine,
        r#"(module
            (import "" "m" (memory 1))
            (import "" "t" (table 2 funcref))
            (global $g i32 (i32.const 5))
            (elem (table 0) (offset (i32.const 1)) func $f)
            (func $f (result i32) global.get $g)
            (data (i32.const 0) "first")
            (data (i32.const 65533) "last"))"#,
    )?;
    let error = Instance::new(&mut store, &module, &[memory.into(), table.into()]).unwrap_err();
    assert_eq!(trap(&error), Trap::MemoryOutOfBounds);
    assert_eq!(&memory.data(&store)[..5], b"first");
    assert_eq!(memory.data(&store)[65533..], [0; 3]);
    let Some(Ref::Func(Some(f))) = table.get(&mut store, 1) else { panic!("a function") };
    assert_eq!(f.typed::<(), i32>(&store)?.call(&mut store, ())?, 5);

    let module =
        Module::new(&engine, r#"(module (table 1 funcref) (elem (i32.const 1) func 0) (func))"#)?;
    let error = Instance::new(&mut store, &module, &[]).unwrap_err();
    assert_eq!(trap(&error), Trap::TableOutOfBounds);
    Ok(())
}

#[test]
fn constant_expressions_are_evaluated() -> Result<()> {
    let (mut store, instance) = instance(
        r#"(module
            (global $a i32 (i32.add (i32.const 5) (i32.mul (i32.const 3) (i32.const -4))))
            (global (export "b") i32 (i32.sub (global.get $a) (i32.const 1)))
            (global (export "c") i64 (i64.mul (i64.const 0x100000000) (i64.const 0x100000001)))
            (global (export "d") v128 (v128.const i64x2 1 2))
            (global (export "e") (mut funcref) (ref.func $f))
            (global (export "g") f32 (f32.const nan:0x200000))
            (table (export "t") 3 3 funcref (ref.func $f))
            (func $f (export "f")))"#,
    )?;
    let mut global = |name| instance.get_global(&mut store, name).unwrap().get(&mut store);
    assert_eq!(global("b").unwrap_i32(), -8);
    assert_eq!(global("c").unwrap_i64(), 0x100000000);
    assert_eq!(global("d").unwrap_v128(), V128::from(1 | 2 << 64));
    assert!(matches!(global("g"), Val::F32(0x7FA0_0000)));
    assert!(matches!(global("e"), Val::FuncRef(Some(_))));
    let table = instance.get_table(&mut store, "t").unwrap();
    assert!(table.get(&mut store, 2).unwrap().is_non_null());
    Ok(())
}

#[test]
fn the_start_function_runs() -> Result<()> {
    let text = r#"(module (memory (export "m") 1) (func $s (i32.store8 (i32.const 9) (i32.const 1)))
        (start $s))"#;
    let (mut store, instance) = instance(text)?;
    assert_eq!(instance.get_memory(&mut store, "m").unwrap().data(&store)[9], 1);
    let error = common::instance("(module (func $s unreachable) (start $s))").unwrap_err();
    assert_eq!(trap(&error), Trap::UnreachableCodeReached);
    Ok(())
}

#[test]
fn exports_are_listed_and_found() -> Result<()> {
    let (mut store, instance) = instance(
        r#"(module
            (func (export "f") (param i32)) (memory (export "m") 1 2) (table (export "t") 1 externref)
            (global (export "g") (mut i64) (i64.const 1)) (tag (export "x") (param f32)))"#,
    )?;
    let exports: Vec<(String, Extern)> = instance
        .exports(&mut store)
        .map(|export| (export.name().to_string(), export.into_extern()))
        .collect();
    let types: Vec<String> =
        exports.iter().map(|(name, object)| format!("{name} {}", object.ty(&store))).collect();
    assert_eq!(
        types,
        [
            "f (func (param i32))",
            "m (memory 1 2)",
            "t (table 1 externref)",
            "g (global (mut i64))",
            "x (tag (func (param f32)))",
        ]
    );
    let module = instance.module(&store).clone();
    let declared: Vec<String> =
        module.exports().map(|export| format!("{} {}", export.name(), export.ty())).collect();
    assert_eq!(declared, types);
    assert!(instance.get_func(&mut store, "m").is_none());
    assert!(instance.get_tag(&mut store, "x").is_some());
    assert!(instance.get_export(&mut store, "nothing").is_none());
    Ok(())
}

#[test]
fn guests_grow_memories_and_tables() -> Result<()> {
    let (mut store, instance) = instance(
        r#"(module
            (memory $m (export "m") 1 4) (table $t (export "t") 1 5 funcref)
            (func (export "memory") (param i32) (result i32) (memory.grow (local.get 0)))
            (func (export "table") (param i32) (result i32) (table.grow (ref.null func) (local.get 0)))
            (func (export "touch") (i32.store8 (i32.const 0x3ffff) (i32.const 1))))"#,
    )?;
    let memory = instance.get_typed_func::<u32, i32>(&mut store, "memory")?;
    let table = instance.get_typed_func::<u32, i32>(&mut store, "table")?;
    let touch = instance.get_typed_func::<(), ()>(&mut store, "touch")?;
    assert_eq!(trap(&touch.call(&mut store, ()).unwrap_err()), Trap::MemoryOutOfBounds);
    assert_eq!(memory.call(&mut store, 3)?, 1);
    assert_eq!(memory.call(&mut store, 1)?, -1);
    assert_eq!(memory.call(&mut store, u32::MAX)?, -1);
    assert_eq!(memory.call(&mut store, 0)?, 4);
    touch.call(&mut store, ())?;
    assert_eq!(instance.get_memory(&mut store, "m").unwrap().size(&store), 4);
    assert_eq!(table.call(&mut store, 4)?, 1);
    assert_eq!(table.call(&mut store, 1)?, -1);
    assert_eq!(table.call(&mut store, u32::MAX)?, -1);
    let exported = instance.get_table(&mut store, "t").unwrap();
    assert_eq!(exported.size(&store), 5);
    assert!(exported.grow(&mut store, 1, Ref::Func(None)).is_err());
    Ok(())
}

#[test]
fn bulk_operators_check_their_ranges() -> Result<()> {
    let (mut store, instance) = instance(
        r#"(module
            (memory (export "m") 1) (table $t 10 funcref)
            (data $d "0123456789") (elem $e func $f $f $f) (func $f)
            (func (export "init") (param i32 i32 i32)
                (memory.init $d (local.get 0) (local.get 1) (local.get 2)))
            (func (export "drop") data.drop $d elem.drop $e)
            (func (export "copy") (param i32 i32 i32)
                (memory.copy (local.get 0) (local.get 1) (local.get 2)))
            (func (export "fill") (param i32 i32 i32)
                (memory.fill (local.get 0) (local.get 1) (local.get 2)))
            (func (export "tinit") (param i32 i32 i32)
                (table.init $t $e (local.get 0) (local.get 1) (local.get 2)))
            (func (export "tcopy") (param i32 i32 i32)
                (table.copy (local.get 0) (local.get 1) (local.get 2))))"#,
    )?;
    let mut call = |name: &str, args: (u32, u32, u32)| -> Option<Trap> {
        let f = instance.get_typed_func::<(u32, u32, u32), ()>(&mut store, name).unwrap();
        f.call(&mut store, args).err().map(|error| trap(&error))
    };
    let oob = Some(Trap::MemoryOutOfBounds);
    assert_eq!(call("init", (0, 2, 5)), None);
    assert_eq!(call("init", (0, 2, 9)), oob);
    assert_eq!(call("init", (65535, 0, 2)), oob);
    assert_eq!(call("init", (0, u32::MAX, 2)), oob);
    assert_eq!(call("copy", (1, 0, 5)), None);
    assert_eq!(call("copy", (u32::MAX, 0, 2)), oob);
    assert_eq!(call("copy", (0, 65530, 7)), oob);
    assert_eq!(call("fill", (100, 0x141, 3)), None);
    assert_eq!(call("fill", (65536, 0, 0)), None);
    assert_eq!(call("fill", (65536, 0, 1)), oob);
    let oob = Some(Trap::TableOutOfBounds);
    assert_eq!(call("tinit", (7, 0, 3)), None);
    assert_eq!(call("tinit", (8, 0, 3)), oob);
    assert_eq!(call("tinit", (0, 1, 3)), oob);
    assert_eq!(call("tcopy", (0, 7, 3)), None);
    assert_eq!(call("tcopy", (0, 8, 3)), oob);
    let drop = instance.get_typed_func::<(), ()>(&mut store, "drop")?;
    drop.call(&mut store, ())?;
    let mut call = |name: &str, args: (u32, u32, u32)| {
        let f = instance.get_typed_func::<(u32, u32, u32), ()>(&mut store, name).unwrap();
        f.call(&mut store, args).err().map(|error| trap(&error))
    };
    assert_eq!(call("init", (0, 0, 0)), None);
    assert_eq!(call("init", (0, 0, 1)), Some(Trap::MemoryOutOfBounds));
    assert_eq!(call("tinit", (0, 0, 1)), Some(Trap::TableOutOfBounds));
    let memory = instance.get_memory(&mut store, "m").unwrap();
    assert_eq!(&memory.data(&store)[..6], b"223456");
    assert_eq!(&memory.data(&store)[99..104], b"\0AAA\0");
    Ok(())
}

#[test]
fn many_instances_of_one_module_fit_a_store() -> Result<()> {
    // Memories of compiled code take 4 GiB of addresses each: fewer fit.
    let engine = Engine::new(Config::new().strategy(Strategy::Interpreter))?;
    let module = Module::new(
        &engine,
        r#"(module (memory 1) (global (mut i32) (i32.const 1)) (table 4 funcref)
            (func (export "f") (result i32) (i32.load (i32.const 0))))"#,
    )?;
    let mut store = Store::new(&engine, ());
    let mut last = None;
    // More than there is address space for memories of 4 GiB each.
    for _ in 0..40_000 {
        last = Some(Instance::new(&mut store, &module, &[])?);
    }
    let f = last.unwrap().get_typed_func::<(), i32>(&mut store, "f")?;
    assert_eq!(f.call(&mut store, ())?, 0);
    Ok(())
}

#[test]
fn impossible_sizes_are_errors() -> Result<()> {
    let mut store = Store::<()>::default();
    assert!(Memory::new(&mut store, MemoryType::new64(1 << 40, None)).is_err());
    let ty = TableType::new(RefType::FUNCREF, u32::MAX, None);
    assert!(Table::new(&mut store, ty, Ref::Func(None)).is_err());
    Ok(())
}

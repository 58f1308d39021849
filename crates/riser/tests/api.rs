//! Small things of the API that examples do not show: conversions, handles as arguments, what is refused.

mod common;

use common::instance;
use riser::*;

#[test]
fn sixteen_arguments_and_sixteen_results() -> Result<()> {
    let mut store = Store::<()>::default();
    #[rustfmt::skip]
    let reverse = Func::wrap(
        &mut store,
        |_: Caller<'_, ()>, a: i32, b: i64, c: f32, d: f64, e: i32, f: i64, g: f32, h: f64,
         i: i32, j: i64, k: f32, l: f64, m: i32, n: i64, o: f32, p: V128| {
            (p, o, n, m, l, k, j, i, h, g, f, e, d, c, b, a)
        },
    );
    let numbers = "i32 i64 f32 f64 i32 i64 f32 f64 i32 i64 f32 f64 i32 i64 f32 v128";
    let reversed: Vec<&str> = numbers.split(' ').rev().collect();
    let module = format!(
        r#"(module (import "" "" (func $f (param {numbers}) (result {results})))
            (func (export "f") (result {results})
                (i32.const 1) (i64.const 2) (f32.const 3) (f64.const 4)
                (i32.const 5) (i64.const 6) (f32.const 7) (f64.const 8)
                (i32.const 9) (i64.const 10) (f32.const 11) (f64.const 12)
                (i32.const 13) (i64.const 14) (f32.const 15) (v128.const i64x2 16 0)
                (call $f)))"#,
        results = reversed.join(" ")
    );
    let module = Module::new(store.engine(), &module)?;
    let instance = Instance::new(&mut store, &module, &[reverse.into()])?;
    let f = instance.get_func(&mut store, "f").unwrap();
    let mut results = [Val::I32(0); 16];
    f.call(&mut store, &[], &mut results)?;
    let as_number = |val: &Val| match *val {
        Val::I32(n) => f64::from(n),
        Val::I64(n) => n as f64,
        Val::F32(bits) => f32::from_bits(bits).into(),
        Val::F64(bits) => f64::from_bits(bits),
        Val::V128(v) => v.as_u128() as f64,
        _ => f64::NAN,
    };
    let numbers: Vec<f64> = results.iter().map(as_number).collect();
    assert_eq!(numbers, (1..=16).rev().map(f64::from).collect::<Vec<f64>>());
    Ok(())
}

#[test]
fn owned_handles_are_arguments_and_results() -> Result<()> {
    let (mut store, instance) = instance(
        r#"(module
            (type $pair (struct (field i32) (field i32)))
            (func (export "new") (result (ref $pair)) (struct.new $pair (i32.const 3) (i32.const 4)))
            (func (export "sum") (param (ref null struct)) (result i32)
                (local $pair (ref $pair))
                (if (ref.is_null (local.get 0)) (then (return (i32.const -1))))
                (local.set $pair (ref.cast (ref $pair) (local.get 0)))
                (i32.add (struct.get $pair 0 (local.get $pair)) (struct.get $pair 1 (local.get $pair)))))"#,
    )?;
    let new = instance.get_typed_func::<(), OwnedRooted<StructRef>>(&mut store, "new")?;
    let sum = instance.get_typed_func::<Option<OwnedRooted<StructRef>>, i32>(&mut store, "sum")?;
    let pair = {
        let mut scope = RootScope::new(&mut store);
        scope.reserve(10);
        new.call(&mut scope, ())?
    };
    store.gc(None)?;
    assert_eq!(sum.call(&mut store, Some(pair.clone()))?, 7);
    assert_eq!(sum.call(&mut store, None)?, -1);

    let any: OwnedRooted<AnyRef> = pair.clone().into();
    let rooted: Rooted<AnyRef> = pair.to_rooted(&mut store).into();
    assert!(OwnedRooted::ref_eq(&store, &any, &rooted)?);
    let other = new.call(&mut store, ())?;
    assert!(!OwnedRooted::ref_eq(&store, &pair, &other)?);

    // A handle of another store is no argument here.
    let mut elsewhere = Store::<()>::default();
    let ty = StructType::new(elsewhere.engine(), [])?;
    let pre = StructRefPre::new(&mut elsewhere, ty);
    let foreign = StructRef::new(&mut elsewhere, &pre, &[])?.to_owned_rooted(&mut elsewhere)?;
    assert!(sum.call(&mut store, Some(foreign)).is_err());
    Ok(())
}

#[test]
fn host_functions_take_owned_handles() -> Result<()> {
    let mut store = Store::new(&Engine::default(), Vec::new());
    let keep = Func::wrap(
        &mut store,
        |mut caller: Caller<'_, Vec<OwnedRooted<ExternRef>>>, value: OwnedRooted<ExternRef>| {
            caller.data_mut().push(value.clone());
            caller.gc(None)?;
            Ok(value)
        },
    );
    let value = ExternRef::new(&mut store, 5)?;
    let typed = keep.typed::<Rooted<ExternRef>, Rooted<ExternRef>>(&store)?;
    let same = typed.call(&mut store, value)?;
    assert!(Rooted::ref_eq(&store, &same, &value)?);
    let kept = store.data()[0].clone();
    assert_eq!(kept.data(&store)?.unwrap().downcast_ref(), Some(&5));
    Ok(())
}

#[test]
fn values_know_the_types_of_their_objects() -> Result<()> {
    let mut store = Store::<()>::default();
    let field = FieldType::new(Mutability::Const, ValType::I32.into());
    let ty = StructType::new(store.engine(), [field])?;
    let other = StructType::new(store.engine(), [])?;
    let pre = StructRefPre::new(&mut store, ty.clone());
    let object = StructRef::new(&mut store, &pre, &[Val::I32(1)])?;
    let val = Val::from(object);
    let concrete = |ty: &StructType| ValType::from(RefType::new(false, ty.clone().into()));
    assert_eq!(val.ty(&store)?, concrete(&ty));
    assert!(val.matches_ty(&store, &concrete(&ty))?);
    assert!(val.matches_ty(&store, &ValType::EQREF)?);
    assert!(!val.matches_ty(&store, &concrete(&other))?);
    assert!(!val.matches_ty(&store, &ValType::EXTERNREF)?);
    assert!(Ref::from(Some(object)).unwrap_any().is_some());
    assert!(Ref::from(None::<Rooted<ArrayRef>>).is_null());

    let dead = {
        let mut scope = RootScope::new(&mut store);
        Ref::from(StructRef::new(&mut scope, &pre, &[Val::I32(2)])?)
    };
    assert!(dead.ty(&store).is_err());
    Ok(())
}

#[test]
fn fallible_constructors_give_errors() {
    let engine = Engine::default();
    let mut store = Store::<()>::default();
    let foreign = FuncType::new(&engine, [], []);
    assert!(Func::try_new(&mut store, foreign, |_, _, _| Ok(())).is_err());
    let native = FuncType::try_new(store.engine(), [ValType::I32], []).unwrap();
    assert!(Func::try_new(&mut store, native, |_, _, _| Ok(())).is_ok());
    let typed = Func::try_wrap(&mut store, || 3).unwrap().typed::<(), i32>(&store).unwrap();
    assert_eq!(typed.call(&mut store, ()).unwrap(), 3);
}

#[test]
fn shared_memories_can_be_forbidden() -> Result<()> {
    let engine = Engine::new(Config::new().shared_memory(false))?;
    assert!(!engine.get_shared_memory());
    let mut store = Store::new(&engine, ());
    let makes = Module::new(&engine, "(module (memory 1 1 shared))")?;
    let error = Instance::new(&mut store, &makes, &[]).unwrap_err();
    assert_eq!(error.to_string(), "shared memories are disabled in this engine");
    assert!(MemoryType::shared(1, 1).default_value(&mut store).is_err());
    let ordinary = Module::new(&engine, "(module (memory 1 1))")?;
    Instance::new(&mut store, &ordinary, &[])?;
    Ok(())
}

#[test]
fn an_engine_tells_how_it_was_configured() -> Result<()> {
    let mut config = Config::new();
    config.consume_fuel(true).epoch_interruption(true).max_wasm_stack(1 << 20);
    config.relaxed_simd_deterministic(true).wasm_backtrace(false).parallel_compilation(false);
    let engine = Engine::new(&config)?;
    assert!(engine.get_consume_fuel() && engine.get_epoch_interruption());
    assert!(engine.get_relaxed_simd_deterministic() && !engine.get_parallel_compilation());
    assert_eq!(engine.get_max_wasm_stack(), 1 << 20);
    assert_eq!(engine.get_wasm_backtrace_max_frames(), 0);
    assert_eq!(engine.get_cranelift_nan_canonicalization(), Some(false));
    Ok(())
}

#[test]
fn the_heap_has_a_size() -> Result<()> {
    let mut store = Store::<()>::default();
    assert_eq!(store.gc_heap_capacity(), 0);
    ExternRef::new(&mut store, 1)?;
    assert!(store.gc_heap_capacity() > 0);
    Ok(())
}

#[test]
fn errors_become_boxes_of_their_type() {
    let boxed = Error::from(Trap::Interrupt).into_boxed_dyn_error();
    assert_eq!(boxed.downcast_ref(), Some(&Trap::Interrupt));
    let boxed = Error::from(Trap::Interrupt).context("late").into_boxed_dyn_error();
    assert_eq!(boxed.to_string(), "late");
    assert!(boxed.source().unwrap().is::<Trap>());
}

#[test]
fn heap_types_say_where_they_stand() {
    for (ty, is_top, is_bottom) in [
        (HeapType::Any, true, false),
        (HeapType::None, false, true),
        (HeapType::Struct, false, false),
        (HeapType::Extern, true, false),
        (HeapType::NoExn, false, true),
        (HeapType::Func, true, false),
    ] {
        assert_eq!((ty.is_top(), ty.is_bottom()), (is_top, is_bottom), "{ty}");
    }
}

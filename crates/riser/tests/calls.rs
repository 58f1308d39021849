//! Calls in both directions: values, traps, errors, panics, and stacks.

mod common;

use common::{instance, trap};
use riser::*;
use std::panic::{AssertUnwindSafe, catch_unwind};

const EVERY_TYPE: &str = r#"(module
    (import "" "f" (func $f (param i32 i64 f32 f64 v128 funcref externref)
        (result externref funcref v128 f64 f32 i64 i32)))
    (func (export "f") (param i32 i64 f32 f64 v128 funcref externref)
        (result externref funcref v128 f64 f32 i64 i32)
        (call $f (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4)
            (local.get 5) (local.get 6))))"#;

/// The store's code waits on its stack meanwhile, and must find everything there afterwards.
#[test]
fn a_host_function_lets_another_thread_call() -> Result<()> {
    type Sum = Option<TypedFunc<i32, i32>>;
    let engine = Engine::default();
    let module = Module::new(
        &engine,
        r#"(module
            (import "" "elsewhere" (func $elsewhere (param i32) (result i32)))
            (func $sum (export "sum") (param $n i32) (result i32)
                (if (result i32) (i32.eqz (local.get $n))
                    (then (i32.const 0))
                    (else (i32.add (local.get $n) (call $sum (i32.sub (local.get $n) (i32.const 1)))))))
            (func $run (export "run") (param $n i32) (result i32)
                (if (result i32) (i32.eqz (local.get $n))
                    (then (i32.const 0))
                    (else (i32.add
                        (i32.mul (call $elsewhere (local.get $n)) (local.get $n))
                        (call $run (i32.sub (local.get $n) (i32.const 1))))))))"#,
    )?;
    let mut store = Store::new(&engine, Sum::None);
    let elsewhere = Func::wrap(&mut store, |mut caller: Caller<'_, Sum>, n: i32| {
        let sum = caller.data().clone().context("a function")?;
        let caller = &mut caller;
        std::thread::scope(|scope| {
            let there = scope.spawn(move || {
                let first = sum.call(&mut *caller, 1000 * n)?;
                let error = sum.call(&mut *caller, i32::MAX).unwrap_err();
                ensure!(error.downcast_ref() == Some(&Trap::StackOverflow), "{error:?}");
                Ok(first)
            });
            there.join().unwrap()
        })
    });
    let instance = Instance::new(&mut store, &module, &[elsewhere.into()])?;
    let sum = instance.get_typed_func(&mut store, "sum")?;
    *store.data_mut() = Some(sum);
    let run = instance.get_typed_func::<i32, i32>(&mut store, "run")?;
    let expected = (1..=4).map(|n| n * (1000 * n * (1000 * n + 1) / 2)).sum::<i32>();
    assert_eq!(run.call(&mut store, 4)?, expected);
    Ok(())
}

#[test]
fn values_of_every_type_go_in_and_out() -> Result<()> {
    type Any = Option<Rooted<ExternRef>>;
    let engine = Engine::default();
    let module = Module::new(&engine, EVERY_TYPE)?;
    let mut store = Store::new(&engine, ());
    let reverse = Func::wrap(
        &mut store,
        |a: i32, b: i64, c: f32, d: f64, e: V128, f: Option<Func>, g: Any| (g, f, e, d, c, b, a),
    );
    let instance = Instance::new(&mut store, &module, &[reverse.into()])?;
    let f = instance.get_func(&mut store, "f").unwrap();
    let typed = f.typed::<(i32, i64, f32, f64, V128, Option<Func>, Any), (
        Any, Option<Func>, V128, f64, f32, i64, i32,
    )>(&store)?;
    let any = ExternRef::new(&mut store, 7u8)?;
    let nan = f64::from_bits(0x7FF8_0000_0000_1234);
    let vector = V128::from(u128::MAX - 5);
    let args = (-1, i64::MIN, 1.5, nan, vector, Some(f), Some(any));
    let (g, got, e, d, c, b, a) = typed.call(&mut store, args)?;
    assert_eq!((a, b, c, d.to_bits(), e), (-1, i64::MIN, 1.5, nan.to_bits(), vector));
    assert!(got.is_some() && Rooted::ref_eq(&store, &g.unwrap(), &any)?);

    let args = [
        Val::I32(-1),
        Val::I64(2),
        Val::F32(3),
        Val::F64(4),
        Val::V128(vector),
        Val::FuncRef(None),
        Val::ExternRef(Some(any)),
    ];
    let mut results = [Val::I32(0); 7];
    f.call(&mut store, &args, &mut results)?;
    assert!(matches!(
        results,
        [
            Val::ExternRef(Some(_)),
            Val::FuncRef(None),
            Val::V128(v),
            Val::F64(4),
            Val::F32(3),
            Val::I64(2),
            Val::I32(-1),
        ] if v == vector
    ));
    Ok(())
}

#[test]
fn sixteen_arguments_with_and_without_a_caller() -> Result<()> {
    let mut store = Store::<u64>::default();
    #[rustfmt::skip]
    let sum = Func::wrap(&mut store, |mut caller: Caller<'_, u64>,
        a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64, h: u64,
        i: u64, j: u64, k: u64, l: u64, m: u64, n: u64, o: u64, p: u64| {
        let sum = a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p;
        *caller.data_mut() = sum;
        (sum, p)
    });
    type U = u64;
    let sum = sum.typed::<(U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U), (U, U)>(&store)?;
    let args = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
    assert_eq!(sum.call(&mut store, args)?, (136, 16));
    assert_eq!(*store.data(), 136);
    Ok(())
}

#[test]
fn wrong_types_are_errors() -> Result<()> {
    let (mut store, instance) = instance(
        r#"(module
            (type $t (func))
            (func (export "f") (param i32) (result i64) i64.const 0)
            (func (export "g") (param (ref $t)) (result i32) i32.const 1)
            (func (export "t") (type $t)))"#,
    )?;
    let f = instance.get_func(&mut store, "f").unwrap();
    let message = |result: Result<TypedFunc<i64, i64>>| result.unwrap_err().to_string();
    assert!(message(f.typed(&store)).contains("parameter 0 is i32, the Rust type is i64"));
    assert!(f.typed::<(), i64>(&store).is_err());
    assert!(f.typed::<i32, i32>(&store).is_err());
    assert!(f.call(&mut store, &[Val::I64(0)], &mut [Val::I32(0)]).is_err());
    assert!(f.call(&mut store, &[], &mut [Val::I32(0)]).is_err());
    assert!(f.call(&mut store, &[Val::I32(0)], &mut []).is_err());
    assert!(instance.get_typed_func::<(), ()>(&mut store, "missing").is_err());

    // A reference whose Rust type says less than the declared one is checked at each call.
    let g = instance.get_typed_func::<Option<Func>, i32>(&mut store, "g")?;
    let t = instance.get_func(&mut store, "t").unwrap();
    assert_eq!(g.call(&mut store, Some(t))?, 1);
    assert!(g.call(&mut store, Some(f)).is_err());
    assert!(g.call(&mut store, None).is_err());
    assert!(g.func().call(&mut store, &[Val::FuncRef(Some(f))], &mut [Val::I32(0)]).is_err());
    Ok(())
}

#[test]
fn results_of_dynamic_host_functions_are_checked() -> Result<()> {
    let mut store = Store::<()>::default();
    let ty = FuncType::new(store.engine(), [ValType::I32], [ValType::I32]);
    let same = Func::new(&mut store, ty.clone(), |_, args, results| {
        results[0] = args[0];
        Ok(())
    });
    let mut results = [Val::I32(0)];
    same.call(&mut store, &[Val::I32(9)], &mut results)?;
    assert_eq!(results[0].unwrap_i32(), 9);
    let wrong = Func::new(&mut store, ty, |_, _, _| Ok(()));
    let error = wrong.call(&mut store, &[Val::I32(9)], &mut results).unwrap_err();
    assert!(error.to_string().contains("incompatible type"), "{error}");
    Ok(())
}

#[test]
fn a_trap_leaves_the_store_usable() -> Result<()> {
    let (mut store, instance) = instance(
        r#"(module
            (global $n (mut i32) (i32.const 0))
            (func $fail unreachable)
            (func (export "fail") (global.set $n (i32.const 1)) (call $fail))
            (func (export "divide") (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0)))
            (func (export "get") (result i32) global.get $n))"#,
    )?;
    let fail = instance.get_typed_func::<(), ()>(&mut store, "fail")?;
    let divide = instance.get_typed_func::<i32, i32>(&mut store, "divide")?;
    let get = instance.get_typed_func::<(), i32>(&mut store, "get")?;
    for _ in 0..3 {
        let error = fail.call(&mut store, ()).unwrap_err();
        assert_eq!(trap(&error), Trap::UnreachableCodeReached);
        assert_eq!(trap(&divide.call(&mut store, 0).unwrap_err()), Trap::IntegerDivisionByZero);
        assert_eq!(get.call(&mut store, ())?, 1);
    }
    Ok(())
}

#[test]
fn backtraces_name_functions_and_offsets() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(
        &engine,
        r#"(module $m
            (import "" "fail" (func $fail))
            (func $a (export "a") (nop) (call $b))
            (func $b (call $fail)))"#,
    )?;
    let mut linker = Linker::new(&engine);
    linker.func_wrap("", "fail", |caller: Caller<'_, ()>| -> Result<()> {
        let frames = WasmBacktrace::capture(&caller);
        assert_eq!(frames.frames().len(), 2);
        bail!("a host's error")
    })?;
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module)?;
    let a = instance.get_typed_func::<(), ()>(&mut store, "a")?;
    let error = a.call(&mut store, ()).unwrap_err();
    let trace = error.downcast_ref::<WasmBacktrace>().unwrap();
    let names: Vec<_> = trace.frames().iter().map(|frame| frame.func_name().unwrap()).collect();
    assert_eq!(names, ["b", "a"]);
    let indices: Vec<_> = trace.frames().iter().map(|frame| frame.func_index()).collect();
    assert_eq!(indices, [2, 1]);
    // One byte of locals, then `call` in `b`; `nop` before it in `a`.
    let offsets: Vec<_> = trace.frames().iter().map(|frame| frame.func_offset()).collect();
    assert_eq!(offsets, [Some(1), Some(2)]);
    assert!(error.to_string().contains("m!b"), "{error}");
    assert_eq!(error.root_cause().to_string(), "a host's error");

    let mut config = Config::new();
    config.wasm_backtrace(false);
    let engine = Engine::new(&config)?;
    let module = Module::new(&engine, r#"(module (func (export "f") unreachable))"#)?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let f = instance.get_typed_func::<(), ()>(&mut store, "f")?;
    assert!(f.call(&mut store, ()).unwrap_err().downcast_ref::<WasmBacktrace>().is_none());
    Ok(())
}

/// A guest between two layers of the host: `f` of the host calls `g` of the guest and so on.
const BETWEEN: &str = r#"(module
    (import "" "host" (func $host (param i32) (result i32)))
    (func (export "guest") (param i32) (result i32)
        (i32.add (i32.const 1) (call $host (local.get 0)))))"#;

fn ping_pong(
    at_the_end: impl Fn() -> Result<i32> + Send + Sync + 'static,
) -> Result<(Store<()>, TypedFunc<i32, i32>)> {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    linker.func_wrap("", "host", move |mut caller: Caller<'_, ()>, n: i32| -> Result<i32> {
        if n == 0 {
            return at_the_end();
        }
        let Some(Extern::Func(guest)) = caller.get_export("guest") else { bail!("no guest") };
        guest.typed::<i32, i32>(&caller)?.call(&mut caller, n - 1)
    })?;
    let module = Module::new(&engine, BETWEEN)?;
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module)?;
    let guest = instance.get_typed_func(&mut store, "guest")?;
    Ok((store, guest))
}

#[test]
fn host_functions_call_back() -> Result<()> {
    let (mut store, guest) = ping_pong(|| Ok(0))?;
    assert_eq!(guest.call(&mut store, 0)?, 1);
    assert_eq!(guest.call(&mut store, 100)?, 101);
    Ok(())
}

#[test]
fn errors_pass_through_all_layers() -> Result<()> {
    let (mut store, guest) = ping_pong(|| Err(Error::from(Trap::CastFailure).context("here")))?;
    for depth in [0, 1, 20] {
        let error = guest.call(&mut store, depth).unwrap_err();
        assert_eq!(trap(&error), Trap::CastFailure);
        let trace = error.downcast_ref::<WasmBacktrace>().unwrap();
        assert_eq!(trace.frames().len(), 20.min(depth as usize + 1));
    }
    Ok(())
}

#[test]
fn panics_pass_through_all_layers() -> Result<()> {
    let (mut store, guest) = ping_pong(|| std::panic::panic_any(1234u32))?;
    for depth in [0, 1, 20] {
        let call = || guest.call(&mut store, depth);
        let panic = catch_unwind(AssertUnwindSafe(call)).unwrap_err();
        assert_eq!(panic.downcast_ref::<u32>(), Some(&1234));
    }
    // The store is as it was: a call of the host by the host panics too, and others still work.
    let double = Func::wrap(&mut store, |n: i32| n * 2);
    assert_eq!(double.typed::<i32, i32>(&store)?.call(&mut store, 4)?, 8);
    Ok(())
}

#[test]
fn endless_recursion_through_the_host_is_a_trap_on_a_small_thread() {
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    let run = || -> Result<()> {
        let (mut store, guest) = ping_pong(|| Ok(0))?;
        for _ in 0..2 {
            let error = guest.call(&mut store, i32::MAX).unwrap_err();
            assert_eq!(trap(&error), Trap::StackOverflow);
        }
        assert_eq!(guest.call(&mut store, 50)?, 51);
        Ok(())
    };
    thread.spawn(run).unwrap().join().unwrap().unwrap();
}

#[test]
fn endless_recursion_in_the_guest_is_a_trap() -> Result<()> {
    let text = r#"(module
        (table funcref (elem $indirect))
        (func $direct (export "direct") (call $direct))
        (func $indirect (export "indirect") (call_indirect (i32.const 0)))
        (func $wide (export "wide") (local v128 v128 v128 v128) (call $wide))
        (func (export "depth") (param i32) (result i32)
            (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))
                (else (i32.add (i32.const 1) (call 3 (i32.sub (local.get 0) (i32.const 1))))))))"#;
    let run = move || -> Result<()> {
        let (mut store, instance) = instance(text)?;
        for name in ["direct", "indirect", "wide"] {
            let f = instance.get_typed_func::<(), ()>(&mut store, name)?;
            assert_eq!(trap(&f.call(&mut store, ()).unwrap_err()), Trap::StackOverflow, "{name}");
        }
        let depth = instance.get_typed_func::<i32, i32>(&mut store, "depth")?;
        assert_eq!(depth.call(&mut store, 10_000)?, 10_000);
        Ok(())
    };
    // A guest's recursion is not on the host's stack.
    std::thread::Builder::new().stack_size(256 << 10).spawn(run).unwrap().join().unwrap()
}

#[test]
fn the_stack_of_guests_has_the_configured_size() -> Result<()> {
    let depth = |strategy, bytes: usize| -> Result<Option<i32>> {
        let mut config = Config::new();
        config.strategy(strategy).max_wasm_stack(bytes);
        // Not every platform has every compiler.
        let Ok(engine) = Engine::new(&config) else { return Ok(None) };
        let module = Module::new(
            &engine,
            r#"(module
                (global $n (export "n") (mut i32) (i32.const 0))
                (func $f (export "f")
                    (global.set $n (i32.add (i32.const 1) (global.get $n))) (call $f)))"#,
        )?;
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[])?;
        let f = instance.get_typed_func::<(), ()>(&mut store, "f")?;
        assert_eq!(trap(&f.call(&mut store, ()).unwrap_err()), Trap::StackOverflow);
        Ok(Some(instance.get_global(&mut store, "n").unwrap().get(&mut store).unwrap_i32()))
    };
    // Where functions get better code while they run, their frames become smaller meanwhile.
    for strategy in [Strategy::Interpreter, Strategy::Baseline, Strategy::Cranelift] {
        let both = depth(strategy, 64 << 10)?.zip(depth(strategy, 640 << 10)?);
        let Some((small, large)) = both else { continue };
        assert!(small > 100 && large > 9 * small && large < 11 * small, "{small} {large}");
    }
    Ok(())
}

//! Backtraces are the same in all ways to run, also where one instruction of the machine does what several operators say.

mod common;

use common::configs;
use riser::{
    AsContext, Caller, Engine, Error, Func, Instance, Module, Result, Store, WasmBacktrace,
};

/// An engine per way to run.
fn engines() -> Result<Vec<Engine>> {
    configs().iter().map(Engine::new).collect()
}

/// The functions and places of a backtrace.
fn frames(trace: &WasmBacktrace) -> Vec<(u32, usize)> {
    let place = |offset: Option<usize>| offset.expect("code of this module");
    trace.frames().iter().map(|frame| (frame.func_index(), place(frame.module_offset()))).collect()
}

/// The frames of the trap of an export that is called with an address that is in no memory and no table.
fn trap(engine: &Engine, binary: &[u8], export: &str) -> Result<Vec<(u32, usize)>> {
    let module = Module::new(engine, binary)?;
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let func = instance.get_typed_func::<i32, i32>(&mut store, export)?;
    let error: Error = func.call(&mut store, -16).unwrap_err();
    Ok(frames(error.downcast_ref::<WasmBacktrace>().expect("a trap has a backtrace")))
}

/// A load is often an operand of the instruction that uses what was loaded.
#[test]
fn a_load_that_another_operator_takes_in_traps_where_it_stands() -> Result<()> {
    // Each with the first byte of what traps.
    let bodies = [
        (0x28, "(i32.add (i32.load (local.get 0)) (local.get 0))"),
        (
            0x28,
            "(if (result i32) (i32.eq (i32.load (local.get 0)) (i32.const 7))
                (then (i32.const 1)) (else (local.get 0)))",
        ),
        (0x2D, "(i32.eqz (i32.load8_u (local.get 0)))"),
        (
            0x28,
            "(i32.store (local.get 0) (i32.add (i32.load (local.get 0)) (i32.const 3)))
                (i32.const 0)",
        ),
        (0x2A, "(i32.reinterpret_f32 (f32.mul (f32.const 3) (f32.load (local.get 0))))"),
        (0x35, "(i32.wrap_i64 (i64.add (i64.load32_u (local.get 0)) (i64.const 0x123456789)))"),
        // The optimizer makes one splat of the two.
        (
            0xFD,
            "(i16x8.extract_lane_s 3 (i16x8.extend_low_i8x16_u (v128.load8_splat (local.get 0))))",
        ),
        // Each of the two is taken in, and what takes the first one in comes behind the second one.
        (
            0x28,
            "(i32.add (i32.sub (i32.const 7) (i32.load (local.get 0))) (i32.load (i32.const 4)))",
        ),
        (0x25, "(ref.is_null (table.get (local.get 0)))"),
    ];
    for (first, body) in bodies {
        let text = format!(
            r#"(module (memory 1) (table 3 externref)
                (func (export "f") (param i32) (result i32) {body}))"#
        );
        let binary = wat::parse_str(&text)?;
        for engine in engines()? {
            let frames = trap(&engine, &binary, "f")?;
            assert_eq!(frames.len(), 1, "{body}");
            assert_eq!(binary[frames[0].1], first, "{body} in {:?}", engine.config());
        }
    }
    Ok(())
}

/// What a host function sees of the guests that wait for it, and the instance that it calls.
#[derive(Default)]
struct Seen {
    funcs: Vec<Vec<u32>>,
    instance: Option<Instance>,
}

/// A function that replaces itself by one of the host is not there any more; one that waits for the host is, also while
/// the host calls another guest.
#[test]
fn the_host_sees_the_functions_that_wait_for_it() -> Result<()> {
    fn host(mut caller: Caller<'_, Seen>, next: i32) -> Result<()> {
        let trace = WasmBacktrace::force_capture(caller.as_context());
        let funcs = trace.frames().iter().map(|frame| frame.func_index()).collect();
        caller.data_mut().funcs.push(funcs);
        let Some(name) = ["direct", "call", "replaced", "h"].get(next as usize) else {
            return Ok(());
        };
        let instance = caller.data().instance.expect("it was made");
        instance.get_typed_func::<i32, ()>(&mut caller, name)?.call(&mut caller, next + 1)
    }
    for engine in engines()? {
        let module = Module::new(
            &engine,
            r#"(module
                (import "" "h" (func $h (param i32)))
                (export "h" (func $h))
                (func (export "direct") (param i32) (call $h (local.get 0)))
                (func (export "call") (param i32) (call $replaced (local.get 0)))
                (func $replaced (export "replaced") (param i32) (return_call $h (local.get 0))))"#,
        )?;
        let mut store = Store::new(&engine, Seen::default());
        let host = Func::wrap(&mut store, host);
        let instance = Instance::new(&mut store, &module, &[host.into()])?;
        store.data_mut().instance = Some(instance);
        instance.get_typed_func::<i32, ()>(&mut store, "h")?.call(&mut store, 0)?;
        let expected: [&[u32]; 5] = [&[], &[1], &[2, 1], &[2, 1], &[2, 1]];
        assert_eq!(store.data().funcs, expected, "{:?}", engine.config());
    }
    Ok(())
}

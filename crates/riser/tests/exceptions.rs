//! Exceptions between guests and hosts, and where it is tight: deep stacks, huge frames, no end of throwing.

mod common;

use common::{instance, trap};
use riser::*;

/// A module that calls the host in a `try`, and has a tag in common with it.
const GUEST: &str = r#"(module
    (import "host" "tag" (tag $e (param i32)))
    (import "host" "call" (func $call (param i32)))
    (memory 1) (data (i32.const 0) "\2a")
    (func (export "catch") (param i32) (result i32)
        (block $h (result i32)
            (try_table (catch $e $h) (call $call (local.get 0)))
            (i32.const -1))
        (i32.add (i32.load8_u (i32.const 0))))
    (func (export "catch-all") (param i32) (result i32)
        (block $h
            (try_table (catch_all $h) (call $call (local.get 0)))
            (return (i32.const -1)))
        (i32.const 1))
    (func (export "tail-call") (param i32)
        (try_table (catch_all 0) (return_call $call (local.get 0))))
    (func (export "tail-call-caught") (param i32) (result i32)
        (block $h (result i32)
            (try_table (catch $e $h) (call 3 (local.get 0)))
            (i32.const -1)))
    (func (export "throw") (param i32) (throw $e (local.get 0))))"#;

/// What the host function does, given the number that it is called with.
type Host = fn(Caller<'_, ()>, i32, Tag) -> Result<()>;

/// An instance of the guest, and the tag.
fn with_host(host: Host) -> Result<(Store<()>, Instance, Tag)> {
    let engine = Engine::default();
    let module = Module::new(&engine, GUEST)?;
    let mut store = Store::new(&engine, ());
    let ty = ExnType::new(&engine, [ValType::I32])?;
    let tag = Tag::new(&mut store, &ty.tag_type())?;
    let call = Func::wrap(&mut store, move |caller: Caller<'_, ()>, n: i32| host(caller, n, tag));
    let instance = Instance::new(&mut store, &module, &[tag.into(), call.into()])?;
    Ok((store, instance, tag))
}

fn call(store: &mut Store<()>, instance: Instance, name: &str, n: i32) -> Result<i32> {
    instance.get_typed_func::<i32, i32>(&mut *store, name)?.call(store, n)
}

/// Throws an exception with a number.
fn throw(mut store: impl AsContextMut, tag: Tag, n: i32) -> Result<()> {
    let ty = ExnType::from_tag_type(&tag.ty(&store))?;
    let allocator = ExnRefPre::new(&mut store, ty);
    let exception = ExnRef::new(&mut store, &allocator, &tag, &[Val::I32(n)])?;
    store.as_context_mut().throw(exception)
}

#[test]
fn guests_catch_what_hosts_throw() -> Result<()> {
    let (mut store, instance, _) = with_host(|caller, n, tag| throw(caller, tag, n))?;
    assert_eq!(call(&mut store, instance, "catch", 5)?, 47);
    assert_eq!(call(&mut store, instance, "catch-all", 5)?, 1);
    assert!(!store.has_pending_exception());
    Ok(())
}

#[test]
fn context_does_not_hide_what_is_thrown() -> Result<()> {
    let (mut store, instance, _) =
        with_host(|caller, n, tag| throw(caller, tag, n).context("the host threw"))?;
    assert_eq!(call(&mut store, instance, "catch", 5)?, 47);
    Ok(())
}

#[test]
fn guests_do_not_catch_errors_and_traps_of_hosts() -> Result<()> {
    let (mut store, instance, _) = with_host(|_, n, _| match n {
        0 => bail!("no"),
        1 => Err(Trap::CastFailure.into()),
        // There is no exception: this is an error like any other.
        _ => Err(ThrownException.into()),
    })?;
    let error = call(&mut store, instance, "catch-all", 0).unwrap_err();
    assert_eq!(error.root_cause().to_string(), "no");
    assert_eq!(trap(&call(&mut store, instance, "catch-all", 1).unwrap_err()), Trap::CastFailure);
    assert!(call(&mut store, instance, "catch-all", 2).unwrap_err().is::<ThrownException>());
    assert!(!store.has_pending_exception());
    Ok(())
}

#[test]
fn a_tail_call_of_a_host_function_has_left_the_try() -> Result<()> {
    let (mut store, instance, tag) = with_host(|caller, n, tag| throw(caller, tag, n))?;
    let tail = instance.get_typed_func::<i32, ()>(&mut store, "tail-call")?;
    assert!(tail.call(&mut store, 3).unwrap_err().is::<ThrownException>());
    let exception = store.take_pending_exception().unwrap();
    assert!(Tag::eq(&exception.tag(&mut store)?, &tag, &store));
    assert_eq!(call(&mut store, instance, "tail-call-caught", 3)?, 3);
    Ok(())
}

#[test]
fn what_nobody_catches_is_the_hosts() -> Result<()> {
    let (mut store, instance, tag) = with_host(|_, _, _| Ok(()))?;
    let run = instance.get_typed_func::<i32, ()>(&mut store, "throw")?;
    let error = run.call(&mut store, 9).unwrap_err();
    assert!(error.is::<ThrownException>());
    let trace = error.downcast_ref::<WasmBacktrace>().unwrap();
    assert_eq!(trace.frames().len(), 1);
    assert!(store.has_pending_exception());
    let exception = store.take_pending_exception().unwrap();
    assert!(store.take_pending_exception().is_none());
    assert!(Tag::eq(&exception.tag(&mut store)?, &tag, &store));
    assert_eq!(exception.fields(&mut store)?.map(|val| val.unwrap_i32()).collect::<Vec<_>>(), [9]);
    assert!(exception.field(&mut store, 1).is_err());
    assert!(exception.ty(&store)?.matches(&ExnType::from_tag_type(&tag.ty(&store))?));
    assert!(exception.matches_ty(&store, &HeapType::Exn)?);
    // What is not taken is replaced by what comes next.
    for n in [1, 2] {
        assert!(run.call(&mut store, n).is_err());
    }
    let exception = store.take_pending_exception().unwrap();
    assert_eq!(exception.field(&mut store, 0)?.i32(), Some(2));
    Ok(())
}

/// Guest, host, guest, host, guest …: each calls the next one, and the last one throws.
#[test]
fn exceptions_pass_through_many_activations() -> Result<()> {
    let text = r#"(module
        (import "host" "again" (func $again (param i32 i32)))
        (import "host" "tag" (tag $e (param i32)))
        (func (export "down") (param $depth i32) (param $caught-at i32)
            (block $h (result i32)
                (if (i32.eqz (local.get $depth)) (then (throw $e (i32.const 100))))
                (if (i32.eq (local.get $depth) (local.get $caught-at))
                    (then
                        (try_table (catch $e $h)
                            (call $again (local.get $depth) (local.get $caught-at)))))
                (call $again (local.get $depth) (local.get $caught-at))
                (return))
            (throw $e (i32.add (i32.const 1)))))"#;
    let engine = Engine::default();
    let module = Module::new(&engine, text)?;
    let mut store = Store::new(&engine, None::<Func>);
    let ty = ExnType::new(&engine, [ValType::I32])?;
    let tag = Tag::new(&mut store, &ty.tag_type())?;
    let again = |mut caller: Caller<'_, Option<Func>>, depth: i32, caught_at: i32| {
        let down = caller.data().unwrap().typed::<(i32, i32), ()>(&caller)?;
        let outcome = down.call(&mut caller, (depth - 1, caught_at));
        if depth % 10 != 0 {
            return outcome;
        }
        // Some hosts look at it, and throw it again.
        let error = outcome.unwrap_err();
        assert!(error.is::<ThrownException>());
        let exception = caller.as_context_mut().take_pending_exception().unwrap();
        assert!(exception.field(&mut caller, 0)?.unwrap_i32() >= 100);
        caller.as_context_mut().throw(exception)
    };
    let again = Func::wrap(&mut store, again);
    let instance = Instance::new(&mut store, &module, &[again.into(), tag.into()])?;
    let down = instance.get_func(&mut store, "down").unwrap();
    *store.data_mut() = Some(down);
    let down = down.typed::<(i32, i32), ()>(&store)?;
    for (depth, caught_at, found) in [(50, 25, 101), (50, 50, 101), (50, 0, 100), (7, 1, 101)] {
        assert!(down.call(&mut store, (depth, caught_at)).is_err());
        let exception = store.take_pending_exception().unwrap();
        assert_eq!(exception.field(&mut store, 0)?.i32(), Some(found));
    }
    Ok(())
}

#[test]
fn a_throw_from_a_hundred_thousand_frames_deep_is_caught() -> Result<()> {
    let text = r#"(module
        (tag $e (param i32))
        (func $down (param i32)
            (if (i32.eqz (local.get 0)) (then (throw $e (i32.const 7))))
            (call $down (i32.sub (local.get 0) (i32.const 1)))
            (call $down (i32.const 0)))
        ;; Each frame has a handler for something else.
        (tag $other)
        (func $trying (param i32)
            (if (i32.eqz (local.get 0)) (then (throw $e (i32.const 8))))
            (try_table (catch $other 0) (call $trying (i32.sub (local.get 0) (i32.const 1)))))
        ;; Each frame catches, and throws again.
        (func $again (param i32)
            (if (i32.eqz (local.get 0)) (then (throw $e (i32.const 9))))
            (block $h (result exnref)
                (try_table (catch_all_ref $h) (call $again (i32.sub (local.get 0) (i32.const 1))))
                (return))
            (throw_ref))
        (table funcref (elem $down $trying $again))
        (func (export "caught") (param $which i32) (param $depth i32) (result i32)
            (block $h (result i32)
                (try_table (catch $e $h)
                    (call_indirect (param i32) (local.get $depth) (local.get $which)))
                (i32.const 0)))
        (func (export "uncaught") (param $which i32) (param $depth i32)
            (call_indirect (param i32) (local.get $depth) (local.get $which))))"#;
    let mut config = Config::new();
    config.max_wasm_stack(64 << 20);
    let engine = Engine::new(&config)?;
    let module = Module::new(&engine, text)?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let caught = instance.get_typed_func::<(i32, i32), i32>(&mut store, "caught")?;
    let uncaught = instance.get_typed_func::<(i32, i32), ()>(&mut store, "uncaught")?;
    for which in 0..3 {
        assert_eq!(caught.call(&mut store, (which, 100_000))?, 7 + which);
        let error = uncaught.call(&mut store, (which, 100_000)).unwrap_err();
        assert!(error.is::<ThrownException>());
        let exception = store.take_pending_exception().unwrap();
        assert_eq!(exception.field(&mut store, 0)?.i32(), Some(7 + which));
        // Too deep is a trap, which nobody catches.
        let error = caught.call(&mut store, (which, i32::MAX)).unwrap_err();
        assert_eq!(trap(&error), Trap::StackOverflow);
    }
    Ok(())
}

/// A function with 50,000 locals (the last one of type `exnref`) and 20,000 operands around `body`.
fn huge(body: &str) -> String {
    let locals =
        format!("(local {}) (local {}) (local exnref)", "i64 ".repeat(49_000), "v128 ".repeat(900));
    let operands: String = (0..20_000).map(|n| format!("(i64.const {n})")).collect();
    let drops = "drop ".repeat(20_000);
    format!(
        r#"(module (tag $e (param i32 v128))
            (func $raise (param i32) (throw $e (local.get 0) (v128.const i64x2 40 2)))
            (func (export "f") (param i32) (result i64) {locals}
                (local.set 1 (i64.const 1000))
                (local.set 49000 (i64.const 20000))
                {operands} {body}
                (i64x2.extract_lane 0) (local.set 2) (i64.extend_i32_u) (i64.add (local.get 2))
                (i64.add (local.get 1)) (i64.add (local.get 49000)) (local.set 49000)
                {drops} (local.get 49000)))"#
    )
}

#[test]
fn frames_that_sixteen_bits_cannot_describe_catch() -> Result<()> {
    let new = "block $h (result i32 v128)
        try_table (catch $e $h) (call $raise (local.get 0)) end
        unreachable end";
    let with_ref = "block $h1 (result i32 v128)
        block $h2 (result i32 v128 exnref)
        try_table (catch_ref $e $h2) (call $raise (local.get 0)) end
        unreachable end
        local.set 49901 drop drop
        try_table (catch $e $h1) (throw_ref (local.get 49901)) end
        unreachable end";
    let legacy = "try (result i32 v128)
        try (call $raise (local.get 0))
        catch $e drop drop rethrow 0 end
        (i32.const 0) (v128.const i64x2 0 0)
        catch $e end";
    for body in [new, with_ref, legacy] {
        let mut config = Config::new();
        config.wasm_legacy_exceptions(true);
        let engine = Engine::new(&config)?;
        let module = Module::new(&engine, huge(body))?;
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[])?;
        let f = instance.get_typed_func::<i32, i64>(&mut store, "f")?;
        assert_eq!(f.call(&mut store, 300)?, 21_340);
    }
    Ok(())
}

#[test]
fn fuel_is_exact_at_throws_and_handlers() -> Result<()> {
    let engine = Engine::new(Config::new().consume_fuel(true))?;
    let text = r#"(module (tag $e (param i32)) (import "host" "look" (func $look))
        (func $raise (param i32)
            (throw $e (i32.add (local.get 0) (i32.const 1))))
        (func (export "run") (result i32)
            (block $h (result i32)
                (try_table (catch $e $h)
                    (call $raise (i32.const 1)))
                (i32.const 0))
            (call $look)))"#;
    let mut store = Store::new(&engine, Vec::new());
    let look = Func::wrap(&mut store, |mut caller: Caller<'_, Vec<u64>>| {
        let fuel = caller.get_fuel()?;
        caller.data_mut().push(fuel);
        Ok(())
    });
    let instance = Instance::new(&mut store, &Module::new(&engine, text)?, &[look.into()])?;
    let run = instance.get_typed_func::<(), i32>(&mut store, "run")?;
    store.set_fuel(100)?;
    assert_eq!(run.call(&mut store, ())?, 2);
    // i32.const, call, local.get, i32.const, i32.add, throw, call.
    assert_eq!(store.data(), &[93]);
    assert_eq!(store.get_fuel()?, 93);
    // Six do not suffice for the call behind the handler.
    store.set_fuel(6)?;
    assert_eq!(trap(&run.call(&mut store, ()).unwrap_err()), Trap::OutOfFuel);
    Ok(())
}

#[test]
fn start_functions_throw() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(&engine, "(module (tag $e) (func $f (throw $e)) (start $f))")?;
    let mut store = Store::new(&engine, ());
    let error = Instance::new(&mut store, &module, &[]).unwrap_err();
    assert!(error.is::<ThrownException>());
    assert!(store.take_pending_exception().is_some());
    Ok(())
}

#[test]
fn wrong_values_make_no_exception() -> Result<()> {
    let mut store = Store::<()>::default();
    let ty = ExnType::new(store.engine(), [ValType::I32])?;
    let other = ExnType::new(store.engine(), [ValType::I64])?;
    let tag = Tag::new(&mut store, &ty.tag_type())?;
    let allocator = ExnRefPre::new(&mut store, ty);
    assert!(ExnRef::new(&mut store, &allocator, &tag, &[]).is_err());
    assert!(ExnRef::new(&mut store, &allocator, &tag, &[Val::I64(1)]).is_err());
    let allocator = ExnRefPre::new(&mut store, other.clone());
    assert!(ExnRef::new(&mut store, &allocator, &tag, &[Val::I64(1)]).is_err());
    let has_results = TagType::new(FuncType::new(store.engine(), [], [ValType::I32]));
    assert!(ExnType::from_tag_type(&has_results).is_err());
    Ok(())
}

#[test]
fn a_hundred_thousand_nested_blocks_catch() -> Result<()> {
    let depth = 100_000;
    let text = format!(
        "(module (tag $e) (tag $other) (func (export \"f\") (result i32) {} (throw $e) {} (i32.const 5)))",
        "block try_table (catch $other 0) ".repeat(depth),
        "end unreachable end ".repeat(depth)
    );
    let wrapped =
        text.replace("(result i32) block", "(result i32) block try_table (catch_all 0) block");
    let wrapped = wrapped.replace(" (i32.const 5)", " end unreachable end (i32.const 5)");
    let (mut store, uncaught) = instance(&text)?;
    let f = uncaught.get_typed_func::<(), i32>(&mut store, "f")?;
    assert!(f.call(&mut store, ()).unwrap_err().is::<ThrownException>());
    let (mut store, caught) = instance(&wrapped)?;
    let f = caught.get_typed_func::<(), i32>(&mut store, "f")?;
    assert_eq!(f.call(&mut store, ())?, 5);
    Ok(())
}

/// Throws for ever, with a payload that lives on the heap, and keeps little.
const RESTLESS: &str = r#"(module
    (type $pair (struct (field i32) (field (ref null $pair))))
    (tag $e (param (ref $pair) i32))
    (tag $none)
    (import "host" "collect" (func $collect))
    (func $raise (param i32)
        (throw $e
            (struct.new $pair (local.get 0) (struct.new $pair (i32.const 100) (ref.null $pair)))
            (i32.const 1000)))
    ;; The sum of what is in the payload.
    (func $sum (param (ref $pair) i32) (result i32)
        (i32.add (local.get 1) (i32.add (struct.get $pair 0 (local.get 0))
            (struct.get $pair 0 (struct.get $pair 1 (local.get 0))))))
    (func (export "often") (param i32) (result i32) (local $sum i32)
        (loop $again
            (block $h (result (ref $pair) i32)
                (try_table (catch $e $h) (call $raise (local.get 0)))
                (unreachable))
            (call $collect)
            (call $sum)
            (local.set $sum)
            (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get $sum))
    ;; Exceptions in locals and on the stack, while others are made and dropped.
    (func (export "kept") (param i32) (result i32) (local $first exnref) (local $n i32)
        (block $h (result (ref $pair) i32 exnref)
            (try_table (catch_ref $e $h) (call $raise (local.get 0)))
            (unreachable))
        (local.set $first) (drop) (drop)
        (block $h (result (ref $pair) i32 exnref)
            (try_table (catch_ref $e $h) (call $raise (i32.const 5)))
            (unreachable))
        (local.set $n (i32.const 200))
        (loop $again
            (block $h (result (ref $pair) i32)
                (try_table (catch $e $h) (call $raise (local.get $n)))
                (unreachable))
            (drop) (drop)
            (call $collect)
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (drop)
        (call $sum)
        (block $h (result (ref $pair) i32)
            (try_table (catch $e $h) (throw_ref (local.get $first)))
            (unreachable))
        (call $sum)
        (i32.sub))
    (func (export "legacy") (param i32) (result i32)
        try (result i32)
            try
                (call $raise (local.get 0))
            catch $e
                drop drop
                try
                    (throw $none)
                catch $none
                    (call $collect)
                    rethrow 1
                end
            end
            i32.const 0
        catch $e
            (call $collect)
            (call $sum)
        end))"#;

#[test]
fn exceptions_and_what_they_carry_move_and_go() -> Result<()> {
    for stress in [false, true] {
        let mut config = Config::new();
        config.wasm_legacy_exceptions(true).gc_stress(stress);
        let engine = Engine::new(&config)?;
        let module = Module::new(&engine, RESTLESS)?;
        let mut store = Store::new(&engine, ());
        let collect =
            Func::wrap(&mut store, |mut caller: Caller<'_, ()>| caller.as_context_mut().gc(None));
        let instance = Instance::new(&mut store, &module, &[collect.into()])?;
        assert_eq!(call(&mut store, instance, "often", 1000)?, 1101);
        assert_eq!(call(&mut store, instance, "kept", 7)?, 5 - 7);
        assert_eq!(call(&mut store, instance, "legacy", 7)?, 1107);
    }
    Ok(())
}

#[test]
fn a_million_exceptions_take_no_more_memory_than_one() -> Result<()> {
    let text = r#"(module (tag $e (param i64 i64 v128))
        (func $raise (throw $e (i64.const 1) (i64.const 2) (v128.const i64x2 3 4)))
        (func (export "f") (param i32) (result i32)
            (loop $again (result i32)
                (block $h (result i64 i64 v128)
                    (try_table (catch $e $h) (call $raise))
                    (unreachable))
                (drop) (drop) (drop)
                (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))
                (i32.const 1))))"#;
    let engine = Engine::default();
    let module = Module::new(&engine, text)?;
    let limits = StoreLimitsBuilder::new().memory_size(1 << 20).build();
    let mut store = Store::new(&engine, limits);
    store.limiter(|limits| limits);
    let instance = Instance::new(&mut store, &module, &[])?;
    let f = instance.get_typed_func::<i32, i32>(&mut store, "f")?;
    assert_eq!(f.call(&mut store, 1_000_000)?, 1);
    Ok(())
}

#[test]
fn a_pending_exception_survives_collections() -> Result<()> {
    let (mut store, instance, _) = with_host(|_, _, _| Ok(()))?;
    let run = instance.get_typed_func::<i32, ()>(&mut store, "throw")?;
    for n in 0..100 {
        assert!(run.call(&mut store, n).is_err());
        store.gc(None)?;
        ExternRef::new(&mut store, n)?;
        store.gc(None)?;
        let mut scope = RootScope::new(&mut store);
        let exception = scope.as_context_mut().take_pending_exception().unwrap();
        scope.as_context_mut().gc(None)?;
        assert_eq!(exception.field(&mut scope, 0)?.i32(), Some(n));
    }
    Ok(())
}

#[test]
fn exceptions_are_values_of_the_host() -> Result<()> {
    let text = r#"(module (tag $e (param i32))
        (table (export "table") 2 exnref)
        (global (export "global") (mut exnref) (ref.null exn))
        (func (export "make") (param i32) (result exnref)
            (try_table (catch_all_ref 0) (throw $e (local.get 0)))
            (unreachable))
        (func (export "throw") (param (ref exn)) (throw_ref (local.get 0))))"#;
    let (mut store, instance) = instance(text)?;
    type Exn = Option<Rooted<ExnRef>>;
    let make = instance.get_typed_func::<i32, Exn>(&mut store, "make")?;
    let exception = make.call(&mut store, 3)?.unwrap();
    let table = instance.get_table(&mut store, "table").unwrap();
    table.set(&mut store, 1, Ref::Exn(Some(exception)))?;
    let global = instance.get_global(&mut store, "global").unwrap();
    global.set(&mut store, Val::ExnRef(Some(exception)))?;
    store.gc(None)?;
    let Some(Ref::Exn(Some(found))) = table.get(&mut store, 1) else { panic!("an exception") };
    assert!(Rooted::ref_eq(&store, &found, &exception)?);
    let throw = instance.get_typed_func::<Rooted<ExnRef>, ()>(&mut store, "throw")?;
    assert!(throw.call(&mut store, found).unwrap_err().is::<ThrownException>());
    let thrown = store.take_pending_exception().unwrap();
    assert!(Rooted::ref_eq(&store, &thrown, &exception)?);
    assert_eq!(thrown.field(&mut store, 0)?.i32(), Some(3));
    Ok(())
}

#[test]
fn frames_show_no_hidden_locals() -> Result<()> {
    let text = r#"(module (tag $e (param i32))
        (import "host" "look" (func $look))
        (func (export "f") (param i32) (result i32) (local $x i64)
            i32.const 5
            try (result i32)
                (throw $e (i32.const 3))
            catch $e
                call $look
                (if (i32.eqz (local.get 0)) (then (rethrow 1)))
            end
            i32.add))"#;
    let mut config = Config::new();
    config.wasm_legacy_exceptions(true).strategy(Strategy::Interpreter);
    let engine = Engine::new(&config)?;
    let mut store = Store::new(&engine, 0);
    let look = Func::wrap(&mut store, |mut caller: Caller<'_, i32>| {
        let frames = WasmFrame::capture(&mut caller);
        let ints = |vals: &[Val]| vals.iter().map(|val| val.i32()).collect::<Vec<_>>();
        assert_eq!(ints(frames[0].locals()), [Some(7), None]);
        assert_eq!(ints(frames[0].operands()), [Some(5), Some(3)]);
        *caller.data_mut() += 1;
    });
    let instance = Instance::new(&mut store, &Module::new(&engine, text)?, &[look.into()])?;
    let f = instance.get_typed_func::<i32, i32>(&mut store, "f")?;
    assert_eq!(f.call(&mut store, 7)?, 8);
    assert_eq!(*store.data(), 1);
    Ok(())
}

#[test]
fn hosts_throw_at_hosts() -> Result<()> {
    let mut store = Store::<()>::default();
    let ty = ExnType::new(store.engine(), [ValType::I32])?;
    let tag = Tag::new(&mut store, &ty.tag_type())?;
    let thrower =
        Func::wrap(&mut store, move |caller: Caller<'_, ()>, n: i32| throw(caller, tag, n));
    let error = thrower.typed::<i32, ()>(&store)?.call(&mut store, 4).unwrap_err();
    assert!(error.is::<ThrownException>());
    let exception = store.take_pending_exception().unwrap();
    assert_eq!(exception.field(&mut store, 0)?.i32(), Some(4));
    assert!(store.throw::<()>(exception).unwrap_err().is::<ThrownException>());
    assert!(store.has_pending_exception());
    Ok(())
}

/// A loop in handlers is replaced, too: what they caught goes along, and is thrown again from code that was entered behind its handler.
#[test]
fn loops_in_handlers_are_replaced_with_what_was_caught() -> Result<()> {
    const TEXT: &str = r#"(module
        (tag $e (param i32)) (tag $f)
        (func (export "f") (param i32) (result i32) (local $i i32) (local $j i32) (local $sum i32)
            (loop $around
                try
                    (throw $e (i32.add (local.get 0) (local.get $i)))
                catch $e
                    (local.set $sum (i32.add (local.get $sum)))
                    try
                        (throw $f)
                    catch_all
                        (local.set $j (i32.const 0))
                        (loop $inside
                            try
                                rethrow 3
                            catch $e
                                (local.set $sum (i32.add (local.get $sum)))
                            end
                            try
                                rethrow 2
                            catch $f
                                (local.set $sum (i32.add (local.get $sum) (i32.const 1000)))
                            end
                            (local.set $j (i32.add (local.get $j) (i32.const 1)))
                            (br_if $inside (i32.lt_u (local.get $j) (i32.const 10))))
                    end
                end
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br_if $around (i32.lt_u (local.get $i) (i32.const 10))))
            (local.get $sum)))"#;
    // Each number is caught once outside and ten times inside.
    let expected = 11 * (70 + 45) + 100 * 1000;
    for budget in (0..4000).step_by(250) {
        for gc_stress in [false, true] {
            let mut config = Config::new();
            config.wasm_legacy_exceptions(true).strategy(Strategy::Auto).gc_stress(gc_stress);
            config.tier_up_budget(budget, 0).tier_up_in_background(false);
            let engine = Engine::new(&config)?;
            let mut store = Store::new(&engine, ());
            let instance = Instance::new(&mut store, &Module::new(&engine, TEXT)?, &[])?;
            let f = instance.get_typed_func::<i32, i32>(&mut store, "f")?;
            assert_eq!(f.call(&mut store, 7)?, expected, "{budget}");
            if budget == 0 && Engine::new(Config::new().strategy(Strategy::Baseline)).is_ok() {
                assert!(engine.loops_replaced() > 0);
            }
        }
    }
    Ok(())
}

//! Objects of the heap: made by guests and by the host, found by the collector wherever they are held.

mod common;

use common::{Clock, configs, trap};
use riser::*;
use std::sync::Arc;

/// Every way to run a test: as it is, and with a collection before each allocation.
fn engines() -> impl Iterator<Item = Engine> {
    let both = |mut config: Config| {
        [false, true].map(|stress| Engine::new(config.gc_stress(stress)).unwrap())
    };
    configs().into_iter().flat_map(both)
}

fn instance(engine: &Engine, text: &str) -> (Store<()>, Instance) {
    let mut store = Store::new(engine, ());
    let module = Module::new(engine, text).unwrap();
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    (store, instance)
}

/// Lists of numbers. `$n` is a node; everything that holds one is a root at some time.
const LISTS: &str = r#"(module
    (type $n (struct (field $value (mut i64)) (field $next (mut (ref null $n)))))
    (type $pair (struct (field (ref null $n)) (field v128) (field (ref null $n))))
    (type $many (array (mut (ref null $n))))
    (global $kept (mut (ref null $n)) (ref.null $n))
    (table $table 4 (ref null $n))
    (func $cons (param $value i64) (param $next (ref null $n)) (result (ref $n))
        (struct.new $n (local.get $value) (local.get $next)))
    (func $list (export "list") (param $len i64) (result (ref null $n))
        (local $head (ref null $n))
        (loop $more
            (if (i64.eqz (local.get $len)) (then (return (local.get $head))))
            (local.set $head (call $cons (local.get $len) (local.get $head)))
            (local.set $len (i64.sub (local.get $len) (i64.const 1)))
            (br $more))
        (local.get $head))
    (func $sum (export "sum") (param $list (ref null $n)) (result i64)
        (local $sum i64)
        (loop $more
            (if (ref.is_null (local.get $list)) (then (return (local.get $sum))))
            (local.set $sum (i64.add (local.get $sum) (struct.get $n $value (local.get $list))))
            (local.set $list (struct.get $n $next (local.get $list)))
            (br $more))
        (local.get $sum))
    ;; Operands, and locals that are overwritten while they are operands, live while others are made.
    (func (export "operands") (result i64)
        (local $a (ref null $n))
        (local.set $a (call $list (i64.const 4)))
        (i64.add
            (i64.add (call $sum (local.get $a)) (call $sum (local.tee $a (call $list (i64.const 3)))))
            (i64.add (call $sum (local.get $a)) (call $sum (call $cons (i64.const 5) (call $list (i64.const 2)))))))
    ;; Structures and arrays whose operands are references and vectors.
    (func (export "objects") (result i64)
        (local $many (ref null $many)) (local $pair (ref null $pair))
        (local.set $many (array.new_fixed $many 3
            (call $list (i64.const 1)) (call $list (i64.const 2)) (call $list (i64.const 3))))
        (local.set $pair (struct.new $pair
            (call $list (i64.const 4)) (v128.const i64x2 1 2) (call $list (i64.const 5))))
        (array.set $many (local.get $many) (i32.const 0) (call $list (i64.const 10)))
        (i64.add
            (i64.add (call $sum (array.get $many (local.get $many) (i32.const 0)))
                (call $sum (array.get $many (local.get $many) (i32.const 2))))
            (i64.add (call $sum (struct.get $pair 0 (local.get $pair)))
                (i64.add (call $sum (struct.get $pair 2 (local.get $pair)))
                    (i64x2.extract_lane 1 (struct.get $pair 1 (local.get $pair)))))))
    (func (export "keep") (param i64)
        (global.set $kept (call $list (local.get 0)))
        (table.set $table (i32.const 2) (call $list (local.get 0))))
    (func (export "kept") (result i64)
        (i64.add (call $sum (global.get $kept)) (call $sum (table.get $table (i32.const 2)))))
    ;; Makes so many lists, of which the last is alive.
    (func (export "churn") (param $count i64) (param $len i64) (result i64)
        (local $last (ref null $n))
        (loop $more
            (local.set $last (call $list (local.get $len)))
            (local.set $count (i64.sub (local.get $count) (i64.const 1)))
            (br_if $more (i64.ne (local.get $count) (i64.const 0))))
        (call $sum (local.get $last)))
    (func (export "endless") (local $head (ref null $n))
        (loop $more
            (local.set $head (call $cons (i64.const 1) (local.get $head)))
            (br $more)))
    ;; A deep stack of frames, each with a list of its own.
    (func $deep (export "deep") (param $depth i64) (result i64)
        (local $own (ref null $n))
        (if (i64.eqz (local.get $depth)) (then (return (i64.const 0))))
        (local.set $own (call $list (i64.const 2)))
        (i64.add (call $deep (i64.sub (local.get $depth) (i64.const 1))) (call $sum (local.get $own)))))"#;

#[test]
fn collections_find_what_guests_hold() -> Result<()> {
    for engine in engines() {
        let (mut store, lists) = instance(&engine, LISTS);
        let get = |store: &mut Store<()>, name| {
            lists.get_typed_func::<(), i64>(&mut *store, name)?.call(store, ())
        };
        assert_eq!(get(&mut store, "operands")?, 10 + 6 + 6 + 8);
        assert_eq!(get(&mut store, "objects")?, 55 + 6 + 10 + 15 + 2);
        let keep = lists.get_typed_func::<i64, ()>(&mut store, "keep")?;
        keep.call(&mut store, 5)?;
        store.gc(None)?;
        assert_eq!(get(&mut store, "kept")?, 30);
        let deep = lists.get_typed_func::<i64, i64>(&mut store, "deep")?;
        assert_eq!(deep.call(&mut store, 300)?, 900);
    }
    Ok(())
}

#[test]
fn garbage_is_reused_for_ever() -> Result<()> {
    let engine = Engine::default();
    let limits = StoreLimitsBuilder::new().memory_size(2 << 20).build();
    let mut store = Store::new(&engine, limits);
    store.limiter(|limits| limits);
    let lists = Instance::new(&mut store, &Module::new(&engine, LISTS)?, &[])?;
    let churn = lists.get_typed_func::<(i64, i64), i64>(&mut store, "churn")?;
    // Some 100 MiB go through a heap of at most two.
    assert_eq!(churn.call(&mut store, (10_000, 600))?, 600 * 601 / 2);
    Ok(())
}

#[test]
fn a_list_without_end_meets_the_limit_and_the_store_goes_on() -> Result<()> {
    let engine = Engine::default();
    let limits = StoreLimitsBuilder::new().memory_size(4 << 20).build();
    let mut store = Store::new(&engine, limits);
    store.limiter(|limits| limits);
    let lists = Instance::new(&mut store, &Module::new(&engine, LISTS)?, &[])?;
    let endless = lists.get_typed_func::<(), ()>(&mut store, "endless")?;
    let churn = lists.get_typed_func::<(i64, i64), i64>(&mut store, "churn")?;
    let clock = Clock::start();
    for _ in 0..3 {
        let error = endless.call(&mut store, ()).unwrap_err();
        assert_eq!(trap(&error), Trap::AllocationTooLarge);
        // What it made is garbage now.
        assert_eq!(churn.call(&mut store, (10, 1000))?, 500_500);
    }
    clock.check();
    Ok(())
}

#[test]
fn a_small_limit_is_used_as_far_as_it_goes() -> Result<()> {
    let engine = Engine::default();
    for (limit, len) in [(4 << 10, 35), (60_000, 500), (1_500_000, 12_000)] {
        let limits = StoreLimitsBuilder::new().memory_size(limit).build();
        let mut store = Store::new(&engine, limits);
        store.limiter(|limits| limits);
        let lists = Instance::new(&mut store, &Module::new(&engine, LISTS)?, &[])?;
        let churn = lists.get_typed_func::<(i64, i64), i64>(&mut store, "churn")?;
        assert_eq!(churn.call(&mut store, (20, len))?, len * (len + 1) / 2, "{limit}");
        let error = churn.call(&mut store, (1, limit as i64 / 24)).unwrap_err();
        assert_eq!(trap(&error), Trap::AllocationTooLarge);
    }
    Ok(())
}

#[test]
fn frames_with_many_operands_at_many_calls_are_found_in_bounded_time() -> Result<()> {
    const COUNT: usize = 60_000;
    let calls = "call $make\n".repeat(COUNT);
    let drops = "drop\n".repeat(COUNT - 1);
    let text = format!(
        r#"(module
            (type $s (struct (field i64)))
            (import "host" "gc" (func $gc))
            (func $make (result (ref $s)) (struct.new $s (i64.const 7)))
            (func (export "f") (result i64) {calls} call $gc {drops} struct.get $s 0))"#
    );
    let engine = Engine::new(Config::new().strategy(Strategy::Interpreter))?;
    let mut linker = Linker::<()>::new(&engine);
    linker.func_wrap("host", "gc", |mut caller: Caller<'_, ()>| -> Result<()> {
        assert_eq!(WasmFrame::capture(&mut caller)[0].operands().len(), COUNT);
        caller.gc(None)
    })?;
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &Module::new(&engine, &text)?)?;
    let f = instance.get_typed_func::<(), i64>(&mut store, "f")?;
    let clock = Clock::start();
    assert_eq!(f.call(&mut store, ())?, 7);
    clock.check();
    Ok(())
}

#[test]
fn a_limiter_that_fails_ends_the_call() -> Result<()> {
    let engine = Engine::default();
    let limits = StoreLimitsBuilder::new().memory_size(1 << 20).trap_on_grow_failure(true).build();
    let mut store = Store::new(&engine, limits);
    store.limiter(|limits| limits);
    let lists = Instance::new(&mut store, &Module::new(&engine, LISTS)?, &[])?;
    let endless = lists.get_typed_func::<(), ()>(&mut store, "endless")?;
    assert!(!endless.call(&mut store, ()).unwrap_err().is::<Trap>());
    Ok(())
}

#[test]
fn handles_follow_objects_through_collections() -> Result<()> {
    for engine in engines() {
        let (mut store, lists) = instance(&engine, LISTS);
        let list = lists.get_typed_func::<i64, Option<Rooted<StructRef>>>(&mut store, "list")?;
        let sum = lists.get_func(&mut store, "sum").unwrap();
        let (first, owned) = {
            let first = list.call(&mut store, 3)?.unwrap();
            let mut scope = RootScope::new(&mut store);
            let inner = list.call(&mut scope, 4)?.unwrap();
            (first, inner.to_owned_rooted(&mut scope)?)
        };
        for _ in 0..5 {
            list.call(&mut store, 100)?;
            store.gc(None)?;
        }
        for (object, expected) in [(first, 6), (owned.to_rooted(&mut store), 10)] {
            let mut result = [Val::I64(0)];
            sum.call(&mut store, &[object.to_anyref().into()], &mut result)?;
            assert_eq!(result[0].unwrap_i64(), expected);
        }
        assert_eq!(first.field(&mut store, 0)?.unwrap_i64(), 1);
        first.set_field(&mut store, 0, Val::I64(100))?;
        assert_eq!(first.field(&mut store, 0)?.unwrap_i64(), 100);
        assert!(first.set_field(&mut store, 0, Val::I32(1)).is_err());
        assert!(first.set_field(&mut store, 2, Val::I64(1)).is_err());
    }
    Ok(())
}

#[test]
fn handles_of_a_host_call_end_with_it() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(
        &engine,
        r#"(module
            (import "host" "make" (func $make (param externref) (result externref)))
            (func (export "run") (param externref) (result externref)
                (call $make (local.get 0)) drop
                (call $make (local.get 0))))"#,
    )?;
    let mut linker = Linker::<Vec<Rooted<ExternRef>>>::new(&engine);
    let make = |mut caller: Caller<'_, Vec<Rooted<ExternRef>>>,
                given: Option<Rooted<ExternRef>>| {
        let given = given.expect("not null");
        caller.data_mut().push(given);
        let made = ExternRef::new(&mut caller, 5_u8)?;
        caller.data_mut().push(made);
        caller.as_context_mut().gc(None)?;
        assert_eq!(given.data(&caller)?.unwrap().downcast_ref(), Some(&"given"));
        Ok(Some(made))
    };
    linker.func_wrap("host", "make", make)?;
    let mut store = Store::new(&engine, Vec::new());
    let instance = linker.instantiate(&mut store, &module)?;
    type Handle = Option<Rooted<ExternRef>>;
    let run = instance.get_typed_func::<Handle, Handle>(&mut store, "run")?;
    let given = ExternRef::new(&mut store, "given")?;
    let result = run.call(&mut store, Some(given))?.unwrap();
    assert_eq!(result.data(&store)?.unwrap().downcast_ref(), Some(&5_u8));
    let leaked = std::mem::take(store.data_mut());
    assert_eq!(leaked.len(), 4);
    for handle in leaked {
        assert!(handle.data(&store).is_err());
        assert!(run.call(&mut store, Some(handle)).is_err());
    }
    Ok(())
}

#[test]
fn values_of_the_host_are_dropped_when_nobody_holds_them() -> Result<()> {
    let engine = Engine::default();
    let text = r#"(module (global (export "g") (mut externref) (ref.null extern)))"#;
    let (mut store, instance) = instance(&engine, text);
    let global = instance.get_global(&mut store, "g").unwrap();
    let value = Arc::new(());
    {
        let mut scope = RootScope::new(&mut store);
        let handle = ExternRef::new(&mut scope, value.clone())?;
        global.set(&mut scope, handle.into())?;
    }
    store.gc(None)?;
    assert_eq!(Arc::strong_count(&value), 2);
    global.set(&mut store, Val::null_extern_ref())?;
    store.gc(None)?;
    assert_eq!(Arc::strong_count(&value), 1);
    // So are those that a guest lost, without anyone asking for it.
    for _ in 0..100_000 {
        let mut scope = RootScope::new(&mut store);
        ExternRef::new(&mut scope, value.clone())?;
    }
    assert!(Arc::strong_count(&value) < 50_000);
    Ok(())
}

#[test]
fn what_the_host_makes_guests_understand() -> Result<()> {
    for engine in engines() {
        let text = r#"(module
            (type $bytes (array (mut i8)))
            (type $base (sub (struct (field i32))))
            (type $more (sub $base (struct (field i32) (field (ref $bytes)))))
            (func (export "kind") (param anyref) (result i32)
                (if (ref.test (ref i31) (local.get 0)) (then (return (i32.const 1))))
                (if (ref.test (ref $bytes) (local.get 0)) (then (return (i32.const 2))))
                (if (ref.test (ref $more) (local.get 0)) (then (return (i32.const 3))))
                (if (ref.test (ref $base) (local.get 0)) (then (return (i32.const 4))))
                (i32.const 0))
            (func (export "last") (param (ref $more)) (result i32)
                (array.get_u $bytes (struct.get $more 1 (local.get 0)) (i32.const 2))))"#;
        let (mut store, instance) = instance(&engine, text);
        let kind = instance.get_typed_func::<Rooted<AnyRef>, i32>(&mut store, "kind")?;
        let last = instance.get_func(&mut store, "last").unwrap();
        let ty = last.ty(&store).param(0).unwrap();
        let more_ty = ty.unwrap_ref().heap_type().as_concrete_struct().unwrap().clone();
        let base_ty = more_ty.supertype().unwrap();
        let byte = FieldType::new(Mutability::Var, StorageType::I8);
        let bytes_pre = ArrayRefPre::new(&mut store, ArrayType::new(&engine, byte));
        let bytes = ArrayRef::new_from_i8_slice(&mut store, &bytes_pre, &[7, 8, 0xFF])?;
        let more_pre = StructRefPre::new(&mut store, more_ty);
        let fields = [Val::I32(1), bytes.to_anyref().into()];
        let more = StructRef::new(&mut store, &more_pre, &fields)?;
        let base_pre = StructRefPre::new(&mut store, base_ty);
        let base = StructRef::new(&mut store, &base_pre, &[Val::I32(1)])?;
        let small = AnyRef::from_i31(&mut store, I31::wrapping_i32(-1));
        let host = ExternRef::new(&mut store, 1)?;
        let host = AnyRef::convert_extern(&mut store, host)?;
        let all = [
            (small, 1),
            (bytes.to_anyref(), 2),
            (more.to_anyref(), 3),
            (base.to_anyref(), 4),
            (host, 0),
        ];
        for (object, expected) in all {
            assert_eq!(kind.call(&mut store, object)?, expected, "{:?}", object.ty(&store)?);
        }
        let mut result = [Val::I32(0)];
        last.call(&mut store, &[more.to_anyref().into()], &mut result)?;
        assert_eq!(result[0].unwrap_i32(), 0xFF);
        // Of another type, as the host passes it.
        assert!(last.call(&mut store, &[base.to_anyref().into()], &mut result).is_err());
        let wrong = [Val::I32(1), base.to_anyref().into()];
        assert!(StructRef::new(&mut store, &more_pre, &wrong).is_err());
        assert!(StructRef::new(&mut store, &more_pre, &fields[..1]).is_err());
        let mut copy = [0; 3];
        bytes.copy_to_i8_slice(&mut store, &mut copy)?;
        assert_eq!(copy, [7, 8, 0xFF]);
        assert!(bytes.get(&mut store, 3).is_err());
    }
    Ok(())
}

#[test]
fn constant_expressions_make_objects() -> Result<()> {
    for engine in engines() {
        let text = r#"(module
            (type $p (struct (field i32) (field (ref null $p))))
            (type $a (array (ref null $p)))
            (global $one (ref $p) (struct.new $p (i32.const 1) (ref.null $p)))
            (global $two (export "two") (ref $p)
                (struct.new $p (i32.const 2) (struct.new $p (i32.const 3) (global.get $one))))
            (global $list (export "list") (ref $a)
                (array.new_fixed $a 3 (global.get $one)
                    (struct.new $p (i32.const 4) (global.get $two))
                    (struct.new $p (i32.const 5) (global.get $two))))
            (table $t (export "t") 3 (ref null $p) (struct.new $p (i32.const 6) (ref.null $p)))
            (elem (table $t) (i32.const 1) (ref null $p)
                (item (struct.new $p (i32.const 7) (global.get $one)))
                (item (struct.new $p (i32.const 8) (global.get $one)))))"#;
        let (mut store, instance) = instance(&engine, text);
        store.gc(None)?;
        let number = |store: &mut Store<()>, object: Option<&Rooted<AnyRef>>| -> Result<i32> {
            let object = object.expect("not null").unwrap_struct(&*store)?;
            Ok(object.field(&mut *store, 0)?.unwrap_i32())
        };
        let two = instance.get_global(&mut store, "two").unwrap().get(&mut store);
        let two = two.unwrap_anyref().unwrap().unwrap_struct(&store)?;
        let three = two.field(&mut store, 1)?;
        assert_eq!(number(&mut store, three.unwrap_anyref())?, 3);
        let list = instance.get_global(&mut store, "list").unwrap().get(&mut store);
        let list = list.unwrap_anyref().unwrap().unwrap_array(&store)?;
        let elements: Vec<Val> = list.elems(&mut store)?.collect();
        for (element, expected) in elements.iter().zip([1, 4, 5]) {
            assert_eq!(number(&mut store, element.unwrap_anyref())?, expected);
        }
        let table = instance.get_table(&mut store, "t").unwrap();
        for (at, expected) in [(0, 6), (1, 7), (2, 8)] {
            let element = Val::from(table.get(&mut store, at).unwrap());
            assert_eq!(number(&mut store, element.unwrap_anyref())?, expected);
        }
    }
    Ok(())
}

#[test]
fn references_live_through_tail_calls_nested_calls_and_other_instances() -> Result<()> {
    for engine in engines() {
        let maker = Module::new(
            &engine,
            r#"(module
                (type $p (struct (field i32)))
                (func (export "make") (param i32) (result (ref $p)) (struct.new $p (local.get 0))))"#,
        )?;
        let user = Module::new(
            &engine,
            r#"(module
                (type $p (struct (field i32)))
                (import "maker" "make" (func $make (param i32) (result (ref $p))))
                (import "host" "again" (func $again (param structref i32) (result i32)))
                (func $tail (param (ref null $p) i32) (result i32)
                    (return_call $again (local.get 0) (local.get 1)))
                (func (export "down") (param $n i32) (result i32)
                    (local $own (ref null $p))
                    (local.set $own (call $make (local.get $n)))
                    (if (i32.eqz (local.get $n)) (then (return (i32.const 0))))
                    (i32.add
                        (struct.get $p 0 (call $make (i32.const 10)))
                        (i32.add
                            (call $tail (call $make (local.get $n)) (i32.sub (local.get $n) (i32.const 1)))
                            (struct.get $p 0 (local.get $own))))))"#,
        )?;
        let mut linker = Linker::<()>::new(&engine);
        linker.func_wrap(
            "host",
            "again",
            |mut caller: Caller<'_, ()>,
             object: Option<Rooted<StructRef>>,
             n: i32|
             -> Result<i32> {
                let down = caller.get_export("down").and_then(Extern::into_func).unwrap();
                let down = down.typed::<i32, i32>(&caller)?.call(&mut caller, n)?;
                Ok(down + 100 * object.unwrap().field(&mut caller, 0)?.unwrap_i32())
            },
        )?;
        let mut store = Store::new(&engine, ());
        let maker = linker.instantiate(&mut store, &maker)?;
        linker.instance(&mut store, "maker", maker)?;
        let user = linker.instantiate(&mut store, &user)?;
        let down = user.get_typed_func::<i32, i32>(&mut store, "down")?;
        assert_eq!(down.call(&mut store, 4)?, 40 + 10 + 1000);
    }
    Ok(())
}

/// A module with two arrays of a kind of elements, whose functions make them, set and get an element, and copy.
fn two_arrays(ty: &str, get: &str, value: &str, number: &str, len: u32) -> String {
    format!(
        "(module (type $a (array (mut {ty})))
                (global $arrays (mut (ref null $a)) (ref.null $a)) (global $other (mut (ref null $a)) (ref.null $a))
                (func (export \"make\")
                    (global.set $arrays (array.new_default $a (i32.const {len})))
                    (global.set $other (array.new_default $a (i32.const {len}))))
                (func $array (param i32) (result (ref null $a))
                    (if (result (ref null $a)) (local.get 0) (then (global.get $other)) (else (global.get $arrays))))
                (func (export \"set\") (param i32 i32 i32)
                    (array.set $a (call $array (local.get 1)) (local.get 2) {value}))
                (func (export \"get\") (param i32 i32) (result i32)
                    ({get} $a (call $array (local.get 0)) (local.get 1)) {number})
                (func (export \"copy\") (param i32 i32 i32 i32 i32)
                    (array.copy $a $a (call $array (local.get 0)) (local.get 1)
                        (call $array (local.get 2)) (local.get 3) (local.get 4))))"
    )
}

/// Bytes, halves, words, doubles, vectors and references: all lengths around those that compiled code copies in place, in all
/// directions, in one array and between two, against the same in slices.
#[test]
fn copies_are_of_exactly_the_elements() -> Result<()> {
    const LEN: u32 = 96;
    let engine = Engine::default();
    let kinds = [
        ("i8", "array.get_u", "(local.get 0)", ""),
        ("i16", "array.get_u", "(local.get 0)", ""),
        ("i32", "array.get", "(local.get 0)", ""),
        ("i64", "array.get", "(i64.extend_i32_u (local.get 0))", "i32.wrap_i64"),
        ("v128", "array.get", "(i32x4.splat (local.get 0))", "i32x4.extract_lane 3"),
        ("i31ref", "array.get", "(ref.i31 (local.get 0))", "i31.get_u"),
    ];
    for (ty, get, value, number) in kinds {
        let text = two_arrays(ty, get, value, number, LEN);
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &Module::new(&engine, &text)?, &[])?;
        let make = instance.get_typed_func::<(), ()>(&mut store, "make")?;
        let set = instance.get_typed_func::<(u32, u32, u32), ()>(&mut store, "set")?;
        let get = instance.get_typed_func::<(u32, u32), u32>(&mut store, "get")?;
        type Args = (u32, u32, u32, u32, u32);
        let copy = instance.get_typed_func::<Args, ()>(&mut store, "copy")?;
        make.call(&mut store, ())?;
        let mut expected = [[0; LEN as usize]; 2];
        for array in 0..2 {
            for index in 0..LEN {
                let value = 1 + array * 100 + index;
                set.call(&mut store, (value, array, index))?;
                expected[array as usize][index as usize] = value;
            }
        }
        for (len, to, from) in (0..=LEN).flat_map(|len| {
            let last = LEN - len;
            [(len, 0, last), (len, last, 0), (len, last / 2, last.min(last / 2 + 1))]
        }) {
            for (dst, src) in [(0, 1), (0, 0), (1, 0)] {
                copy.call(&mut store, (dst, to, src, from, len))?;
                let read = expected[src as usize][from as usize..][..len as usize].to_vec();
                expected[dst as usize][to as usize..][..len as usize].copy_from_slice(&read);
                for (array, expected) in (0..).zip(&expected) {
                    for (index, &expected) in (0..).zip(expected) {
                        let got = get.call(&mut store, (array, index))?;
                        assert_eq!(
                            got, expected,
                            "{ty} {array} {index} after {len} of {src} from {from} to {dst} {to}"
                        );
                    }
                }
            }
        }
        for (to, from, len) in
            [(LEN, 0, 1), (0, LEN, 1), (90, 0, 7), (0, 90, 7), (1, 0, u32::MAX), (u32::MAX, 0, 2)]
        {
            let error = copy.call(&mut store, (0, to, 0, from, len)).unwrap_err();
            assert_eq!(trap(&error), Trap::ArrayOutOfBounds, "{ty} {to} {from} {len}");
        }
        copy.call(&mut store, (0, LEN, 1, LEN, 0))?;
    }
    Ok(())
}

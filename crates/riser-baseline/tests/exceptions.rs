//! Exceptions: what calls in a `try` have in their tables, and that all shapes compile.

mod common;

use common::compile;
use riser_code::{CallSite, CodeArtifact};

/// Of each call that has handlers, their tags.
fn handlers(artifact: &CodeArtifact) -> Vec<Vec<Option<u32>>> {
    let tags = |call: &CallSite| call.handlers.iter().map(|handler| handler.tag).collect();
    artifact.calls.iter().filter(|call| !call.handlers.is_empty()).map(tags).collect()
}

#[test]
fn all_shapes() {
    compile(
        r#"(module
          (import "" "f" (func $f (param i32) (result i32)))
          (memory 1)
          (tag $i (param i32)) (tag $none) (tag $many (param i32 v128 externref f64 exnref))
          (func (param i32) (result i32)
            (block $h (result i32)
              (try_table (result i32) (catch $i $h) (call $f (local.get 0)))))
          (func (param i32) (result exnref)
            (block $h (result i32 exnref)
              (block $a (result exnref)
                (try_table (catch_ref $i $h) (catch_all_ref $a) (throw $i (local.get 0)))
                (unreachable)) (return)) (return))
          (func (result i32)
            (try_table (catch $i 0) (throw $none)) (i32.const 3) (drop) (unreachable))
          (func (param i32 v128 externref f64 exnref) (result i32 v128 externref f64 exnref)
            (block $h (result i32 v128 externref f64 exnref)
              (try_table (catch $many $h)
                (throw $many (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4)))
              (unreachable)))
          (func (param exnref) (local i32)
            (loop $again
              (try_table (catch $none $again) (throw_ref (local.get 0)))))
          (func (param i32) (result i32) (local f64 externref)
            (i32.const 0)
            (loop $again (param i32) (result i32)
              (i32.store (i32.load (local.get 0)) (i32.load (local.get 0)))
              (local.set 1 (f64.add (local.get 1) (local.get 1)))
              (try_table (param i32) (result i32) (catch $i $again) (call $f))))
          (func (param i32)
            (block $out (try_table (catch_all $out) (try_table (catch $none $out)
               (drop (call $f (i32.const 1))) (drop (call $f (i32.const 2)))))))
          (func (param i32) (result i32)
            (try_table (result i32) (catch $i 0) (return_call $f (local.get 0))))
          (func (param i32) (try_table (drop (call $f (local.get 0))))))"#,
    );
}

#[test]
fn all_legacy_shapes() {
    compile(
        r#"(module
          (import "" "f" (func $f (param i32) (result i32)))
          (tag $i (param i32)) (tag $none)
          (func (param i32) (result i32)
            try (result i32) local.get 0 call $f catch $i catch $none i32.const 3 catch_all i32.const 4 end)
          (func (param i32) (result i32)
            try (result i32) local.get 0 call $f catch $i drop rethrow 0 catch_all rethrow 0 end)
          (func (param i32)
            try try local.get 0 call $f drop delegate 0 catch_all end)
          (func (param i32)
            block try try local.get 0 call $f drop delegate 1 catch_all end end)
          (func (param i32)
            try try local.get 0 call $f drop delegate 1 catch_all end)
          (func (param i32) (result i32)
            i32.const 8
            try (param i32) (result i32) drop throw $none catch_all i32.const 4 end)
          (func (param i32)
            try local.get 0 call $f drop catch $i drop
              try local.get 0 call $f drop catch $none rethrow 1 catch_all rethrow 0 end
            catch_all end)
          (func (result i32)
            try (result i32) i32.const 1 catch_all i32.const 2 end)
          (func try nop catch_all throw $none end)
          (func try try throw $none catch $i drop end catch_all end)
          (func (param i32) try local.get 0 call $f drop end))"#,
    );
}

#[test]
fn clauses_are_in_the_tables_of_calls_in_order() {
    let code = compile(
        r#"(module (import "" "f" (func $f)) (tag $a) (tag $b) (tag $c)
          (func
            (block $out
              (call $f)
              (try_table (catch $a $out) (catch_all $out)
                (call $f)
                (try_table (catch $c $out) (catch $b $out) (catch $c $out) (call $f))))
            (try_table (catch $b 0) (call $f)))
          (func
            try call $f
              try call $f catch $b call $f end
              try call $f delegate 1
            catch $c call $f end))"#,
    );
    assert_eq!(
        handlers(&code[0]),
        [vec![Some(0), None], vec![Some(2), Some(1), Some(0), None], vec![Some(1)]]
    );
    assert_eq!(handlers(&code[1]), [vec![Some(2)], vec![Some(1), Some(2)], vec![Some(2)]]);
}

#[test]
fn a_throw_in_a_try_is_handled_there() {
    let code = compile(
        r#"(module (tag $a) (tag $b (param externref))
          (func (block $out (try_table (catch $a $out) (throw $a))))
          (func (param externref) (throw $b (local.get 0))))"#,
    );
    assert_eq!(handlers(&code[0]), [vec![Some(0)]]);
    assert!(handlers(&code[1]).is_empty());
    // The collector may run when the exception is made: it finds the parameter and what is thrown.
    assert_eq!(code[1].calls[0].references.len(), 2);
}

#[test]
fn what_builtins_fail_with_is_no_exception() {
    let code = compile(
        r#"(module (memory 1) (tag $a)
          (func (try_table (catch $a 0)
            (memory.fill (i32.const 1) (i32.const 2) (i32.const 3)))))"#,
    );
    assert!(code[0].calls.len() >= 2);
    assert!(handlers(&code[0]).is_empty());
}

/// As many tags, a function of clauses for them all with calls, and one with as many nested `try_table`s around calls.
fn hostile(count: usize) -> [String; 2] {
    let tags = "(tag)".repeat(count);
    let clauses: String = (0..count).map(|tag| format!("(catch {tag} 0)")).collect();
    let calls = "(call $f)".repeat(count);
    let wide = format!(
        r#"(module (import "" "f" (func $f)) {tags} (func (try_table {clauses} {calls})))"#
    );
    let mut deep = calls;
    for tag in 0..count {
        deep = format!("(try_table (catch {tag} 0) {deep})");
    }
    [wide, format!(r#"(module (import "" "f" (func $f)) {tags} (func {deep}))"#)]
}

/// The same with the legacy instructions.
fn hostile_legacy(count: usize) -> [String; 2] {
    let tags = "(tag)".repeat(count);
    let clauses: String = (0..count).map(|tag| format!("catch {tag} ")).collect();
    let calls = "call $f ".repeat(count);
    let tries = "try ".repeat(count);
    let ends: String = (0..count).map(|tag| format!("catch {tag} end ")).collect();
    [format!("try {calls} {clauses} end"), format!("{tries} {calls} {ends}")]
        .map(|body| format!(r#"(module (import "" "f" (func $f)) {tags} (func {body}))"#))
}

#[test]
fn thousands_of_clauses_are_not_repeated_by_each_call() {
    for wat in hostile(2000).into_iter().chain(hostile_legacy(2000)) {
        let code = compile(&wat);
        let most = code[0].calls.iter().map(|call| call.handlers.len()).max();
        assert!(most.is_some_and(|most| most <= 32), "{most:?}");
        // Every clause stands somewhere.
        let mut tags: Vec<Option<u32>> = handlers(&code[0]).concat();
        tags.sort_unstable();
        tags.dedup();
        assert_eq!(tags.len(), 2001);
    }
}

#[test]
fn very_many_calls_share_tables() {
    let tags = "(tag)".repeat(15);
    let clauses: String = (0..15).map(|tag| format!("(catch {tag} 0)")).collect();
    let calls = "(call $f)".repeat(30_000);
    let wat = format!(
        r#"(module (import "" "f" (func $f)) {tags} (func (try_table {clauses} {calls})))"#
    );
    let code = &compile(&wat)[0];
    let all: usize = code.calls.iter().map(|call| call.handlers.len()).sum();
    assert!(all < 300_000, "{all}");
    let of = |number: usize| code.calls[number].handlers.len();
    assert_eq!((of(0), of(29_999)), (15, 1));
    // What is passed on is raised again, where all clauses are.
    assert_eq!(code.calls.last().map(|call| call.handlers.len()), Some(15));
}

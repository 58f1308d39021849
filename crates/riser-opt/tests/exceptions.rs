//! Exceptions: what calls in a `try` have in their tables, and that all shapes compile for all machines.

mod common;

use common::{clif, everywhere, host};
use riser_code::{CallSite, CodeArtifact};
use riser_opt::CodeOptions;

/// Of each call that has handlers, their tags.
fn handlers(artifact: &CodeArtifact) -> Vec<Vec<Option<u32>>> {
    let tags = |call: &CallSite| call.handlers.iter().map(|handler| handler.tag).collect();
    artifact.calls.iter().filter(|call| !call.handlers.is_empty()).map(tags).collect()
}

#[test]
fn all_shapes() {
    everywhere(
        r#"(module
          (import "" "f" (func $f (param i32) (result i32)))
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
    everywhere(
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
    let code = host(
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
    let code = host(
        r#"(module (tag $a) (tag $b (param externref))
          (func (block $out (try_table (catch $a $out) (throw $a))))
          (func (param externref) (throw $b (local.get 0))))"#,
    );
    assert_eq!(handlers(&code[0]), [vec![Some(0)]]);
    assert!(handlers(&code[1]).is_empty());
    // The collector may run when the exception is made: it finds what is thrown.
    assert_eq!(code[1].calls[0].references.len(), 1);
}

#[test]
fn thousands_of_clauses_are_not_repeated_by_each_call() {
    let tags = "(tag)".repeat(2000);
    let clauses: String = (0..2000).map(|tag| format!("(catch {tag} 0)")).collect();
    let calls = "(call $f)".repeat(2000);
    let wide = format!(
        r#"(module (import "" "f" (func $f)) {tags} (func (try_table {clauses} {calls})))"#
    );
    let mut deep = calls;
    for tag in 0..2000 {
        deep = format!("(try_table (catch {tag} 0) {deep})");
    }
    let deep = format!(r#"(module (import "" "f" (func $f)) {tags} (func {deep}))"#);
    for wat in [wide, deep] {
        let code = host(&wat);
        let most = code[0].calls.iter().map(|call| call.handlers.len()).max();
        assert!(most.is_some_and(|most| most <= 64), "{most:?}");
        // Every clause stands somewhere.
        let mut tags: Vec<Option<u32>> = handlers(&code[0]).concat();
        tags.sort_unstable();
        tags.dedup();
        assert_eq!(tags.len(), 2001);
    }
}

#[test]
fn handlers_begin_with_an_empty_account_of_fuel() {
    let options = CodeOptions { fuel: true, ..CodeOptions::default() };
    let wat = r#"(module (tag $a) (func (block $out (try_table (catch $a $out) (i32.const 1) (drop) (throw $a)))))"#;
    // The constant and `throw`.
    let text = clif(wat, 0, options);
    assert_eq!(text.lines().filter(|line| line.contains("user17")).count(), 1, "{text}");
}

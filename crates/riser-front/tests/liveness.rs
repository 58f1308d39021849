//! What a sink hears: the operators in live code, with branch targets resolved, and nothing of dead code.

mod common;

use riser_ops::Features;

/// Compares what a sink hears of the functions in `module` with `expected`, leaving out offsets.
#[track_caller]
fn heard(module: &str, expected: &str) {
    let bytes = wat::parse_str(module).expect("the text is well-formed");
    let module = common::validate(&bytes, Features::ALL).expect("the module is valid");
    let mut text = String::new();
    for line in common::trace(&module).lines() {
        text += line.get(9..).unwrap_or("");
        text += "\n";
    }
    let margin = expected
        .lines()
        .find(|line| !line.is_empty())
        .map_or(0, |line| line.len() - line.trim_start().len());
    let expected: Vec<&str> = expected
        .lines()
        .skip(1)
        .map(|line| line.get(margin..).unwrap_or("").trim_end())
        .filter(|line| !line.is_empty())
        .collect();
    let text: Vec<&str> = text.lines().collect();
    assert_eq!(text.join("\n"), expected.join("\n"));
}

#[test]
fn nothing_is_heard_after_an_unconditional_branch() {
    heard(
        "(module (func (result i32) (block (result i32)
            (br 0 (i32.const 1)) (i32.add (i32.const 2)) (block (drop (i32.const 3)))) ))",
        "
        func 0 () -> (i32)
          block () -> (i32) above 0
            i32.const 1
            br @1 carrying 1 above 0
          end @1 not fallen through, live after, above 0 (i32)
        end @0 falls through, live after, above 0 (i32)
        locals 0, operands 2, slots 2, depth 3, loops 0, calls false
        ",
    );
}

#[test]
fn code_behind_a_block_that_nothing_leaves_is_dead_although_it_is_typed() {
    heard(
        "(module (func (param i32) (result i32)
            (block (unreachable)) (drop (local.get 0)) (loop (br 0)) (local.get 0)))",
        "
        func 0 (i32) -> (i32)
          block () -> () above 0
            unreachable
          end @1 not fallen through, dead after, above 0 ()
        end @0 not fallen through, dead after, above 0 (i32)
        locals 1, operands 1, slots 1, depth 2, loops 0, calls false
        ",
    );
}

#[test]
fn a_branch_in_dead_code_does_not_make_its_target_live() {
    heard(
        "(module (func (block (return) (br 0)) (nop)))",
        "
        func 0 () -> ()
          block () -> () above 0
            return @0 carrying 0 above 0
          end @1 not fallen through, dead after, above 0 ()
        end @0 not fallen through, live after, above 0 ()
        locals 0, operands 0, slots 0, depth 2, loops 0, calls false
        ",
    );
}

#[test]
fn a_branch_to_the_head_of_a_loop_does_not_reach_its_end() {
    heard(
        "(module (func (param i32)
            (loop (br_if 1 (local.get 0)) (br 0)) (nop)))",
        "
        func 0 (i32) -> ()
          loop () -> () above 0
            local.get 0 i32
            br_if @0 carrying 0 above 0
            br head of @1 carrying 0 above 0
          end @1 not fallen through, dead after, above 0 ()
        end @0 not fallen through, live after, above 0 ()
        locals 1, operands 1, slots 1, depth 2, loops 1, calls false
        ",
    );
}

#[test]
fn arms_of_an_if_are_live_when_it_is() {
    heard(
        "(module (func (param i32) (result i32)
            (if (result i32) (local.get 0)
              (then (return (i32.const 1))) (else (i32.const 2)))
            (if (local.get 0) (then (unreachable)))
            (if (local.get 0) (then (unreachable)) (else (unreachable)))))",
        "
        func 0 (i32) -> (i32)
          local.get 0 i32
          if () -> (i32) above 0
            i32.const 1
            return @0 carrying 1 above 0
          else () -> (i32) above 0 after dead code
            i32.const 2
          end @1 falls through, live after, above 0 (i32)
          local.get 0 i32
          if () -> () above 1
            unreachable
          end @1 not fallen through, live after, above 1 ()
          local.get 0 i32
          if () -> () above 1
            unreachable
          else () -> () above 1 after dead code
            unreachable
          end @1 not fallen through, dead after, above 1 ()
        end @0 not fallen through, live after, above 0 (i32)
        locals 1, operands 2, slots 2, depth 2, loops 0, calls false
        ",
    );
}

#[test]
fn the_end_is_live_when_only_the_first_arm_of_an_if_reaches_it() {
    heard(
        "(module (func (param i32)
            (if (local.get 0) (then) (else (unreachable))) (nop)))",
        "
        func 0 (i32) -> ()
          local.get 0 i32
          if () -> () above 0
          else () -> () above 0 after live code
            unreachable
          end @1 not fallen through, live after, above 0 ()
          nop
        end @0 falls through, live after, above 0 ()
        locals 1, operands 1, slots 1, depth 2, loops 0, calls false
        ",
    );
}

#[test]
fn handlers_are_live_when_the_protected_block_was() {
    heard(
        "(module (tag $e (param i32)) (func (result i32)
            (block (result i32) (try_table (catch $e 0)) (throw $e (i32.const 1)))))",
        "
        func 0 () -> (i32)
          block () -> (i32) above 0
            try_table () -> () above 0
              catch 0 @1 carrying 1 above 0
            end @2 falls through, live after, above 0 ()
            i32.const 1
            throw 0 (i32) -> ()
          end @1 not fallen through, live after, above 0 (i32)
        end @0 falls through, live after, above 0 (i32)
        locals 0, operands 1, slots 1, depth 3, loops 0, calls false
        ",
    );
    heard(
        "(module (tag $e (param i32)) (func (result i32)
            try (result i32) try i32.const 1 throw $e delegate 0 unreachable
            catch $e catch_all rethrow 0 end))",
        "
        func 0 () -> (i32)
          try () -> (i32) above 0
            try () -> () above 0
              i32.const 1
              throw 0 (i32) -> ()
            delegate @1 @2 not fallen through, dead after, above 0 ()
          catch 0 (i32) -> () () -> (i32) above 0 after dead code
          catch_all () -> (i32) above 0 after live code
            rethrow @1
          end @1 not fallen through, live after, above 0 (i32)
        end @0 falls through, live after, above 0 (i32)
        locals 0, operands 1, slots 1, depth 3, loops 0, calls false
        ",
    );
}

#[test]
fn targets_say_where_the_carried_operands_go() {
    heard(
        "(module (func (param i32) (result i32)
            (i32.const 7)
            (block (param i32) (result i32)
              (i32.const 8)
              (loop (param i32)
                (i32.const 9)
                (br_table 0 1 2 (local.get 0))))))",
        "
        func 0 (i32) -> (i32)
          i32.const 7
          block (i32) -> (i32) above 0
            i32.const 8
            loop (i32) -> () above 1
              i32.const 9
              local.get 0 i32
              br_table
                head of @2 carrying 1 above 1
                @1 carrying 1 above 0
                default @0 carrying 1 above 0
            end @2 not fallen through, dead after, above 1 ()
          end @1 not fallen through, live after, above 0 (i32)
        end @0 falls through, live after, above 0 (i32)
        locals 1, operands 4, slots 4, depth 3, loops 1, calls false
        ",
    );
}

#[test]
fn operands_come_with_their_own_types() {
    heard(
        "(module (type $s (struct (field v128))) (func $f) (elem declare func $f)
          (func (local v128)
            (drop (ref.test (ref $s) (struct.new $s (local.get 0))))
            (drop (ref.is_null (ref.func $f)))
            (drop (select (local.get 0) (local.get 0) (i32.const 1)))))",
        "
        func 0 () -> ()
        end @0 falls through, live after, above 0 ()
        locals 0, operands 0, slots 0, depth 1, loops 0, calls false
        func 1 () -> ()
          local 1 v128
          local.get 0 v128
          struct.new 0
          ref.test (ref type#0) (ref type#0)
          drop i32
          ref.func 0
          ref.is_null (ref type#1)
          drop i32
          local.get 0 v128
          local.get 0 v128
          i32.const 1
          select v128
          drop v128
        end @0 falls through, live after, above 0 ()
        locals 1, operands 3, slots 6, depth 1, loops 0, calls false
        ",
    );
}

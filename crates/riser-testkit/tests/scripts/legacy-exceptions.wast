;; The legacy exception instructions, beyond what the proposal's scripts ask.

(module $throwing
  (tag $e (export "e") (param i32))
  (func (export "throw") (param i32) (throw $e (local.get 0)))
)
(register "throwing" $throwing)

(module
  (tag $imported (import "throwing" "e") (param i32))
  (func $throw (import "throwing" "throw") (param i32))
  (tag $none)
  (tag $i (param i32))
  (tag $four (param i64 f32 v128 f64))
  (global $steps (mut i32) (i32.const 0))

  (func $raise (param i32) (throw $i (local.get 0)))

  ;; The handler sees what the body did to locals, and the operands below the block.
  (func (export "locals") (param i32) (result i32) (local $a i32) (local $b i32)
    (i32.const 1000)
    (local.set $a (i32.const 1))
    (try (result i32)
      (do
        (local.set $b (i32.const 20))
        (local.set $a (i32.add (local.get $a) (local.get 0)))
        (call $raise (i32.const 300))
        (local.set $a (i32.const 9999))
        (i32.const 7))
      (catch $i (i32.add (i32.add (local.get $a) (local.get $b)))))
    (i32.add))

  ;; A local is on the operand stack and is overwritten in the body.
  (func (export "operand-below") (param i32) (result i32)
    (local.get 0)
    (try (do (local.set 0 (i32.const 5)) (call $raise (i32.const 1))) (catch_all))
    (i32.mul (local.get 0) (i32.const 100))
    (i32.add))

  ;; What is thrown in a handler, or behind the block, is not caught by it.
  (func (export "throw-in-handler") (result i32)
    (try (result i32)
      (do
        (try (result i32)
          (do (call $raise (i32.const 1)) (i32.const 0))
          (catch $i (call $raise) (i32.const 0))
          (catch_all (i32.const -1))))
      (catch $i (i32.add (i32.const 10)))))
  (func (export "throw-behind") (result i32)
    (try (result i32)
      (do
        (try (do) (catch_all (unreachable)))
        (call $raise (i32.const 4))
        (i32.const 0))
      (catch $i)))

  ;; All handlers of a try are tried in their order.
  (func $pick (param i32)
    (block $2 (block $1 (block $0 (br_table $0 $1 $2 (local.get 0))) (throw $none))
      (throw $i (i32.const 11)))
    (throw $imported (i32.const 12)))
  (func (export "order") (param i32) (result i32)
    (try (result i32)
      (do (call $pick (local.get 0)) (i32.const 0))
      (catch $none (i32.const 1))
      (catch $i (i32.add (i32.const 100)))
      (catch $i (drop) (i32.const -1))
      (catch_all (i32.const 3))))

  ;; A payload of several values, a vector among them.
  (func (export "payload") (result i64 f32 v128 f64)
    (i64.const -1) (f32.const -1) (v128.const i64x2 -1 -1)
    (try (param i64 f32 v128) (result i64 f32 v128 f64)
      (do
        (drop) (drop) (drop)
        (throw $four (i64.const 1) (f32.const 2) (v128.const i64x2 3 4) (f64.const 5)))
      (catch $four)))

  ;; Parameters of the block.
  (func (export "params") (param i32) (result i32)
    (local.get 0) (i32.const 3)
    (try (param i32 i32) (result i32)
      (do (i32.sub) (call $raise) (i32.const 0))
      (catch $i)))

  ;; Exceptions of another instance.
  (func (export "imported") (param i32) (result i32)
    (try (result i32)
      (do (call $throw (local.get 0)) (i32.const 0))
      (catch $i (drop) (i32.const -1))
      (catch $imported)))

  ;; A handler runs in a loop, and its exception is another one each time.
  (func (export "loop") (param i32) (result i32) (local $sum i32)
    (loop $again
      (try
        (do (call $raise (local.get 0)))
        (catch $i (local.set $sum (i32.add (local.get $sum)))))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get $sum))

  ;; `rethrow` of exceptions of enclosing handlers, out of a nested one, and after another one came in between.
  (func $nested (param i32)
    (try $outer
      (do (call $raise (i32.const 1)))
      (catch $i
        (drop)
        (try $middle
          (do (call $raise (i32.const 2)))
          (catch $i
            (drop)
            (try $inner
              (do (throw $none))
              (catch $none
                (block $2 (block $1 (block $0 (br_table $0 $1 $2 (local.get 0)))
                    (rethrow $inner))
                  (rethrow $middle))
                (rethrow $outer))))))))
  (func (export "nested") (param i32) (result i32)
    (try (result i32)
      (do (call $nested (local.get 0)) (i32.const 0))
      (catch $i)
      (catch_all (i32.const 99))))

  ;; A rethrown exception is caught by a try in the handler, and can be rethrown from there.
  (func (export "rethrow-inside") (result i32)
    (try $outer (result i32)
      (do (call $raise (i32.const 6)) (i32.const 0))
      (catch $i
        (try $inner (param i32) (result i32)
          (do (drop) (rethrow $outer))
          (catch $i
            (try (param i32) (result i32)
              (do (drop) (rethrow $inner))
              (catch $i (i32.mul (i32.const 7))))))
        )))

  ;; A handler that is left by branches, and one that returns.
  (func (export "branch-out") (param i32) (result i32)
    (block $out (result i32)
      (try
        (do (call $raise (i32.const 5)))
        (catch $i
          (br_if $out (local.get 0))
          (return (i32.add (i32.const 1)))))
      (i32.const 0)))

  ;; `delegate` out of a handler, over a try, and to the caller.
  (func (export "delegate-over") (result i32)
    (try $outer (result i32)
      (do
        (try (result i32)
          (do
            (try (result i32) (do (call $raise (i32.const 8)) (i32.const 0)) (delegate $outer)))
          (catch_all (i32.const -1))))
      (catch $i)))
  (func $to-caller (try (do (try (do (call $raise (i32.const 9))) (delegate 1))) (catch_all)))
  (func (export "delegate-to-caller") (result i32)
    (try (result i32) (do (call $to-caller) (i32.const 0)) (catch $i)))
  (func (export "delegate-from-handler") (result i32)
    (try $outer (result i32)
      (do
        (try $inner (result i32)
          (do (throw $none))
          (catch $none
            (try (result i32) (do (call $raise (i32.const 2)) (i32.const 0)) (delegate $inner)))
          (catch_all (i32.const -1))))
      (catch $i)))

  ;; What a tail call throws has left the try.
  (func $tail (param i32)
    (try (do (return_call $raise (local.get 0))) (catch_all (global.set $steps (i32.const -1)))))
  (func (export "tail-call") (param i32) (result i32)
    (try (result i32) (do (call $tail (local.get 0)) (i32.const 0)) (catch $i)))

  ;; The new instructions see the same exceptions.
  (func (export "mixed") (result i32)
    (block $caught (result i32)
      (try_table (catch $i $caught)
        (try
          (do (call $raise (i32.const 3)))
          (catch $i (call $raise (i32.add (i32.const 40))))))
      (i32.const 0)))
  (func (export "mixed-rethrow") (result i32)
    (block $caught (result exnref)
      (try_table (catch_all_ref $caught)
        (try
          (do (call $raise (i32.const 3)))
          (catch $i (drop) (rethrow 0))))
      (return (i32.const 0)))
    (try (param exnref) (result i32)
      (do (throw_ref))
      (catch $i)))
  (func (export "delegate-to-table") (result i32)
    (block $caught (result i32)
      (try_table $table (catch $i $caught)
        (try
          (do (try (do (call $raise (i32.const 12))) (delegate $table)))
          (catch_all)))
      (i32.const 0)))
)

(assert_return (invoke "locals" (i32.const 3)) (i32.const 1324))
(assert_return (invoke "operand-below" (i32.const 2)) (i32.const 502))
(assert_return (invoke "throw-in-handler") (i32.const 11))
(assert_return (invoke "throw-behind") (i32.const 4))
(assert_return (invoke "order" (i32.const 0)) (i32.const 1))
(assert_return (invoke "order" (i32.const 1)) (i32.const 111))
(assert_return (invoke "order" (i32.const 2)) (i32.const 3))
(assert_return (invoke "payload") (i64.const 1) (f32.const 2) (v128.const i64x2 3 4) (f64.const 5))
(assert_return (invoke "params" (i32.const 10)) (i32.const 7))
(assert_return (invoke "imported" (i32.const 77)) (i32.const 77))
(assert_return (invoke "loop" (i32.const 100)) (i32.const 5050))
(assert_return (invoke "nested" (i32.const 0)) (i32.const 99))
(assert_return (invoke "nested" (i32.const 1)) (i32.const 2))
(assert_return (invoke "nested" (i32.const 2)) (i32.const 1))
(assert_return (invoke "rethrow-inside") (i32.const 42))
(assert_return (invoke "branch-out" (i32.const 0)) (i32.const 6))
(assert_return (invoke "branch-out" (i32.const 1)) (i32.const 5))
(assert_return (invoke "delegate-over") (i32.const 8))
(assert_return (invoke "delegate-to-caller") (i32.const 9))
(assert_return (invoke "delegate-from-handler") (i32.const 2))
(assert_return (invoke "tail-call" (i32.const 5)) (i32.const 5))
(assert_return (invoke "mixed") (i32.const 43))
(assert_return (invoke "mixed-rethrow") (i32.const 3))
(assert_return (invoke "delegate-to-table") (i32.const 12))

;; Valid.

(module (func (try (do))))
(module (func (try (do unreachable) (catch_all))))
(module (tag $e (param i32)) (func (result i32) (try (result i32) (do (i32.const 1)) (catch $e))))
(module (func (try (do (try (do) (delegate 0))))))
(module (func (try $l (do) (catch_all (loop (rethrow $l))))))
(module (tag $e) (func (try $l (do) (catch $e (rethrow 0)) (catch_all (rethrow $l)))))

;; Invalid.

(assert_invalid (module (func (try (do) (catch 0)))) "unknown tag")
(assert_invalid (module (tag (param i32)) (func (try (do) (catch 0)))) "type mismatch")
(assert_invalid (module (func (try (result i32) (do (i32.const 1)) (catch_all)) drop)) "type mismatch")
(assert_invalid (module (func (try (result i32) (do (i64.const 1)) (catch_all (i32.const 1))) drop)) "type mismatch")
(assert_invalid (module (func (rethrow 0))) "invalid rethrow label")
(assert_invalid (module (func (try (do (rethrow 0)) (catch_all)))) "invalid rethrow label")
(assert_invalid (module (func (try (do) (catch_all (block (rethrow 0)))))) "invalid rethrow label")
(assert_invalid (module (func (try (do) (catch_all (rethrow 5))))) "unknown label")
(assert_invalid (module (func (try (do) (delegate 1)))) "unknown label")
(assert_invalid (module (func (try (do) (delegate 7)))) "unknown label")
(assert_invalid (module (func (i32.const 1) (try (param i64) (do drop) (catch_all)))) "type mismatch")

;; Arguments are put where the callee's frame begins, and its results come back there. An imported function is
;; called through the instance, since only the instance knows it.
(module
  (import "host" "log" (func $log (param i32)))
  (func $add3 (param i32 i32 i32) (result i32)
    (i32.add (i32.add (local.get 0) (local.get 1)) (local.get 2)))
  (func (param $a i32) (result i32)
    (call $log (local.get $a))
    (i32.mul
      (call $add3 (local.get $a) (i32.const 2) (i32.const 3))
      (call $add3 (i32.const 1) (local.get $a) (i32.const 4))))
  (func $fib (param $n i32) (result i32)
    (if (result i32) (i32.lt_u (local.get $n) (i32.const 2))
      (then (local.get $n))
      (else
        (i32.add
          (call $fib (i32.sub (local.get $n) (i32.const 1)))
          (call $fib (i32.sub (local.get $n) (i32.const 2))))))))

;; The callee's arguments replace the caller's frame, so that a chain of tail calls takes no stack.
(module
  (type $step (func (param i32 i64) (result i64)))
  (table 1 funcref)
  (func $factorial (type $step)
    (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
    (return_call $factorial
      (i32.sub (local.get 0) (i32.const 1))
      (i64.mul (local.get 1) (i64.extend_i32_u (local.get 0)))))
  (func (type $step)
    (return_call_indirect (type $step) (local.get 0) (local.get 1) (i32.const 0)))
  (func (param $f (ref $step)) (result i64)
    (return_call_ref $step (i32.const 5) (i64.const 1) (local.get $f))))

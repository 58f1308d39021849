;; Calls by reference: the type was validated, so only null is looked for.
(module
  (type $unary (func (param i32) (result i32)))
  (elem declare func $twice)
  (func $twice (type $unary) (i32.shl (local.get 0) (i32.const 1)))
  (func $apply (param $f (ref null $unary)) (param $x i32) (result i32)
    (call_ref $unary (local.get $x) (local.get $f)))
  (func $apply_twice (param $x i32) (result i32)
    (call $apply (ref.func $twice) (local.get $x)))
  (func $or_zero (param $f (ref null $unary)) (param $x i32) (result i32)
    (block $null
      (br_on_null $null (local.get $f))
      (drop)
      (return_call_ref $unary (local.get $x) (local.get $f)))
    (i32.const 0)))

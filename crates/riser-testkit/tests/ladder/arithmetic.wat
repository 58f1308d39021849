;; Operands stay virtual until an operator takes them: locals and constants become fields of instructions, an
;; intermediate result goes to the accumulator, and constants move to the right where the operator allows it.
(module
  (func (param $a i32) (param $b i32) (result i32)
    (i32.mul (i32.add (i32.const 1) (local.get $a)) (i32.sub (local.get $b) (local.get $a))))
  (func (param $a i64) (result i64)
    (i64.shl (i64.const 1) (i64.div_u (i64.const 0x1_0000_0000) (local.get $a))))
  (func (param $x f64) (param $y f64) (result f64)
    (f64.sqrt (f64.add (f64.mul (local.get $x) (local.get $x)) (f64.mul (local.get $y) (local.get $y)))))
  (func (param $x f32) (result i32)
    (i32.trunc_sat_f32_s (f32.mul (f32.const 0.5) (local.get $x)))))

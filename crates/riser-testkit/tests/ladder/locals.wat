;; Declared locals are zeroed at entry. A local that is overwritten while its old value waits on the operand stack
;; is copied to its canonical slot first; `local.tee` of a result costs nothing.
(module
  (global $g (mut i32) (i32.const 7))
  (func (param $a i32) (result i32)
    (local $b i32) (local $c i64) (local $v v128)
    (local.get $a)
    (local.set $a (i32.const 5))
    (local.set $b (local.get $a))
    (i32.add (local.tee $b (i32.xor (local.get $b) (i32.const -1))))
    (i32.sub (local.get $b)))
  (func (param $n i32) (result i32)
    (global.set $g (i32.add (global.get $g) (local.get $n)))
    (select (global.get $g) (local.get $n) (i32.lt_s (local.get $n) (i32.const 3)))))

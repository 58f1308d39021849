;; An access names its address and its offset. Those of memory 0 with an offset that fits are the short forms;
;; another memory takes the far one. Every access is checked.
(module
  (memory $m 1)
  (memory $other 1)
  (func (param $p i32) (result i32)
    (i32.store offset=8 (local.get $p) (i32.load offset=4 (local.get $p)))
    (i32.store8 (local.get $p) (i32.const 65))
    (i32.load16_s (i32.add (local.get $p) (i32.const 2))))
  (func (result i64)
    (i64.load (i32.const 1024)))
  (func (param $p i32) (param $x f64) (result f64)
    (f64.store $other offset=16 (local.get $p) (local.get $x))
    (f64.load $other (local.get $p)))
  (func (param $pages i32) (result i32)
    (drop (memory.grow $m (local.get $pages)))
    (memory.size $m)))

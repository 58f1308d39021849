;; Addresses, sizes and offsets of 64 bits. Every access takes the far form.
(module
  (memory i64 1)
  (func (param $p i64) (result i32)
    (i32.load offset=0x1_0000_0000 (local.get $p)))
  (func (param $p i64) (param $value i64)
    (i64.store offset=8 (local.get $p) (local.get $value)))
  (func (param $delta i64) (result i64)
    (memory.grow (local.get $delta))))

;; A vector takes two slots. Vector operators take their operands from slots.
(module
  (memory 1)
  (func (param $p i32) (param $k f32)
    (v128.store (local.get $p)
      (f32x4.mul (v128.load (local.get $p)) (f32x4.splat (local.get $k)))))
  (func (param $a v128) (param $b v128) (result i32)
    (i32.add
      (i8x16.extract_lane_u 3
        (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $a) (local.get $b)))
      (i8x16.bitmask (i8x16.eq (local.get $a) (v128.const i32x4 1 2 3 4)))))
  (func (param $p i32) (param $v v128) (result v128)
    (v128.load32_lane offset=4 2 (local.get $p) (local.get $v))))

;; Every target is one jump in the instruction. Where a branch carries a value, its jump leads to a stub that puts
;; the value in its place.
(module
  (func (param $n i32) (result i32)
    (block $other
      (block $two
        (block $one
          (br_table $one $two $other (local.get $n)))
        (return (i32.const 10)))
      (return (i32.const 20)))
    (i32.const 30))
  (func (param $n i32) (result i32)
    (block $a (result i32)
      (i32.add
        (block $b (result i32)
          (br_table $a $b (i32.const 7) (local.get $n)))
        (i32.const 1)))))

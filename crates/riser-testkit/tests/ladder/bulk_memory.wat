;; One instruction each; bounds are checked before anything is written.
(module
  (memory 1)
  (data $hello "hello")
  (func (param $to i32) (param $from i32) (param $len i32)
    (memory.copy (local.get $to) (local.get $from) (local.get $len))
    (memory.fill (local.get $to) (i32.const 0) (local.get $len))
    (memory.init $hello (local.get $to) (i32.const 0) (i32.const 5))
    (data.drop $hello)))

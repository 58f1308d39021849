;; Atomic operators, on memories with a fixed base. An address that is not a multiple of the size traps. Waiting is a builtin.
(module
  (memory 1 1 shared)
  (func $count (param $at i32) (result i32)
    (i32.atomic.rmw.add (local.get $at) (i32.const 1)))
  (func $publish (param $at i32) (param $value i64)
    (i64.atomic.store offset=8 (local.get $at) (local.get $value))
    (atomic.fence))
  (func $swap_byte (param $at i32) (param $old i32) (param $new i32) (result i32)
    (i32.atomic.rmw8.cmpxchg_u (local.get $at) (local.get $old) (local.get $new)))
  (func $wait (param $at i32) (result i32)
    (memory.atomic.wait32 (local.get $at) (i32.const 0) (i64.const -1))))

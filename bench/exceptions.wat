;; What it costs to throw and catch, and to call and return instead: run one of the exports with a number of turns, for
;; example `riser run --invoke throw bench/exceptions.wat 5000000`. docs/measurements.md has results.
(module 
  (tag $e (param i32))
  (func $raise (param i32) (throw $e (local.get 0)))
  (func $down (param i32 i32)
    (if (local.get 0) (then (call $down (i32.sub (local.get 0) (i32.const 1)) (local.get 1)) (return)))
    (throw $e (local.get 1)))
  (func $ret (param i32) (result i32) (local.get 0))
  (func $downr (param i32 i32) (result i32)
    (if (local.get 0) (then (return (i32.add (call $downr (i32.sub (local.get 0) (i32.const 1)) (local.get 1)) (i32.const 1)))))
    (local.get 1))
  (func (export "throw") (param i32) (result i32) (local $s i32)
    (loop $l
      (block $h (result i32) (try_table (catch $e $h) (call $raise (local.get 0))) (unreachable))
      (local.set $s (i32.add (local.get $s)))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get $s))
  (func (export "call") (param i32) (result i32) (local $s i32)
    (loop $l
      (call $ret (local.get 0))
      (local.set $s (i32.add (local.get $s)))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get $s))
  (func (export "throw100") (param i32) (result i32) (local $s i32)
    (loop $l
      (block $h (result i32) (try_table (catch $e $h) (call $down (i32.const 100) (local.get 0))) (unreachable))
      (local.set $s (i32.add (local.get $s)))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get $s))
  (func (export "call100") (param i32) (result i32) (local $s i32)
    (loop $l
      (call $downr (i32.const 100) (local.get 0))
      (local.set $s (i32.add (local.get $s)))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get $s))
  (func (export "try") (param i32) (result i32) (local $s i32)
    (loop $l
      (block $h (result i32) (try_table (result i32) (catch $e $h) (call $ret (local.get 0))))
      (local.set $s (i32.add (local.get $s)))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get $s)))

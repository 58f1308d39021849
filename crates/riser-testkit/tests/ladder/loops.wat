;; A comparison and the branch that uses it become one instruction; `i32.eqz` and a masking
;; `i32.and` count as comparisons. What follows an unconditional branch and is no target is not lowered at all.
(module
  (func (param $n i32) (result i64)
    (local $sum i64)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $n)))
        (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (local.get $n))))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next)
        (unreachable)))
    (local.get $sum))
  (func (param $i i32) (param $end i32)
    (loop $next
      (local.set $i (i32.add (local.get $i) (i32.const 4)))
      (br_if $next (i32.lt_u (local.get $i) (local.get $end)))))
  (func (param $flags i32) (result i32)
    (if (result i32) (i32.and (local.get $flags) (i32.const 8))
      (then (i32.const 1))
      (else (i32.const 2)))))

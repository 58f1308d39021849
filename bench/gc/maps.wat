;; A hash map from numbers to structs: inserted, found, changed, erased; the table of chains grows. `run(n)`: `n` is how
;; many thousand operations are done.
(module
  (type $point (struct (field $x (mut f64)) (field $y (mut f64)) (field $uses (mut i32))))
  (type $entry (struct (field $key i64) (field $value (mut (ref $point))) (field $next (mut (ref null $entry)))))
  (type $chains (array (mut (ref null $entry))))
  (type $map (struct (field $chains (mut (ref $chains))) (field $count (mut i32))))

  (func $chain (param $chains (ref $chains)) (param $key i64) (result i32)
    (i32.and
      (i32.wrap_i64 (i64.shr_u (i64.mul (local.get $key) (i64.const 0x9E3779B97F4A7C15)) (i64.const 32)))
      (i32.sub (array.len (local.get $chains)) (i32.const 1))))

  (func $find (param $map (ref $map)) (param $key i64) (result (ref null $point))
    (local $entry (ref null $entry)) (local $chains (ref $chains))
    (local.set $chains (struct.get $map $chains (local.get $map)))
    (local.set $entry (array.get $chains (local.get $chains) (call $chain (local.get $chains) (local.get $key))))
    (block $none
      (loop $more
        (br_if $none (ref.is_null (local.get $entry)))
        (if (i64.eq (struct.get $entry $key (local.get $entry)) (local.get $key))
          (then (return (struct.get $entry $value (local.get $entry)))))
        (local.set $entry (struct.get $entry $next (local.get $entry)))
        (br $more)))
    (ref.null $point))

  ;; Twice as many chains.
  (func $grow (param $map (ref $map))
    (local $old (ref $chains)) (local $new (ref $chains)) (local $from i32) (local $to i32)
    (local $entry (ref null $entry)) (local $next (ref null $entry))
    (local.set $old (struct.get $map $chains (local.get $map)))
    (local.set $new (array.new_default $chains (i32.mul (array.len (local.get $old)) (i32.const 2))))
    (loop $chain
      (local.set $entry (array.get $chains (local.get $old) (local.get $from)))
      (block $end
        (loop $more
          (br_if $end (ref.is_null (local.get $entry)))
          (local.set $next (struct.get $entry $next (local.get $entry)))
          (local.set $to (call $chain (local.get $new) (struct.get $entry $key (local.get $entry))))
          (struct.set $entry $next (local.get $entry) (array.get $chains (local.get $new) (local.get $to)))
          (array.set $chains (local.get $new) (local.get $to) (local.get $entry))
          (local.set $entry (local.get $next))
          (br $more)))
      (local.set $from (i32.add (local.get $from) (i32.const 1)))
      (br_if $chain (i32.lt_u (local.get $from) (array.len (local.get $old)))))
    (struct.set $map $chains (local.get $map) (local.get $new)))

  (func $insert (param $map (ref $map)) (param $key i64) (param $value (ref $point))
    (local $chains (ref $chains)) (local $at i32)
    (if (i32.ge_u (struct.get $map $count (local.get $map)) (array.len (struct.get $map $chains (local.get $map))))
      (then (call $grow (local.get $map))))
    (local.set $chains (struct.get $map $chains (local.get $map)))
    (local.set $at (call $chain (local.get $chains) (local.get $key)))
    (array.set $chains (local.get $chains) (local.get $at)
      (struct.new $entry (local.get $key) (local.get $value) (array.get $chains (local.get $chains) (local.get $at))))
    (struct.set $map $count (local.get $map) (i32.add (struct.get $map $count (local.get $map)) (i32.const 1))))

  (func $erase (param $map (ref $map)) (param $key i64) (result i32)
    (local $chains (ref $chains)) (local $at i32) (local $entry (ref null $entry)) (local $before (ref null $entry))
    (local.set $chains (struct.get $map $chains (local.get $map)))
    (local.set $at (call $chain (local.get $chains) (local.get $key)))
    (local.set $entry (array.get $chains (local.get $chains) (local.get $at)))
    (block $none
      (loop $more
        (br_if $none (ref.is_null (local.get $entry)))
        (if (i64.eq (struct.get $entry $key (local.get $entry)) (local.get $key))
          (then
            (if (ref.is_null (local.get $before))
              (then (array.set $chains (local.get $chains) (local.get $at) (struct.get $entry $next (local.get $entry))))
              (else (struct.set $entry $next (local.get $before) (struct.get $entry $next (local.get $entry)))))
            (struct.set $map $count (local.get $map) (i32.sub (struct.get $map $count (local.get $map)) (i32.const 1)))
            (return (i32.const 1))))
        (local.set $before (local.get $entry))
        (local.set $entry (struct.get $entry $next (local.get $entry)))
        (br $more)))
    (i32.const 0))

  (func (export "run") (param $n i32) (result i64)
    (local $map (ref $map)) (local $left i32) (local $seed i64) (local $key i64) (local $point (ref null $point))
    (local $sum i64)
    (local.set $map (struct.new $map (array.new_default $chains (i32.const 16)) (i32.const 0)))
    (local.set $left (i32.mul (local.get $n) (i32.const 1000)))
    (local.set $seed (i64.const 1))
    (loop $again
      (local.set $seed (i64.add (i64.mul (local.get $seed) (i64.const 6364136223846793005)) (i64.const 1442695040888963407)))
      ;; Some 100,000 keys, the small ones oftener than the others.
      (local.set $key (i64.rem_u (i64.shr_u (local.get $seed) (i64.const 40)) (i64.add (i64.const 10)
        (i64.rem_u (i64.shr_u (local.get $seed) (i64.const 20)) (i64.const 100000)))))
      (local.set $point (call $find (local.get $map) (local.get $key)))
      (if (ref.is_null (local.get $point))
        (then
          (call $insert (local.get $map) (local.get $key)
            (struct.new $point (f64.convert_i64_u (local.get $key)) (f64.const 1) (i32.const 1))))
        (else
          (struct.set $point $x (local.get $point)
            (f64.add (struct.get $point $x (local.get $point)) (struct.get $point $y (local.get $point))))
          (struct.set $point $uses (local.get $point)
            (i32.add (struct.get $point $uses (local.get $point)) (i32.const 1)))
          (if (i32.gt_s (struct.get $point $uses (local.get $point)) (i32.const 20))
            (then
              (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 31))
                (i64.trunc_f64_s (struct.get $point $x (local.get $point)))))
              (local.set $sum (i64.add (local.get $sum)
                (i64.extend_i32_u (call $erase (local.get $map) (local.get $key)))))))))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (i64.add (i64.mul (local.get $sum) (i64.const 31)) (i64.extend_i32_u (struct.get $map $count (local.get $map))))))

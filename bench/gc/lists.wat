;; Linked lists: made, reversed in place, copied with a function, filtered, merge-sorted by their links. `run(n)`: `n` is
;; how many times it is done with a list of 20,000.
(module
  (type $list (struct (field $value i32) (field $next (mut (ref null $list)))))
  (type $function (func (param i32) (result i32)))
  (elem declare func $spread $odd)

  (func $spread (type $function) (i32.xor (i32.mul (local.get 0) (i32.const 0x9E3779B1)) (i32.const 77)))
  (func $odd (type $function) (i32.and (local.get 0) (i32.const 1)))

  (func $make (param $count i32) (param $seed i32) (result (ref null $list))
    (local $list (ref null $list))
    (loop $more
      (local.set $seed (i32.add (i32.mul (local.get $seed) (i32.const 1103515245)) (i32.const 12345)))
      (local.set $list (struct.new $list (i32.shr_u (local.get $seed) (i32.const 4)) (local.get $list)))
      (br_if $more (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
    (local.get $list))

  (func $reverse (param $list (ref null $list)) (result (ref null $list))
    (local $reversed (ref null $list)) (local $next (ref null $list))
    (block $end
      (loop $more
        (br_if $end (ref.is_null (local.get $list)))
        (local.set $next (struct.get $list $next (local.get $list)))
        (struct.set $list $next (local.get $list) (local.get $reversed))
        (local.set $reversed (local.get $list))
        (local.set $list (local.get $next))
        (br $more)))
    (local.get $reversed))

  ;; A new list of what the function gives, in the opposite order.
  (func $map (param $list (ref null $list)) (param $f (ref $function)) (result (ref null $list))
    (local $made (ref null $list)) (local $here (ref $list))
    (block $end
      (loop $more
        (local.set $here (br_on_null $end (local.get $list)))
        (local.set $made (struct.new $list
          (call_ref $function (struct.get $list $value (local.get $here)) (local.get $f))
          (local.get $made)))
        (local.set $list (struct.get $list $next (local.get $here)))
        (br $more)))
    (local.get $made))

  ;; A new list of those for which the function gives something, in the same order.
  (func $filter (param $list (ref null $list)) (param $f (ref $function)) (result (ref null $list))
    (local $first (ref null $list)) (local $last (ref null $list)) (local $new (ref $list)) (local $here (ref $list))
    (block $end
      (loop $more
        (local.set $here (br_on_null $end (local.get $list)))
        (if (call_ref $function (struct.get $list $value (local.get $here)) (local.get $f))
          (then
            (local.set $new (struct.new $list (struct.get $list $value (local.get $here)) (ref.null $list)))
            (if (ref.is_null (local.get $last))
              (then (local.set $first (local.get $new)))
              (else (struct.set $list $next (local.get $last) (local.get $new))))
            (local.set $last (local.get $new))))
        (local.set $list (struct.get $list $next (local.get $here)))
        (br $more)))
    (local.get $first))

  (func $merge (param $a (ref null $list)) (param $b (ref null $list)) (result (ref null $list))
    (local $head (ref $list)) (local $last (ref null $list))
    (local.set $head (struct.new $list (i32.const 0) (ref.null $list)))
    (local.set $last (local.get $head))
    (loop $more
      (if (ref.is_null (local.get $a))
        (then (struct.set $list $next (local.get $last) (local.get $b)))
        (else (if (ref.is_null (local.get $b))
          (then (struct.set $list $next (local.get $last) (local.get $a)))
          (else
            (if (i32.le_s (struct.get $list $value (local.get $a)) (struct.get $list $value (local.get $b)))
              (then
                (struct.set $list $next (local.get $last) (local.get $a))
                (local.set $last (local.get $a))
                (local.set $a (struct.get $list $next (local.get $a))))
              (else
                (struct.set $list $next (local.get $last) (local.get $b))
                (local.set $last (local.get $b))
                (local.set $b (struct.get $list $next (local.get $b)))))
            (br $more))))))
    (struct.get $list $next (local.get $head)))

  ;; Sorts by cutting in two: one pointer goes at twice the speed of the other.
  (func $sort (param $list (ref null $list)) (result (ref null $list))
    (local $slow (ref null $list)) (local $fast (ref null $list)) (local $second (ref null $list))
    (if (ref.is_null (local.get $list)) (then (return (local.get $list))))
    (if (ref.is_null (struct.get $list $next (local.get $list))) (then (return (local.get $list))))
    (local.set $slow (local.get $list))
    (local.set $fast (struct.get $list $next (local.get $list)))
    (block $end
      (loop $more
        (br_if $end (ref.is_null (local.get $fast)))
        (local.set $fast (struct.get $list $next (local.get $fast)))
        (br_if $end (ref.is_null (local.get $fast)))
        (local.set $fast (struct.get $list $next (local.get $fast)))
        (local.set $slow (struct.get $list $next (local.get $slow)))
        (br $more)))
    (local.set $second (struct.get $list $next (local.get $slow)))
    (struct.set $list $next (local.get $slow) (ref.null $list))
    (call $merge (call $sort (local.get $list)) (call $sort (local.get $second))))

  (func $fold (param $list (ref null $list)) (result i64)
    (local $sum i64)
    (block $end
      (loop $more
        (br_if $end (ref.is_null (local.get $list)))
        (local.set $sum (i64.add
          (i64.mul (local.get $sum) (i64.const 0x9E3779B97F4A7C15))
          (i64.extend_i32_s (struct.get $list $value (local.get $list)))))
        (local.set $list (struct.get $list $next (local.get $list)))
        (br $more)))
    (local.get $sum))

  (func (export "run") (param $n i32) (result i64)
    (local $list (ref null $list)) (local $sum i64)
    (loop $again
      (local.set $list (call $reverse (call $make (i32.const 20000) (local.get $n))))
      (local.set $list (call $map (local.get $list) (ref.func $spread)))
      (local.set $sum (i64.xor (local.get $sum) (call $fold (call $filter (local.get $list) (ref.func $odd)))))
      (local.set $sum (i64.add
        (i64.mul (local.get $sum) (i64.const 3))
        (call $fold (call $sort (local.get $list)))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))

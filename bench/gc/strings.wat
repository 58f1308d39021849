;; Strings of 16-bit units: appended to a buffer that grows, numbers written in decimal, cut out, joined, compared, hashed.
;; `run(n)`: `n` is how many times a text of some 30,000 units is made and taken apart.
(module
  (type $string (array (mut i16)))
  (type $strings (array (mut (ref null $string))))
  (type $buffer (struct (field $units (mut (ref $string))) (field $len (mut i32))))
  (data $words "alphabetagammadeltaepsilonzetaetathetaiotakappa")

  ;; Room for so many units more.
  (func $reserve (param $buffer (ref $buffer)) (param $more i32)
    (local $needed i32) (local $units (ref $string)) (local $new (ref $string))
    (local.set $units (struct.get $buffer $units (local.get $buffer)))
    (local.set $needed (i32.add (struct.get $buffer $len (local.get $buffer)) (local.get $more)))
    (if (i32.gt_u (local.get $needed) (array.len (local.get $units)))
      (then
        (local.set $new (array.new_default $string (i32.mul (local.get $needed) (i32.const 2))))
        (array.copy $string $string (local.get $new) (i32.const 0) (local.get $units) (i32.const 0)
          (struct.get $buffer $len (local.get $buffer)))
        (struct.set $buffer $units (local.get $buffer) (local.get $new)))))

  (func $append (param $buffer (ref $buffer)) (param $string (ref $string))
    (local $len i32)
    (call $reserve (local.get $buffer) (array.len (local.get $string)))
    (local.set $len (struct.get $buffer $len (local.get $buffer)))
    (array.copy $string $string (struct.get $buffer $units (local.get $buffer)) (local.get $len)
      (local.get $string) (i32.const 0) (array.len (local.get $string)))
    (struct.set $buffer $len (local.get $buffer) (i32.add (local.get $len) (array.len (local.get $string)))))

  (func $append_unit (param $buffer (ref $buffer)) (param $unit i32)
    (local $len i32)
    (call $reserve (local.get $buffer) (i32.const 1))
    (local.set $len (struct.get $buffer $len (local.get $buffer)))
    (array.set $string (struct.get $buffer $units (local.get $buffer)) (local.get $len) (local.get $unit))
    (struct.set $buffer $len (local.get $buffer) (i32.add (local.get $len) (i32.const 1))))

  (func $cut (param $string (ref $string)) (param $from i32) (param $to i32) (result (ref $string))
    (local $new (ref $string)) (local $len i32)
    (local.set $len (i32.sub (local.get $to) (local.get $from)))
    (local.set $new (array.new_default $string (local.get $len)))
    (array.copy $string $string (local.get $new) (i32.const 0) (local.get $string) (local.get $from) (local.get $len))
    (local.get $new))

  (func $join (param $a (ref $string)) (param $b (ref $string)) (result (ref $string))
    (local $new (ref $string))
    (local.set $new (array.new_default $string (i32.add (array.len (local.get $a)) (array.len (local.get $b)))))
    (array.copy $string $string (local.get $new) (i32.const 0) (local.get $a) (i32.const 0) (array.len (local.get $a)))
    (array.copy $string $string (local.get $new) (array.len (local.get $a)) (local.get $b) (i32.const 0)
      (array.len (local.get $b)))
    (local.get $new))

  (func $decimal (param $n i32) (result (ref $string))
    (local $digits i32) (local $rest i32) (local $new (ref $string))
    (local.set $rest (local.get $n))
    (loop $more
      (local.set $digits (i32.add (local.get $digits) (i32.const 1)))
      (br_if $more (local.tee $rest (i32.div_u (local.get $rest) (i32.const 10)))))
    (local.set $new (array.new_default $string (local.get $digits)))
    (loop $more
      (local.set $digits (i32.sub (local.get $digits) (i32.const 1)))
      (array.set $string (local.get $new) (local.get $digits)
        (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
      (local.set $n (i32.div_u (local.get $n) (i32.const 10)))
      (br_if $more (local.get $digits)))
    (local.get $new))

  (func $hash (param $string (ref $string)) (result i32)
    (local $hash i32) (local $at i32)
    (block $end
      (loop $more
        (br_if $end (i32.ge_u (local.get $at) (array.len (local.get $string))))
        (local.set $hash (i32.add (i32.mul (local.get $hash) (i32.const 31))
          (array.get_u $string (local.get $string) (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $more)))
    (local.get $hash))

  (func $equal (param $a (ref $string)) (param $b (ref $string)) (result i32)
    (local $at i32)
    (if (ref.eq (local.get $a) (local.get $b)) (then (return (i32.const 1))))
    (if (i32.ne (array.len (local.get $a)) (array.len (local.get $b))) (then (return (i32.const 0))))
    (block $end
      (loop $more
        (br_if $end (i32.ge_u (local.get $at) (array.len (local.get $a))))
        (if (i32.ne (array.get_u $string (local.get $a) (local.get $at)) (array.get_u $string (local.get $b) (local.get $at)))
          (then (return (i32.const 0))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $more)))
    (i32.const 1))

  ;; One of ten words, from the data segment's bytes.
  (func $word (param $n i32) (result (ref $string))
    (local $new (ref $string)) (local $from i32) (local $at i32)
    (local.set $from (i32.rem_u (i32.mul (local.get $n) (i32.const 5)) (i32.const 40)))
    (local.set $new (array.new_default $string (i32.const 5)))
    (loop $more
      (array.set $string (local.get $new) (local.get $at)
        (i32.load8_u (i32.add (local.get $from) (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $at) (i32.const 5))))
    (local.get $new))
  (memory 1)

  ;; The set of strings with one added, if it is not there; whether it was.
  (func $seen (param $set (ref $strings)) (param $string (ref $string)) (result i32)
    (local $at i32) (local $there (ref $string))
    (local.set $at (call $hash (local.get $string)))
    (block $empty
      (loop $more
        (local.set $at (i32.and (local.get $at) (i32.sub (array.len (local.get $set)) (i32.const 1))))
        (local.set $there (br_on_null $empty (array.get $strings (local.get $set) (local.get $at))))
        (if (call $equal (local.get $there) (local.get $string)) (then (return (i32.const 1))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $more)))
    (array.set $strings (local.get $set) (local.get $at) (local.get $string))
    (i32.const 0))

  (func $text (param $seed i32) (result (ref $string))
    (local $buffer (ref $buffer)) (local $left i32)
    (local.set $buffer (struct.new $buffer (array.new_default $string (i32.const 8)) (i32.const 0)))
    (local.set $left (i32.const 3000))
    (loop $more
      (local.set $seed (i32.add (i32.mul (local.get $seed) (i32.const 1103515245)) (i32.const 12345)))
      (call $append (local.get $buffer) (call $join
        (call $word (i32.shr_u (local.get $seed) (i32.const 20)))
        (call $decimal (i32.rem_u (i32.shr_u (local.get $seed) (i32.const 8)) (i32.const 4000)))))
      (call $append_unit (local.get $buffer) (i32.const 32))
      (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (call $cut (struct.get $buffer $units (local.get $buffer)) (i32.const 0) (struct.get $buffer $len (local.get $buffer))))

  (func (export "run") (param $n i32) (result i64)
    (local $text (ref $string)) (local $set (ref $strings)) (local $from i32) (local $at i32) (local $twice i32)
    (local $sum i64)
    (memory.init $words (i32.const 0) (i32.const 0) (i32.const 47))
    (loop $again
      (local.set $text (call $text (local.get $n)))
      (local.set $set (array.new_default $strings (i32.const 8192)))
      (local.set $from (i32.const 0))
      (local.set $at (i32.const 0))
      (local.set $twice (i32.const 0))
      (loop $more
        (if (i32.eq (array.get_u $string (local.get $text) (local.get $at)) (i32.const 32))
          (then
            (local.set $twice (i32.add (local.get $twice)
              (call $seen (local.get $set) (call $cut (local.get $text) (local.get $from) (local.get $at)))))
            (local.set $from (i32.add (local.get $at) (i32.const 1)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $more (i32.lt_u (local.get $at) (array.len (local.get $text)))))
      (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 1000003))
        (i64.extend_i32_u (i32.add (call $hash (local.get $text)) (local.get $twice)))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))

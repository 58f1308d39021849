;; Objects with methods and subtypes: calls through a struct of functions, casts that hold and casts that do not, boxed
;; numbers. `run(n)`: `n` is how many times 1,000 objects are made and asked.
(module
  (type $parts (array (mut eqref)))
  (rec
    (type $shape (sub (struct (field $methods (ref $methods)) (field $size (mut i32)))))
    (type $area (func (param (ref $shape)) (result i32)))
    (type $methods (struct (field $area (ref $area)) (field $name i32))))
  (type $round (sub $shape (struct (field $methods (ref $methods)) (field $size (mut i32)))))
  (type $box (sub $shape (struct (field $methods (ref $methods)) (field $size (mut i32)) (field $height i32))))
  (type $group (sub final $shape (struct (field $methods (ref $methods)) (field $size (mut i32)) (field $parts (ref $parts)))))
  (global $round_methods (ref $methods) (struct.new $methods (ref.func $round_area) (i32.const 3)))
  (global $box_methods (ref $methods) (struct.new $methods (ref.func $box_area) (i32.const 5)))
  (global $group_methods (ref $methods) (struct.new $methods (ref.func $group_area) (i32.const 7)))

  (func $round_area (type $area)
    (i32.mul (i32.const 3) (i32.mul (struct.get $shape $size (local.get 0)) (struct.get $shape $size (local.get 0)))))
  (func $box_area (type $area)
    (i32.mul (struct.get $shape $size (local.get 0)) (struct.get $box $height (ref.cast (ref $box) (local.get 0)))))
  (func $group_area (type $area)
    (local $parts (ref $parts)) (local $at i32) (local $sum i32)
    (local.set $parts (struct.get $group $parts (ref.cast (ref $group) (local.get 0))))
    (loop $more
      (local.set $sum (i32.add (local.get $sum) (call $value (array.get $parts (local.get $parts) (local.get $at)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $at) (array.len (local.get $parts)))))
    (local.get $sum))

  ;; A number is itself, a shape is asked, nothing is nothing.
  (func $value (param $any eqref) (result i32)
    (block $number (result (ref i31))
      (block $shape (result (ref $shape))
        (br_on_cast $shape eqref (ref $shape) (br_on_cast $number eqref (ref i31) (local.get $any)))
        drop
        (return (i32.const 0)))
      (return (call $ask)))
    i31.get_s)

  (func $ask (param $shape (ref $shape)) (result i32)
    (call_ref $area (local.get $shape) (struct.get $methods $area (struct.get $shape $methods (local.get $shape)))))

  (func $make (param $n i32) (result eqref)
    (local $kind i32)
    (local.set $kind (i32.and (i32.shr_u (local.get $n) (i32.const 7)) (i32.const 3)))
    (if (i32.eqz (local.get $kind)) (then (return (ref.i31 (local.get $n)))))
    (if (i32.eq (local.get $kind) (i32.const 1))
      (then (return (struct.new $round (global.get $round_methods) (i32.and (local.get $n) (i32.const 63))))))
    (if (i32.eq (local.get $kind) (i32.const 2))
      (then (return (struct.new $box (global.get $box_methods) (i32.and (local.get $n) (i32.const 31)) (local.get $kind)))))
    (struct.new $group (global.get $group_methods) (i32.const 0)
      (array.new_fixed $parts 3 (ref.i31 (local.get $n)) (ref.null eq)
        (struct.new $round (global.get $round_methods) (i32.and (local.get $n) (i32.const 15))))))

  (func (export "run") (param $n i32) (result i64)
    (local $all (ref $parts)) (local $at i32) (local $seed i32) (local $sum i64) (local $times i32)
    (local $any eqref)
    (local.set $all (array.new_default $parts (i32.const 1000)))
    (local.set $seed (i32.const 1))
    (loop $again
      (local.set $at (i32.const 0))
      (loop $fill
        (local.set $seed (i32.add (i32.mul (local.get $seed) (i32.const 1103515245)) (i32.const 12345)))
        (array.set $parts (local.get $all) (local.get $at) (call $make (i32.shr_u (local.get $seed) (i32.const 8))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $fill (i32.lt_u (local.get $at) (array.len (local.get $all)))))
      (local.set $times (i32.const 4))
      (loop $more
        (local.set $at (i32.const 0))
        (loop $ask
          (local.set $any (array.get $parts (local.get $all) (local.get $at)))
          (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_s (call $value (local.get $any)))))
          (if (ref.test (ref $round) (local.get $any))
            (then (struct.set $shape $size (ref.cast (ref $shape) (local.get $any)) (local.get $at))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br_if $ask (i32.lt_u (local.get $at) (array.len (local.get $all)))))
        (br_if $more (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
      (local.set $sum (i64.mul (local.get $sum) (i64.const 31)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))

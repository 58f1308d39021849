;; Binary trees: many that are dropped at once, beside one that stays. `run(n)`: `n` is the depth of the largest.
(module
  (type $tree (struct (field $left (ref null $tree)) (field $right (ref null $tree))))

  (func $make (param $depth i32) (result (ref $tree))
    (if (i32.eqz (local.get $depth))
      (then (return (struct.new $tree (ref.null $tree) (ref.null $tree)))))
    (local.set $depth (i32.sub (local.get $depth) (i32.const 1)))
    (struct.new $tree (call $make (local.get $depth)) (call $make (local.get $depth))))

  (func $count (param $tree (ref $tree)) (result i32)
    (local $left (ref null $tree))
    (local.set $left (struct.get $tree $left (local.get $tree)))
    (if (ref.is_null (local.get $left)) (then (return (i32.const 1))))
    (i32.add (i32.const 1)
      (i32.add
        (call $count (ref.as_non_null (local.get $left)))
        (call $count (ref.as_non_null (struct.get $tree $right (local.get $tree)))))))

  (func (export "run") (param $n i32) (result i64)
    (local $long (ref $tree)) (local $depth i32) (local $times i32) (local $sum i64) (local $nodes i64)
    (local.set $long (call $make (local.get $n)))
    (local.set $depth (i32.const 4))
    (block $done
      (loop $deeper
        (br_if $done (i32.gt_s (local.get $depth) (local.get $n)))
        (local.set $times (i32.shl (i32.const 1) (i32.add (i32.sub (local.get $n) (local.get $depth)) (i32.const 4))))
        (local.set $nodes (i64.const 0))
        (loop $again
          (local.set $nodes (i64.add (local.get $nodes) (i64.extend_i32_u (call $count (call $make (local.get $depth))))))
          (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
        (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 31)) (local.get $nodes)))
        (local.set $depth (i32.add (local.get $depth) (i32.const 2)))
        (br $deeper)))
    (i64.add (i64.mul (local.get $sum) (i64.const 31)) (i64.extend_i32_u (call $count (local.get $long))))))

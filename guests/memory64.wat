;; Sieves primes in a memory with 64-bit addresses and prints how many there are below a million. Text goes through a
;; second memory with 32-bit addresses, which is the one that WASI sees.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory $text (export "memory") 1)
  (memory $sieve i64 0 65536)
  ;; The number is put before the words.
  (data (memory $text) (i32.const 16) "                 primes below 1000000\n")

  (func $strike (param $prime i64) (param $below i64)
    (local $multiple i64)
    (local.set $multiple (i64.mul (local.get $prime) (local.get $prime)))
    (block $done
      (loop $next
        (br_if $done (i64.ge_u (local.get $multiple) (local.get $below)))
        (i64.store8 $sieve (local.get $multiple) (i64.const 1))
        (local.set $multiple (i64.add (local.get $multiple) (local.get $prime)))
        (br $next))))

  (func $count (param $below i64) (result i64)
    (local $n i64) (local $found i64)
    (local.set $n (i64.const 2))
    (loop $next
      (if (i32.eqz (i32.load8_u $sieve (local.get $n)))
        (then
          (local.set $found (i64.add (local.get $found) (i64.const 1)))
          (call $strike (local.get $n) (local.get $below))))
      (local.set $n (i64.add (local.get $n) (i64.const 1)))
      (br_if $next (i64.lt_u (local.get $n) (local.get $below))))
    (local.get $found))

  ;; Writes the digits of a number so that the last one is at `$at`; the address of the first.
  (func $digits (param $n i64) (param $at i32) (result i32)
    (loop $next
      (i32.store8 $text (local.get $at)
        (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $n) (i64.const 10)))))
      (local.set $n (i64.div_u (local.get $n) (i64.const 10)))
      (if (i64.ne (local.get $n) (i64.const 0))
        (then
          (local.set $at (i32.sub (local.get $at) (i32.const 1)))
          (br $next))))
    (local.get $at))

  (func (export "_start")
    (local $first i32)
    ;; Sixteen pages hold a byte for each number. `memory.grow` gives the old size, -1 if there is no room.
    (if (i64.ne (memory.grow $sieve (i64.const 16)) (i64.const 0)) (then unreachable))
    (local.set $first (call $digits (call $count (i64.const 1000000)) (i32.const 31)))
    (i32.store $text (i32.const 0) (local.get $first))
    (i32.store $text (i32.const 4) (i32.sub (i32.const 54) (local.get $first)))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))

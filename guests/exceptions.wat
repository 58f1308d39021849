;; Adds the numbers among its arguments' characters, with exceptions for whatever else it meets: a letter is caught where
;; it was met and counted, `!` is caught there and thrown again to the caller, `?` is an exception of another kind that
;; only the outermost function catches. Prints what happened and exits with 0, 1 (`!`) or 2 (`?`).
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 2)
  (tag $letter (param i32))
  (tag $question)
  (global $sum (mut i32) (i32.const 0))
  (global $letters (mut i32) (i32.const 0))
  (data (i32.const 64) "sum    letters    \n")
  (data (i32.const 96) "an exclamation mark ended it\n")
  (data (i32.const 128) "a question mark ended it\n")

  ;; The value of a digit.
  (func $digit (param $char i32) (result i32)
    (if (i32.eq (local.get $char) (i32.const 0x3f)) (then (throw $question)))
    (if (i32.gt_u (i32.sub (local.get $char) (i32.const 0x30)) (i32.const 9))
      (then (throw $letter (local.get $char))))
    (i32.sub (local.get $char) (i32.const 0x30)))

  ;; Adds one character.
  (func $add (param $char i32)
    (local $exception exnref)
    (block $caught (result i32 exnref)
      (try_table (catch_ref $letter $caught)
        (global.set $sum (i32.add (global.get $sum) (call $digit (local.get $char)))))
      (return))
    (local.set $exception)
    (if (i32.eq (i32.const 0x21)) (then (throw_ref (local.get $exception))))
    (global.set $letters (i32.add (global.get $letters) (i32.const 1))))

  (func $add_all (param $at i32)
    (local $char i32)
    (loop $next
      (local.set $char (i32.load8_u (local.get $at)))
      (if (local.get $char)
        (then
          (call $add (local.get $char))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $next)))))

  (func $print (param $text i32) (param $len i32)
    (i32.store (i32.const 0) (local.get $text))
    (i32.store (i32.const 4) (local.get $len))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))

  ;; Two digits of a small number.
  (func $put (param $at i32) (param $n i32)
    (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.div_u (local.get $n) (i32.const 10))))
    (i32.store8 offset=1 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10)))))

  (func (export "_start")
    (local $status i32)
    (drop (call $args_sizes_get (i32.const 16) (i32.const 20)))
    (if (i32.gt_u (i32.load (i32.const 20)) (i32.const 65536)) (then unreachable))
    (if (i32.lt_u (i32.load (i32.const 16)) (i32.const 2)) (then (return)))
    (drop (call $args_get (i32.const 1024) (i32.const 65536)))
    (block $over
      (block $question_mark
        (block $exclamation (result i32)
          (try_table (catch $letter $exclamation) (catch_all $question_mark)
            ;; The argument after the program's name.
            (call $add_all (i32.load (i32.const 1028))))
          (br $over))
        (drop)
        (call $print (i32.const 96) (i32.const 29))
        (local.set $status (i32.const 1))
        (br $over))
      (call $print (i32.const 128) (i32.const 25))
      (local.set $status (i32.const 2)))
    (call $put (i32.const 68) (global.get $sum))
    (call $put (i32.const 79) (global.get $letters))
    (call $print (i32.const 64) (i32.const 19))
    (if (local.get $status) (then (call $proc_exit (local.get $status))))))

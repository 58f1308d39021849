;; Globals lie in the instance; an imported one is reached through its address there. One that never changes is a constant.
(module
  (import "host" "limit" (global $limit i32))
  (import "host" "total" (global $total (mut i64)))
  (global $next (mut i32) (i32.const 7))
  (global $step i32 (i32.const 3))
  (func $take (result i32)
    (global.get $next)
    (global.set $next (i32.add (global.get $next) (global.get $step))))
  (func $account (param $more i64) (result i32)
    (global.set $total (i64.add (global.get $total) (local.get $more)))
    (i32.lt_s (global.get $next) (global.get $limit))))

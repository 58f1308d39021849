;; What is caught stands in a table behind the code: which clause is tried first from which place on, and for each
;; clause, its tag (as an offset in the instance), the slots that it writes, and where it goes.
(module
  (tag $e (param i32 i64))
  (tag $none)
  (func $f (param i32) (throw $e (local.get 0) (i64.const 7)))
  (func (param i32) (result i64)
    (block $all
      (block $caught (result i32 i64)
        (try_table (catch $e $caught) (catch_all $all)
          (call $f (local.get 0)))
        (return (i64.const 0)))
      (return))
    (i64.const -1))
  (func (param i32) (result exnref)
    (try_table (catch_all_ref 0) (call $f (local.get 0)))
    (ref.null exn))
  ;; The legacy instructions. The exception of the handler that is rethrown is kept in a hidden local.
  (func (param i32)
    try $outer
      try
        local.get 0
        call $f
      catch $e
        drop
        drop
        rethrow 0
      end
      try
        local.get 0
        call $f
      delegate $outer
    catch_all
    end))

;; A call through a table compares the function's canonical type; a call through a typed reference needs no
;; comparison, only that the reference is not null.
(module
  (type $unary (func (param i32) (result i32)))
  (table $t 2 funcref)
  (elem (table $t) (i32.const 0) func $double $double)
  (func $double (type $unary) (i32.shl (local.get 0) (i32.const 1)))
  (func (param $which i32) (param $n i32) (result i32)
    (call_indirect $t (type $unary) (local.get $n) (local.get $which)))
  (func (param $f (ref null $unary)) (result i32)
    (call_ref $unary (i32.const 21) (local.get $f))))

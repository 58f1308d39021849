(module
  (type (;0;) (func (param i32 i32) (result i32)))
  (type (;1;) (func (param i64 f32) (result i64 f32)))
  (type (;2;) (func (param i32) (result v128)))
  (type (;3;) (func (param externref) (result i32)))
  (export "add" (func 0))
  (export "pair" (func 1))
  (export "splat" (func 2))
  (export "is_null" (func 3))
  (func (;0;) (type 0) (param i32 i32) (result i32)
    local.get 0
    local.get 1
    i32.add
  )
  (func (;1;) (type 1) (param i64 f32) (result i64 f32)
    local.get 0
    local.get 1
  )
  (func (;2;) (type 2) (param i32) (result v128)
    local.get 0
    i32x4.splat
  )
  (func (;3;) (type 3) (param externref) (result i32)
    local.get 0
    ref.is_null
  )
)

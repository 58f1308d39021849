//! What code may call in the runtime: one table of functions per engine, installed from above.

use crate::{FuncRef, Slot, Status, TagDef, VmCtx};

/// A host function as code calls it.
///
/// - `callee`: the `vmctx` of the function's [`FuncRef`] (the host's own data);
/// - `caller`: the calling instance, or null when the host itself calls;
/// - `slots`: the arguments, one after the other in slots; the results go to the same place. There is
///   room for the larger of both.
pub type HostCall =
    unsafe extern "C" fn(callee: *mut VmCtx, caller: *mut VmCtx, slots: *mut Slot) -> Status;

/// What growing gives if it was refused: the result of the operator.
pub const GROW_REFUSED: i64 = -1;
/// What growing gives if execution must end: with [`Status::HOST_ERROR`], since the store keeps the error. (No old
/// size is negative.)
pub const GROW_FAILED: i64 = -2;

/// What [`Builtins::ref_test`] gives if the heap is damaged.
pub const REF_TEST_FAILED: u32 = 2;

/// How a field or element is accessed.
pub mod object_access {
    /// A packed integer is sign-extended.
    pub const SIGNED: u32 = 1;
    /// The value is a vector, in two slots.
    pub const VECTOR: u32 = 2;
}

/// The machine type of a parameter or result of a builtin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachineType {
    /// 32 bits.
    I32,
    /// 64 bits, or an address.
    I64,
}

/// A builtin as a compiler calls it: by the platform's C calling convention, with the caller's `VmCtx` first.
#[derive(Clone, Copy, Debug)]
pub struct BuiltinSignature {
    /// Its name.
    pub name: &'static str,
    /// Where its address stands in [`Builtins`], in bytes.
    pub offset: usize,
    /// Its parameters behind the `VmCtx`.
    pub params: &'static [MachineType],
    /// Its result.
    pub result: MachineType,
    /// Whether the result is a [`Status`]: whoever gets one that is not well passes it on to [`Builtins::raise`].
    pub gives_status: bool,
}

/// Types that builtins take and give.
trait Machine {
    const TYPE: MachineType;
    const IS_STATUS: bool = false;
}

/// Says of which machine type Rust types are.
macro_rules! machine {
    ($($ty:ty => $machine:ident;)*) => {
        $(impl Machine for $ty { const TYPE: MachineType = MachineType::$machine; })*
    };
}

machine! {
    u32 => I32;
    u64 => I64;
    i64 => I64;
    *mut Slot => I64;
    *const Slot => I64;
    *const FuncRef => I64;
    *const TagDef => I64;
    *const u8 => I64;
}

impl Machine for Status {
    const TYPE: MachineType = MachineType::I32;
    const IS_STATUS: bool = true;
}

/// Declares the table: `name(parameters) -> result;`
macro_rules! builtins {
    ($dollar:tt $($(#[$doc:meta])* $name:ident($($param:ident: $ty:ty),*) -> $result:ty;)*) => {
        /// Functions of the runtime that code calls. Indices come from a valid body; addresses, lengths
        /// and counts come from the guest and are checked by the callee.
        ///
        /// Every function must be given a live instance of the store that is running on this thread.
        #[repr(C)]
        #[derive(Clone, Copy, Debug)]
        pub struct Builtins {
            $($(#[$doc])* pub $name:
                unsafe extern "C" fn(vmctx: *mut VmCtx, $($param: $ty),*) -> $result,)*
        }

        signatures! { $($name($($ty),*) -> $result;)* }

        /// Calls a macro with the rows of the table: `name(parameters) -> result;`
        #[macro_export]
        macro_rules! each_builtin {
            ($dollar each:ident) => { $dollar each! { $($name($($param: $ty),*) -> $result;)* } };
        }
    };
}

/// Declares what compilers read of the table: a constant per builtin.
macro_rules! signatures {
    ($($name:ident($($ty:ty),*) -> $result:ty;)*) => {
        /// The builtins as compilers call them, by their names.
        #[allow(non_upper_case_globals, reason = "named as the builtins")]
        pub mod builtin {
            use super::*;
            $(#[doc = concat!("[`Builtins::", stringify!($name), "`].")]
            pub const $name: BuiltinSignature = BuiltinSignature {
                name: stringify!($name), offset: core::mem::offset_of!(Builtins, $name),
                params: &[$(<$ty as Machine>::TYPE),*], result: <$result as Machine>::TYPE,
                gives_status: <$result as Machine>::IS_STATUS,
            };)*
        }
    };
}

builtins! { $
    /// Grows a memory by `delta` pages; the old size in pages, or [`GROW_REFUSED`], or [`GROW_FAILED`].
    memory_grow(memory: u32, delta: u64) -> i64;
    /// Copies between memories. Overlap is allowed.
    memory_copy(dst_memory: u32, src_memory: u32, dst: u64, src: u64, len: u64) -> Status;
    /// Fills a memory with a byte.
    memory_fill(memory: u32, dst: u64, byte: u32, len: u64) -> Status;
    /// Copies from a data segment.
    memory_init(data: u32, memory: u32, dst: u64, src: u32, len: u32) -> Status;
    /// Drops a data segment.
    data_drop(data: u32) -> Status;
    /// Blocks until notified (0), unless the memory does not hold `expected` (1), or until `timeout` nanoseconds
    /// have passed (2). A negative timeout never passes. The outcome is written to `result`.
    memory_atomic_wait32(memory: u32, address: u64, expected: u32, timeout: i64, result: *mut Slot) -> Status;
    /// The same for 64 bits.
    memory_atomic_wait64(memory: u32, address: u64, expected: u64, timeout: i64, result: *mut Slot) -> Status;
    /// Wakes at most `count` of those that wait at `address`, the earliest first; writes to `result` how many.
    memory_atomic_notify(memory: u32, address: u64, count: u32, result: *mut Slot) -> Status;
    /// Grows a table by `delta` elements that start as `init`; the result is as for memories.
    table_grow(table: u32, init: Slot, delta: u64) -> i64;
    /// Copies between tables. Overlap is allowed.
    table_copy(dst_table: u32, src_table: u32, dst: u64, src: u64, len: u64) -> Status;
    /// Fills a part of a table.
    table_fill(table: u32, dst: u64, value: Slot, len: u64) -> Status;
    /// Copies from an element segment.
    table_init(elem: u32, table: u32, dst: u64, src: u32, len: u32) -> Status;
    /// Drops an element segment.
    elem_drop(elem: u32) -> Status;
    /// The reference to a function of the instance, made on first use. Never null.
    ref_func(func: u32) -> *const FuncRef;
    /// Whether a reference is of a reference type (given by its bits): 1 or 0, or [`REF_TEST_FAILED`].
    ref_test(value: Slot, ty: u32) -> u32;
    /// Makes a structure of a canonical type. Its fields are in the slots from `operands` on; the reference goes to the
    /// first of them. All functions that make objects may collect garbage: references elsewhere than in the roots
    /// lead nowhere afterwards.
    struct_new(type_id: u32, operands: *mut Slot) -> Status;
    /// Makes a structure of zeros and nulls. The reference goes to `operands`.
    struct_new_default(type_id: u32, operands: *mut Slot) -> Status;
    /// Makes an array. Operands: the element, which takes `width` slots, and the length.
    array_new(type_id: u32, operands: *mut Slot, width: u32) -> Status;
    /// Makes an array of zeros or nulls. Operand: the length.
    array_new_default(type_id: u32, operands: *mut Slot) -> Status;
    /// Makes an array of `count` elements, which are the operands.
    array_new_fixed(type_id: u32, operands: *mut Slot, count: u32) -> Status;
    /// Makes an array from a data segment. Operands: the first byte, the number of elements.
    array_new_data(type_id: u32, operands: *mut Slot, data: u32) -> Status;
    /// Makes an array from an element segment. Operands: the first element, their number.
    array_new_elem(type_id: u32, operands: *mut Slot, elem: u32) -> Status;
    /// Reads a field; `access` are bits of [`object_access`].
    struct_get(object: Slot, field: u32, access: u32, result: *mut Slot) -> Status;
    /// Writes a field.
    struct_set(object: Slot, field: u32, access: u32, value: *const Slot) -> Status;
    /// Reads an element.
    array_get(array: Slot, index: u32, access: u32, result: *mut Slot) -> Status;
    /// Writes an element.
    array_set(array: Slot, index: u32, access: u32, value: *const Slot) -> Status;
    /// The number of elements.
    array_len(array: Slot, result: *mut Slot) -> Status;
    /// Sets elements to one value, which takes `width` slots.
    array_fill(array: Slot, index: u32, value: *const Slot, width: u32, len: u32) -> Status;
    /// Copies elements. Overlap is allowed.
    array_copy(dst: Slot, dst_index: u32, src: Slot, src_index: u32, len: u32) -> Status;
    /// Sets elements from a data segment: `start` is in bytes, `len` in elements.
    array_init_data(array: Slot, data: u32, index: u32, start: u32, len: u32) -> Status;
    /// Sets elements from an element segment.
    array_init_elem(array: Slot, elem: u32, index: u32, start: u32, len: u32) -> Status;
    /// Makes an exception of a tag of the instance, with the values from `values` on, and throws it: the store keeps it,
    /// and the status says so, unless it is a trap.
    throw(tag: u32, values: *const Slot) -> Status;
    /// Throws an exception again.
    throw_ref(exception: Slot) -> Status;
    /// The tag of the exception that was thrown.
    exception_tag() -> *const TagDef;
    /// The exception that was thrown is caught: the store keeps it no longer. Its values go to the slots from `values` on,
    /// which are those of its tag's type, and a reference to it to `reference`, unless these are null.
    catch_exception(values: *mut Slot, reference: *mut Slot) -> Status;
    /// The epoch has reached the deadline: whether execution goes on.
    epoch_reached() -> Status;
    /// Ends what is executed with a status that is not well: control goes on in the handler of an exception, or returns to
    /// the host. Never returns to its caller, which must be compiled code.
    raise(status: Status) -> Status;
    /// Does nothing but what happens at the end of each builtin: execution is interrupted if somebody wants that. Compiled code only.
    pause() -> Status;
    /// Whether a function of canonical type `actual` may be called as one of type `expected`: 1 or 0.
    is_subtype(actual: u32, expected: u32) -> u32;
    /// The number of a function that is not null, as it stands in fields of objects: from now on `FuncRef::number` says it too. 0 if there is
    /// no memory to note it.
    number_func(func: *const FuncRef) -> u32;
    /// `f32x4.relaxed_madd`, for machines without an instruction for it. The operands are six slots; the result goes to the
    /// first two of them.
    f32x4_madd(operands: *mut Slot) -> Status;
    /// The same for `f64x2.relaxed_madd`.
    f64x2_madd(operands: *mut Slot) -> Status;
    /// A defined function of the instance has spent its budget: better code of it is made soon.
    hot(defined: u32) -> Status;
    /// The same where a loop begins, which is the operator at byte `at` of the module. Gives the address of better code for
    /// the rest of the function, which goes on at that loop, or null if there is none (yet). If there is, the frame's `count` slots,
    /// the last of which is at `slots`, are kept for it.
    replace_loop(defined: u32, at: u32, slots: *const Slot, count: u32) -> *const u8;
    /// Makes the code of a defined function of the instance, unless it is there, and gives its address.
    compile(defined: u32) -> *const u8;
}

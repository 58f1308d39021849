//! The blocks that machine code reads, declared once.

use crate::{Builtins, BumpArea, HostCall, Slot, TypeRow};
use core::ffi::c_void;
use core::mem::{offset_of, size_of};
use core::ptr;
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize};
use riser_ops::TypeId;

/// What machine code may assume of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldAccess {
    /// Never changes while code can see it: a load may be moved and repeated freely.
    ReadOnly,
    /// Changes, but only inside calls that leave the code (or by the code itself).
    Moves,
    /// May change at any moment, by another thread.
    Atomic,
}

/// A field as a compiler sees it.
#[derive(Clone, Copy, Debug)]
pub struct FieldLayout {
    /// Its name.
    pub name: &'static str,
    /// Its distance from the start of the block, in bytes.
    pub offset: usize,
    /// Its size in bytes.
    pub size: usize,
    /// What code may assume of it.
    pub access: FieldAccess,
}

/// Declares blocks: `Name { field: Type = access; … }` becomes a `repr(C)` struct with a table of fields.
macro_rules! vm_blocks {
    ($($(#[$doc:meta])* $name:ident {
        $($(#[$field_doc:meta])* $field:ident: $ty:ty = $access:ident;)*
    })*) => {$(
        $(#[$doc])*
        #[repr(C)]
        #[derive(Debug)]
        pub struct $name { $($(#[$field_doc])* pub $field: $ty,)* }

        impl $name {
            /// The fields with their offsets and what code may assume of them.
            pub const FIELDS: &'static [FieldLayout] = &[$(FieldLayout {
                name: stringify!($field), offset: offset_of!($name, $field),
                size: size_of::<$ty>(), access: FieldAccess::$access,
            }),*];
        }
    )*};
}

vm_blocks! {
    /// An instance. Behind these fields lie arrays whose places [`crate::VmCtxLayout`] computes: own globals,
    /// imported functions, and pointers to memories, tables, globals and tags, imported and own alike.
    VmCtx {
        /// The store's block.
        runtime: *mut VmRuntime = ReadOnly;
        /// The instance as the runtime knows it (`riser-vm`); opaque to code.
        instance: *mut c_void = ReadOnly;
        /// The module's code table: entry of defined function 0. How far entries are apart, and what an
        /// entry is, is the business of the engine's way to run.
        code: *const u8 = ReadOnly;
        /// The canonical id of each type of the module's index space.
        type_ids: *const TypeId = ReadOnly;
    }

    /// A function as code sees it: what a non-null `funcref` points to. Never moves, lives as long as its
    /// store.
    FuncRef {
        /// Where to enter: machine code, or the interpreter's header of the function.
        entry: *const u8 = Moves;
        /// The instance that the function belongs to; for host functions, their own data.
        vmctx: *mut VmCtx = ReadOnly;
        /// The canonical type.
        type_id: TypeId = ReadOnly;
        /// How fields of objects name the function; 0 as long as code never wrote it to one.
        number: u32 = Moves;
    }

    /// An imported function, copied into each importer so that calling it takes no detour.
    ImportedFunc {
        /// As in the function's [`FuncRef`] when it was imported. It may change later to where that leads, so code may go on with what it
        /// has read.
        entry: *const u8 = ReadOnly;
        /// As in the function's [`FuncRef`].
        vmctx: *mut VmCtx = ReadOnly;
        /// The function itself, for `ref.func`.
        func_ref: *const FuncRef = ReadOnly;
    }

    /// What stands in the place of an instance for a host function in a compiled engine.
    HostCtx {
        /// As of an instance; the instance is null, and the code table is `trampoline`.
        ctx: VmCtx = ReadOnly;
        /// What the function's trampoline calls.
        call: HostCall = ReadOnly;
        /// What puts arguments into slots and makes the call; made when the function is called first.
        trampoline: *const u8 = Moves;
    }

    /// A linear memory.
    MemoryDef {
        /// Its first byte. Moves when it grows, unless its address space is reserved.
        base: *mut u8 = Moves;
        /// Its size in bytes. A shared memory may grow at any moment.
        len: AtomicUsize = Atomic;
    }

    /// A table. Every element is a [`Slot`] that holds a reference (see `frame.rs`).
    TableDef {
        /// Its first element.
        base: *mut Slot = Moves;
        /// Its size in elements.
        len: usize = Moves;
    }

    /// A tag: its address is its identity.
    TagDef {
        /// The canonical function type; its parameters are the payload.
        type_id: TypeId = ReadOnly;
    }

    /// A store: what is common to all its instances.
    VmRuntime {
        /// What code may call in the runtime.
        builtins: *const Builtins = ReadOnly;
        /// The store as the runtime knows it (`riser-vm`); opaque to code.
        store: *mut c_void = ReadOnly;
        /// Set to something other than 0 from any thread to stop or divert execution soon.
        interrupt: AtomicU32 = Atomic;
        /// Not 0 while control is in compiled code, or on its way there and past the last look at `interrupt`. Only the thread that
        /// executes uses it, its signal handlers among them.
        inside: AtomicU32 = Atomic;
        /// Fuel left. Code that counts fuel exits with `OutOfFuel` where it would need more.
        fuel: u64 = Moves;
        /// The engine's epoch, which any thread may advance.
        epoch: *const AtomicU64 = ReadOnly;
        /// Code that watches epochs calls `epoch_reached` when the epoch is not less. Set to 0 from any thread to
        /// end execution soon.
        epoch_deadline: AtomicU64 = Atomic;
        /// The first slot of the interpreter's stack.
        stack_base: *mut Slot = ReadOnly;
        /// Behind the last slot of the interpreter's stack.
        stack_end: *mut Slot = ReadOnly;
        /// The first slot that no active frame uses: where a new activation may begin.
        stack_top: *mut Slot = Moves;
        /// The interpreter's innermost activation, a linked list for backtraces; opaque here.
        activation: *mut c_void = Moves;
        /// The lowest address that the host's stack pointer may have when Wasm is entered.
        host_stack_limit: usize = Moves;
        /// The lowest address that the stack pointer may have in compiled code.
        stack_limit: AtomicUsize = Atomic;
        /// The thread that ran compiled code of the store last, as the system knows it; 0 for none.
        thread: AtomicU32 = Atomic;
        /// The frame pointer of the compiled function that called the runtime or the host last.
        exit_fp: usize = Moves;
        /// Where that function goes on; or [`crate::EXIT_ON_STACK`].
        exit_pc: usize = Moves;
        /// The instance that made the last call which may have left it: of a host function, or through a reference.
        caller: *mut VmCtx = Moves;
        /// The first byte of the heap of objects, [`crate::GUARDED_BYTES`] of address space: references are distances from
        /// here. Null in stores where no code needs it; set before any code runs that does.
        heap_base: *mut u8 = ReadOnly;
        /// What code knows of types, by number: [`crate::TYPE_ROWS_BYTES`] of address space. As `heap_base`.
        type_rows: *const TypeRow = ReadOnly;
        /// Where the next object goes.
        bump: BumpArea = Moves;
        /// The functions that stand in fields of objects, by number: addresses of `FuncRef`s, null first.
        funcs: *const u64 = Moves;
        /// How many there are.
        func_count: u64 = Moves;
        /// The slots of a frame whose loop goes on in better code, from when the old code leaves it until the new code has read
        /// them. They lie as in the frame: the last slot first, the halves of a vector low half first.
        replacement: *const Slot = Moves;
        /// What tells the thread that `host_stack_limit` is of from others; opaque to code.
        host_thread: usize = Moves;
    }
}

impl VmRuntime {
    /// A block without a stack, where nothing has been executed.
    pub fn new(builtins: *const Builtins, epoch: *const AtomicU64) -> VmRuntime {
        VmRuntime {
            builtins,
            store: ptr::null_mut(),
            interrupt: AtomicU32::new(0),
            inside: AtomicU32::new(0),
            fuel: 0,
            epoch,
            epoch_deadline: AtomicU64::new(0),
            stack_base: ptr::null_mut(),
            stack_end: ptr::null_mut(),
            stack_top: ptr::null_mut(),
            activation: ptr::null_mut(),
            host_stack_limit: 0,
            stack_limit: AtomicUsize::new(0),
            thread: AtomicU32::new(0),
            exit_fp: 0,
            exit_pc: 0,
            caller: ptr::null_mut(),
            heap_base: ptr::null_mut(),
            type_rows: ptr::null(),
            bump: BumpArea::default(),
            funcs: ptr::null(),
            func_count: 0,
            replacement: ptr::null(),
            host_thread: 0,
        }
    }
}

/// A global's value: a number or a reference in the first slot, a vector in both. Aligned for vectors.
#[repr(C, align(16))]
#[derive(Debug, Default, Clone, Copy)]
pub struct GlobalCell {
    /// The value, low half first.
    pub slots: [Slot; 2],
}

const _: () = {
    assert!(offset_of!(VmCtx, runtime) == 0);
    assert!(size_of::<FuncRef>() == 3 * size_of::<usize>() || size_of::<usize>() != 8);
    assert!(size_of::<GlobalCell>() == 16);
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_neither_overlap_nor_leave_their_block() {
        let blocks = [
            (VmCtx::FIELDS, size_of::<VmCtx>()),
            (FuncRef::FIELDS, size_of::<FuncRef>()),
            (ImportedFunc::FIELDS, size_of::<ImportedFunc>()),
            (HostCtx::FIELDS, size_of::<HostCtx>()),
            (MemoryDef::FIELDS, size_of::<MemoryDef>()),
            (TableDef::FIELDS, size_of::<TableDef>()),
            (VmRuntime::FIELDS, size_of::<VmRuntime>()),
        ];
        for (fields, size) in blocks {
            for pair in fields.windows(2) {
                assert!(pair[0].offset + pair[0].size <= pair[1].offset, "{pair:?}");
            }
            let last = fields.last().unwrap();
            assert!(last.offset + last.size <= size, "{last:?}");
        }
    }
}

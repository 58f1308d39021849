//! Where the arrays behind the fixed part of a [`VmCtx`] lie.

use crate::{FuncRef, GlobalCell, ImportedFunc, VmCtx};
use core::mem::size_of;
use riser_ops::{FuncIdx, GlobalIdx, MemoryIdx, TableIdx, TagIdx};

/// How many entries each array has: whole index spaces, but for functions only the imported ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VmCtxCounts {
    /// Imported functions.
    pub imported_funcs: u32,
    /// Memories.
    pub memories: u32,
    /// Tables.
    pub tables: u32,
    /// Globals.
    pub globals: u32,
    /// Those of them that are imported: they come first.
    pub imported_globals: u32,
    /// Tags.
    pub tags: u32,
}

/// Offsets in bytes from the start of a [`VmCtx`], for instances of one module.
///
/// ```text
/// VmCtx | GlobalCell × own globals | ImportedFunc × imported | *mut MemoryDef × memories | *mut TableDef × tables
///       | *mut GlobalCell × globals | *const TagDef × tags | *mut u8 × memories | *mut Slot × tables
///       | pointers of the runtime × globals
/// ```
///
/// The cells of globals that are not imported are in the block of their instance, first of all, since they are what code uses most; the pointers to
/// cells lead to those as well. Two arrays have the first byte of each memory whose bytes never move (see [`crate::is_guarded`]), and the first
/// element of each table that can never grow. The last one is no business of code: what the runtime knows of each global.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VmCtxLayout {
    own_globals: u32,
    imported_globals: u32,
    imported_funcs: u32,
    memories: u32,
    tables: u32,
    globals: u32,
    tags: u32,
    memory_bases: u32,
    table_bases: u32,
    global_objects: u32,
    size: u32,
}

/// The bytes of the fixed part, as a number of slots: on machines of 32 bits it may end within one.
const FIXED: u32 = size_of::<VmCtx>().next_multiple_of(8) as u32;
const CELL: u32 = size_of::<GlobalCell>() as u32;
const POINTER: u32 = size_of::<*mut u8>() as u32;
const IMPORTED_FUNC: u32 = size_of::<ImportedFunc>() as u32;

impl VmCtxLayout {
    /// The layout for the given counts (each at most a million, so that no sum overflows).
    ///
    /// # Panics
    ///
    /// If a count exceeds what decoding allows.
    pub fn new(counts: VmCtxCounts) -> VmCtxLayout {
        let all =
            [counts.imported_funcs, counts.memories, counts.tables, counts.globals, counts.tags];
        assert!(all.iter().all(|&n| n <= 10_000_000), "a decoded module has fewer entries");
        let own = counts.globals.checked_sub(counts.imported_globals).expect("a part of them");
        let own_globals = FIXED.next_multiple_of(CELL);
        let imported_funcs = own_globals + own * CELL;
        let memories = imported_funcs + counts.imported_funcs * IMPORTED_FUNC;
        let tables = memories + counts.memories * POINTER;
        let globals = tables + counts.tables * POINTER;
        let tags = globals + counts.globals * POINTER;
        let memory_bases = tags + counts.tags * POINTER;
        let table_bases = memory_bases + counts.memories * POINTER;
        let global_objects = table_bases + counts.tables * POINTER;
        let size = global_objects + counts.globals * POINTER;
        VmCtxLayout {
            own_globals,
            imported_globals: counts.imported_globals,
            imported_funcs,
            memories,
            tables,
            globals,
            tags,
            memory_bases,
            table_bases,
            global_objects,
            size,
        }
    }

    /// The size of the whole block.
    pub const fn size(&self) -> usize {
        self.size as usize
    }

    /// Of the [`ImportedFunc`] of an imported function.
    pub const fn imported_func(&self, func: FuncIdx) -> u32 {
        self.imported_funcs + func.0 * IMPORTED_FUNC
    }

    /// Of the pointer to a memory's [`crate::MemoryDef`].
    pub const fn memory(&self, memory: MemoryIdx) -> u32 {
        self.memories + memory.0 * POINTER
    }

    /// Of the first byte of a memory whose bytes never move.
    pub const fn memory_base(&self, memory: MemoryIdx) -> u32 {
        self.memory_bases + memory.0 * POINTER
    }

    /// Of the pointer to a table's [`crate::TableDef`].
    pub const fn table(&self, table: TableIdx) -> u32 {
        self.tables + table.0 * POINTER
    }

    /// Of the first element of a table that can never grow.
    pub const fn table_base(&self, table: TableIdx) -> u32 {
        self.table_bases + table.0 * POINTER
    }

    /// Of the pointer to a global's [`crate::GlobalCell`].
    pub const fn global(&self, global: GlobalIdx) -> u32 {
        self.globals + global.0 * POINTER
    }

    /// Of the [`crate::GlobalCell`] of a global that is not imported.
    pub const fn own_global(&self, global: GlobalIdx) -> Option<u32> {
        match global.0.checked_sub(self.imported_globals) {
            Some(own) => Some(self.own_globals + own * CELL),
            None => None,
        }
    }

    /// Of the pointer to what the runtime knows of a global.
    pub const fn global_object(&self, global: GlobalIdx) -> u32 {
        self.global_objects + global.0 * POINTER
    }

    /// Of the pointer to a tag's [`crate::TagDef`].
    pub const fn tag(&self, tag: TagIdx) -> u32 {
        self.tags + tag.0 * POINTER
    }
}

const _: () = assert!(size_of::<FuncRef>().is_multiple_of(size_of::<usize>()));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_follow_each_other() {
        let counts = VmCtxCounts {
            imported_funcs: 2,
            memories: 1,
            tables: 3,
            globals: 4,
            imported_globals: 1,
            tags: 5,
        };
        let layout = VmCtxLayout::new(counts);
        let own = |at| layout.own_global(GlobalIdx(at));
        assert_eq!(own(0), None);
        let first = own(1).unwrap() as usize;
        assert!(first >= size_of::<VmCtx>() && first.is_multiple_of(align_of::<GlobalCell>()));
        assert_eq!(own(4), Some(layout.imported_func(FuncIdx(0))));
        assert_eq!(layout.imported_func(FuncIdx(2)), layout.memory(MemoryIdx(0)));
        assert_eq!(layout.memory(MemoryIdx(1)), layout.table(TableIdx(0)));
        assert_eq!(layout.table(TableIdx(3)), layout.global(GlobalIdx(0)));
        assert_eq!(layout.global(GlobalIdx(4)), layout.tag(TagIdx(0)));
        assert_eq!(layout.tag(TagIdx(5)), layout.memory_base(MemoryIdx(0)));
        assert_eq!(layout.memory_base(MemoryIdx(1)), layout.table_base(TableIdx(0)));
        assert_eq!(layout.table_base(TableIdx(3)), layout.global_object(GlobalIdx(0)));
        assert_eq!(layout.global_object(GlobalIdx(4)) as usize, layout.size());
    }
}

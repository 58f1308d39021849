//! Where functions begin that were not called yet.
//!
//! Stubs know a function by its number alone and find everything else through the `VmCtx` that they are called with, so
//! those of all modules are the same: they are made once in a process, as many as its largest module needs.

use super::entries::lazy_common;
use super::registry::{self, Functions};
use core::mem::offset_of;
use core::ops::Range;
use riser_abi::VmCtx;
use riser_sys::{CodeMemory, LAZY_STUBS_HEADER, OutOfMemory, STUB_BYTES, lazy_stubs, table_stubs};
use std::sync::{Mutex, PoisonError};

/// So many stubs are made at once.
const BLOCK: u32 = 4096;

/// Where the first stub of each block is.
#[derive(Debug, Clone, Copy)]
struct Block {
    lazy: *const u8,
    table: *const u8,
}

// SAFETY: addresses of code that is never freed.
unsafe impl Send for Block {}

struct Stubs {
    memory: Option<CodeMemory>,
    blocks: Vec<Block>,
}

static STUBS: Mutex<Stubs> = Mutex::new(Stubs { memory: None, blocks: Vec::new() });

/// The stubs of the functions of a module.
#[derive(Debug)]
pub struct StubTable {
    blocks: Vec<Block>,
}

// SAFETY: as for blocks.
unsafe impl Sync for StubTable {}

impl StubTable {
    /// Stubs for a module with so many defined functions.
    ///
    /// # Errors
    /// If the system has no executable memory.
    pub fn new(functions: u32) -> Result<StubTable, OutOfMemory> {
        let mut stubs = STUBS.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = functions.div_ceil(BLOCK) as usize;
        while stubs.blocks.len() < wanted {
            let first = stubs.blocks.len() as u32 * BLOCK;
            let block =
                make(stubs.memory.get_or_insert_with(CodeMemory::new), first..first + BLOCK)?;
            stubs.blocks.push(block);
        }
        Ok(StubTable { blocks: stubs.blocks[..wanted].to_vec() })
    }

    fn block(&self, defined: u32) -> (Block, usize) {
        let block = self.blocks[(defined / BLOCK) as usize];
        (block, (defined % BLOCK) as usize * STUB_BYTES)
    }

    /// What stands in the code table for a function without code: makes the code, and goes on there.
    ///
    /// # Panics
    /// If there is no such function.
    pub fn lazy(&self, defined: u32) -> *const u8 {
        let (block, offset) = self.block(defined);
        block.lazy.wrapping_add(offset)
    }

    /// Goes on where the code table says.
    ///
    /// # Panics
    /// If there is no such function.
    pub fn through_table(&self, defined: u32) -> *const u8 {
        let (block, offset) = self.block(defined);
        block.table.wrapping_add(offset)
    }
}

fn make(memory: &mut CodeMemory, functions: Range<u32>) -> Result<Block, OutOfMemory> {
    let lazy = known(memory, &lazy_stubs(functions.clone(), lazy_common as *const u8))?;
    let table = known(memory, &table_stubs(functions, offset_of!(VmCtx, code)))?;
    Ok(Block { lazy: lazy.wrapping_add(LAZY_STUBS_HEADER), table })
}

/// Publishes stubs, for good.
fn known(memory: &mut CodeMemory, stubs: &[u8]) -> Result<*const u8, OutOfMemory> {
    let start = memory.publish(stubs, 64)?;
    registry::add(start.addr()..start.addr() + stubs.len(), Functions::Stubs);
    Ok(start)
}

//! Executable memory with what is known of the code in it.

use super::registry::{self, CodeKind, CodeOwner, Function, FunctionList};
use core::ptr::NonNull;
use riser_code::CodeArtifact;
use riser_sys::{CodeMemory, OutOfMemory};
use std::sync::Arc;

/// The code of one owner. Code in it can run as long as this lives.
#[derive(Debug)]
pub struct CodeSpace {
    owner: CodeOwner,
    memory: CodeMemory,
    /// The pieces of memory in use, by their starts: the last one is where code is added.
    pieces: Vec<(usize, Arc<FunctionList>)>,
    /// The encoded tables of what was published.
    tables: Vec<Box<[u8]>>,
    bytes: usize,
}

impl CodeSpace {
    /// No code yet.
    pub fn new(owner: CodeOwner) -> CodeSpace {
        let (memory, pieces, tables) = (CodeMemory::new(), Vec::new(), Vec::new());
        CodeSpace { owner, memory, pieces, tables, bytes: 0 }
    }

    /// The bytes of code and tables.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Puts code where it can be run: its address.
    ///
    /// # Errors
    /// If the system has no executable memory.
    pub fn publish(
        &mut self,
        artifact: &CodeArtifact,
        kind: CodeKind,
    ) -> Result<*const u8, OutOfMemory> {
        let code = self.memory.publish(&artifact.code, artifact.alignment as usize)?;
        let tables = artifact.encode_tables().into_boxed_slice();
        self.bytes += artifact.code.len() + tables.len();
        let piece = self.piece_of(code);
        // SAFETY: the tables are kept as long as the memory is registered.
        let function = unsafe {
            let code = (code, artifact.code.len());
            Function::new(code, kind, self.owner, NonNull::from(&*tables))
        };
        piece.push(function);
        self.tables.push(tables);
        Ok(code)
    }

    /// The list for the piece of memory that contains an address.
    fn piece_of(&mut self, code: *const u8) -> Arc<FunctionList> {
        let here = self.memory.ranges().find(|range| range.contains(&code.addr()));
        let range = here.expect("code is published in memory that there is");
        if let Some((_, list)) = self.pieces.iter().rev().find(|piece| piece.0 == range.start) {
            return list.clone();
        }
        let list = Arc::new(FunctionList::default());
        registry::add(range.clone(), list.clone());
        self.pieces.push((range.start, list.clone()));
        list
    }
}

impl Drop for CodeSpace {
    fn drop(&mut self) {
        let starts: Vec<usize> = self.pieces.iter().map(|piece| piece.0).collect();
        registry::remove(&starts);
    }
}

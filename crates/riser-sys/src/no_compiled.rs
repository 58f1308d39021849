//! Stands in for `compiled/` where there is no compiled code: none can be published, so that nothing needs the rest.

use crate::{InterruptHooks, OutOfMemory};
use core::ops::Range;
use std::fs::File;
use std::io;

/// On which pages code would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CodePages {
    /// On those of a file without a name.
    #[default]
    File,
    /// On pages of no file.
    Anonymous,
    /// On pages that are private to the process.
    Private,
}

/// Memory for code, which cannot be had here.
#[derive(Debug, Default)]
pub struct CodeMemory {}

impl CodeMemory {
    /// Memory without any code.
    pub const fn new() -> CodeMemory {
        CodeMemory {}
    }

    /// Memory without any code.
    pub const fn on(_pages: CodePages) -> CodeMemory {
        CodeMemory {}
    }

    /// Refused.
    pub fn publish(&mut self, code: &[u8], _align: usize) -> Result<*const u8, OutOfMemory> {
        Err(OutOfMemory { bytes: code.len() })
    }

    /// Refused.
    pub fn publish_with(
        &mut self,
        len: usize,
        _align: usize,
        _write: impl FnOnce(*const u8, &mut [u8]),
    ) -> Result<*const u8, OutOfMemory> {
        Err(OutOfMemory { bytes: len })
    }

    /// Nothing can be published.
    pub fn open(&mut self, _expected: usize) {}

    /// Nothing was published.
    pub fn seal(&mut self) -> Result<(), OutOfMemory> {
        Ok(())
    }

    /// Refused.
    pub fn map_file(
        &mut self,
        _file: &File,
        _offset: u64,
        len: usize,
    ) -> Result<*const u8, OutOfMemory> {
        Err(OutOfMemory { bytes: len })
    }

    /// None.
    pub fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        core::iter::empty()
    }
}

/// An object file for debuggers, which have nothing to look at here.
#[derive(Debug)]
pub struct DebugObject {}

impl DebugObject {
    /// Nothing.
    pub fn register(_bytes: Box<[u8]>) -> DebugObject {
        DebugObject {}
    }
}

/// The first bytes of a file, which cannot be had here.
#[derive(Debug)]
pub enum FileMapping {}

impl FileMapping {
    /// Refused.
    pub fn new(_file: &File, len: usize) -> Result<FileMapping, OutOfMemory> {
        Err(OutOfMemory { bytes: len })
    }

    /// Of no file.
    ///
    /// # Safety
    /// Nobody can have one.
    pub unsafe fn bytes(&self) -> &[u8] {
        match *self {}
    }
}

/// A stack for compiled code, of which there is none.
#[derive(Debug)]
pub enum MachineStack {}

impl MachineStack {
    /// Refused.
    pub fn new(bytes: usize, spare: usize) -> Result<MachineStack, OutOfMemory> {
        Err(OutOfMemory { bytes: bytes.saturating_add(spare) })
    }

    /// Of no stack.
    pub fn top(&self) -> *mut u8 {
        match *self {}
    }

    /// Of no stack.
    pub fn limit(&self) -> *mut u8 {
        match *self {}
    }

    /// Of no stack.
    pub fn base(&self) -> *mut u8 {
        match *self {}
    }
}

/// Where a thread would go on after a fault.
#[derive(Clone, Copy, Debug)]
pub struct Redirect {
    /// The function's address.
    pub pc: usize,
    /// Its arguments.
    pub args: [usize; 4],
}

/// Would say where a thread goes on that faulted.
pub type FaultHook = fn(pc: usize, fp: usize, sp: usize, address: usize) -> Option<Redirect>;

/// Refused.
///
/// # Safety
/// None: the hook is never called.
pub unsafe fn install_fault_hook(_hook: FaultHook) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Refused.
///
/// # Safety
/// None: the hooks are never called.
pub unsafe fn install_interrupt_hooks(_hooks: InterruptHooks) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Refused.
pub fn prepare_thread() -> io::Result<u32> {
    Err(io::ErrorKind::Unsupported.into())
}

/// All threads are one.
pub fn thread_id() -> u32 {
    1
}

/// No thread can be interrupted.
pub fn interrupt_thread(_thread: u32) -> bool {
    false
}

/// Refused.
#[doc(hidden)]
pub fn handle_user_signal(_handler: fn(), _on_own_stack: bool) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Refused.
#[doc(hidden)]
pub fn on_c_thread(_stack_bytes: usize, _body: &(dyn Fn() + Sync)) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Nothing.
#[doc(hidden)]
pub fn send_user_signal(_thread: u32) {}

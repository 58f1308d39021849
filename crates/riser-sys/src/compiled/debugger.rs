//! Telling a native debugger about code that was made while the program runs: the interface of GDB, which others follow.
//! A debugger reads a list of object files in the process whenever a certain function is called, which does nothing.
//!
//! Source: "Debugging with GDB", chapter "JIT Compilation Interface".
//!
//! Function and list have fixed names, and a process may contain several who make code. They are weak symbols, so that programs
//! with another definition of them link, and all use that.

use core::arch::global_asm;
use core::ptr::{self, NonNull};
use std::sync::{Mutex, PoisonError};

/// An object file in the list, by the layout that debuggers know.
#[repr(C)]
struct Entry {
    next: *mut Entry,
    previous: *mut Entry,
    bytes: *const u8,
    len: u64,
}

/// The list.
#[repr(C)]
struct Descriptor {
    version: u32,
    action: u32,
    /// What `action` is about.
    relevant: *mut Entry,
    first: *mut Entry,
}

/// What happened, as `Descriptor::action`.
const REGISTERED: u32 = 1;
const UNREGISTERED: u32 = 2;

const _: () = assert!(size_of::<Descriptor>() == 24 && size_of::<Entry>() == 32);

global_asm!(
    ".pushsection .text.__jit_debug_register_code, \"ax\", @progbits",
    ".weak __jit_debug_register_code",
    ".type __jit_debug_register_code, @function",
    "__jit_debug_register_code:",
    "ret",
    ".size __jit_debug_register_code, . - __jit_debug_register_code",
    ".popsection",
    // Version 1, no action, no entries.
    ".pushsection .data.__jit_debug_descriptor, \"aw\", @progbits",
    ".p2align 3",
    ".weak __jit_debug_descriptor",
    ".type __jit_debug_descriptor, @object",
    "__jit_debug_descriptor:",
    ".long 1, 0",
    ".quad 0, 0",
    ".size __jit_debug_descriptor, . - __jit_debug_descriptor",
    ".popsection",
);

unsafe extern "C" {
    fn __jit_debug_register_code();
    static mut __jit_debug_descriptor: Descriptor;
}

/// Held by who changes the list.
static WRITER: Mutex<()> = Mutex::new(());

/// An object file that debuggers know about as long as this lives.
#[derive(Debug)]
pub struct DebugObject {
    entry: NonNull<Entry>,
    /// The allocation of the file, which the entry points to.
    bytes: NonNull<[u8]>,
}

// SAFETY: the entry is only used under the lock, and its bytes do not change.
unsafe impl Send for DebugObject {}
// SAFETY: as before; a shared reference gives nothing.
unsafe impl Sync for DebugObject {}

impl DebugObject {
    /// Tells debuggers of an object file, in the format of the platform (ELF), whose sections have the addresses of the code that they describe.
    pub fn register(bytes: Box<[u8]>) -> DebugObject {
        let len = bytes.len() as u64;
        let bytes = NonNull::from(Box::leak(bytes));
        let entry = Entry {
            next: ptr::null_mut(),
            previous: ptr::null_mut(),
            bytes: bytes.as_ptr().cast_const().cast(),
            len,
        };
        let entry = NonNull::from(Box::leak(Box::new(entry)));
        let _writer = WRITER.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: the list is changed under the lock alone (others that define it have locks of their own, which is all that the interface
        // provides for), and its entries live until they are taken out.
        unsafe {
            let list = &raw mut __jit_debug_descriptor;
            (*entry.as_ptr()).next = (*list).first;
            if let Some(next) = NonNull::new((*list).first) {
                (*next.as_ptr()).previous = entry.as_ptr();
            }
            (*list).first = entry.as_ptr();
            announce(list, REGISTERED, entry.as_ptr());
        }
        DebugObject { entry, bytes }
    }
}

impl Drop for DebugObject {
    fn drop(&mut self) {
        let entry = self.entry.as_ptr();
        let writer = WRITER.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: as in `register`.
        unsafe {
            let list = &raw mut __jit_debug_descriptor;
            let (previous, next) = ((*entry).previous, (*entry).next);
            match NonNull::new(previous) {
                Some(previous) => (*previous.as_ptr()).next = next,
                None => (*list).first = next,
            }
            if let Some(next) = NonNull::new(next) {
                (*next.as_ptr()).previous = previous;
            }
            announce(list, UNREGISTERED, entry);
        }
        drop(writer);
        // SAFETY: both were leaked by `register`, and nothing points to them any more.
        unsafe {
            drop(Box::from_raw(entry));
            drop(Box::from_raw(self.bytes.as_ptr()));
        }
    }
}

/// Lets a debugger look at the list.
///
/// # Safety
/// The lock is held, and the list is whole.
unsafe fn announce(list: *mut Descriptor, action: u32, relevant: *mut Entry) {
    // SAFETY: the caller's promise. Nobody reads the fields but a debugger, which sees them in memory: a function that is not known
    // is called.
    unsafe {
        (*list).action = action;
        (*list).relevant = relevant;
        __jit_debug_register_code();
        (*list).action = 0;
        (*list).relevant = ptr::null_mut();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The contents of the list, as a debugger reads it.
    fn listed() -> Vec<Vec<u8>> {
        let _writer = WRITER.lock().unwrap();
        let mut found = Vec::new();
        // SAFETY: under the lock, entries live.
        unsafe {
            let list = &raw const __jit_debug_descriptor;
            assert_eq!((*list).version, 1);
            let (mut at, mut previous) = ((*list).first, ptr::null_mut());
            while let Some(entry) = at.as_ref() {
                assert_eq!(entry.previous, previous);
                found.push(core::slice::from_raw_parts(entry.bytes, entry.len as usize).to_vec());
                (previous, at) = (at, entry.next);
            }
        }
        found
    }

    #[test]
    fn objects_are_listed_as_long_as_they_live() {
        let register = |text: &str| DebugObject::register(text.as_bytes().into());
        let (a, b, c) = (register("a"), register("bb"), register("ccc"));
        assert_eq!(listed(), [&b"ccc"[..], b"bb", b"a"]);
        drop(b);
        assert_eq!(listed(), [&b"ccc"[..], b"a"]);
        drop(c);
        assert_eq!(listed(), [b"a"]);
        drop(a);
        assert!(listed().is_empty());
    }
}

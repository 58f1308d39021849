//! Where the stack of a thread is, as the system made it.

use core::mem::MaybeUninit;
use core::ops::Range;

/// A main thread's stack grows as far as a limit of the process allows. Where that is not less than so many bytes (it is 8 MiB by default), nobody
/// looks where the stack is: it means to read the list of all mappings.
const LIMIT_BYTES_MIN: u64 = 4 << 20;

/// The stack of the thread at hand, without its guard; empty where that is not known, or does not matter.
pub fn thread_stack() -> Range<usize> {
    if rustix::thread::gettid() == rustix::process::getpid() {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Stack).current;
        if limit.is_none_or(|bytes| bytes >= LIMIT_BYTES_MIN) {
            return 0..0;
        }
    }
    let mut attributes = MaybeUninit::uninit();
    let (mut start, mut bytes, mut guard) = (core::ptr::null_mut(), 0, 0);
    // SAFETY: attributes are made before they are read and unmade afterwards; everything is written to places of this function.
    let is_known = unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return 0..0;
        }
        let attributes = attributes.as_mut_ptr();
        let is_known = libc::pthread_attr_getstack(attributes, &mut start, &mut bytes) == 0
            && libc::pthread_attr_getguardsize(attributes, &mut guard) == 0;
        libc::pthread_attr_destroy(attributes);
        is_known
    };
    let (start, end) = (start.addr(), start.addr().saturating_add(bytes));
    if is_known { start.saturating_add(guard)..end } else { 0..0 }
}

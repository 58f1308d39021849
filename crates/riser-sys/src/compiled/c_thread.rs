//! For tests: threads that Rust did not make, as programs in C have them that embed it.

use core::ffi::c_void;
use core::mem::MaybeUninit;
use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// What a thread does, and with what it panicked.
struct Work<'a> {
    body: &'a (dyn Fn() + Sync),
    panicked: Option<Box<dyn Any + Send>>,
}

extern "C" fn start(work: *mut c_void) -> *mut c_void {
    // SAFETY: `on_c_thread` passes the address of work that it uses again only when this thread has ended.
    let work = unsafe { &mut *work.cast::<Work<'_>>() };
    work.panicked = catch_unwind(AssertUnwindSafe(work.body)).err();
    core::ptr::null_mut()
}

/// Runs something on a thread of the C library's own making, with a stack of so many bytes, and waits for it.
///
/// # Errors
/// If the system refuses.
///
/// # Panics
/// If `body` does.
#[doc(hidden)]
pub fn on_c_thread(stack_bytes: usize, body: &(dyn Fn() + Sync)) -> io::Result<()> {
    let mut work = Work { body, panicked: None };
    let checked = |code| if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code)) };
    let mut attributes = MaybeUninit::uninit();
    let mut thread = 0;
    // SAFETY: attributes are made before they are used and unmade afterwards; the thread, which alone uses `work`, has ended when this does.
    let made = unsafe {
        checked(libc::pthread_attr_init(attributes.as_mut_ptr()))?;
        let attributes = attributes.as_mut_ptr();
        let made =
            checked(libc::pthread_attr_setstacksize(attributes, stack_bytes)).and_then(|()| {
                let argument = (&raw mut work).cast();
                checked(libc::pthread_create(&mut thread, attributes, start, argument))
            });
        libc::pthread_attr_destroy(attributes);
        made
    };
    made?;
    // SAFETY: the thread was made, and nobody else waits for it.
    checked(unsafe { libc::pthread_join(thread, core::ptr::null_mut()) })?;
    match work.panicked {
        Some(panic) => resume_unwind(panic),
        None => Ok(()),
    }
}

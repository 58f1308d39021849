//! Processes that are copied with code in them.

use super::succeeds;
use crate::{CodeMemory, interrupt_thread, thread_id};

pub(super) fn run(case: &str) {
    match case {
        "code" => code(),
        other => panic!("no case {other}"),
    }
}

#[test]
fn a_copied_process_writes_no_code_of_the_other() {
    succeeds("forks/code");
}

fn code() {
    let mut memory = CodeMemory::new();
    let read = |code: *const u8| {
        // SAFETY: the code was published with so many bytes.
        unsafe { code.cast::<[u8; 32]>().read_volatile() }
    };
    let first = memory.publish(&[1; 32], 16).unwrap();
    let thread = thread_id();
    // SAFETY: the copy uses memory, which the system's allocator allows, and ends.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let second = memory.publish(&[2; 32], 16).unwrap();
        let apart = second.addr() != first.addr() + 32;
        let itself = thread_id() != thread && interrupt_thread(thread_id());
        let good = read(first) == [1; 32] && read(second) == [2; 32] && apart && itself;
        // SAFETY: ends the copy.
        unsafe { libc::_exit(if good { 7 } else { 1 }) };
    }
    let mut status = 0;
    // SAFETY: waits for the copy.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 7, "{status}");
    let third = memory.publish(&[3; 32], 16).unwrap();
    assert_eq!((third.addr(), thread_id()), (first.addr() + 32, thread));
    assert_eq!((read(first), read(third)), ([1; 32], [3; 32]));
}

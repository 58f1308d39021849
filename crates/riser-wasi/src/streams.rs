//! The streams core: standard input, output and error, wherever they lead.
//!
//! A stream is inherited from the process, a file or pipe of the host, a buffer in memory, or closed. Each read or
//! write is one system call on the guest's own buffers: nothing is buffered here, so output of guest and host appears
//! in the order in which it was written. Waiting for several streams at once is in `poll.rs`.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;

use crate::poll;

/// Something a guest can read from.
pub trait InputStream: Send + Sync {
    /// Reads into the buffers in order and returns the number of bytes read; 0 is the end of the stream.
    ///
    /// Waits until there is at least one byte. An error of kind `Interrupted` is passed to the guest.
    fn read(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize>;

    /// The host's descriptor behind this stream, if it has one: used for waiting, and to tell what kind of thing
    /// the stream is. A stream without one never makes a reader wait.
    fn host_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// Something a guest can write to.
pub trait OutputStream: Send + Sync {
    /// Writes from the buffers in order and returns the number of bytes written, which may be fewer than given.
    fn write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize>;

    /// The host's descriptor behind this stream, if it has one.
    fn host_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// A stream that is at its end: the standard input of a guest that was given none.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClosedInput;

impl InputStream for ClosedInput {
    fn read(&self, _: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        Ok(0)
    }
}

/// A stream that forgets what is written to it: the standard output of a guest that was given none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sink;

impl OutputStream for Sink {
    fn write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(buffers.iter().map(|buffer| buffer.len()).sum())
    }
}

/// The standard input of the process.
#[derive(Clone, Copy, Debug, Default)]
pub struct InheritedStdin;

impl InputStream for InheritedStdin {
    fn read(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        read_fd(rustix::stdio::stdin(), buffers)
    }

    fn host_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(rustix::stdio::stdin())
    }
}

/// The standard output of the process.
#[derive(Clone, Copy, Debug, Default)]
pub struct InheritedStdout;

impl OutputStream for InheritedStdout {
    fn write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        write_fd(rustix::stdio::stdout(), buffers)
    }

    fn host_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(rustix::stdio::stdout())
    }
}

/// The standard error of the process.
#[derive(Clone, Copy, Debug, Default)]
pub struct InheritedStderr;

impl OutputStream for InheritedStderr {
    fn write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        write_fd(rustix::stdio::stderr(), buffers)
    }

    fn host_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(rustix::stdio::stderr())
    }
}

/// A file, pipe, socket or terminal of the host as input.
#[derive(Clone, Debug)]
pub struct InputFile {
    fd: Arc<OwnedFd>,
}

impl InputFile {
    /// Reads from `file`: a `std::fs::File`, the reading end of a pipe, a connected socket, …
    pub fn new(file: impl Into<OwnedFd>) -> Self {
        Self { fd: Arc::new(file.into()) }
    }
}

impl InputStream for InputFile {
    fn read(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        read_fd(self.fd.as_fd(), buffers)
    }

    fn host_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.fd.as_fd())
    }
}

/// A file, pipe, socket or terminal of the host as output.
#[derive(Clone, Debug)]
pub struct OutputFile {
    fd: Arc<OwnedFd>,
}

impl OutputFile {
    /// Writes to `file`: a `std::fs::File`, the writing end of a pipe, a connected socket, …
    pub fn new(file: impl Into<OwnedFd>) -> Self {
        Self { fd: Arc::new(file.into()) }
    }
}

impl OutputStream for OutputFile {
    fn write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        write_fd(self.fd.as_fd(), buffers)
    }

    fn host_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.fd.as_fd())
    }
}

/// Bytes in memory as input. Clones share the position.
///
/// ```
/// use riser_wasi::{MemoryInputPipe, WasiCtx};
///
/// // A guest that reads its standard input finds these bytes, and then the end.
/// let ctx = WasiCtx::builder().stdin(MemoryInputPipe::new("one\ntwo\n")).build();
/// ```
#[derive(Clone, Debug)]
pub struct MemoryInputPipe {
    rest: Arc<Mutex<(Vec<u8>, usize)>>,
}

impl MemoryInputPipe {
    /// A stream that yields `bytes` and then ends.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self { rest: Arc::new(Mutex::new((bytes.into(), 0))) }
    }
}

impl InputStream for MemoryInputPipe {
    fn read(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let (bytes, position) = &mut *locked(&self.rest);
        let before = *position;
        for buffer in buffers {
            let rest = &bytes[*position..];
            let len = rest.len().min(buffer.len());
            buffer[..len].copy_from_slice(&rest[..len]);
            *position += len;
        }
        Ok(*position - before)
    }
}

/// Output collected in memory. Clones share the contents, so that the embedder keeps one and gives the other away.
///
/// ```
/// use riser::{Engine, Linker, Module, Store};
/// use riser_wasi::{MemoryOutputPipe, WasiCtx};
///
/// # fn main() -> riser::Result<()> {
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module
///     (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
///     (memory (export "memory") 1)
///     (data (i32.const 0) "\08\00\00\00\03\00\00\00hi\0a")
///     (func (export "_start")
///         (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))"#)?;
/// let mut linker = Linker::<WasiCtx>::new(&engine);
/// riser_wasi::p1::add_to_linker(&mut linker, |ctx| ctx)?;
///
/// let stdout = MemoryOutputPipe::new(1 << 20);
/// let ctx = WasiCtx::builder().stdout(stdout.clone()).build();
/// let mut store = Store::new(&engine, ctx);
/// let instance = linker.instantiate(&mut store, &module)?;
/// instance.get_typed_func::<(), ()>(&mut store, "_start")?.call(&mut store, ())?;
/// assert_eq!(stdout.contents(), b"hi\n");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MemoryOutputPipe {
    capacity: usize,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl MemoryOutputPipe {
    /// A stream that keeps up to `capacity` bytes; a guest that writes more is told that there is no space left.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, bytes: Arc::default() }
    }

    /// What has been written so far.
    pub fn contents(&self) -> Vec<u8> {
        locked(&self.bytes).clone()
    }
}

impl OutputStream for MemoryOutputPipe {
    fn write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut bytes = locked(&self.bytes);
        let before = bytes.len();
        for buffer in buffers {
            let room = self.capacity.saturating_sub(bytes.len());
            bytes.extend_from_slice(&buffer[..buffer.len().min(room)]);
        }
        let asked = buffers.iter().any(|buffer| !buffer.is_empty());
        match bytes.len() - before {
            0 if asked => Err(Errno::NOSPC.into()),
            written => Ok(written),
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One `readv`. A descriptor that someone made non-blocking (the host's terminal is shared with other programs) is
/// waited for, since the guest was promised a stream that blocks.
fn read_fd(fd: BorrowedFd<'_>, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
    loop {
        match rustix::io::readv(fd, buffers) {
            Err(Errno::AGAIN) => poll::wait_fd(fd, poll::Direction::Read)?,
            result => return Ok(result?),
        }
    }
}

/// One `writev`, waiting as [`read_fd`] does.
fn write_fd(fd: BorrowedFd<'_>, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
    loop {
        match rustix::io::writev(fd, buffers) {
            Err(Errno::AGAIN) => poll::wait_fd(fd, poll::Direction::Write)?,
            result => return Ok(result?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(stream: &dyn InputStream, lens: &[usize]) -> Vec<Vec<u8>> {
        let mut buffers: Vec<Vec<u8>> = lens.iter().map(|len| vec![0; *len]).collect();
        let mut slices: Vec<IoSliceMut<'_>> =
            buffers.iter_mut().map(|buffer| IoSliceMut::new(buffer)).collect();
        let mut read = stream.read(&mut slices).unwrap();
        for buffer in &mut buffers {
            let len = read.min(buffer.len());
            buffer.truncate(len);
            read -= len;
        }
        buffers
    }

    #[test]
    fn a_memory_input_fills_buffers_in_order() {
        let input = MemoryInputPipe::new("abcdefg");
        assert_eq!(read(&input, &[2, 3]), [b"ab".to_vec(), b"cde".to_vec()]);
        assert_eq!(read(&input.clone(), &[1, 9]), [b"f".to_vec(), b"g".to_vec()]);
        assert_eq!(read(&input, &[4]), [b"".to_vec()]);
    }

    #[test]
    fn a_full_memory_output_refuses_more() {
        let output = MemoryOutputPipe::new(4);
        let write = |bytes: &[&[u8]]| {
            let slices: Vec<IoSlice<'_>> = bytes.iter().map(|bytes| IoSlice::new(bytes)).collect();
            output.write(&slices)
        };
        assert_eq!(write(&[b"ab", b"c"]).unwrap(), 3);
        assert_eq!(write(&[b"de"]).unwrap(), 1);
        assert_eq!(write(&[]).unwrap(), 0);
        assert_eq!(write(&[b"f"]).unwrap_err().raw_os_error(), Some(Errno::NOSPC.raw_os_error()));
        assert_eq!(output.contents(), b"abcd");
    }

    #[test]
    fn a_pipe_of_the_host_carries_bytes_and_breaks() {
        let (reader, writer) = io::pipe().unwrap();
        let output = OutputFile::new(writer);
        assert_eq!(output.write(&[IoSlice::new(b"hello"), IoSlice::new(b"!")]).unwrap(), 6);
        let input = InputFile::new(reader);
        assert_eq!(read(&input, &[3, 10]), [b"hel".to_vec(), b"lo!".to_vec()]);
        drop(input);
        assert_eq!(
            output.write(&[IoSlice::new(b"x")]).unwrap_err().kind(),
            io::ErrorKind::BrokenPipe
        );
    }

    #[test]
    fn a_non_blocking_pipe_is_waited_for() {
        let (reader, writer) = io::pipe().unwrap();
        rustix::fs::fcntl_setfl(&reader, rustix::fs::OFlags::NONBLOCK).unwrap();
        let input = InputFile::new(reader);
        let reading = std::thread::spawn(move || read(&input, &[4]));
        std::thread::sleep(std::time::Duration::from_millis(20));
        OutputFile::new(writer).write(&[IoSlice::new(b"late")]).unwrap();
        assert_eq!(reading.join().unwrap(), [b"late".to_vec()]);
    }
}

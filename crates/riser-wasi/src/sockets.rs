//! The sockets core: accepting connections on granted listeners, and talking over them.
//!
//! A guest cannot make a socket of its own; that comes with the interfaces that can name addresses.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendFlags, Shutdown,
    SocketFlags,
};

use crate::error::{ErrorCode, Result};
use crate::poll::{self, Direction};
use crate::stop::Stop;

/// A socket on which others connect.
#[derive(Debug)]
pub(crate) struct Listener {
    fd: OwnedFd,
}

/// One end of a connection.
#[derive(Debug)]
pub(crate) struct Connection {
    fd: OwnedFd,
}

/// How to receive.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Receive {
    /// Leave what was received in the queue.
    pub(crate) peek: bool,
    /// Wait until the buffers are full.
    pub(crate) wait_all: bool,
    /// Fail rather than wait.
    pub(crate) nonblock: bool,
}

/// What was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) bytes: usize,
    /// Whether a message was longer than the buffers.
    pub(crate) truncated: bool,
}

impl Listener {
    pub(crate) fn new(fd: OwnedFd) -> Self {
        Self { fd }
    }

    /// The host's descriptor.
    pub(crate) fn host_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Waits for a connection, or for the end of the program.
    pub(crate) fn accept(&self, stop: Option<&Stop>) -> Result<Connection> {
        if stop.is_some() {
            // Whoever waits with `poll` must not be left waiting in `accept` when another thread was faster.
            let flags = rustix::fs::fcntl_getfl(&self.fd)?;
            rustix::fs::fcntl_setfl(&self.fd, flags | OFlags::NONBLOCK)?;
        }
        loop {
            match (rustix::net::accept_with(&self.fd, SocketFlags::CLOEXEC), stop) {
                (Err(Errno::AGAIN), Some(stop)) => {
                    poll::wait_fd_or_stop(self.host_fd(), Direction::Read, stop)?;
                }
                // The host's descriptor does not wait by itself.
                (Err(Errno::AGAIN), None) => poll::wait_fd(self.host_fd(), Direction::Read)?,
                (result, _) => return Ok(Connection { fd: result? }),
            }
        }
    }
}

impl Connection {
    /// The host's descriptor.
    pub(crate) fn host_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Receives, waiting as `how` says; the end of the program ends waiting.
    pub(crate) fn receive(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        how: Receive,
        stop: Option<&Stop>,
    ) -> Result<Received> {
        match stop {
            Some(stop) if !how.nonblock => self.receive_or_stop(buffers, how, stop),
            _ => self.receive_once(buffers, how),
        }
    }

    /// Waits with `poll` and receives what is there, again if all is wanted. (Looking at what is in the queue may give
    /// less than all, as POSIX allows.)
    fn receive_or_stop(
        &self,
        mut buffers: &mut [IoSliceMut<'_>],
        how: Receive,
        stop: &Stop,
    ) -> Result<Received> {
        let now = Receive { wait_all: false, nonblock: true, ..how };
        let mut sum = 0;
        loop {
            let received = match self.receive_once(buffers, now) {
                Err(ErrorCode::WouldBlock) => {
                    poll::wait_fd_or_stop(self.host_fd(), Direction::Read, stop)?;
                    continue;
                }
                // What was received before is not lost; the error comes again.
                Err(_) if sum > 0 => return Ok(Received { bytes: sum, truncated: false }),
                result => result?,
            };
            sum += received.bytes;
            IoSliceMut::advance_slices(&mut buffers, received.bytes);
            let more = how.wait_all && !how.peek && received.bytes > 0 && !buffers.is_empty();
            if !more {
                return Ok(Received { bytes: sum, truncated: received.truncated });
            }
        }
    }

    fn receive_once(&self, buffers: &mut [IoSliceMut<'_>], how: Receive) -> Result<Received> {
        let mut flags = RecvFlags::empty();
        flags.set(RecvFlags::PEEK, how.peek);
        flags.set(RecvFlags::WAITALL, how.wait_all);
        flags.set(RecvFlags::DONTWAIT, how.nonblock);
        let message =
            rustix::net::recvmsg(&self.fd, buffers, &mut RecvAncillaryBuffer::default(), flags)?;
        Ok(Received { bytes: message.bytes, truncated: message.flags.contains(ReturnFlags::TRUNC) })
    }

    /// Sends, waiting for room unless that is forbidden; the end of the program ends waiting.
    pub(crate) fn send(
        &self,
        buffers: &[IoSlice<'_>],
        nonblock: bool,
        stop: Option<&Stop>,
    ) -> Result<usize> {
        let Some(stop) = stop.filter(|_| !nonblock) else {
            return self.send_once(buffers, nonblock);
        };
        loop {
            match self.send_once(buffers, true) {
                Err(ErrorCode::WouldBlock) => {
                    poll::wait_fd_or_stop(self.host_fd(), Direction::Write, stop)?;
                }
                result => return result,
            }
        }
    }

    fn send_once(&self, buffers: &[IoSlice<'_>], nonblock: bool) -> Result<usize> {
        let mut flags = SendFlags::NOSIGNAL;
        flags.set(SendFlags::DONTWAIT, nonblock);
        Ok(rustix::net::sendmsg(&self.fd, buffers, &mut SendAncillaryBuffer::default(), flags)?)
    }

    /// Ends receiving, sending, or both.
    pub(crate) fn shutdown(&self, receiving: bool, sending: bool) -> Result<()> {
        let how = match (receiving, sending) {
            (true, true) => Shutdown::Both,
            (true, false) => Shutdown::Read,
            (false, true) => Shutdown::Write,
            (false, false) => return Err(ErrorCode::Invalid),
        };
        Ok(rustix::net::shutdown(&self.fd, how)?)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_connection_carries_bytes_both_ways() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let listener = Listener::new(listener.into());
        let mut peer = TcpStream::connect(address).unwrap();
        let connection = listener.accept(None).unwrap();
        let mut buffer = [0; 8];
        let mut receive = |how| connection.receive(&mut [IoSliceMut::new(&mut buffer)], how, None);
        let nonblock = Receive { nonblock: true, ..Receive::default() };
        assert_eq!(receive(nonblock), Err(ErrorCode::WouldBlock));
        peer.write_all(b"ping").unwrap();
        let peek = Receive { peek: true, ..Receive::default() };
        assert_eq!(receive(peek).map(|received| received.bytes), Ok(4));
        assert_eq!(receive(Receive::default()), Ok(Received { bytes: 4, truncated: false }));
        assert_eq!(
            connection.send(&[IoSlice::new(b"po"), IoSlice::new(b"ng")], false, None),
            Ok(4)
        );
        connection.shutdown(false, true).unwrap();
        assert_eq!(connection.send(&[IoSlice::new(b"x")], false, None), Err(ErrorCode::Pipe));
        let mut answer = String::new();
        peer.read_to_string(&mut answer).unwrap();
        assert_eq!((answer.as_str(), &buffer[..4]), ("pong", &b"ping"[..]));
        assert_eq!(connection.shutdown(false, false), Err(ErrorCode::Invalid));
    }
}

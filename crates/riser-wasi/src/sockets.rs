//! The sockets core: accepting connections on granted listeners, and talking over them.
//!
//! A guest cannot make a socket of its own; that comes with the interfaces that can name addresses.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendFlags, Shutdown,
    SocketFlags,
};

use crate::error::{ErrorCode, Result};
use crate::poll::{self, Direction};

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

    /// Waits for a connection.
    pub(crate) fn accept(&self) -> Result<Connection> {
        loop {
            match rustix::net::accept_with(&self.fd, SocketFlags::CLOEXEC) {
                // The host's descriptor does not wait by itself.
                Err(Errno::AGAIN) => poll::wait_fd(self.host_fd(), Direction::Read)?,
                result => return Ok(Connection { fd: result? }),
            }
        }
    }
}

impl Connection {
    /// The host's descriptor.
    pub(crate) fn host_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    pub(crate) fn receive(&self, buffers: &mut [IoSliceMut<'_>], how: Receive) -> Result<Received> {
        let mut flags = RecvFlags::empty();
        flags.set(RecvFlags::PEEK, how.peek);
        flags.set(RecvFlags::WAITALL, how.wait_all);
        flags.set(RecvFlags::DONTWAIT, how.nonblock);
        let message =
            rustix::net::recvmsg(&self.fd, buffers, &mut RecvAncillaryBuffer::default(), flags)?;
        Ok(Received { bytes: message.bytes, truncated: message.flags.contains(ReturnFlags::TRUNC) })
    }

    pub(crate) fn send(&self, buffers: &[IoSlice<'_>], nonblock: bool) -> Result<usize> {
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
        let connection = listener.accept().unwrap();
        let mut buffer = [0; 8];
        let mut receive = |how| connection.receive(&mut [IoSliceMut::new(&mut buffer)], how);
        let nonblock = Receive { nonblock: true, ..Receive::default() };
        assert_eq!(receive(nonblock), Err(ErrorCode::WouldBlock));
        peer.write_all(b"ping").unwrap();
        let peek = Receive { peek: true, ..Receive::default() };
        assert_eq!(receive(peek).map(|received| received.bytes), Ok(4));
        assert_eq!(receive(Receive::default()), Ok(Received { bytes: 4, truncated: false }));
        assert_eq!(connection.send(&[IoSlice::new(b"po"), IoSlice::new(b"ng")], false), Ok(4));
        connection.shutdown(false, true).unwrap();
        assert_eq!(connection.send(&[IoSlice::new(b"x")], false), Err(ErrorCode::Pipe));
        let mut answer = String::new();
        peer.read_to_string(&mut answer).unwrap();
        assert_eq!((answer.as_str(), &buffer[..4]), ("pong", &b"ping"[..]));
        assert_eq!(connection.shutdown(false, false), Err(ErrorCode::Invalid));
    }
}

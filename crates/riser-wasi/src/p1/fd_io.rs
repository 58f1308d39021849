//! Reading and writing: `fd_read`, `fd_write`, `fd_pread`, `fd_pwrite`, `fd_readdir`.
//!
//! Data goes between the guest's memory and the system in one call, without a copy in between.

use std::io::IoSlice;

use super::descriptors::Resource;
use super::memory::Guest;
use super::rights;
use super::types::{self, DIRENT_BYTES, Errno};
use crate::WasiCtx;
use crate::files::Entry;
use crate::poll::Direction;
use crate::sockets::Receive;

pub(super) fn fd_read(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    iovs: u32,
    iovs_len: u32,
    nread: u32,
) -> Result<(), Errno> {
    guest.check(nread, 4)?;
    let descriptor = ctx.descriptors.get(fd, 0)?;
    let read = match &descriptor.resource {
        Resource::Input(stream) => {
            descriptor.require(rights::FD_READ)?;
            let _turn = descriptor.wait(Direction::Read, ctx.stop())?;
            guest.scatter(iovs, iovs_len, |buffers| Ok(stream.read(buffers)?))?
        }
        Resource::File(file) => {
            descriptor.require(rights::FD_READ)?;
            let _turn = descriptor.wait(Direction::Read, ctx.stop())?;
            guest.scatter(iovs, iovs_len, |buffers| Ok(file.read(buffers)?))?
        }
        Resource::Connection(connection) => {
            descriptor.require(rights::FD_READ)?;
            let how = Receive { nonblock: descriptor.flags().nonblock, ..Receive::default() };
            guest.scatter(iovs, iovs_len, |buffers| {
                Ok(connection.receive(buffers, how, ctx.stop())?.bytes)
            })?
        }
        Resource::Listener(_) => return Err(Errno::NOTCONN),
        Resource::Dir(_) => return Err(Errno::ISDIR),
        Resource::Output(_) => return Err(Errno::BADF),
    };
    guest.write_u32(nread, read)
}

pub(super) fn fd_write(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    iovs: u32,
    iovs_len: u32,
    nwritten: u32,
) -> Result<(), Errno> {
    guest.check(nwritten, 4)?;
    let descriptor = ctx.descriptors.get(fd, 0)?;
    let written = match &descriptor.resource {
        Resource::Output(stream) => {
            descriptor.require(rights::FD_WRITE)?;
            let turn = descriptor.wait(Direction::Write, ctx.stop())?;
            let careful = descriptor.flags().nonblock || turn.is_some();
            guest.gather(iovs, iovs_len, |buffers| match buffers.first() {
                Some(first) if careful => Ok(stream.write(&[ready_part(first)])?),
                _ => Ok(stream.write(buffers)?),
            })?
        }
        Resource::File(file) => {
            descriptor.require(rights::FD_WRITE)?;
            let turn = descriptor.wait(Direction::Write, ctx.stop())?;
            guest.gather(iovs, iovs_len, |buffers| match buffers.first() {
                Some(first) if turn.is_some() => Ok(file.write(&[ready_part(first)])?),
                _ => Ok(file.write(buffers)?),
            })?
        }
        Resource::Connection(connection) => {
            descriptor.require(rights::FD_WRITE)?;
            let nonblock = descriptor.flags().nonblock;
            guest.gather(iovs, iovs_len, |buffers| {
                Ok(connection.send(buffers, nonblock, ctx.stop())?)
            })?
        }
        Resource::Listener(_) => return Err(Errno::NOTCONN),
        Resource::Dir(_) => return Err(Errno::ISDIR),
        Resource::Input(_) => return Err(Errno::BADF),
    };
    guest.write_u32(nwritten, written)
}

/// As much as a pipe takes without waiting once it takes anything: Linux says that a pipe can be written when a
/// page of it is free.
fn ready_part<'b>(buffer: &'b IoSlice<'_>) -> IoSlice<'b> {
    IoSlice::new(&buffer[..buffer.len().min(4096)])
}

pub(super) fn fd_pread(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    iovs: u32,
    iovs_len: u32,
    offset: u64,
    nread: u32,
) -> Result<(), Errno> {
    guest.check(nread, 4)?;
    let descriptor = ctx.descriptors.get(fd, 0)?;
    let file = descriptor.file(Errno::SPIPE)?;
    descriptor.require(rights::FD_READ | rights::FD_SEEK)?;
    let read = guest.scatter(iovs, iovs_len, |buffers| Ok(file.read_at(buffers, offset)?))?;
    guest.write_u32(nread, read)
}

pub(super) fn fd_pwrite(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    iovs: u32,
    iovs_len: u32,
    offset: u64,
    nwritten: u32,
) -> Result<(), Errno> {
    guest.check(nwritten, 4)?;
    let descriptor = ctx.descriptors.get(fd, 0)?;
    let file = descriptor.file(Errno::SPIPE)?;
    descriptor.require(rights::FD_WRITE | rights::FD_SEEK)?;
    let written = guest.gather(iovs, iovs_len, |buffers| Ok(file.write_at(buffers, offset)?))?;
    guest.write_u32(nwritten, written)
}

/// Fills the buffer with entries, the last of which is cut where the buffer ends. A buffer that is not filled
/// tells the guest that there are no more.
pub(super) fn fd_readdir(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    buf: u32,
    buf_len: u32,
    cookie: u64,
    bufused: u32,
) -> Result<(), Errno> {
    guest.check(bufused, 4)?;
    let mut room = guest.check(buf, buf_len)?;
    let descriptor = ctx.descriptors.get(fd, 0)?;
    let dir = descriptor.dir()?;
    descriptor.require(rights::FD_READDIR)?;
    let entries = dir.entries(cookie)?;
    for (next, entry) in entries.iter() {
        if room.is_empty() {
            break;
        }
        for part in [&dirent(next, entry), entry.name.as_bytes()] {
            // As much as there is room for.
            let part = &part[..part.len().min(room.len())];
            guest.write_at(room.start, part)?;
            room.start += part.len();
        }
    }
    guest.write_u32(bufused, buf_len - room.len() as u32)
}

/// A `dirent`, without the name that follows it. Names are short: no file system has any longer than 32 bits can
/// say.
fn dirent(next: u64, entry: &Entry) -> [u8; DIRENT_BYTES] {
    let mut bytes = [0; DIRENT_BYTES];
    bytes[0..8].copy_from_slice(&next.to_le_bytes());
    bytes[8..16].copy_from_slice(&entry.inode.to_le_bytes());
    bytes[16..20].copy_from_slice(&(entry.name.len() as u32).to_le_bytes());
    bytes[20] = types::file_type(entry.kind);
    bytes
}

//! `sock_*`: on granted listeners and the connections accepted from them.

use super::descriptors::{Descriptor, Resource};
use super::memory::Guest;
use super::rights;
use super::types::{self, Errno};
use crate::WasiCtx;
use crate::files::FileFlags;
use crate::poll::Direction;
use crate::sockets::{Connection, Receive};

/// `roflags`: the message was longer than the buffers.
const RECV_DATA_TRUNCATED: u16 = 1;

pub(super) fn sock_accept(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    flags: u32,
    accepted: u32,
) -> Result<(), Errno> {
    guest.check(accepted, 4)?;
    let flags = types::file_flags(flags)?;
    let descriptor = ctx.descriptors.get(fd, 0)?;
    let Resource::Listener(listener) = &descriptor.resource else {
        return Err(Errno::NOTSOCK);
    };
    descriptor.require(rights::SOCK_ACCEPT)?;
    if flags != (FileFlags { nonblock: flags.nonblock, ..FileFlags::default() }) {
        return Err(Errno::INVAL);
    }
    descriptor.check_wait(Direction::Read)?;
    let connection = listener.accept(ctx.stop())?;
    let connection = Descriptor::new(Resource::Connection(connection), rights::CONNECTION, 0);
    connection.set_flags(flags)?;
    guest.write_u32(accepted, ctx.descriptors.insert(connection)?)
}

pub(super) fn sock_recv(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    data: u32,
    data_len: u32,
    flags: u32,
    len: u32,
    roflags: u32,
) -> Result<(), Errno> {
    guest.check(len, 4)?;
    guest.check(roflags, 2)?;
    let descriptor = ctx.descriptors.get(fd, 0)?;
    let connection = connection(&descriptor)?;
    descriptor.require(rights::FD_READ)?;
    if flags & !3 != 0 {
        return Err(Errno::INVAL);
    }
    let nonblock = descriptor.flags().nonblock;
    let how = Receive { peek: flags & 1 != 0, wait_all: flags & 2 != 0, nonblock };
    let mut truncated = false;
    let received = guest.scatter(data, data_len, |buffers| {
        let received = connection.receive(buffers, how, ctx.stop())?;
        truncated = received.truncated;
        Ok(received.bytes)
    })?;
    guest.write_u32(len, received)?;
    let told = if truncated { RECV_DATA_TRUNCATED } else { 0 };
    guest.write(roflags, &told.to_le_bytes())
}

pub(super) fn sock_send(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    data: u32,
    data_len: u32,
    flags: u32,
    len: u32,
) -> Result<(), Errno> {
    guest.check(len, 4)?;
    let descriptor = ctx.descriptors.get(fd, 0)?;
    let connection = connection(&descriptor)?;
    descriptor.require(rights::FD_WRITE)?;
    if flags != 0 {
        return Err(Errno::INVAL);
    }
    let nonblock = descriptor.flags().nonblock;
    let sent = guest
        .gather(data, data_len, |buffers| Ok(connection.send(buffers, nonblock, ctx.stop())?))?;
    guest.write_u32(len, sent)
}

pub(super) fn sock_shutdown(
    ctx: &WasiCtx,
    _: &mut Guest<'_>,
    fd: u32,
    how: u32,
) -> Result<(), Errno> {
    let descriptor = ctx.descriptors.get(fd, 0)?;
    let connection = connection(&descriptor)?;
    descriptor.require(rights::SOCK_SHUTDOWN)?;
    if how & !3 != 0 {
        return Err(Errno::INVAL);
    }
    Ok(connection.shutdown(how & 1 != 0, how & 2 != 0)?)
}

fn connection(descriptor: &Descriptor) -> Result<&Connection, Errno> {
    match &descriptor.resource {
        Resource::Connection(connection) => Ok(connection),
        Resource::Listener(_) => Err(Errno::NOTCONN),
        _ => Err(Errno::NOTSOCK),
    }
}

//! `sock_*`: there are no sockets yet, so every open descriptor is something else.

use super::memory::Guest;
use super::types::Errno;
use crate::WasiCtx;

pub(super) fn sock_accept(
    ctx: &WasiCtx,
    _: &mut Guest<'_>,
    fd: u32,
    _flags: u32,
    _accepted: u32,
) -> Result<(), Errno> {
    not_a_socket(ctx, fd)
}

pub(super) fn sock_recv(
    ctx: &WasiCtx,
    _: &mut Guest<'_>,
    fd: u32,
    _data: u32,
    _data_len: u32,
    _flags: u32,
    _len: u32,
    _roflags: u32,
) -> Result<(), Errno> {
    not_a_socket(ctx, fd)
}

pub(super) fn sock_send(
    ctx: &WasiCtx,
    _: &mut Guest<'_>,
    fd: u32,
    _data: u32,
    _data_len: u32,
    _flags: u32,
    _len: u32,
) -> Result<(), Errno> {
    not_a_socket(ctx, fd)
}

pub(super) fn sock_shutdown(
    ctx: &WasiCtx,
    _: &mut Guest<'_>,
    fd: u32,
    _how: u32,
) -> Result<(), Errno> {
    not_a_socket(ctx, fd)
}

fn not_a_socket(ctx: &WasiCtx, fd: u32) -> Result<(), Errno> {
    ctx.descriptors.get(fd, 0)?;
    Err(Errno::NOTSOCK)
}

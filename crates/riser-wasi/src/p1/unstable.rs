//! `wasi_unstable`, the version before `wasi_snapshot_preview1`: the four functions whose numbers or layouts
//! differ.

use super::memory::Guest;
use super::types::{self, Errno};
use super::{fd, path, poll, rights};
use crate::WasiCtx;
use crate::files::Metadata;

/// A subscription to a clock begins with an identifier of the clock, given by the program.
const SUBSCRIPTION: poll::Layout =
    poll::Layout { subscription_bytes: 56, clock_id: 24, timeout: 32, flags: 48 };

/// The number of links takes 32 bits.
const FILESTAT_BYTES: usize = 56;

pub(super) fn fd_seek(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    offset: u64,
    whence: u32,
    new_offset: u32,
) -> Result<(), Errno> {
    // Here: current, end, start. Later: start, current, end.
    let whence = match whence {
        0 => 1,
        1 => 2,
        2 => 0,
        _ => return Err(Errno::INVAL),
    };
    fd::fd_seek(ctx, guest, fd, offset, whence, new_offset)
}

pub(super) fn fd_filestat_get(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    stat: u32,
) -> Result<(), Errno> {
    let descriptor = ctx.descriptors.get(fd, rights::FD_FILESTAT_GET)?;
    write_filestat(guest, stat, &descriptor.metadata()?)
}

pub(super) fn path_filestat_get(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    flags: u32,
    path: u32,
    path_len: u32,
    stat: u32,
) -> Result<(), Errno> {
    let metadata = path::metadata(ctx, guest, fd, flags, path, path_len)?;
    write_filestat(guest, stat, &metadata)
}

pub(super) fn poll_oneoff(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    subscriptions: u32,
    events: u32,
    count: u32,
    happened: u32,
) -> Result<(), Errno> {
    poll::poll(ctx, guest, &SUBSCRIPTION, subscriptions, events, count, happened)
}

fn write_filestat(guest: &mut Guest<'_>, address: u32, metadata: &Metadata) -> Result<(), Errno> {
    let links = u32::try_from(metadata.links).unwrap_or(u32::MAX);
    let mut stat = [0; FILESTAT_BYTES];
    stat[0..8].copy_from_slice(&metadata.device.to_le_bytes());
    stat[8..16].copy_from_slice(&metadata.inode.to_le_bytes());
    stat[16] = types::file_type(metadata.kind);
    stat[20..24].copy_from_slice(&links.to_le_bytes());
    stat[24..32].copy_from_slice(&metadata.size.to_le_bytes());
    stat[32..56].copy_from_slice(&types::times(metadata));
    guest.write(address, &stat)
}

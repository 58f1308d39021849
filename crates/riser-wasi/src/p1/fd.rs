//! `fd_*`, except for what transfers data (`fd_io.rs`).

use std::io::SeekFrom;

use super::descriptors::Resource;
use super::memory::Guest;
use super::types::{self, Errno};
use super::{rights, types::FDSTAT_BYTES};
use crate::WasiCtx;
use crate::files::{Advice, FileType, seek_fd};

/// A `preopentype` that the specification does not have.
const PREOPEN_SOCKET: u8 = 1;

pub(super) fn fd_advise(
    ctx: &WasiCtx,
    _: &mut Guest<'_>,
    fd: u32,
    offset: u64,
    len: u64,
    advice: u32,
) -> Result<(), Errno> {
    let advice = match advice {
        0 => Advice::Normal,
        1 => Advice::Sequential,
        2 => Advice::Random,
        3 => Advice::WillNeed,
        4 => Advice::DontNeed,
        5 => Advice::NoReuse,
        _ => return Err(Errno::INVAL),
    };
    let descriptor = ctx.descriptors.get(fd, 0)?;
    let file = descriptor.file(Errno::SPIPE)?;
    descriptor.require(rights::FD_ADVISE)?;
    Ok(file.advise(offset, len, advice)?)
}

pub(super) fn fd_allocate(
    ctx: &WasiCtx,
    _: &mut Guest<'_>,
    fd: u32,
    offset: u64,
    len: u64,
) -> Result<(), Errno> {
    let descriptor = ctx.descriptors.get(fd, 0)?;
    let file = descriptor.file(Errno::SPIPE)?;
    descriptor.require(rights::FD_ALLOCATE)?;
    Ok(file.allocate(offset, len)?)
}

pub(super) fn fd_close(ctx: &WasiCtx, _: &mut Guest<'_>, fd: u32) -> Result<(), Errno> {
    ctx.descriptors.close(fd)
}

pub(super) fn fd_datasync(ctx: &WasiCtx, _: &mut Guest<'_>, fd: u32) -> Result<(), Errno> {
    let descriptor = ctx.descriptors.get(fd, rights::FD_DATASYNC)?;
    match &descriptor.resource {
        Resource::File(file) => Ok(file.data_sync()?),
        Resource::Dir(dir) => Ok(dir.sync()?),
        _ => Err(Errno::INVAL),
    }
}

pub(super) fn fd_sync(ctx: &WasiCtx, _: &mut Guest<'_>, fd: u32) -> Result<(), Errno> {
    let descriptor = ctx.descriptors.get(fd, rights::FD_SYNC)?;
    match &descriptor.resource {
        Resource::File(file) => Ok(file.sync()?),
        Resource::Dir(dir) => Ok(dir.sync()?),
        _ => Err(Errno::INVAL),
    }
}

pub(super) fn fd_fdstat_get(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    address: u32,
) -> Result<(), Errno> {
    let descriptor = ctx.descriptors.get(fd, 0)?;
    let mut stat = [0; FDSTAT_BYTES as usize];
    stat[0] = types::file_type(descriptor.kind());
    stat[2..4].copy_from_slice(&types::fd_flags(descriptor.flags()).to_le_bytes());
    stat[8..16].copy_from_slice(&descriptor.base().to_le_bytes());
    stat[16..24].copy_from_slice(&descriptor.inheriting().to_le_bytes());
    guest.write(address, &stat)
}

pub(super) fn fd_fdstat_set_flags(
    ctx: &WasiCtx,
    _: &mut Guest<'_>,
    fd: u32,
    flags: u32,
) -> Result<(), Errno> {
    let flags = types::file_flags(flags)?;
    ctx.descriptors.get(fd, rights::FD_FDSTAT_SET_FLAGS)?.set_flags(flags)
}

pub(super) fn fd_fdstat_set_rights(
    ctx: &WasiCtx,
    _: &mut Guest<'_>,
    fd: u32,
    base: u64,
    inheriting: u64,
) -> Result<(), Errno> {
    ctx.descriptors.get(fd, 0)?.restrict(base, inheriting)
}

pub(super) fn fd_filestat_get(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    address: u32,
) -> Result<(), Errno> {
    let descriptor = ctx.descriptors.get(fd, rights::FD_FILESTAT_GET)?;
    types::write_filestat(guest, address, &descriptor.metadata()?)
}

pub(super) fn fd_filestat_set_size(
    ctx: &WasiCtx,
    _: &mut Guest<'_>,
    fd: u32,
    size: u64,
) -> Result<(), Errno> {
    let descriptor = ctx.descriptors.get(fd, 0)?;
    let file = descriptor.file(Errno::INVAL)?;
    descriptor.require(rights::FD_FILESTAT_SET_SIZE)?;
    Ok(file.set_size(size)?)
}

pub(super) fn fd_filestat_set_times(
    ctx: &WasiCtx,
    _: &mut Guest<'_>,
    fd: u32,
    atim: u64,
    mtim: u64,
    fst_flags: u32,
) -> Result<(), Errno> {
    let (accessed, modified) = types::new_times(atim, mtim, fst_flags)?;
    let descriptor = ctx.descriptors.get(fd, rights::FD_FILESTAT_SET_TIMES)?;
    match &descriptor.resource {
        Resource::File(file) => Ok(file.set_times(accessed, modified)?),
        Resource::Dir(dir) => Ok(dir.set_times(accessed, modified)?),
        _ => Err(Errno::NOTSUP),
    }
}

pub(super) fn fd_prestat_get(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    address: u32,
) -> Result<(), Errno> {
    let descriptor = ctx.descriptors.get(fd, 0)?;
    if let Resource::Listener(_) = descriptor.resource {
        // `badf` would end a program's search for its directories, which may follow. It passes over a type that
        // it does not know.
        return guest.write(address, &[PREOPEN_SOCKET, 0, 0, 0, 0, 0, 0, 0]);
    }
    let name = descriptor.preopen.as_ref().ok_or(Errno::BADF)?;
    let len = u32::try_from(name.len()).map_err(|_| Errno::OVERFLOW)?;
    // The tag of a directory is 0.
    let [a, b, c, d] = len.to_le_bytes();
    guest.write(address, &[0, 0, 0, 0, a, b, c, d])
}

pub(super) fn fd_prestat_dir_name(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    path: u32,
    path_len: u32,
) -> Result<(), Errno> {
    let descriptor = ctx.descriptors.get(fd, 0)?;
    let name = descriptor.preopen.as_ref().ok_or(Errno::BADF)?;
    if name.len() > path_len as usize {
        return Err(Errno::NAMETOOLONG);
    }
    guest.write(path, name.as_bytes())
}

pub(super) fn fd_renumber(ctx: &WasiCtx, _: &mut Guest<'_>, fd: u32, to: u32) -> Result<(), Errno> {
    ctx.descriptors.renumber(fd, to)
}

pub(super) fn fd_seek(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    offset: u64,
    whence: u32,
    new_offset: u32,
) -> Result<(), Errno> {
    let distance = offset.cast_signed();
    let to = match whence {
        0 => SeekFrom::Start(u64::try_from(distance).map_err(|_| Errno::INVAL)?),
        1 => SeekFrom::Current(distance),
        2 => SeekFrom::End(distance),
        _ => return Err(Errno::INVAL),
    };
    let right = if to == SeekFrom::Current(0) { rights::FD_TELL } else { rights::FD_SEEK };
    seek(ctx, guest, fd, to, right, new_offset)
}

pub(super) fn fd_tell(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    offset: u32,
) -> Result<(), Errno> {
    seek(ctx, guest, fd, SeekFrom::Current(0), rights::FD_TELL, offset)
}

fn seek(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    to: SeekFrom,
    right: u64,
    new_offset: u32,
) -> Result<(), Errno> {
    guest.check(new_offset, 8)?;
    let descriptor = ctx.descriptors.get(fd, 0)?;
    let offset = match &descriptor.resource {
        Resource::Dir(_) => return Err(Errno::BADF),
        Resource::File(file) => {
            // The right to seek includes that to tell.
            descriptor.require(right).or_else(|_| descriptor.require(rights::FD_SEEK))?;
            file.seek(to)?
        }
        _ => match descriptor.host_fd() {
            Some(fd) if descriptor.kind() == FileType::RegularFile => seek_fd(fd, to)?,
            _ => return Err(Errno::SPIPE),
        },
    };
    guest.write_u64(new_offset, offset)
}

//! `path_*`.

use std::sync::Arc;

use super::descriptors::{Descriptor, Resource};
use super::memory::Guest;
use super::rights::{self, FD_READ, FD_WRITE};
use super::types::{self, Errno};
use crate::WasiCtx;
use crate::files::{OpenHow, Opened};

pub(super) fn path_create_directory(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    path: u32,
    path_len: u32,
) -> Result<(), Errno> {
    let dir = dir(ctx, fd, rights::PATH_CREATE_DIRECTORY)?;
    Ok(dir.dir()?.create_dir(&guest.path(path, path_len)?)?)
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
    let metadata = metadata(ctx, guest, fd, flags, path, path_len)?;
    types::write_filestat(guest, stat, &metadata)
}

/// What is known about the file at a path.
pub(super) fn metadata(
    ctx: &WasiCtx,
    guest: &Guest<'_>,
    fd: u32,
    flags: u32,
    path: u32,
    path_len: u32,
) -> Result<crate::files::Metadata, Errno> {
    let follow = types::follows(flags)?;
    let dir = dir(ctx, fd, rights::PATH_FILESTAT_GET)?;
    Ok(dir.dir()?.metadata_at(&guest.path(path, path_len)?, follow)?)
}

pub(super) fn path_filestat_set_times(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    flags: u32,
    path: u32,
    path_len: u32,
    atim: u64,
    mtim: u64,
    fst_flags: u32,
) -> Result<(), Errno> {
    let follow = types::follows(flags)?;
    let (accessed, modified) = types::new_times(atim, mtim, fst_flags)?;
    let dir = dir(ctx, fd, rights::PATH_FILESTAT_SET_TIMES)?;
    Ok(dir.dir()?.set_times_at(&guest.path(path, path_len)?, follow, accessed, modified)?)
}

pub(super) fn path_link(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    old_fd: u32,
    old_flags: u32,
    old_path: u32,
    old_len: u32,
    new_fd: u32,
    new_path: u32,
    new_len: u32,
) -> Result<(), Errno> {
    let follow = types::follows(old_flags)?;
    let old_dir = dir(ctx, old_fd, rights::PATH_LINK_SOURCE)?;
    let new_dir = dir(ctx, new_fd, rights::PATH_LINK_TARGET)?;
    let old_path = &guest.path(old_path, old_len)?;
    let new_path = &guest.path(new_path, new_len)?;
    Ok(old_dir.dir()?.hard_link(old_path, follow, new_dir.dir()?, new_path)?)
}

pub(super) fn path_open(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    dirflags: u32,
    path: u32,
    path_len: u32,
    oflags: u32,
    base: u64,
    inheriting: u64,
    fdflags: u32,
    opened: u32,
) -> Result<(), Errno> {
    guest.check(opened, 4)?;
    let follow = types::follows(dirflags)?;
    let types::OpenFlags { create, directory, exclusive, truncate } = types::open_flags(oflags)?;
    let flags = types::file_flags(fdflags)?;
    let dir = dir(ctx, fd, rights::PATH_OPEN)?;
    if create {
        dir.require(rights::PATH_CREATE_FILE)?;
    }
    if truncate {
        // What a POSIX program is told when it may not truncate.
        dir.require(rights::PATH_FILESTAT_SET_SIZE).map_err(|_| Errno::PERM)?;
    }
    let asked = base & (FD_READ | FD_WRITE);
    if asked & !dir.inheriting() != 0 {
        return Err(Errno::NOTCAPABLE);
    }
    let (read, write) = (base & FD_READ != 0, base & FD_WRITE != 0);
    let how = OpenHow { read, write, create, exclusive, truncate, directory, follow, flags };
    let opened_file = dir.dir()?.open(&guest.path(path, path_len)?, how)?;
    // Rights that mean nothing for what was opened are dropped, as the specification allows.
    let (passed_base, passed_inheriting) = (base & dir.inheriting(), inheriting & dir.inheriting());
    let descriptor = match opened_file {
        Opened::Dir(dir) => {
            Descriptor::new(Resource::Dir(dir), passed_base & rights::DIRECTORY, passed_inheriting)
        }
        Opened::File(file) => Descriptor::new(Resource::File(file), passed_base & rights::FILE, 0),
    };
    let number = ctx.descriptors.insert(descriptor)?;
    guest.write_u32(opened, number)
}

pub(super) fn path_readlink(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    path: u32,
    path_len: u32,
    buf: u32,
    buf_len: u32,
    bufused: u32,
) -> Result<(), Errno> {
    guest.check(buf, buf_len)?;
    let dir = dir(ctx, fd, rights::PATH_READLINK)?;
    let target = dir.dir()?.read_link(&guest.path(path, path_len)?)?;
    let len = target.len().min(buf_len as usize);
    guest.write(buf, &target[..len])?;
    guest.write_u32(bufused, len as u32)
}

pub(super) fn path_remove_directory(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    path: u32,
    path_len: u32,
) -> Result<(), Errno> {
    let dir = dir(ctx, fd, rights::PATH_REMOVE_DIRECTORY)?;
    Ok(dir.dir()?.remove_dir(&guest.path(path, path_len)?)?)
}

pub(super) fn path_rename(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    old_path: u32,
    old_len: u32,
    new_fd: u32,
    new_path: u32,
    new_len: u32,
) -> Result<(), Errno> {
    let old_dir = dir(ctx, fd, rights::PATH_RENAME_SOURCE)?;
    let new_dir = dir(ctx, new_fd, rights::PATH_RENAME_TARGET)?;
    let old_path = &guest.path(old_path, old_len)?;
    let new_path = &guest.path(new_path, new_len)?;
    Ok(old_dir.dir()?.rename(old_path, new_dir.dir()?, new_path)?)
}

pub(super) fn path_symlink(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    old_path: u32,
    old_len: u32,
    fd: u32,
    new_path: u32,
    new_len: u32,
) -> Result<(), Errno> {
    let dir = dir(ctx, fd, rights::PATH_SYMLINK)?;
    let target = &guest.path(old_path, old_len)?;
    Ok(dir.dir()?.symlink(target, &guest.path(new_path, new_len)?)?)
}

pub(super) fn path_unlink_file(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    path: u32,
    path_len: u32,
) -> Result<(), Errno> {
    let dir = dir(ctx, fd, rights::PATH_UNLINK_FILE)?;
    Ok(dir.dir()?.remove_file(&guest.path(path, path_len)?)?)
}

/// A directory with a right. That it is no directory is said before that it lacks the right.
fn dir(ctx: &WasiCtx, fd: u32, right: u64) -> Result<Arc<Descriptor>, Errno> {
    let descriptor = ctx.descriptors.get(fd, 0)?;
    descriptor.dir()?;
    descriptor.require(right)?;
    Ok(descriptor)
}

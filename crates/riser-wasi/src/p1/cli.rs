//! `args_*` and `environ_*`.

use super::memory::Guest;
use super::types::Errno;
use crate::WasiCtx;

pub(super) fn args_sizes_get(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    count: u32,
    bytes: u32,
) -> Result<(), Errno> {
    write_sizes(guest, &ctx.cli.args, count, bytes)
}

pub(super) fn args_get(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    pointers: u32,
    buf: u32,
) -> Result<(), Errno> {
    write_strings(guest, &ctx.cli.args, pointers, buf)
}

pub(super) fn environ_sizes_get(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    count: u32,
    bytes: u32,
) -> Result<(), Errno> {
    write_sizes(guest, &ctx.cli.env_strings(), count, bytes)
}

pub(super) fn environ_get(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    pointers: u32,
    buf: u32,
) -> Result<(), Errno> {
    write_strings(guest, &ctx.cli.env_strings(), pointers, buf)
}

/// How many strings there are, and how many bytes they take with a NUL after each.
fn write_sizes(
    guest: &mut Guest<'_>,
    strings: &[String],
    count: u32,
    bytes: u32,
) -> Result<(), Errno> {
    let len: usize = strings.iter().map(|string| string.len() + 1).sum();
    guest.write_u32(count, u32::try_from(strings.len()).map_err(|_| Errno::OVERFLOW)?)?;
    guest.write_u32(bytes, u32::try_from(len).map_err(|_| Errno::OVERFLOW)?)
}

/// The strings one after the other with a NUL after each, and an array with the address of each.
fn write_strings(
    guest: &mut Guest<'_>,
    strings: &[String],
    pointers: u32,
    buf: u32,
) -> Result<(), Errno> {
    let (mut pointer, mut address) = (pointers, buf);
    for string in strings {
        guest.write_u32(pointer, address)?;
        guest.write(address, string.as_bytes())?;
        // Both writes succeeded, so these lengths fit in 32 bits; a sum that does not is outside of memory.
        let nul = address.checked_add(string.len() as u32).ok_or(Errno::FAULT)?;
        guest.write(nul, &[0])?;
        address = nul.checked_add(1).ok_or(Errno::FAULT)?;
        pointer = pointer.checked_add(4).ok_or(Errno::FAULT)?;
    }
    Ok(())
}

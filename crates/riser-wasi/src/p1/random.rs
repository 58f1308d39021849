//! `random_get`.

use super::memory::Guest;
use super::types::Errno;
use crate::WasiCtx;

pub(super) fn random_get(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    buf: u32,
    buf_len: u32,
) -> Result<(), Errno> {
    Ok(ctx.random.fill(guest.slice_mut(buf, buf_len)?)?)
}

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
    guest.fill(buf, buf_len, |buffer| Ok(ctx.random.fill(buffer)?))
}

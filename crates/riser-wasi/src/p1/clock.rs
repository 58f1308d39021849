//! `clock_*`.

use super::memory::Guest;
use super::types::Errno;
use crate::WasiCtx;
use crate::clocks::{Clocks, nanoseconds};

/// The clocks a guest can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClockId {
    Realtime,
    Monotonic,
}

impl ClockId {
    /// The two clocks that count processor time (2 and 3) are not supported, which the specification lets an
    /// implementation say with `inval`.
    pub(super) fn new(id: u32) -> Result<Self, Errno> {
        match id {
            0 => Ok(Self::Realtime),
            1 => Ok(Self::Monotonic),
            _ => Err(Errno::INVAL),
        }
    }

    /// The clock's time in nanoseconds.
    pub(super) fn now(self, clocks: &Clocks) -> u64 {
        match self {
            Self::Realtime => nanoseconds(clocks.wall.now()),
            Self::Monotonic => clocks.monotonic.now(),
        }
    }
}

pub(super) fn clock_res_get(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    id: u32,
    resolution: u32,
) -> Result<(), Errno> {
    let step = match ClockId::new(id)? {
        ClockId::Realtime => nanoseconds(ctx.clocks.wall.resolution()),
        ClockId::Monotonic => ctx.clocks.monotonic.resolution(),
    };
    guest.write_u64(resolution, step)
}

pub(super) fn clock_time_get(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    id: u32,
    _precision: u64,
    time: u32,
) -> Result<(), Errno> {
    guest.write_u64(time, ClockId::new(id)?.now(&ctx.clocks))
}

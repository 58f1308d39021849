//! `poll_oneoff`.

use std::sync::Arc;
use std::time::Duration;

use super::clock::ClockId;
use super::descriptors::{Descriptor, Resource};
use super::memory::Guest;
use super::rights;
use super::types::Errno;
use crate::WasiCtx;
use crate::files::FileType;
use crate::poll::{self, Direction, Interest, Readiness};

/// How many subscriptions one call may have. More than a guest can have descriptors open in practice, and little
/// enough that the lists made from them stay small.
const SUBSCRIPTIONS_MAX: u32 = 1 << 16;

/// Size of an `event`, in both versions.
const EVENT_BYTES: u32 = 32;

/// Where the parts of a `subscription` lie.
pub(super) struct Layout {
    pub(super) subscription_bytes: u32,
    pub(super) clock_id: u32,
    pub(super) timeout: u32,
    pub(super) flags: u32,
}

/// The layout of `wasi_snapshot_preview1`.
const LAYOUT: Layout = Layout { subscription_bytes: 48, clock_id: 16, timeout: 24, flags: 40 };

/// In both versions the descriptor lies where the variant's payload begins.
const FD: u32 = 16;

pub(super) fn poll_oneoff(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    subscriptions: u32,
    events: u32,
    count: u32,
    happened: u32,
) -> Result<(), Errno> {
    poll(ctx, guest, &LAYOUT, subscriptions, events, count, happened)
}

/// What one subscription waits for.
enum Awaited {
    /// Time, with what is left of it when the call begins.
    Clock(Duration),
    Descriptor(Arc<Descriptor>, Direction),
    /// The subscription is wrong, which is an event.
    Failed(Errno),
}

/// A subscription.
struct Subscription {
    userdata: [u8; 8],
    tag: u8,
    awaited: Awaited,
}

/// `poll_oneoff` for a given layout.
pub(super) fn poll(
    ctx: &WasiCtx,
    guest: &mut Guest<'_>,
    layout: &Layout,
    subscriptions: u32,
    events: u32,
    count: u32,
    happened: u32,
) -> Result<(), Errno> {
    if count == 0 || count > SUBSCRIPTIONS_MAX {
        return Err(Errno::INVAL);
    }
    guest.check(happened, 4)?;
    guest.check_array(subscriptions, count, layout.subscription_bytes)?;
    guest.check_array(events, count, EVENT_BYTES)?;
    let subscriptions: Vec<Subscription> = (0..count)
        .map(|index| {
            read_subscription(ctx, guest, layout, subscriptions + index * layout.subscription_bytes)
        })
        .collect::<Result<_, _>>()?;
    let written = write_events(guest, events, &subscriptions, &wait(ctx, &subscriptions)?)?;
    guest.write_u32(happened, written)
}

/// Reads the subscription at an address that lies within memory.
fn read_subscription(
    ctx: &WasiCtx,
    guest: &Guest<'_>,
    layout: &Layout,
    address: u32,
) -> Result<Subscription, Errno> {
    let userdata = guest.read::<8>(address, 0)?;
    let [tag] = guest.read::<1>(address, 8)?;
    let awaited = match tag {
        0 => {
            let id = u32::from_le_bytes(guest.read(address, layout.clock_id)?);
            let timeout = u64::from_le_bytes(guest.read(address, layout.timeout)?);
            let flags = u16::from_le_bytes(guest.read(address, layout.flags)?);
            remaining(ctx, id, timeout, flags).map_or_else(Awaited::Failed, Awaited::Clock)
        }
        1 | 2 => {
            let fd = u32::from_le_bytes(guest.read(address, FD)?);
            let direction = if tag == 1 { Direction::Read } else { Direction::Write };
            match descriptor(ctx, fd, direction) {
                Ok(descriptor) => Awaited::Descriptor(descriptor, direction),
                Err(errno) => Awaited::Failed(errno),
            }
        }
        _ => return Err(Errno::INVAL),
    };
    Ok(Subscription { userdata, tag, awaited })
}

/// How much time is left until a clock reaches a time.
fn remaining(ctx: &WasiCtx, id: u32, timeout: u64, flags: u16) -> Result<Duration, Errno> {
    let clock = ClockId::new(id)?;
    let left = match flags {
        0 => timeout,
        1 => timeout.saturating_sub(clock.now(&ctx.clocks)),
        _ => return Err(Errno::INVAL),
    };
    Ok(Duration::from_nanos(left))
}

/// A descriptor that can be waited for.
fn descriptor(ctx: &WasiCtx, fd: u32, direction: Direction) -> Result<Arc<Descriptor>, Errno> {
    let descriptor = ctx.descriptors.get(fd, rights::POLL_FD_READWRITE)?;
    let right = match (&descriptor.resource, direction) {
        (Resource::Dir(_), _) => return Err(Errno::BADF),
        (_, Direction::Read) => rights::FD_READ,
        (_, Direction::Write) => rights::FD_WRITE,
    };
    descriptor.require(right)?;
    Ok(descriptor)
}

/// What happened to each subscription, in order.
enum Outcome {
    Nothing,
    TimePassed,
    Ready(Readiness),
    Failed(Errno),
}

fn wait(ctx: &WasiCtx, subscriptions: &[Subscription]) -> Result<Vec<Outcome>, Errno> {
    let failed =
        subscriptions.iter().any(|subscription| matches!(subscription.awaited, Awaited::Failed(_)));
    let timeout = subscriptions.iter().filter_map(|subscription| match subscription.awaited {
        Awaited::Clock(left) => Some(left),
        _ => None,
    });
    let timeout = if failed { Some(Duration::ZERO) } else { timeout.min() };
    let interests: Vec<Interest<'_>> = subscriptions
        .iter()
        .filter_map(|subscription| match &subscription.awaited {
            Awaited::Descriptor(descriptor, direction) => Some(interest(descriptor, *direction)),
            _ => None,
        })
        .collect();
    let readiness = poll::wait(&ctx.clocks, ctx.stop(), &interests, timeout)?;
    let anything = failed || readiness.iter().any(Option::is_some);
    let mut readiness = readiness.into_iter();
    Ok(subscriptions
        .iter()
        .map(|subscription| match subscription.awaited {
            Awaited::Failed(errno) => Outcome::Failed(errno),
            // When nothing else ended the wait, the shortest timeout did.
            Awaited::Clock(left) if left.is_zero() || (!anything && Some(left) == timeout) => {
                Outcome::TimePassed
            }
            Awaited::Clock(_) => Outcome::Nothing,
            Awaited::Descriptor(..) => {
                readiness.next().flatten().map_or(Outcome::Nothing, Outcome::Ready)
            }
        })
        .collect())
}

/// A regular file is always ready; so is a stream without a descriptor of the host.
fn interest(descriptor: &Descriptor, direction: Direction) -> Interest<'_> {
    match descriptor.host_fd() {
        Some(fd) if descriptor.kind() != FileType::RegularFile => Interest::Fd(fd, direction),
        _ => Interest::Ready(1),
    }
}

/// Writes one event for each subscription to which something happened.
fn write_events(
    guest: &mut Guest<'_>,
    events: u32,
    subscriptions: &[Subscription],
    outcomes: &[Outcome],
) -> Result<u32, Errno> {
    let mut written = 0;
    for (subscription, outcome) in subscriptions.iter().zip(outcomes) {
        let (errno, readiness) = match outcome {
            Outcome::Nothing => continue,
            Outcome::TimePassed => (Errno::SUCCESS, None),
            Outcome::Ready(readiness) => (Errno::SUCCESS, Some(readiness)),
            Outcome::Failed(errno) => (*errno, None),
        };
        let mut event = [0; EVENT_BYTES as usize];
        event[0..8].copy_from_slice(&subscription.userdata);
        event[8..10].copy_from_slice(&errno.number().to_le_bytes());
        event[10] = subscription.tag;
        if let Some(readiness) = readiness {
            event[16..24].copy_from_slice(&readiness.bytes.to_le_bytes());
            event[24] = readiness.hangup.into();
        }
        guest.write(events + written * EVENT_BYTES, &event)?;
        written += 1;
    }
    Ok(written)
}

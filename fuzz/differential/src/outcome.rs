//! What a module did, as values of no runtime, and how two such records are compared.

/// Everything that happened, in order.
pub type Outcome = Vec<Event>;

/// Something that can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// No instance was made, for this reason.
    NotInstantiated(Stop),
    /// The instance of this number was made.
    Instantiated(usize),
    /// A call returned these values, as bits.
    Returned(String, Vec<String>),
    /// A call stopped, in these frames.
    Stopped(String, Stop, Vec<Frame>),
    /// A call threw an exception with these values.
    Threw(String, Vec<String>),
    /// The guest called a function of the host with these values, from these frames.
    HostCalled(String, Vec<String>, Vec<Frame>),
    /// This much fuel was left.
    Fuel(u64),
    /// The content of an exported memory: its size and a hash.
    Memory(String, u64, u64),
    /// The value of an exported global.
    Global(String, String),
    /// The size of an exported table, and its first and last elements.
    Table(String, u64, Vec<String>),
}

/// A frame of a guest: the function's index and the operator's place in the module.
pub type Frame = (u32, Option<usize>);

/// Why a call, or an instantiation, did not end well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// A trap of a kind; the kinds are those that the specification tells apart.
    Trap(&'static str),
    /// The stack is exhausted, which depends on the implementation: nothing after it is compared.
    StackOverflow,
    /// The heap is full, which depends on the implementation, too.
    HeapFull,
    /// Anything else, such as a limit of the implementation: nothing after it is compared.
    Other,
}

impl Event {
    /// Whether it depends on the implementation what happens from here on.
    fn is_limit(&self) -> bool {
        matches!(
            self,
            Event::NotInstantiated(stop) | Event::Stopped(_, stop, _)
                if !matches!(stop, Stop::Trap(_))
        )
    }

    /// What the specification says of it: it does not know frames, nor which trap comes first where an address is neither in the
    /// memory nor aligned.
    fn as_specified(&self) -> Event {
        let fold = |stop: &Stop| match stop {
            Stop::Trap("unaligned") => Stop::Trap("memory out of bounds"),
            stop => *stop,
        };
        match self {
            Event::HostCalled(name, values, _) => {
                Event::HostCalled(name.clone(), values.clone(), Vec::new())
            }
            Event::Stopped(name, stop, _) => Event::Stopped(name.clone(), fold(stop), Vec::new()),
            Event::NotInstantiated(stop) => Event::NotInstantiated(fold(stop)),
            event => event.clone(),
        }
    }
}

/// How much two ways to run are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// What the specification says is the same.
    Specified,
    /// So is all else, the depth of the stack excepted.
    All,
}

/// How a comparison ended.
#[derive(Debug)]
pub enum Verdict {
    Same,
    /// An implementation limit was met on one side: what came before agreed.
    Limited,
    Different(String),
}

/// Compares two records.
pub fn compare(a: &Outcome, b: &Outcome, likeness: Likeness) -> Verdict {
    let overflow = |event: &Event| {
        matches!(event, Event::Stopped(_, Stop::StackOverflow, _))
            || matches!(event, Event::NotInstantiated(Stop::StackOverflow))
    };
    for (a, b) in a.iter().zip(b) {
        match likeness {
            Likeness::Specified if a.is_limit() || b.is_limit() => return Verdict::Limited,
            Likeness::All if overflow(a) || overflow(b) => return Verdict::Limited,
            Likeness::Specified if a.as_specified() == b.as_specified() => {}
            Likeness::All if a == b => {}
            _ => return Verdict::Different(format!("{a:x?}, the other {b:x?}")),
        }
    }
    if a.len() == b.len() { Verdict::Same } else { Verdict::Different("events are missing".into()) }
}

/// How much was compared, so that "all agree" says something.
#[derive(Clone, Copy, Debug, Default)]
pub struct Work {
    pub instances: u64,
    pub returned: u64,
    pub trapped: u64,
    pub threw: u64,
    pub host_calls: u64,
    pub out_of_fuel: u64,
    /// How often a loop went on in better code.
    pub replaced: u64,
    /// How many modules had such loops.
    pub modules_replaced: u64,
}

/// The trap of an execution that ran out of fuel.
pub const OUT_OF_FUEL: &str = "out of fuel";

impl Work {
    /// Counts what happened.
    pub fn of(outcome: &Outcome) -> Work {
        let mut work = Work::default();
        for event in outcome {
            match event {
                Event::Instantiated(_) => work.instances += 1,
                Event::Returned(..) => work.returned += 1,
                Event::Stopped(_, Stop::Trap(OUT_OF_FUEL), _) => work.out_of_fuel += 1,
                Event::Stopped(..) => work.trapped += 1,
                Event::Threw(..) => work.threw += 1,
                Event::HostCalled(..) => work.host_calls += 1,
                _ => {}
            }
        }
        work
    }

    /// Adds what another run did.
    pub fn add(&mut self, other: Work) {
        self.instances += other.instances;
        self.returned += other.returned;
        self.trapped += other.trapped;
        self.threw += other.threw;
        self.host_calls += other.host_calls;
        self.out_of_fuel += other.out_of_fuel;
        self.replaced += other.replaced;
        self.modules_replaced += other.modules_replaced;
    }
}

/// A hash of a memory's content, eight bytes at a time.
pub fn hash(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let step = |h: u64, word: u64| (h ^ word).wrapping_mul(0x100_0000_01b3).rotate_left(23);
    let hash =
        words.iter().fold(0xcbf2_9ce4_8422_2325, |h, word| step(h, u64::from_le_bytes(*word)));
    rest.iter().fold(hash, |h, byte| step(h, u64::from(*byte)))
}

//! The sizes that Fargate has for a task
//! (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size>).

use std::fmt::Display;

/// Fargate's memory for each number of CPU units: the least and the most memory in MiB, and the step between.
const SIZES: [(u32, Memory); 7] = [
    (256, Memory::of(512, 2_048, 512)),
    (512, Memory::of(1_024, 4_096, 1_024)),
    (1_024, Memory::of(2_048, 8_192, 1_024)),
    (2_048, Memory::of(4_096, 16_384, 1_024)),
    (4_096, Memory::of(8_192, 30_720, 1_024)),
    (8_192, Memory::of(16_384, 61_440, 4_096)),
    (16_384, Memory::of(32_768, 122_880, 8_192)),
];

/// The one number between the least and the most memory of the smallest task that is not taken.
const GAP: u32 = 1_536;

/// The memory that Fargate has for some CPU units, in MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Memory {
    least: u32,
    most: u32,
    step: u32,
}

/// CPU units and MiB of memory that go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub cpu: u32,
    pub memory: u32,
}

/// A size that Fargate does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SizeError {
    /// No task has so many CPU units.
    #[error("expected {}, got {cpu}", listed(SIZES.iter().map(|(cpu, _)| cpu)))]
    Cpu {
        /// The CPU units.
        cpu: u32,
    },
    /// No task has so much memory, whatever its CPU units.
    #[error("expected the MiB of a task on Fargate, from 512 to 122880, got {0}")]
    Memory(u32),
    /// No task of these CPU units has so much memory.
    #[error("with a `cpu` of {cpu} Fargate has {has}; got {memory}")]
    Pair {
        /// The CPU units.
        cpu: u32,
        /// The memory that goes with them.
        has: Memory,
        /// The memory that was asked for.
        memory: u32,
    },
}

impl SizeError {
    /// Returns the member that is at fault.
    pub fn member(&self) -> &'static str {
        match self {
            Self::Cpu { .. } => "cpu",
            Self::Memory(_) | Self::Pair { .. } => "memory",
        }
    }
}

impl Size {
    /// Returns the size of a task: what is not given is the least that goes with what is.
    ///
    /// # Errors
    /// [`SizeError`] if Fargate has no such size.
    pub fn of(cpu: Option<u32>, memory: Option<u32>) -> Result<Self, SizeError> {
        let Some(cpu) = cpu else {
            return Self::least(memory);
        };
        let found = SIZES.iter().find(|(known, _)| *known == cpu);
        let (_, has) = *found.ok_or(SizeError::Cpu { cpu })?;
        let memory = memory.unwrap_or(has.least);
        if has.contains(memory) {
            Ok(Self { cpu, memory })
        } else {
            Err(SizeError::Pair { cpu, has, memory })
        }
    }

    fn least(memory: Option<u32>) -> Result<Self, SizeError> {
        let memory = memory.unwrap_or(512);
        let found = SIZES.iter().find(|(_, has)| has.contains(memory));
        let (cpu, _) = *found.ok_or(SizeError::Memory(memory))?;
        Ok(Self { cpu, memory })
    }
}

impl Memory {
    const fn of(least: u32, most: u32, step: u32) -> Self {
        Self { least, most, step }
    }

    fn contains(self, memory: u32) -> bool {
        (self.least..=self.most).contains(&memory)
            && memory.is_multiple_of(self.step)
            && memory != GAP
    }
}

impl Display for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { least, most, step } = self;
        if *least == 512 {
            return write!(f, "512, 1024 or 2048 MiB of memory");
        }
        write!(f, "{least} to {most} MiB of memory in steps of {step}")
    }
}

/// Joins items as `a, b or c`.
fn listed(items: impl Iterator<Item = impl Display>) -> String {
    let items: Vec<_> = items.map(|item| item.to_string()).collect();
    match items.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_given_is_the_least_that_goes_with_what_is() {
        for (cpu, memory, expected) in [
            (None, None, (256, 512)),
            (Some(256), None, (256, 512)),
            (Some(1_024), None, (1_024, 2_048)),
            (Some(16_384), None, (16_384, 32_768)),
            (None, Some(2_048), (256, 2_048)),
            (None, Some(3_072), (512, 3_072)),
            (None, Some(122_880), (16_384, 122_880)),
            (Some(4_096), Some(30_720), (4_096, 30_720)),
        ] {
            let (cpu_units, mib) = expected;
            let size = Size {
                cpu: cpu_units,
                memory: mib,
            };
            assert_eq!(Size::of(cpu, memory), Ok(size));
        }
    }

    #[test]
    fn a_size_that_fargate_has_not_is_told_which_it_has() {
        for (cpu, memory, expected) in [
            (
                Some(128),
                None,
                "cpu: expected 256, 512, 1024, 2048, 4096, 8192 or 16384, got 128",
            ),
            (
                Some(256),
                Some(1_536),
                "memory: with a `cpu` of 256 Fargate has 512, 1024 or 2048 MiB of memory; got 1536",
            ),
            (
                Some(8_192),
                Some(17_408),
                "memory: with a `cpu` of 8192 Fargate has 16384 to 61440 MiB of memory in steps of 4096; got 17408",
            ),
            (
                None,
                Some(100),
                "memory: expected the MiB of a task on Fargate, from 512 to 122880, got 100",
            ),
        ] {
            let error = Size::of(cpu, memory).unwrap_err();
            assert_eq!(format!("{}: {error}", error.member()), expected);
        }
    }
}

//! A caller's wishes for the only essential container of a task, put into `overrides`.

use aws_sdk_ecs::operation::run_task::RunTaskInput;
use aws_sdk_ecs::types::{
    ContainerDefinition, ContainerOverride, KeyValuePair, TaskDefinition, TaskOverride,
};

use super::outcome::counts;
use crate::text::quoted;

/// The wishes that concern the only essential container of the task definition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerWishes {
    /// The command, in place of that of the definition.
    pub command: Option<Vec<String>>,
    /// Environment variables, beside those of the definition or in their place.
    pub environment: Vec<(String, String)>,
    /// CPU units, 1,024 to a vCPU.
    pub cpu: Option<i32>,
    /// Memory in MiB.
    pub memory: Option<i32>,
}

/// A wish that can't be put into `overrides`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OverrideFault {
    /// The task definition does not tell which container is meant.
    #[error(
        "`{definition}` has not one essential container but {known}; name the one that is meant in \
         `overrides.containerOverrides`"
    )]
    Ambiguous {
        /// The member of the body that asks for it.
        member: &'static str,
        /// The ARN of the task definition.
        definition: String,
        /// The names of its essential containers, each in backticks.
        known: String,
    },
    /// `overrides` says it already.
    #[error("given beside the same in `overrides`; give one of them")]
    Twice {
        /// The member of the body that asks for it.
        member: &'static str,
    },
}

impl OverrideFault {
    /// Returns the member of the body that is at fault.
    pub fn member(&self) -> &'static str {
        match self {
            Self::Ambiguous { member, .. } | Self::Twice { member } => member,
        }
    }
}

impl ContainerWishes {
    /// Returns the first member of the body that asks for something, if one does.
    pub fn first_member(&self) -> Option<&'static str> {
        [
            (self.command.is_some(), "command"),
            (!self.environment.is_empty(), "environment"),
            (self.cpu.is_some(), "cpu"),
            (self.memory.is_some(), "memory"),
        ]
        .into_iter()
        .find_map(|(is_given, member)| is_given.then_some(member))
    }

    /// Puts the wishes into the overrides of an input.
    ///
    /// CPU and memory are put to the task where its definition has a size, and to the container where its definition has
    /// one: Fargate wants the one, and a container's own limit holds beside it
    /// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerOverride.html>).
    ///
    /// # Errors
    /// [`OverrideFault`] if several containers are essential, or `overrides` says the same already.
    pub fn put_into(
        self,
        input: &mut RunTaskInput,
        definition: &TaskDefinition,
    ) -> Result<(), OverrideFault> {
        let Some(member) = self.first_member() else {
            return Ok(());
        };
        let container = only_essential(definition, member)?;
        let mut overrides = input
            .overrides
            .take()
            .unwrap_or_else(|| TaskOverride::builder().build());
        let mut of_container = take_of_container(&mut overrides, container);
        check_command(&self, &of_container)?;
        if self.command.is_some() {
            of_container.command = self.command;
        }
        add_environment(&mut of_container, self.environment)?;
        put_size(
            "cpu",
            self.cpu,
            definition.cpu().is_some(),
            container.cpu() > 0,
            (&mut overrides.cpu, &mut of_container.cpu),
        )?;
        put_size(
            "memory",
            self.memory,
            definition.memory().is_some(),
            container.memory().is_some(),
            (&mut overrides.memory, &mut of_container.memory),
        )?;
        let containers = overrides.container_overrides.get_or_insert_default();
        if has_content(&of_container) {
            containers.push(of_container);
        }
        input.overrides = Some(overrides);
        Ok(())
    }
}

/// Returns the only essential container of a task definition.
fn only_essential<'d>(
    definition: &'d TaskDefinition,
    member: &'static str,
) -> Result<&'d ContainerDefinition, OverrideFault> {
    let essential: Vec<_> = definition
        .container_definitions()
        .iter()
        .filter(|container| counts(container))
        .collect();
    if let [only] = essential[..] {
        return Ok(only);
    }
    let names = essential.iter().filter_map(|container| container.name());
    Err(OverrideFault::Ambiguous {
        member,
        definition: definition
            .task_definition_arn()
            .unwrap_or_default()
            .to_owned(),
        known: quoted(names),
    })
}

/// Takes the override of a container out of the list, or begins one.
fn take_of_container(
    overrides: &mut TaskOverride,
    container: &ContainerDefinition,
) -> ContainerOverride {
    let listed = overrides.container_overrides.get_or_insert_default();
    let place = listed
        .iter()
        .position(|listed| listed.name() == container.name());
    match place {
        Some(place) => listed.remove(place),
        None => ContainerOverride::builder()
            .set_name(container.name().map(str::to_owned))
            .build(),
    }
}

fn check_command(wishes: &ContainerWishes, given: &ContainerOverride) -> Result<(), OverrideFault> {
    if wishes.command.is_some() && given.command.is_some() {
        return Err(OverrideFault::Twice { member: "command" });
    }
    Ok(())
}

fn add_environment(
    container: &mut ContainerOverride,
    variables: Vec<(String, String)>,
) -> Result<(), OverrideFault> {
    if variables.is_empty() {
        return Ok(());
    }
    let given = container.environment.get_or_insert_default();
    for (name, value) in variables {
        if given
            .iter()
            .any(|given| given.name() == Some(name.as_str()))
        {
            return Err(OverrideFault::Twice {
                member: "environment",
            });
        }
        given.push(KeyValuePair::builder().name(name).value(value).build());
    }
    Ok(())
}

/// Puts a size to the task, to the container, or to both: wherever the definition has one.
fn put_size(
    member: &'static str,
    wish: Option<i32>,
    task_has_one: bool,
    container_has_one: bool,
    (of_task, of_container): (&mut Option<String>, &mut Option<i32>),
) -> Result<(), OverrideFault> {
    let Some(size) = wish else {
        return Ok(());
    };
    if of_task.is_some() || of_container.is_some() {
        return Err(OverrideFault::Twice { member });
    }
    if task_has_one {
        *of_task = Some(size.to_string());
    }
    if container_has_one || !task_has_one {
        *of_container = Some(size);
    }
    Ok(())
}

/// Returns `true` if an override says more than whose it is.
fn has_content(container: &ContainerOverride) -> bool {
    let empty = ContainerOverride::builder()
        .set_name(container.name().map(str::to_owned))
        .build();
    *container != empty
}

//! The checks of RegisterTaskDefinition, and the defaults that it fills in.

use serde_json::{Value, json};

use crate::answer::{Refusal, Rule};
use crate::value::{default, has, list, remove, text};

const fn rule(message: &'static str, source: &'static str) -> Rule {
    Rule::new("ClientException", message, source)
}

const EMPTY_CPU: Rule = Rule::new(
    "InvalidParameterException",
    "Invalid 'cpu' setting for task.",
    "[ecs/controls #66]",
);
const NO_CPU: Rule = rule(
    "Fargate requires that 'cpu' be defined at the task level.",
    "[ecs/controls #131]",
);
const NO_MEMORY: Rule = rule(
    "Invalid setting for container '{}'. At least one of 'memory' or 'memoryReservation' must be specified.",
    "[ecs/controls #132]",
);
const LOW_MEMORY: Rule = rule(
    "Invalid setting for container '{}'. 'memory' must be greater than or equal to 'memoryReservation'.",
    "[ecs/controls #135]",
);
const NO_PAIR: Rule = rule(
    "No Fargate configuration exists for given values: {} CPU, {} memory. See the Amazon ECS documentation for the valid values.",
    "[ecs/controls #67]",
);
const NOT_ESSENTIAL: Rule = rule(
    "Task definition doesn't have any essential container.",
    "[ecs/controls #72]",
);
const NETWORK_MODE: Rule = rule(
    "Fargate only supports network mode ‘awsvpc’.",
    "[ecs/controls #68]",
);
const HOST_PORT: Rule = rule(
    "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
    "[ecs/controls #80]",
);
const LOG_DRIVER: Rule = rule(
    "{} is not a valid log driver. Must be one of [awslogs,splunk,awsfirelens]",
    "[ecs/controls #82]",
);
const LOG_OPTIONS: Rule = rule(
    "Log driver awslogs requires options: awslogs-region, awslogs-group",
    "[ecs/controls #83]",
);
const LOG_ROLE: Rule = rule(
    "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
    "[ecs/controls #84]",
);
const LONG_STOP: Rule = rule(
    "Tasks using the Fargate launch type must have a container stop timeout of less than 120 seconds.",
    "[ecs/controls corrections #28]",
);
const SHORT_STOP: Rule = rule(
    "Granular stop timeout on container '{}' must be at least 2 seconds.",
    "[ecs/controls corrections #23-25]",
);
const SHORT_START: Rule = rule(
    "Granular start timeout on container '{}' must be at least 2 seconds.",
    "[ecs/controls corrections]",
);
const SYSTEM: Rule = rule(
    "Tasks using the Fargate launch type are not supported on operating system family {}",
    "[ecs/controls #137]",
);
const ARCHITECTURE: Rule = rule("Invalid CPU architecture", "[ecs/controls #136]");
const NO_DEPENDENCY: Rule = rule(
    "Cannot depend on container + '{}' because it does not exist",
    "[ecs/controls #73]",
);
const CYCLE: Rule = rule("Container dependsOn contains a cycle", "[ecs/controls #74]");
const NO_HEALTH_CHECK: Rule = rule(
    "A dependency container with HEALTHY condition must have health check configured",
    "[ecs/controls #77]",
);
const ESSENTIAL_DEPENDENCY: Rule = rule(
    "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container",
    "[ecs/controls corrections #3]",
);

const SYSTEMS: [&str; 10] = [
    "LINUX",
    "WINDOWS_SERVER_2019_FULL",
    "WINDOWS_SERVER_2019_CORE",
    "WINDOWS_SERVER_2016_FULL",
    "WINDOWS_SERVER_2004_CORE",
    "WINDOWS_SERVER_2022_CORE",
    "WINDOWS_SERVER_2022_FULL",
    "WINDOWS_SERVER_2025_CORE",
    "WINDOWS_SERVER_2025_FULL",
    "WINDOWS_SERVER_20H2_CORE",
];

/// Refuses what can't be registered. For Fargate cpu and memory are looked at first, then the essential container, then
/// the network mode (ecs/controls #86-#88, #138).
pub(super) fn check(input: &Value) -> Result<(), Refusal> {
    if input["cpu"] == "" {
        return EMPTY_CPU.refuse();
    }
    let is_fargate = has(input, "requiresCompatibilities", "FARGATE");
    if is_fargate {
        check_size(input)?;
    }
    let containers = list(input, "containerDefinitions");
    if !containers.iter().any(is_essential) {
        return NOT_ESSENTIAL.refuse();
    }
    if is_fargate {
        check_fargate(input)?;
    }
    for container in containers {
        check_container(input, container, is_fargate)?;
    }
    check_dependencies(containers)
}

fn is_essential(container: &Value) -> bool {
    container["essential"] != false
}

fn check_size(input: &Value) -> Result<(), Refusal> {
    let Some(cpu) = input["cpu"].as_str().map(units) else {
        return NO_CPU.refuse();
    };
    let containers = list(input, "containerDefinitions");
    let Some(memory) = input["memory"].as_str().map(units) else {
        let name = containers
            .first()
            .map_or("", |container| text(container, "name"));
        return NO_MEMORY.refuse_naming(&[name]);
    };
    if is_pair(&cpu, &memory) {
        Ok(())
    } else {
        NO_PAIR.refuse_naming(&[&cpu, &memory])
    }
}

/// Returns `256` for `0.25 vCPU`, and `512` for `0.5 GB` (ecs/controls #133).
fn units(size: &str) -> String {
    let lower = size.trim().to_lowercase();
    let number = lower.trim_end_matches(|letter: char| letter.is_alphabetic() || letter == ' ');
    if number.len() == lower.len() {
        return size.to_owned();
    }
    #[expect(clippy::cast_possible_truncation, reason = "sizes are small numbers")]
    let units = number.parse::<f64>().map(|number| (number * 1024.0) as i64);
    units.map_or_else(|_| size.to_owned(), |units| units.to_string())
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html>
fn is_pair(cpu: &str, memory: &str) -> bool {
    let (Ok(cpu), Ok(memory)) = (cpu.parse::<u32>(), memory.parse::<u32>()) else {
        return false;
    };
    let (least, most, step) = match cpu {
        256 => return [512, 1024, 2048].contains(&memory),
        512 => (1, 4, 1),
        1024 => (2, 8, 1),
        2048 => (4, 16, 1),
        4096 => (8, 30, 1),
        8192 => (16, 60, 4),
        16384 => (32, 120, 8),
        _ => return false,
    };
    memory % (step * 1024) == 0 && (least * 1024..=most * 1024).contains(&memory)
}

fn check_fargate(input: &Value) -> Result<(), Refusal> {
    if text(input, "networkMode") != "awsvpc" {
        return NETWORK_MODE.refuse();
    }
    let platform = &input["runtimePlatform"];
    if let Some(system) = platform["operatingSystemFamily"].as_str()
        && !SYSTEMS.contains(&system)
    {
        return SYSTEM.refuse_naming(&[system]);
    }
    match platform["cpuArchitecture"].as_str() {
        None | Some("X86_64" | "ARM64") => Ok(()),
        Some(_) => ARCHITECTURE.refuse(),
    }
}

fn check_container(input: &Value, container: &Value, is_fargate: bool) -> Result<(), Refusal> {
    let name = text(container, "name");
    let (memory, reserved) = (
        container["memory"].as_u64(),
        container["memoryReservation"].as_u64(),
    );
    if input["memory"].is_null() && memory.is_none() && reserved.is_none() {
        return NO_MEMORY.refuse_naming(&[name]);
    }
    if memory < reserved && memory.is_some() {
        return LOW_MEMORY.refuse_naming(&[name]);
    }
    for mapping in list(container, "portMappings") {
        let host = &mapping["hostPort"];
        let differs = !host.is_null() && *host != 0 && *host != mapping["containerPort"];
        if text(input, "networkMode") == "awsvpc" && differs {
            return HOST_PORT.refuse();
        }
    }
    if container["stopTimeout"]
        .as_i64()
        .is_some_and(|seconds| seconds < 2)
    {
        return SHORT_STOP.refuse_naming(&[name]);
    }
    if container["startTimeout"]
        .as_i64()
        .is_some_and(|seconds| seconds < 2)
    {
        return SHORT_START.refuse_naming(&[name]);
    }
    if is_fargate
        && container["stopTimeout"]
            .as_i64()
            .is_some_and(|seconds| seconds > 120)
    {
        return LONG_STOP.refuse();
    }
    check_log(input, container, is_fargate)
}

fn check_log(input: &Value, container: &Value, is_fargate: bool) -> Result<(), Refusal> {
    let Some(driver) = container["logConfiguration"]["logDriver"].as_str() else {
        return Ok(());
    };
    if is_fargate && !["awslogs", "splunk", "awsfirelens"].contains(&driver) {
        return LOG_DRIVER.refuse_naming(&[driver]);
    }
    if driver != "awslogs" {
        return Ok(());
    }
    let options = &container["logConfiguration"]["options"];
    if ["awslogs-region", "awslogs-group"]
        .iter()
        .any(|option| options[*option].is_null())
    {
        return LOG_OPTIONS.refuse();
    }
    if is_fargate && input["executionRoleArn"].is_null() {
        return LOG_ROLE.refuse();
    }
    Ok(())
}

fn check_dependencies(containers: &[Value]) -> Result<(), Refusal> {
    let named = |name: &str| {
        containers
            .iter()
            .find(|container| text(container, "name") == name)
    };
    for container in containers {
        for dependency in list(container, "dependsOn") {
            let name = text(dependency, "containerName");
            let Some(other) = named(name) else {
                return NO_DEPENDENCY.refuse_naming(&[name]);
            };
            match text(dependency, "condition") {
                "HEALTHY" if other["healthCheck"].is_null() => return NO_HEALTH_CHECK.refuse(),
                "SUCCESS" | "COMPLETE" if is_essential(other) => {
                    return ESSENTIAL_DEPENDENCY.refuse();
                }
                _ => {}
            }
        }
    }
    let mut done: Vec<&str> = Vec::new();
    loop {
        let is_free = |container: &&Value| {
            let mut dependencies = list(container, "dependsOn").iter();
            let is_done = |name: &str| done.contains(&name);
            !is_done(text(container, "name"))
                && dependencies.all(|dependency| is_done(text(dependency, "containerName")))
        };
        match containers.iter().find(is_free) {
            Some(free) => done.push(text(free, "name")),
            None if done.len() == containers.len() => return Ok(()),
            None => return CYCLE.refuse(),
        }
    }
}

/// Fills in what was left out (ecs/services #8, #10, ecs/controls #71, #79, #133).
pub(super) fn fill_in(input: &mut Value) {
    for member in ["cpu", "memory"] {
        if let Some(size) = input[member].as_str().map(units) {
            input[member] = size.into();
        } else {
            remove(input, member);
        }
    }
    let mode = text(input, "networkMode").to_owned();
    for container in input["containerDefinitions"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        default(
            container,
            json!({"cpu": 0, "portMappings": [], "essential": true, "environment": [], "mountPoints": [],
                "volumesFrom": [], "systemControls": []}),
        );
        for mapping in container["portMappings"]
            .as_array_mut()
            .into_iter()
            .flatten()
        {
            let host = match mode.as_str() {
                "awsvpc" | "host" => mapping["containerPort"].clone(),
                _ => 0.into(),
            };
            default(mapping, json!({"hostPort": host, "protocol": "tcp"}));
        }
    }
}

/// Returns what a task definition can run on. FARGATE drops out where something does not fit it
/// (ecs/controls corrections). AWS has them in no order (ecs/services #8, #9): here in one that is not the alphabet's.
pub(super) fn compatibilities(input: &Value) -> Value {
    let mut fit = input.clone();
    fit["requiresCompatibilities"] = json!(["FARGATE"]);
    if check(&fit).is_ok() {
        json!(["EC2", "MANAGED_INSTANCES", "FARGATE"])
    } else if text(input, "networkMode") == "awsvpc" {
        json!(["EC2", "MANAGED_INSTANCES"])
    } else {
        json!(["EC2"])
    }
}

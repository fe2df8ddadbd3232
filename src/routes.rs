//! Every endpoint on one screen. Dispatch, tests and documentation derive from this table;
//! [`router`](crate::router) finds a path in it.

use crate::api::operation::{Operation, Route};
use crate::api::{
    accounts, clusters, deployments, deploys, description, diagnosis, logs, meta, orchestrations,
    readiness, registries, search, services, task_definitions, tasks,
};

/// The beginning of every operation's path.
pub const BASE: &str = "/v1/ecs";

/// Every operation. A constant, so that what only the documentation tells of it is no part of the function's binary.
pub const OPERATIONS: &[Operation] = &[
    meta::PING,
    meta::SHOW_VERSION,
    description::SHOW_OPENAPI,
    description::SHOW_DOCS,
    accounts::LIST,
    search::SEARCH,
    readiness::SHOW,
    orchestrations::CREATE,
    orchestrations::DELETE,
    clusters::LIST,
    clusters::CREATE,
    clusters::SHOW,
    clusters::DELETE,
    services::LIST,
    services::CREATE,
    services::SHOW,
    deploys::UPDATE,
    services::DELETE,
    services::LIST_EVENTS,
    deployments::LIST,
    deployments::SHOW,
    deployments::STOP,
    deployments::CONTINUE,
    deploys::ROLL_BACK,
    diagnosis::OF_SERVICE,
    logs::SHOW,
    tasks::LIST,
    tasks::RUN,
    tasks::SHOW,
    tasks::STOP,
    logs::SHOW_TASK,
    diagnosis::OF_TASK,
    task_definitions::LIST,
    task_definitions::REGISTER,
    task_definitions::SHOW,
    task_definitions::DEREGISTER,
    registries::LIST,
    registries::CREATE,
    registries::SHOW,
    registries::DELETE,
];

/// The routes of the operations, in their order.
pub static ROUTES: [Route; OPERATIONS.len()] = routes();

const fn routes() -> [Route; OPERATIONS.len()] {
    let mut routes = [OPERATIONS[0].route(); OPERATIONS.len()];
    let mut index = 0;
    while index < routes.len() {
        routes[index] = OPERATIONS[index].route();
        index += 1;
    }
    routes
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::api::operation::Handler;
    use crate::router::names_in;

    #[test]
    fn an_operation_of_an_account_names_it_in_its_path_and_no_other_does() {
        for operation in OPERATIONS {
            let names_account = operation.path.starts_with("/{account}/");
            let enters_account = matches!(operation.handler, Handler::Account(_));
            assert_eq!(names_account, enters_account, "{}", operation.name);
        }
    }

    #[test]
    fn no_two_operations_share_a_name_or_a_method_and_path() {
        let names: BTreeSet<_> = OPERATIONS.iter().map(|operation| operation.name).collect();
        let places: BTreeSet<_> = OPERATIONS
            .iter()
            .map(|operation| (operation.path, operation.method.as_str()))
            .collect();
        assert_eq!(
            (names.len(), places.len()),
            (OPERATIONS.len(), OPERATIONS.len())
        );
    }

    #[test]
    fn every_operation_is_described() {
        for operation in OPERATIONS {
            let summary = operation.summary;
            assert!(
                summary.ends_with('.') && !summary.trim_end_matches('.').contains(". "),
                "{}: one sentence: {summary}",
                operation.name
            );
            assert!(!operation.description.is_empty(), "{}", operation.name);
            assert!(!operation.answers.is_empty(), "{}", operation.name);
        }
    }

    #[test]
    fn every_parameter_of_a_path_is_described() {
        let known = crate::api::parameters::OF_PATHS;
        for name in OPERATIONS
            .iter()
            .flat_map(|operation| names_in(operation.path))
        {
            assert!(
                known.iter().any(|parameter| parameter.name == name),
                "{name}"
            );
        }
    }
}

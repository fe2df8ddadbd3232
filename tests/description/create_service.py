"""A typed client in Python, from openapi.json alone: creates a service, shows it, and reads a refusal.

    python create_service.py URL TOKEN
"""

from __future__ import annotations

import sys

from ecs_api_client import AuthenticatedClient
from ecs_api_client.api.clusters import show_cluster
from ecs_api_client.api.services import list_services
from ecs_api_client.api.whole_services import create_orchestration
from ecs_api_client.models import (
    ContainerDefinitionInput,
    CreateClusterInput,
    CreateOrchestrationInput,
    CreateOrchestrationOutput,
    CreateServiceInput,
    Problem,
    RegisterTaskDefinitionInput,
)


def main(url: str, token: str) -> None:
    """Create a service and look at it."""
    api = AuthenticatedClient(base_url=f"{url}/v1/ecs", token=token)
    body = CreateOrchestrationInput(
        cluster=CreateClusterInput(cluster_name="python"),
        task_definition=RegisterTaskDefinitionInput(
            family="python",
            cpu="256",
            memory="512",
            container_definitions=[ContainerDefinitionInput(name="web", image="nginx:alpine", ports=[80])],
        ),
        service=CreateServiceInput(service_name="python", desired_count=1),
    )
    created = create_orchestration.sync("nonprod", client=api, body=body)
    assert isinstance(created, CreateOrchestrationOutput), created
    arn = created.service.service_arn

    listed = list_services.sync("nonprod", "python", client=api, limit=10)
    assert isinstance(listed, list) and arn in listed, listed

    missing = show_cluster.sync("nonprod", "missing", client=api)
    assert isinstance(missing, Problem) and (missing.status, missing.code) == (404, "NotFound"), missing
    print(arn)


if __name__ == "__main__":
    main(*sys.argv[1:])

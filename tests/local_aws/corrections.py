"""ministack with six things as AWS has them.

Lambda tells a function which alias was invoked, whoever invoked it
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html); ministack does so for an invocation, but not for one by an
API Gateway. `aws:PrincipalArn` of a role's session is the role's ARN
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html); ministack's is the session's. A condition
of a template may take a text apart
(https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-split.html); ministack
leaves `Fn::Split` and `Fn::Sub` in conditions as they are.

IAM's simulator decides with the context that it is given, and knows no role that is not there
(https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html); ministack's decides without.
It is allowed for a role
(https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html), and
`ssm:GetParametersByPath` for a path
(https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-access.html); ministack wants both allowed for
every resource. An HTTP API without CORS of its own routes preflight requests as it does others
(https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html); ministack refuses them.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id
from ministack.services import apigateway, iam, lambda_svc
from ministack.services.cloudformation import changesets, engine, handlers, stacks

PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9]+)\}")
SESSION = re.compile(r"arn:([^:]+):sts::(\d{12}):assumed-role/([^/]+)/.*")

SIMULATED: ContextVar[dict[str, Any] | None] = ContextVar("SIMULATED", default=None)
"""The context of the simulation that is under way, with its keys in lower case."""

find = lambda_svc._get_func_record_for_ref_in_scope
resolve = iam_evaluator._resolve_condition_key
evaluate = engine._evaluate_conditions
simulate = iam._simulate_principal_policy
resource = iam_actions.extract_resource_arn
execute = apigateway._handle_execute_in_scope
match_route = apigateway._match_route
invoke = apigateway._invoke_lambda_proxy


def find_with_alias(ref: str, **scope: Any) -> tuple[dict[str, Any] | None, dict[str, Any] | None, str]:
    """Return what `find` does, with the alias of `ref` in the function's ARN."""
    function, config, name = find(ref, **scope)
    _, alias = lambda_svc._resolve_name_and_qualifier(ref)
    if config is not None and alias:
        config = config | {"FunctionArn": f"{config['FunctionArn']}:{alias}"}
    return function, config, name


def resolve_with_role(key: str, context: Any) -> Any:
    """Return what a simulation was given, or else what `resolve` does, with the role of a session in place of the session."""
    simulated = SIMULATED.get() or {}
    if key.lower() in simulated:
        return simulated[key.lower()]
    value = resolve(key, context)
    if key.lower() != "aws:principalarn" or value is None:
        return value
    return SESSION.sub(r"arn:\1:iam::\2:role/\3", value)


def evaluate_with_texts(template: dict[str, Any], params: dict[str, Any]) -> dict[str, bool]:
    """Return what `evaluate` does, with texts put together and taken apart in conditions."""
    conditions = with_texts(template.get("Conditions", {}), params)
    return evaluate({**template, "Conditions": conditions}, params)


def with_texts(value: Any, params: dict[str, Any]) -> Any:
    """Return a part of a condition with `Fn::Sub` and `Fn::Split` replaced by what they come to."""
    if isinstance(value, list):
        return [with_texts(each, params) for each in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Sub" in value:
        return PLACEHOLDER.sub(lambda found: str(params[found[1]]["Value"]), value["Fn::Sub"])
    if "Fn::Split" in value:
        delimiter, text = with_texts(value["Fn::Split"], params)
        return text.split(delimiter)
    return {name: with_texts(each, params) for name, each in value.items()}


def simulate_in_context(parameters: dict[str, Any]) -> Any:
    """Return what `simulate` does, in the context of `parameters`, of a role that is there."""
    _, _, role = iam._p(parameters, "PolicySourceArn").partition(":role/")
    name = role.rpartition("/")[2]
    if name and iam._roles.get_scoped(get_account_id(), None, name) is None:
        return iam._error(404, "NoSuchEntity", f"Role {name} does not exist.")
    token = SIMULATED.set(context_of(parameters))
    try:
        return simulate(parameters)
    finally:
        SIMULATED.reset(token)


def context_of(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the context entries of a simulation: those of a list have a list."""
    context: dict[str, Any] = {}
    number = 1
    while key := iam._p(parameters, f"ContextEntries.member.{number}.ContextKeyName"):
        entry = f"ContextEntries.member.{number}"
        value = iam._p(parameters, f"{entry}.ContextKeyValues.member.1")
        is_list = iam._p(parameters, f"{entry}.ContextKeyType").endswith("List")
        context[key.lower()] = [value] if is_list else value
        number += 1
    return context


def resource_as_asked(service: str, *given: Any) -> str:
    """Return what `resource` does, and else the path of parameters, or the role of a simulation."""
    found: str = resource(service, *given)
    *_, body, query_params, region, account = given
    if found == "*" and service == "ssm" and (path := iam_actions._param(body, query_params, "Path")):
        return f"arn:aws:ssm:{region}:{account}:parameter{path}"
    if found == "*" and service == "iam":
        return iam_actions._param(body, query_params, "PolicySourceArn") or found
    return found


async def execute_preflight(api: str, stage: str, path: str, method: str, *given: Any) -> Any:
    """Return what `execute` does, which looks for `OPTIONS` in capitals, and refuses it."""
    has_cors = (apigateway._apis.get(api) or {}).get("corsConfiguration")
    return await execute(api, stage, path, method if has_cors else method.lower(), *given)


def match_route_of(api: str, method: str, path: str) -> Any:
    """Return what `match_route` does for a method in small letters."""
    return match_route(api, method.upper(), path)


async def invoke_by(integration: Any, api: str, stage: str, path: str, method: str, *given: Any, **named: Any) -> Any:
    """Return what `invoke` does for a method in small letters."""
    return await invoke(integration, api, stage, path, method.upper(), *given, **named)


lambda_svc._get_func_record_for_ref_in_scope = find_with_alias
iam_evaluator._resolve_condition_key = resolve_with_role
for module in (changesets, engine, handlers, stacks):
    module._evaluate_conditions = evaluate_with_texts
iam._IAM_HANDLERS["SimulatePrincipalPolicy"] = simulate_in_context
iam_actions.extract_resource_arn = resource_as_asked
apigateway._handle_execute_in_scope = execute_preflight
apigateway._match_route = match_route_of
apigateway._invoke_lambda_proxy = invoke_by

"""ministack with three things as AWS has them.

Lambda tells a function which alias was invoked, whoever invoked it
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html); ministack does so for an invocation, but not for one by an
API Gateway. `aws:PrincipalArn` of a role's session is the role's ARN
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html); ministack's is the session's. A condition
of a template may take a text apart
(https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-split.html); ministack
leaves `Fn::Split` and `Fn::Sub` in conditions as they are.
"""

from __future__ import annotations

import re
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import lambda_svc
from ministack.services.cloudformation import changesets, engine, handlers, stacks

PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9]+)\}")
SESSION = re.compile(r"arn:([^:]+):sts::(\d{12}):assumed-role/([^/]+)/.*")

find = lambda_svc._get_func_record_for_ref_in_scope
resolve = iam_evaluator._resolve_condition_key
evaluate = engine._evaluate_conditions


def find_with_alias(ref: str, **scope: Any) -> tuple[dict[str, Any] | None, dict[str, Any] | None, str]:
    """Return what `find` does, with the alias of `ref` in the function's ARN."""
    function, config, name = find(ref, **scope)
    _, alias = lambda_svc._resolve_name_and_qualifier(ref)
    if config is not None and alias:
        config = config | {"FunctionArn": f"{config['FunctionArn']}:{alias}"}
    return function, config, name


def resolve_with_role(key: str, context: Any) -> Any:
    """Return what `resolve` does, with the role of a session in place of the session."""
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


lambda_svc._get_func_record_for_ref_in_scope = find_with_alias
iam_evaluator._resolve_condition_key = resolve_with_role
for module in (changesets, engine, handlers, stacks):
    module._evaluate_conditions = evaluate_with_texts

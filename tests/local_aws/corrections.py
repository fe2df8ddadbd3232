"""ministack with two things as AWS has them.

Lambda tells a function which alias was invoked, whoever invoked it
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html); ministack does so for an invocation, but not for one by an
API Gateway. `aws:PrincipalArn` of a role's session is the role's ARN
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html); ministack's is the session's.
"""

from __future__ import annotations

import re
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import lambda_svc

SESSION = re.compile(r"arn:([^:]+):sts::(\d{12}):assumed-role/([^/]+)/.*")

find = lambda_svc._get_func_record_for_ref_in_scope
resolve = iam_evaluator._resolve_condition_key


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


lambda_svc._get_func_record_for_ref_in_scope = find_with_alias
iam_evaluator._resolve_condition_key = resolve_with_role

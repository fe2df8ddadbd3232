"""The CloudFormation templates as one line of JSON on standard output: {"template.yaml": {…}, …}.

    python tests/local_aws/templates.py

Intrinsic functions are in their long form: `!Ref X` is {"Ref": "X"}.
"""

from __future__ import annotations

import json
from pathlib import Path

from cfnlint.decode import cfn_yaml

PROJECT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Print the templates."""
    paths = [PROJECT / "template.yaml", *sorted((PROJECT / "templates").glob("*.yaml"))]
    templates = {str(path.relative_to(PROJECT)): cfn_yaml.load(str(path)) for path in paths}
    print(json.dumps(templates))


if __name__ == "__main__":
    main()

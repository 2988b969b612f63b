"""The schema and the gateway's models must judge every example alike: {valid,invalid}/KIND/*.json.

An invalid example's file name says what is wrong with it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from gateway.contract import MODELS, ReadingItem
from gateway.reading import FIELDS

HERE = Path(__file__).parent
SCHEMA = json.loads((HERE / "schema.json").read_text())
EXAMPLES = sorted(HERE.glob("*valid/*/*.json"))


def by_schema(kind: str, document: Any) -> bool:
    schema = {**SCHEMA, "$ref": f"#/$defs/{kind}"}
    return jsonschema.Draft202012Validator(schema).is_valid(document)


def by_models(kind: str, document: Any) -> bool:
    for model in MODELS[kind]:
        try:
            model.model_validate(document)
        except ValidationError:
            continue
        return True
    return False


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: "/".join(path.with_suffix("").parts[-3:]))
def test_example(path: Path) -> None:
    expected = path.parts[-3] == "valid"
    document = json.loads(path.read_text())
    assert by_schema(path.parts[-2], document) is expected
    assert by_models(path.parts[-2], document) is expected


@pytest.mark.parametrize("kind", sorted(MODELS))
@pytest.mark.parametrize("judgement", ["valid", "invalid"])
def test_every_kind_has_examples(kind: str, judgement: str) -> None:
    assert [path for path in EXAMPLES if path.parts[-3:-1] == (judgement, kind)]


def test_schema_model_and_journal_name_the_same_values() -> None:
    declared = set(SCHEMA["$defs"]["reading"]["properties"])
    assert declared == set(ReadingItem.__annotations__)
    assert set(FIELDS) == declared - {"seq", "t", "tq", "up", "dt", "n", "slot", "model", "flags"}

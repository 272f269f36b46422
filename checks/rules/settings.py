"""Every setting says what it is for, in a ``#:`` line above it: the page about settings is made of these."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from checks.attribute_docs import attribute_docs
from checks.tree import Finding, Tree
from config.setting_keys import section_of
from config.settings import Settings


def findings(tree: Tree) -> Iterator[Finding]:
    """Settings that nobody explained."""
    models = [Settings, *(section_of(field.annotation) for field in Settings.model_fields.values())]
    for model in filter(None, models):
        docs = attribute_docs(model)
        path = str(inspect.getsourcefile(model)).removeprefix(f"{tree.root}/")
        for name, field in model.model_fields.items():
            if name not in docs and not (model is Settings and section_of(field.annotation)) and name != "provisioning":
                yield Finding(
                    path, f"'{name}' of {model.__name__} does not say what it is; write a '#:' line above it."
                )

"""The rules: each module has one, as ``findings(tree)``, and says it in its first line."""

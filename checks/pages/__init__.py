"""The pages that are written from the code: each module has one, as ``PATH`` and ``text()``."""

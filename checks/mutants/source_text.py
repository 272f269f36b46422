"""Positions in the text of a module: from a node of the syntax tree to the bytes it was written with."""

from __future__ import annotations

import ast
import io
import tokenize


class SourceText:
    """The bytes of a module. Columns of the syntax tree count bytes of UTF-8, and so does this."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self._lines = source.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))
        self._code = self._without_comments()

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """The first byte of a node, and the one behind its last."""
        if node.end_lineno is None or node.end_col_offset is None:
            raise ValueError("The node has no position; parse it from source.")
        return self._starts[node.lineno - 1] + node.col_offset, self._starts[node.end_lineno - 1] + node.end_col_offset

    def between(self, left: ast.expr, right: ast.expr) -> tuple[int, str]:
        """Where the text between two nodes begins, and that text with comments blanked out."""
        start, end = self.span(left)[1], self.span(right)[0]
        return start, self._code[start:end].decode()

    def changed_lines(self, start: int, end: int, replacement: str) -> tuple[str, str]:
        """The lines of these bytes before and after they are replaced, without indentation, joined by a space."""
        first = self.source.rfind(b"\n", 0, start) + 1
        last = self.source.find(b"\n", end)
        last = len(self.source) if last < 0 else last
        after = self.source[first:start] + replacement.encode() + self.source[end:last]
        return _joined(self.source[first:last]), _joined(after)

    def _without_comments(self) -> bytes:
        code = bytearray(self.source)
        for token in tokenize.tokenize(io.BytesIO(self.source).readline):
            if token.type == tokenize.COMMENT:
                row, column = token.start
                start = self._starts[row - 1] + len(token.line[:column].encode())
                length = len(token.string.encode())
                code[start : start + length] = b" " * length
        return bytes(code)


def _joined(text: bytes) -> str:
    return " ".join(line.strip() for line in text.decode().splitlines())

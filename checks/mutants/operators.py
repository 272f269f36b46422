"""The operators: which small breaks a module allows.

Wording is left alone, since a changed sentence breaks no rule: docstrings, annotations, what is logged, raised or asserted,
strings with blanks in them, f-strings, and arguments whose name says that they are read by people.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import contextmanager

from checks.mutants.mutation import MODULE, Mutation
from checks.mutants.source_text import SourceText

_COMPARISONS: dict[type[ast.cmpop], tuple[str, tuple[str, ...]]] = {
    ast.Eq: (r"==", ("!=",)),
    ast.NotEq: (r"!=", ("==",)),
    ast.Lt: (r"<", ("<=", ">=")),
    ast.LtE: (r"<=", ("<", ">")),
    ast.Gt: (r">", (">=", "<=")),
    ast.GtE: (r">=", (">", "<")),
    ast.Is: (r"\bis\b", ("is not",)),
    ast.IsNot: (r"\bis\s+not\b", ("is",)),
    ast.In: (r"\bin\b", ("not in",)),
    ast.NotIn: (r"\bnot\s+in\b", ("in",)),
}
_ARITHMETIC: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: (r"\+", "-"),
    ast.Sub: (r"-", "+"),
    ast.Mult: (r"\*", "//"),
    ast.Div: (r"/", "*"),
    ast.FloorDiv: (r"//", "*"),
    ast.Mod: (r"%", "*"),
    ast.BitOr: (r"\|", "&"),
    ast.BitAnd: (r"&", "|"),
}
#: A key, a state, a path: no sentence has this form.
_WORD = re.compile(r"[\w./:@-]+")
#: Calls that write logs: by the name before the dot, or by the beginning of a function's name.
_LOGS = frozenset({"_log", "log", "logger", "structlog"})
_LOGGING_FUNCTION = "log_"
#: Arguments that are read by people, or that tune how a class is made.
_WORDING = frozenset(
    {
        "description",
        "doc",
        "examples",
        "help",
        "note",
        "notes",
        "reason",
        "remedy",
        "title",
        "what",
        "why",
        "frozen",
        "slots",
    }
)


def mutations(path: str, source: bytes) -> list[Mutation]:
    """Every mutation of one module, in the order of its text. ``path`` is relative to the root of the project."""
    finder = _Finder(path, SourceText(source))
    finder.visit(ast.parse(source))
    found = {(each.start, each.end, each.replacement): each for each in finder.found}
    return [found[place] for place in sorted(found)]


class _Finder(ast.NodeVisitor):
    """Walks a module, knows where it is, and notes what may be mutated there."""

    def __init__(self, path: str, text: SourceText) -> None:
        self.found: list[Mutation] = []
        self._path = path
        self._text = text
        self._names: list[str] = []
        self._functions = 0
        self._symbol: str | None = None
        self._lines = (1, 1)
        self._in_signature = False

    # --- where we are ---

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.stmt):
            self._lines = _header(node)
            if not self._functions:
                self._symbol = bound_name(node) or self._symbol
        super().visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        body = (node.body[0].lineno, node.body[-1].end_lineno or node.lineno)
        with self._inside(node.name):
            self._lines, self._in_signature = body, True
            for default in (*node.args.defaults, *(each for each in node.args.kw_defaults if each is not None)):
                self.visit(default)
            self._in_signature = False
            self._functions += 1
            self._visit_all(_without_docstring(node.body))
            self._functions -= 1

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - ast's name

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        with self._inside(node.name):
            self._symbol = node.name
            self._visit_all(_without_docstring(node.body))
        self._symbol = None

    @contextmanager
    def _inside(self, name: str) -> Iterator[None]:
        self._names.append(name)
        yield
        self._names.pop()

    # --- what is left alone ---

    def visit_Module(self, node: ast.Module) -> None:
        self._visit_all(_without_docstring(node.body))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None and "TypeAlias" not in ast.dump(node.annotation):
            self.visit(node.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        if not any(isinstance(target, ast.Name) and target.id.startswith("__") for target in node.targets):
            self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg not in _WORDING:
            self.generic_visit(node)

    def _leave(self, node: ast.AST) -> None:
        """Neither this node nor anything in it is mutated."""

    visit_Assert = visit_Import = visit_ImportFrom = visit_JoinedStr = visit_Raise = _leave  # noqa: N815 - ast's names

    # --- what is mutated ---

    def visit_Compare(self, node: ast.Compare) -> None:
        operands = [node.left, *node.comparators]
        for left, operator, right in zip(operands, node.ops, node.comparators, strict=False):
            written, others = _COMPARISONS[type(operator)]
            for other in others:
                self._replace_between(left, right, written, other, "comparison")
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        word, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:], strict=False):
            self._replace_between(left, right, rf"\b{word}\b", other, "boolean")
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            start, _ = self._text.span(node)
            self._note(start, start + len("not"), "", "negation", node.lineno)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        known = _ARITHMETIC.get(type(node.op))
        types = isinstance(node.op, ast.BitOr) and not self._functions
        if known and not types and not any(_is_text(side) for side in (node.left, node.right)):
            self._replace_between(node.left, node.right, known[0], known[1], "arithmetic")
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        known = _ARITHMETIC.get(type(node.op))
        if known and not _is_text(node.value):
            self._replace_between(node.target, node.value, known[0] + "=", known[1] + "=", "arithmetic")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        match node.value:
            case bool():
                self._replace(node, str(not node.value), "constant")
            case int() | float():
                self._replace(node, repr(node.value + 1), "constant")
                self._replace(node, repr(node.value - 1), "constant")
            case str() if _WORD.fullmatch(node.value):
                self._replace(node, f'"{node.value}_"', "constant")

    def visit_If(self, node: ast.If | ast.IfExp) -> None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return
        self._replace(node.test, "True", "branch")
        self._replace(node.test, "False", "branch")
        self.generic_visit(node)

    visit_IfExp = visit_If  # noqa: N815 - ast's name

    def visit_While(self, node: ast.While) -> None:
        self._replace(node.test, "False", "branch")
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self._replace(test, "True", "branch")
        self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
            self._replace(node.value, "None", "return")
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            if not _writes_log(node.value):
                self._replace(node, "pass", "statement")
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if not _writes_log(node):
            self.generic_visit(node)

    def visit_Break(self, node: ast.Break) -> None:
        self._replace(node, "continue", "loop")

    def visit_Continue(self, node: ast.Continue) -> None:
        self._replace(node, "break", "loop")

    # --- noting ---

    def _visit_all(self, nodes: list[ast.stmt]) -> None:
        for node in nodes:
            self.visit(node)

    def _replace(self, node: ast.expr | ast.stmt, replacement: str, operator: str) -> None:
        start, end = self._text.span(node)
        if self._text.source[start:end].decode() != replacement:
            self._note(start, end, replacement, operator, node.lineno)

    def _replace_between(self, left: ast.expr, right: ast.expr, written: str, other: str, operator: str) -> None:
        start, text = self._text.between(left, right)
        if found := re.search(written, text):
            before = len(text[: found.start()].encode())
            line = (left.end_lineno or left.lineno) + text[: found.start()].count("\n")
            self._note(start + before, start + before + len(found[0]), other, operator, line)

    def _note(self, start: int, end: int, replacement: str, operator: str, line: int) -> None:
        at_import = not (self._functions or self._in_signature)
        before, after = self._text.changed_lines(start, end, replacement)
        self.found.append(
            Mutation(
                path=self._path,
                function=".".join(self._names) or MODULE,
                symbol=self._symbol if at_import else None,
                operator=operator,
                start=start,
                end=end,
                replacement=replacement,
                line=line,
                lines=self._lines,
                at_import=at_import,
                before=before,
                after=after,
            )
        )


def _header(node: ast.stmt) -> tuple[int, int]:
    """The lines of a statement, without those of the statements inside it."""
    last = node.end_lineno or node.lineno
    match node:
        case ast.If() | ast.While() | ast.For() | ast.With() | ast.Try() | ast.Match():
            first_inside = node.cases[0].pattern if isinstance(node, ast.Match) else node.body[0]
            last = max(node.lineno, first_inside.lineno - 1)
    return node.lineno, last


def bound_name(node: ast.stmt) -> str | None:
    """The name that an assignment, a class or a function binds."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return node.name
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return next((target.id for target in targets if isinstance(target, ast.Name)), None)


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return body[1:] if documented else body


def _writes_log(call: ast.Call) -> bool:
    root: ast.expr = call.func
    while isinstance(root, ast.Attribute | ast.Call):
        root = root.value if isinstance(root, ast.Attribute) else root.func
    return isinstance(root, ast.Name) and (root.id in _LOGS or root.id.startswith(_LOGGING_FUNCTION))


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))

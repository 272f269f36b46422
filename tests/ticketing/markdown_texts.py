"""Markdown as people and machines write it, for property tests: pieces of syntax thrown together with any text."""

from hypothesis import strategies as st

PIECES = [
    "# ",
    "- ",
    "1. ",
    "007) ",
    "> ",
    "\n",
    "\n\n",
    "    ",
    "**",
    "*",
    "_",
    "`",
    "```py\n",
    "~~",
    "[a](http://x.y)",
    "[a](javascript:alert(1))",
    "[](z)",
    "![](b)",
    "![x](http://q)",
    "|a|b|\n|-|-|\n|1|`|2|\n",
    "---\n",
    "===\n",
    "<b>",
    "<http://x.y>",
    "&amp;",
    "&#10;",
    "\\",
    "  \n",
    "@ada",
    "\t",
    "\x00",
    "\x0b",
    "\u2028",
    "\x85",
    "\ud800",
    "\U0001f600",
]

markdown_texts = st.one_of(
    st.text(),
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), max_size=40).map("".join),
)

import string

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def ascii_lower(text: str) -> str:
    """Return a text with its ASCII letters in lower case, and every other letter as it is.

    Addresses are compared so: `maße@` and `masse@` are two, and so are addresses with and without a dotless i.
    """
    return text.translate(_LOWER)

"""The truth audit: whether what closed tickets say of access is true, for tickets that Provisor never made.

It writes nothing anywhere, and needs no store: the systems are read into memory, in the fewest calls.
"""

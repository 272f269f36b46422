"""The systems that Provisor connects, in one table (``table.SYSTEMS``).

A system is added with a word in ``access.entitlements.System``, a section of that name in the settings, a connector and a
reader in ``connectors/``, and here with a module that makes its ``SystemDefinition`` and a row in the table.
"""

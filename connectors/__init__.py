"""What each system can do, and how to read it completely.

A docstring marks a fact about someone else's service by how sure it is: ``[spec]``, ``[docs]``, ``[observed]`` or
``[assumed]``. The facts with their sources are in ``docs/contracts``.
"""

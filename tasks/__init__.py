"""The use-cases: what Provisor does with messages, requests, operations, claims, tickets and snapshots.

None of these is a Celery task: the tasks in ``worker`` call them.
"""

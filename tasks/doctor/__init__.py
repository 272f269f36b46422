"""The doctor: proves what the settings claim, before the first request finds out. It changes nothing anywhere.

What only a write proves is proven by one that could change nothing even if what it names were there.
"""

"""The doctor: proves what the settings claim, before the first request finds out. It changes nothing anywhere."""

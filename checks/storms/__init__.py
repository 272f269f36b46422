"""Storms of real processes: workers, brokers and databases are disturbed while thousands of requests are carried out."""

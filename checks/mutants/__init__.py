"""Mutation testing: break the product in many small ways, and count how many of the breaks the tests notice."""

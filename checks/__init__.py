"""How this house is kept, as far as a machine can check it. Not part of the product, and not installed with it.

``python -m checks check`` runs every check and changes nothing; ``python -m checks write`` writes the generated pages.
"""

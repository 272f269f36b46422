"""How this house is kept, as far as a machine can check it. Not part of the product, and not installed with it.

``python -m house check`` runs every check and changes nothing; ``python -m house write`` writes the generated pages.
"""

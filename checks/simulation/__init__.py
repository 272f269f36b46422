"""A virtual-time simulation of several processes over one store, in weather that a seed decides (``make prove-simulation``).

``turns.py`` lets one thread run at a time; ``points.py`` knows the crash points; ``outside.py`` has the simulated systems and
their weather; ``stories.py`` what is asked for, and what has to come of it; ``life.py`` runs some days of it, and
``judgement.py`` judges them by the truth of the systems; ``planted.py`` plants bugs that have to be found.
"""

"""Plugin for Wildbook-IA (WBIA): the identification pipelines ``LightGlue`` and ``Hybrid``.

WBIA is no dependency: only ``plugin`` and the modules it is made of import it. ``plugin`` is
what WBIA loads; ``python -m resight.wbia`` starts WBIA with it, ``loading`` adds it to a
database that is open. docs/wbia.md tells how to install and use it.
"""

"""Which gallery photos are worth matching: cheap, over the whole gallery.

``packed`` keeps the first descriptors of every photo, ``scan`` compares a query's with
those of some hundreds of photos exactly, ``votes`` finds those hundreds among very many,
``index`` keeps all up to date with a gallery.
"""

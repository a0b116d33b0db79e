"""Add the plugin to a WBIA database that is open already."""

from __future__ import annotations

from typing import Any


def load_into(ibs: Any) -> None:
    """Add the methods and tables to a controller; nothing is done twice.

    WBIA makes tables when it opens a database and has no way to add one later, so this does what
    its ``DependencyCache.initialize`` does, for our tables only. Import
    ``resight.wbia.plugin`` before ``wbia.opendb`` where that is possible.
    """
    from wbia.dtool import depcache_control, depcache_table, sql_control

    from resight.wbia import plugin
    from resight.wbia.tables import FILE

    ibs.load_plugin_module(plugin)
    cache = ibs.depc_annot
    for _, declared in depcache_control.PREPROC_REGISTER[cache.root]:
        if declared.get("fname") != FILE or declared["tablename"] in cache.cachetable_dict:
            continue
        table = cache._register_prop(**declared)
        if cache._db_by_name.get(FILE) is None:
            database = sql_control.SQLDatabaseController(ibs.make_cache_db_uri(FILE), FILE)
            depcache_table.ensure_config_table(database)
            cache._db_by_name[FILE] = database
        table.initialize()

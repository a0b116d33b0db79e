"""The command that shows the settings."""

from __future__ import annotations

from resight.cli.options import HERE, AsJson, CatalogueFolder, Quiet, Set
from resight.cli.output import Column, Output


def settings(
    set_: Set = None,
    catalogue: CatalogueFolder = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show all settings: value, where it was set, and what it means.

    From weakest to strongest: defaults, resight.toml in your configuration folder,
    resight.toml in the catalogue's folder, RESIGHT_… variables, --set.

    Examples:
      resight settings
      RESIGHT_MAX_KEYPOINTS=512 resight settings

    Next: resight identify PHOTO --set max_keypoints=512
    """
    from resight.settings import FILE_NAME, Settings, locate_settings, user_settings_folder

    out = Output(quiet=quiet, as_json=as_json)
    values, origins = locate_settings(set_ or (), catalogue=catalogue)
    rows = [
        {
            "name": name,
            "value": getattr(values, name),
            "from": origins.get(name, "default"),
            "default": field.default,
            "description": field.description or "",
        }
        for name, field in Settings.model_fields.items()
    ]
    out.json({"settings": rows})
    out.table(
        [
            Column("Setting"),
            Column("Value"),
            Column("From", fold=True),
            Column("Meaning", fold=True),
        ],
        [(row["name"], row["value"], row["from"], row["description"]) for row in rows],
    )
    out.say(f"Files: {user_settings_folder() / FILE_NAME}, {catalogue / FILE_NAME}")

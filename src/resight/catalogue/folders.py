"""Folders for a catalogue: which are free, and in which it is at risk.

At risk are those on a network or copied by a cloud service: SQLite's locks and
write-ahead log do not work across a network, and a service that copies the
database while it is being written copies it broken.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

#: The file that makes a folder a catalogue.
DATABASE = "catalogue.sqlite"
#: What that is called as long as a backup is being restored.
UNFINISHED = "catalogue.sqlite.restoring"
_NETWORK = {
    "nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afs", "afpfs", "ncpfs", "9p", "ceph",
    "glusterfs", "lustre", "beegfs", "gpfs", "webdav", "davfs", "fuse.sshfs", "fuse.rclone",
    "fuse.davfs2", "fuse.gvfsd-fuse", "fuse.glusterfs", "fuse.s3fs", "fuse.smbnetfs", "macfuse",
}  # fmt: skip
#: Beginnings of folder names that services give to what they copy.
_CLOUD_FOLDERS = {
    "dropbox": "Dropbox",
    "onedrive": "OneDrive",
    "google drive": "Google Drive",
    "googledrive": "Google Drive",
    "my drive": "Google Drive",
    "icloud": "iCloud",
    "com~apple~clouddocs": "iCloud",
    "mobile documents": "iCloud",
    "nextcloud": "Nextcloud",
    "owncloud": "ownCloud",
    "box sync": "Box",
    "pcloud": "pCloud",
    "megasync": "MEGA",
    "seafile": "Seafile",
}
#: Files and folders that services keep in what they copy.
_CLOUD_MARKERS = {
    ".dropbox": "Dropbox",
    ".dropbox.cache": "Dropbox",
    ".stfolder": "Syncthing",
    ".nextcloudsync.log": "Nextcloud",
    ".owncloudsync.log": "ownCloud",
    ".sync_folder": "a sync service",
    ".tmp.drivedownload": "Google Drive",
    ".tmp.driveupload": "Google Drive",
}
#: What file managers leave in a folder that people see as empty.
UNSEEN = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


def is_free(folder: Path) -> bool:
    """Whether a catalogue may be made in ``folder``: it is empty, or not there yet.

    The catalogue's settings may be there before it. Raises ``OSError``.
    """
    from resight.settings import FILE_NAME  # loads pydantic

    if not folder.exists():
        return True
    return {path.name for path in folder.iterdir()} <= {FILE_NAME, *UNSEEN}


def folder_warnings(folder: Path) -> list[str]:
    """Why a catalogue in ``folder`` (which need not exist yet) would be at risk."""
    import psutil

    folder = folder.absolute().resolve()
    mounts = [(part.mountpoint, part.fstype) for part in psutil.disk_partitions(all=True)]
    warnings = []
    kind = file_system_of(folder, mounts)
    if kind.lower() in _NETWORK:
        warnings.append(
            f"{folder} is on a network file system ({kind}), where SQLite cannot protect the "
            "catalogue: keep it on a disk of this computer and copy it with backup"
        )
    service = cloud_service_of(folder)
    if service:
        warnings.append(
            f"{folder} is copied by {service}, which may copy the database half written and "
            "overwrite it: keep the catalogue elsewhere and put its backups there"
        )
    return warnings


def file_system_of(folder: Path, mounts: Sequence[tuple[str, str]]) -> str:
    """The type of the file system a folder is on, given (mount point, type) pairs.

    >>> file_system_of(Path("/home/ann/turtles"), [("/", "ext4"), ("/home", "nfs4")])
    'nfs4'
    """
    best, kind = -1, ""
    for point, found in mounts:
        # The last mount on a point hides those before it.
        if folder.is_relative_to(point) and len(Path(point).parts) >= best:
            best, kind = len(Path(point).parts), found
    return kind


def cloud_service_of(folder: Path) -> str:
    """The service that copies a folder, empty for none that is known."""
    for place in (folder, *folder.parents):
        name = place.name.casefold()
        for beginning, service in _CLOUD_FOLDERS.items():
            # "Dropbox (Personal)", "OneDrive - University", "iCloud~…", not "dropboxes".
            rest = name.removeprefix(beginning)
            if rest != name and (not rest or not rest[0].isalnum()):
                return service
        for marker, service in _CLOUD_MARKERS.items():
            try:
                if (place / marker).exists():
                    return service
            except OSError:  # a folder we may not look into
                continue
    return ""

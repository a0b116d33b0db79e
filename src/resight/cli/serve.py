"""The command that opens the review desk."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer

from resight.cli.hints import command
from resight.cli.options import HERE, CatalogueFolder, Quiet, Set, actor, name_of
from resight.cli.output import Output
from resight.errors import MissingExtra

if TYPE_CHECKING:
    from resight.service.desk import Desk


def serve(
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Who may connect: 0.0.0.0 is whoever reaches this machine, and then asks for a "
            "login.",
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535)] = 8000,
    add_user: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Make a user who may log in, or give one a new password and role, and serve "
            "nothing.",
            show_default=False,
        ),
    ] = "",
    role: Annotated[
        str,
        typer.Option(
            metavar="viewer|reviewer|curator",
            help="What the new user may do: look; add and decide; everything.",
        ),
    ] = "viewer",
    set_: Set = None,
    catalogue: CatalogueFolder = HERE,
    quiet: Quiet = False,
) -> None:
    """Open the review desk in a browser: look, compare, decide.

    Only this machine can connect, and needs no login. With --host others can, and
    everybody logs in; make a first user before.

    Examples:
      resight serve
      resight serve --add-user ada --role curator
      resight serve --host 0.0.0.0 --port 8080

    Next: open http://127.0.0.1:8000 in a browser; Ctrl-C stops it
    """
    from resight.settings import load_settings

    out = Output(quiet=quiet)
    serving = _serving()
    settings = load_settings(set_ or (), catalogue=catalogue)
    open_to_others = host not in serving.LOOPBACK
    desk = serving.open_desk(
        catalogue, local_user=actor(""), login_required=open_to_others, settings=settings
    )
    if add_user:
        told = _add_user(desk, name_of(add_user), role)
        out.say(f"{told} {role}, and can log in where the desk is served with --host")
        return
    if open_to_others and not any(each.role == "curator" for each in desk.store.accounts()):
        desk.close()
        made = command("serve", "--add-user", "NAME", "--role", "curator", catalogue=catalogue)
        raise typer.BadParameter(
            f"--host {host} lets others connect, who must log in, and nobody can yet: `{made}`"
        )
    if open_to_others:
        out.note(
            "Everybody must log in. Passwords and photos travel as they are: put a proxy "
            "with HTTPS before it unless the network is your own."
        )
    shown = f"[{host}]" if ":" in host else host
    out.say(f"The review desk is on http://{shown}:{port} (Ctrl-C stops it)")
    serving.serve(desk, host=host, port=port)


def _serving() -> ModuleType:
    """The service; raises ``MissingExtra`` where its packages are not installed."""
    try:
        from resight.service import serving
    except ImportError as error:
        raise MissingExtra(
            f"the review desk needs more packages ({error.name}): pip install 'resight[service]'"
        ) from error
    return serving


def _add_user(desk: Desk, name: str, wanted: str) -> str:
    """Make a user or change one, with a password that is asked for; what was done, in words."""
    from resight.service.gate import ROLES

    role = next((each for each in ROLES if each == wanted), None)
    if role is None or not name:
        raise typer.BadParameter(f"a user has a name and a role: {', '.join(ROLES)}")
    try:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        kept = desk.passwords.hash(password)
        if desk.store.account(name) is None:
            desk.store.add_account(name, kept, role)
            return f"{name} is a"
        desk.store.change_account(name, password=kept, role=role, disabled=False)
        return f"{name} has a new password, is logged out everywhere, and is a"
    finally:
        desk.close()
